"""The hinge embedding loss: the input itself for the label 1, a hinge for the label -1."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.operator import Argument, Operator, Option
from conformance.cases.values import out_of, scores
from conformance.operators.hinge_embedding_loss.pages import EXAMPLES, PAGES, SIGNATURES
from reference.formats import Float64, Format
from reference.formulas.hinge_embedding_loss import FORMULA

_AXES = ("N", "D", "E", "F", "G")
"""As many as the layers of a network give: rows, channels, and up to three of space."""


def _largest(format: Format) -> float:
    """So large that sums of a few elements stay finite."""
    return 2.0 ** (format.largest_exponent - 9)


def _away(case: Case) -> Float64:
    """Up for the label 1, down for the label -1."""
    return np.asarray(case["target"], dtype=np.float64)


OPERATOR = Operator(
    name="hinge_embedding_loss",
    word="hinge",
    title="hinge embedding loss",
    arguments=(
        Argument(
            "input",
            _AXES,
            "scores",
            scores(_largest, _largest),
            lattice=lambda _: (-2.0, -0.25, 0.0, 0.5, 1.0, 2.0, 3.5),
            differentiable=True,
        ),
        Argument(
            "target",
            _AXES,
            "labels",
            out_of(1.0, -1.0),
            lattice=lambda _: (-1.0, 1.0),
            plainer=(1.0, -1.0),
        ),
    ),
    result=_AXES,
    formula=FORMULA,
    options=(Option("margin", (2.0, 0.5, 0.0, 0.3, -0.5), 1.0, compiled=0.3, far=(3.5, 1000.75, -7.25, 2.0**-20)),),
    sizes={"N": (1, 4), "D": (1, 5), "E": (1, 3)},
    free=_AXES[1:],
    cuts=_AXES,
    pages=PAGES,
    examples=EXAMPLES,
    signatures=SIGNATURES,
    properties=frozenset({"convex", "has-kinks"}),
    away=_away,
)
