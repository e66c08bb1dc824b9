"""The multi-label soft margin loss: a logistic loss for each class, and their mean."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.operator import Argument, Operator
from conformance.cases.values import out_of, scores, weights
from conformance.operators.multilabel_soft_margin_loss.pages import EXAMPLES, PAGES, SIGNATURES
from reference.enclosure import Answer
from reference.formats import Arithmetic, Float64, Format
from reference.formulas.multilabel_soft_margin_loss import FORMULA
from reference.nonfinite import Class, soft_classes
from reference.soft_margin import soft_margin_loss


def _usual(format: Format) -> float:
    """So large that the page's formula, taken step by step, keeps its digits in every format."""
    del format
    return 8.0


def _largest(format: Format) -> float:
    return format.largest / 64


def _oracle(case: Case, arithmetic: Arithmetic, as_documented: bool) -> Answer:
    return soft_margin_loss(
        case["input"],
        case["target"].astype("float64"),
        case.reduction or "mean",
        arithmetic,
        case.cotangent,
        case.get("weight"),
        printed=as_documented,
    )


def _away(case: Case) -> Float64:
    """Towards +1 for the label 0, towards -1 for the label 1."""
    return np.asarray(1.0 - 2.0 * case["target"], dtype=np.float64)


def _limits(case: Case) -> list[Class]:
    return soft_classes(case["input"], case["target"].astype(np.float64), None, "none")


def _score_lattice(classes: int) -> tuple[float, ...]:
    del classes
    return (-8.0, -1.0, 0.0, 0.5, 8.0)


def _label_lattice(classes: int) -> tuple[float, ...]:
    del classes
    return (0.0, 1.0)


OPERATOR = Operator(
    name="multilabel_soft_margin_loss",
    word="soft",
    title="multi-label soft margin loss",
    arguments=(
        Argument("input", ("N", "C"), "scores", scores(_usual, _largest), lattice=_score_lattice, differentiable=True),
        Argument("target", ("N", "C"), "labels", out_of(0.0, 1.0), lattice=_label_lattice, differentiable=True),
        Argument(
            "weight", ("C",), "weight", weights, plainer=(1.0,), optional=True, place="keyword", differentiable=True
        ),
    ),
    result=("N",),
    formula=FORMULA,
    unbatched=False,
    pages=PAGES,
    examples=EXAMPLES,
    signatures=SIGNATURES,
    properties=frozenset({"not-negative", "convex", "grows-like-its-scores"}),
    away=_away,
    oracle=_oracle,
    limits=_limits,
)
