"""The margin loss at its surface: dtype of the result, arguments not written to, errors, legacy flags."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from conformance.cases.case import Case
from conformance.cases.strategies import Domain, Fixed, margin_cases
from conformance.families.sources import MARGIN_FLAGS, MARGIN_REDUCTIONS, mindspore_margin
from conformance.families.surface import assert_flags, assert_not_written, flag_cases
from conformance.judging.clause import MINDSPORE_NATIVE, TORCH_NATIVE, clause
from conformance.judging.compare import assert_dtype, assert_refused
from conformance.judging.subject import Subject
from conformance.operators.multilabel_margin_loss.value import torch_example


@clause(
    "margin.dtypes.result",
    "quality",
    why="A loss in another dtype than its scores loses digits or costs memory that nobody asked for.",
    cases=margin_cases(("padded",), ("none", "mean")),
    needs="inferred",
)
def result_has_the_dtype_of_the_scores(subject: Subject, case: Case) -> None:
    """The loss has the dtype of the input."""
    got = subject.result_of(case)

    assert_dtype(got, case.dtype)


@clause(
    "margin.layout.arguments-not-written",
    "implied",
    why="A loss is a function of its arguments.",
    cases=margin_cases(cotangent=True),
    needs="gradient",
)
def arguments_are_not_written_to(subject: Subject, case: Case) -> None:
    """Input, target and cotangent hold the same bytes after loss and gradient as before."""
    assert_not_written(subject, case)


@clause(
    "margin.errors.reduction-name",
    "quality",
    MARGIN_REDUCTIONS,
    why="A misspelt reduction that is accepted computes something else than was asked.",
    cases=Fixed(lambda domain: [case.replace(reduction="avg") for case in torch_example(domain)]),
    needs="nothing",
)
def unknown_reduction_is_refused(subject: Subject, case: Case) -> None:
    """A reduction other than none, mean and sum is refused."""
    assert_refused(subject, case, "an answer for reduction='avg'")


@clause(
    "margin.legacy.flags-override-reduction",
    "documented",
    MARGIN_FLAGS,
    cases=flag_cases(margin_cases(("padded",))),
    binding=TORCH_NATIVE,
)
def legacy_flags_override_the_reduction(subject: Subject, case: Case) -> None:
    """size_average and reduce, where either is given, choose the reduction: none without reduce, else mean or sum."""
    assert_flags(subject, case)


_PROMISED_DTYPES = ("float16", "float32")


def _broken(change: Callable[[Case], list[Case]]) -> Fixed:
    """Wrong arguments beside scores of a dtype that MindSpore's page allows."""

    def build(domain: Domain) -> list[Case]:
        allowed = domain.dtype in _PROMISED_DTYPES
        return change(torch_example(domain)[0].replace(reduction="mean")) if allowed else []

    return Fixed(build)


@clause(
    "margin.errors.not-a-tensor",
    "documented",
    mindspore_margin("TypeError – If input or target is not a Tensor."),
    cases=_broken(lambda case: [case.replace(no_tensors=(name,)) for name in ("input", "target")]),
    binding=MINDSPORE_NATIVE,
    needs="nothing",
)
def lists_are_refused(subject: Subject, case: Case) -> None:
    """TypeError where input or target is a list."""
    assert_refused(subject, case, f"an answer for a list as {case.no_tensors[0]}", ("TypeError",))


def _input_dtypes(domain: Domain) -> list[Case]:
    """The dtype of the variant itself, where the page does not allow it."""
    return [] if domain.dtype in _PROMISED_DTYPES else torch_example(domain)


@clause(
    "margin.errors.input-dtype",
    "documented",
    mindspore_margin("TypeError – If dtype of input is neither float16 nor float32."),
    cases=Fixed(_input_dtypes),
    binding=MINDSPORE_NATIVE,
    needs="nothing",
)
def other_input_dtypes_are_refused(subject: Subject, case: Case) -> None:
    """TypeError where the input is neither float16 nor float32."""
    assert_refused(subject, case, f"an answer for input of dtype {case.dtype}", ("TypeError",))


@clause(
    "margin.errors.target-dtype",
    "documented",
    mindspore_margin("TypeError – If dtype of target is not int32."),
    cases=_broken(lambda case: [case.replace(target_dtype=dtype) for dtype in ("int64", "int16", "int8", "float32")]),
    binding=MINDSPORE_NATIVE,
    needs="nothing",
)
def other_target_dtypes_are_refused(subject: Subject, case: Case) -> None:
    """TypeError where the target is not int32."""
    assert_refused(subject, case, f"an answer for a target of dtype {case.target_dtype}", ("TypeError",))


def _ranks(case: Case) -> list[Case]:
    return [
        case.replace(input=case.input.reshape(shape), target=case.target.reshape(shape))
        for shape in ((1, 1, 4), (2, 1, 2), (1, 2, 1, 2))
    ] + [case.replace(input=case.input[0, 0], target=np.zeros((), dtype=np.int64))]


@clause(
    "margin.errors.rank",
    "documented",
    mindspore_margin("ValueError – If length of shape of input is neither 1 nor 2."),
    cases=_broken(_ranks),
    binding=MINDSPORE_NATIVE,
    needs="nothing",
)
def other_ranks_are_refused(subject: Subject, case: Case) -> None:
    """ValueError where the input has neither one nor two dimensions."""
    assert_refused(subject, case, f"an answer for input of shape {case.input.shape}", ("ValueError",))


def _mismatches(case: Case) -> list[Case]:
    return [
        case.replace(target=case.target[:, :3]),
        case.replace(target=case.target[0]),
        case.replace(input=np.repeat(case.input, 2, axis=0)),
        case.replace(input=case.input[0]),
    ]


@clause(
    "margin.errors.shape-mismatch",
    "documented",
    mindspore_margin("ValueError – If shape of input is not the same as target."),
    cases=_broken(_mismatches),
    binding=MINDSPORE_NATIVE,
    needs="nothing",
)
def different_shapes_are_refused(subject: Subject, case: Case) -> None:
    """ValueError where input and target differ in shape."""
    shapes = f"an answer for input of shape {case.input.shape} and target of shape {case.target.shape}"
    assert_refused(subject, case, shapes, ("ValueError",))


@clause(
    "margin.errors.reduction-raises-value-error",
    "documented",
    mindspore_margin("ValueError – If reduction is not one of ‘none’, ‘mean’, ‘sum’."),
    cases=_broken(lambda case: [case.replace(reduction=name) for name in ("avg", "Mean", "")]),
    binding=MINDSPORE_NATIVE,
    needs="nothing",
)
def unknown_reduction_raises_value_error(subject: Subject, case: Case) -> None:
    """ValueError where the reduction is none of the three."""
    assert_refused(subject, case, f"an answer for reduction={case.reduction!r}", ("ValueError",))
