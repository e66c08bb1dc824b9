"""The multi-label margin loss: a hinge for each pair of a label and another class."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.operator import Argument, Operator
from conformance.cases.values import scores
from conformance.operators.multilabel_margin_loss import targets
from conformance.operators.multilabel_margin_loss.pages import EXAMPLES, PAGES, SIGNATURES
from conformance.operators.multilabel_margin_loss.simplifying import SIMPLIFYING
from reference.enclosure import Answer
from reference.formats import Arithmetic, Float64, Format
from reference.formulas.multilabel_margin_loss import FORMULA
from reference.margin import margin_loss
from reference.nonfinite import Class, margin_classes
from reference.pairs import label_block


def _largest(format: Format) -> float:
    """So large that sums of a few pairs stay finite."""
    return 2.0 ** (format.largest_exponent - 9)


def _oracle(case: Case, arithmetic: Arithmetic, as_documented: bool) -> Answer:
    del as_documented  # the page's formula is the accurate one
    reduction = case.reduction or "mean"
    return margin_loss(case["input"], case["target"].astype("int64"), reduction, arithmetic, case.cotangent)


def _away(case: Case) -> Float64:
    """Towards -1 for the score of a label, towards +1 for any other."""
    target = case["target"].astype(np.int64)
    direction = np.ones(case["input"].shape)
    for row, place in np.argwhere(label_block(target)).tolist():
        direction[row, target[row, place]] = -1.0
    return direction


def _limits(case: Case) -> list[Class]:
    return margin_classes(case["input"], case["target"].astype(np.int64), "none")


def _score_lattice(classes: int) -> tuple[float, ...]:
    return (-1.0, -0.25, 0.0, 0.75, 1.0) if classes < 5 else (-0.25, 0.0, 0.75)


def _label_lattice(classes: int) -> tuple[float, ...]:
    return tuple(range(-1, classes))


OPERATOR = Operator(
    name="multilabel_margin_loss",
    word="margin",
    title="multi-label margin loss",
    arguments=(
        Argument(
            "input", ("N", "C"), "scores", scores(_largest, _largest), lattice=_score_lattice, differentiable=True
        ),
        Argument(
            "target",
            ("N", "C"),
            "indices",
            targets.draw,
            plain=("padded",),
            every=targets.KINDS,
            few=("one",),
            lattice=_label_lattice,
            plainer=(-1.0, 0.0),
            indexes="C",
            keep=(-1,),
        ),
    ),
    result=("N",),
    formula=FORMULA,
    pages=PAGES,
    examples=EXAMPLES,
    signatures=SIGNATURES,
    properties=frozenset({"not-negative", "convex", "translation-invariant", "has-kinks"}),
    away=_away,
    oracle=_oracle,
    limits=_limits,
    simplifying=SIMPLIFYING,
)
