"""What MindSpore's page promises to refuse."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import Domain, Fixed
from conformance.families.value import first_example
from conformance.judging.clause import MINDSPORE_NATIVE, Clause, clauses_of
from conformance.judging.compare import assert_refused
from conformance.judging.subject import Subject
from conformance.operators.multilabel_margin_loss import OPERATOR
from conformance.operators.multilabel_margin_loss.pages import (
    mindspore,
)

CLAUSES: dict[str, Clause] = {}
clause = clauses_of(OPERATOR, CLAUSES)


_PROMISED_DTYPES = ("float16", "float32")


def _broken(change: Callable[[Case], list[Case]]) -> Fixed:
    """Wrong arguments beside scores of a dtype that MindSpore's page allows."""

    def build(domain: Domain) -> list[Case]:
        allowed = domain.dtype in _PROMISED_DTYPES
        return change(first_example(domain).replace(reduction="mean")) if allowed else []

    return Fixed(build)


@clause(
    "margin.errors.not-a-tensor",
    "documented",
    mindspore("TypeError – If input or target is not a Tensor."),
    cases=_broken(lambda case: [case.replace(no_tensors=(name,)) for name in ("input", "target")]),
    binding=MINDSPORE_NATIVE,
    needs="nothing",
)
def lists_are_refused(subject: Subject, case: Case) -> None:
    """TypeError where input or target is a list."""
    assert_refused(subject, case, f"an answer for a list as {case.no_tensors[0]}", ("TypeError",))


def _input_dtypes(domain: Domain) -> list[Case]:
    """The dtype of the variant itself, where the page does not allow it."""
    return [] if domain.dtype in _PROMISED_DTYPES else [first_example(domain)]


@clause(
    "margin.errors.input-dtype",
    "documented",
    mindspore("TypeError – If dtype of input is neither float16 nor float32."),
    cases=Fixed(_input_dtypes),
    binding=MINDSPORE_NATIVE,
    needs="nothing",
)
def other_input_dtypes_are_refused(subject: Subject, case: Case) -> None:
    """TypeError where the input is neither float16 nor float32."""
    assert_refused(subject, case, f"an answer for input of dtype {case.dtype}", ("TypeError",))


def _other_target_dtypes(case: Case) -> list[Case]:
    return [case.replace(dtypes={**case.dtypes, "target": dtype}) for dtype in ("int64", "int16", "int8", "float32")]


@clause(
    "margin.errors.target-dtype",
    "documented",
    mindspore("TypeError – If dtype of target is not int32."),
    cases=_broken(_other_target_dtypes),
    binding=MINDSPORE_NATIVE,
    needs="nothing",
)
def other_target_dtypes_are_refused(subject: Subject, case: Case) -> None:
    """TypeError where the target is not int32."""
    assert_refused(subject, case, f"an answer for a target of dtype {case.dtype_of('target')}", ("TypeError",))


def _ranks(case: Case) -> list[Case]:
    return [
        case.replace(input=case["input"].reshape(shape), target=case["target"].reshape(shape))
        for shape in ((1, 1, 4), (2, 1, 2), (1, 2, 1, 2))
    ] + [case.replace(input=case["input"][0, 0], target=np.zeros((), dtype=np.int64))]


@clause(
    "margin.errors.rank",
    "documented",
    mindspore("ValueError – If length of shape of input is neither 1 nor 2."),
    cases=_broken(_ranks),
    binding=MINDSPORE_NATIVE,
    needs="nothing",
)
def other_ranks_are_refused(subject: Subject, case: Case) -> None:
    """ValueError where the input has neither one nor two dimensions."""
    assert_refused(subject, case, f"an answer for input of shape {case['input'].shape}", ("ValueError",))


def _mismatches(case: Case) -> list[Case]:
    return [
        case.replace(target=case["target"][:, :3]),
        case.replace(target=case["target"][0]),
        case.replace(input=np.repeat(case["input"], 2, axis=0)),
        case.replace(input=case["input"][0]),
    ]


@clause(
    "margin.errors.shape-mismatch",
    "documented",
    mindspore("ValueError – If shape of input is not the same as target."),
    cases=_broken(_mismatches),
    binding=MINDSPORE_NATIVE,
    needs="nothing",
)
def different_shapes_are_refused(subject: Subject, case: Case) -> None:
    """ValueError where input and target differ in shape."""
    shapes = f"an answer for input of shape {case['input'].shape} and target of shape {case['target'].shape}"
    assert_refused(subject, case, shapes, ("ValueError",))


@clause(
    "margin.errors.reduction-raises-value-error",
    "documented",
    mindspore("ValueError – If reduction is not one of ‘none’, ‘mean’, ‘sum’."),
    cases=_broken(lambda case: [case.replace(reduction=name) for name in ("avg", "Mean", "")]),
    binding=MINDSPORE_NATIVE,
    needs="nothing",
)
def unknown_reduction_raises_value_error(subject: Subject, case: Case) -> None:
    """ValueError where the reduction is none of the three."""
    assert_refused(subject, case, f"an answer for reduction={case.reduction!r}", ("ValueError",))
