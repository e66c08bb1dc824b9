"""The two-class logistic loss: log(1 + e^(-y x)) of each element."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.operator import Argument, Operator
from conformance.cases.values import out_of, scores
from conformance.operators.soft_margin_loss.pages import EXAMPLES, PAGES, SIGNATURES
from reference.formats import Float64, Format
from reference.formulas.soft_margin_loss import FORMULA

_AXES = ("N", "D", "E", "F", "G")
"""As many as the layers of a network give: rows, channels, and up to three of space."""


def _usual(format: Format) -> float:
    """So large that the page's formula, taken step by step, keeps its digits in every format."""
    del format
    return 8.0


def _largest(format: Format) -> float:
    return format.largest / 64


def _away(case: Case) -> Float64:
    """Against the label."""
    return np.asarray(-case["target"], dtype=np.float64)


OPERATOR = Operator(
    name="soft_margin_loss",
    word="logistic",
    title="two-class logistic loss",
    arguments=(
        Argument(
            "input",
            _AXES,
            "scores",
            scores(_usual, _largest),
            lattice=lambda _: (-8.0, -1.0, 0.0, 0.5, 8.0),
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
    sizes={"N": (1, 4), "D": (1, 5), "E": (1, 3)},
    free=_AXES[1:],
    cuts=_AXES,
    pages=PAGES,
    examples=EXAMPLES,
    signatures=SIGNATURES,
    properties=frozenset({"not-negative", "convex", "grows-like-its-scores"}),
    away=_away,
)
