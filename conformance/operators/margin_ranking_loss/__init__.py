"""The margin ranking loss: a hinge of the difference of two inputs, in the order that the label says."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.operator import Argument, Operator, Option
from conformance.cases.values import out_of, scores
from conformance.operators.margin_ranking_loss.pages import EXAMPLES, PAGES, SIGNATURES
from reference.formats import Float64, Format
from reference.formulas.margin_ranking_loss import FORMULA


def _largest(format: Format) -> float:
    """So large that sums of a few elements stay finite."""
    return 2.0 ** (format.largest_exponent - 9)


def _away(case: Case) -> Float64:
    """The first input against the label."""
    return np.asarray(-case["target"], dtype=np.float64)


def _lattice(classes: int) -> tuple[float, ...]:
    del classes
    return (-1.0, -0.25, 0.0, 0.75, 1.0)


def _scores(name: str) -> Argument:
    drawn = scores(_largest, _largest)
    return Argument(name, ("N",), "scores", drawn, lattice=_lattice, differentiable=True)


OPERATOR = Operator(
    name="margin_ranking_loss",
    word="ranking",
    title="margin ranking loss",
    arguments=(
        _scores("input1"),
        _scores("input2"),
        Argument("target", ("N",), "labels", out_of(1.0, -1.0), lattice=lambda _: (-1.0, 1.0), plainer=(1.0, -1.0)),
    ),
    result=("N",),
    formula=FORMULA,
    options=(Option("margin", (1.0, 0.5, 2.0, 0.3, -0.5), 0.0, compiled=0.3, far=(3.5, 1000.75, -7.25, 2.0**-20)),),
    sizes={"N": (1, 6)},
    cuts=("N",),
    pages=PAGES,
    examples=EXAMPLES,
    signatures=SIGNATURES,
    properties=frozenset({"not-negative", "convex", "translation-invariant", "has-kinks"}),
    away=_away,
)
