"""Targets in other dtypes than the documented one: whatever happens is recorded."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import MARGIN, SOFT, Case
from conformance.cases.strategies import Domain, Fixed
from conformance.families.sources import MARGIN_SHAPES, mindspore_margin, torch_soft
from conformance.judging.clause import both
from conformance.judging.subject import Refused, Subject

_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool")
_FLOATS = ("float16", "float32", "float64")
_HOLDS_MINUS_ONE = ("int8", "int16", "int32", "int64", "float16", "float32", "float64")


def _margin_targets(domain: Domain) -> list[Case]:
    """The label 0, twice where the dtype holds no -1 to end the block."""
    if domain.shapes:
        return []
    return [
        Case(
            operator=MARGIN,
            dtype=domain.dtype,
            input=np.array([[0.25, 0.5]]),
            target=np.array([[0, -1 if name in _HOLDS_MINUS_ONE else 0]], dtype=np.int64),
            target_dtype=name,
        )
        for name in (*_INTEGERS, *_FLOATS)
    ]


def _soft_targets(domain: Domain) -> list[Case]:
    """The labels 1 and 0."""
    if domain.shapes:
        return []
    return [
        Case(
            operator=SOFT,
            dtype=domain.dtype,
            input=np.array([[0.25, 0.5]]),
            target=np.array([[1.0, 0.0]]),
            target_dtype=name,
        )
        for name in (*_INTEGERS, *_FLOATS)
    ]


@both(
    "dtypes.targets",
    "open",
    sources={
        MARGIN: (mindspore_margin("data type must be int32 and label targets padded by -1."), MARGIN_SHAPES),
        SOFT: (torch_soft("Target: (N, C), label targets must have the same shape as the input."),),
    },
    why="One page names a dtype for targets, the others show one in their examples; what the others do is recorded.",
    cases={MARGIN: Fixed(_margin_targets), SOFT: Fixed(_soft_targets)},
)
def targets_of_every_dtype(subject: Subject, case: Case) -> str:
    """What targets of every integer, boolean and floating dtype give, scores of the variant's dtype beside them."""
    try:
        got = subject.evaluate(case).value
    except Refused as refused:
        return f"{case.target_dtype} refused: {refused.signature}"
    admitted = subject.expected(case, printed=True).value.admits(got.values.reshape(-1), case.format).all()
    words = "the formula's loss" if admitted else "another loss"
    return f"{case.target_dtype}: {words}" + (f", as {got.dtype}" if got.dtype != case.dtype else "")
