"""The multi-class margin loss: a hinge for each class beside the target, to a power, over the number of classes."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.operator import Argument, Operator, Option
from conformance.cases.values import places_of, scores, weights
from conformance.operators.multi_margin_loss.pages import EXAMPLES, PAGES, SIGNATURES
from reference.formats import Float64, Format
from reference.formulas.multi_margin_loss import FORMULA


def _largest(format: Format) -> float:
    """So large that the squares of a few hinges stay finite."""
    return 2.0 ** (format.largest_exponent // 2 - 3)


def _away(case: Case) -> Float64:
    """Towards -1 for the score of the target, towards +1 for any other."""
    classes = np.arange(case.classes)
    return np.where(classes == case["target"].astype(np.int64)[..., np.newaxis], -1.0, 1.0)


OPERATOR = Operator(
    name="multi_margin_loss",
    word="multi",
    title="multi-class margin loss",
    arguments=(
        Argument(
            "input",
            ("N", "C"),
            "scores",
            scores(_largest, _largest),
            lattice=lambda _: (-1.0, -0.25, 0.0, 0.75, 1.0),
            differentiable=True,
        ),
        Argument(
            "target",
            ("N",),
            "indices",
            places_of("C"),
            lattice=lambda classes: tuple(range(classes)),
            plainer=(0.0, 1.0),
            indexes="C",
        ),
        Argument("weight", ("C",), "weight", weights, plainer=(1.0,), optional=True, place="keyword"),
    ),
    result=("N",),
    batched_in=("mindspore",),
    formula=FORMULA,
    options=(
        Option("p", (2,), 1),
        Option("margin", (2.0, 3.0, 0.3, -0.5), 1.0, compiled=0.3, far=(3.5, 40.75, -7.25, 2.0**-20)),
    ),
    pages=PAGES,
    examples=EXAMPLES,
    signatures=SIGNATURES,
    properties=frozenset({"not-negative", "convex", "translation-invariant", "has-kinks"}),
    away=_away,
)
