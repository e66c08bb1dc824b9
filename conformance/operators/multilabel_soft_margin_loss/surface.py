"""The soft margin loss at its surface: dtype of the result, arguments not written to, errors, legacy flags."""

from __future__ import annotations

from conformance.cases.case import Case
from conformance.cases.strategies import Fixed, soft_cases
from conformance.families.sources import SOFT_FLAGS, SOFT_REDUCTIONS, mindspore_soft
from conformance.families.surface import assert_flags, assert_not_written, flag_cases
from conformance.judging.clause import MINDSPORE_NATIVE, TORCH_NATIVE, clause
from conformance.judging.compare import assert_dtype, assert_refused
from conformance.judging.subject import Subject
from conformance.operators.multilabel_soft_margin_loss.value import mindspore_example


@clause(
    "soft.dtypes.result",
    "quality",
    why="A loss in another dtype than its scores loses digits or costs memory that nobody asked for.",
    cases=soft_cases(("none", "mean")),
)
def result_has_the_dtype_of_the_scores(subject: Subject, case: Case) -> None:
    """The loss has the dtype of the input."""
    got = subject.result_of(case)

    assert_dtype(got, case.dtype)


@clause(
    "soft.dtypes.result-as-documented",
    "documented",
    mindspore_soft("Tensor, the data type is the same as input"),
    cases=soft_cases(("none", "sum", "mean")),
    binding=MINDSPORE_NATIVE,
)
def result_has_the_documented_dtype(subject: Subject, case: Case) -> None:
    """The loss has the data type of the input."""
    got = subject.result_of(case)

    assert_dtype(got, case.dtype)


@clause(
    "soft.layout.arguments-not-written",
    "implied",
    why="A loss is a function of its arguments.",
    cases=soft_cases(weight=True, cotangent=True),
    needs="gradient",
)
def arguments_are_not_written_to(subject: Subject, case: Case) -> None:
    """Input, target, weight and cotangent hold the same values after loss and gradient as before."""
    assert_not_written(subject, case)


@clause(
    "soft.errors.reduction-name",
    "quality",
    SOFT_REDUCTIONS,
    why="A misspelt reduction that is accepted computes something else than was asked.",
    cases=Fixed(lambda domain: [case.replace(reduction="avg") for case in mindspore_example(domain)]),
    needs="nothing",
)
def unknown_reduction_is_refused(subject: Subject, case: Case) -> None:
    """A reduction other than none, mean and sum is refused."""
    assert_refused(subject, case, "an answer for reduction='avg'")


@clause(
    "soft.legacy.flags-override-reduction",
    "documented",
    SOFT_FLAGS,
    cases=flag_cases(soft_cases()),
    binding=TORCH_NATIVE,
)
def legacy_flags_override_the_reduction(subject: Subject, case: Case) -> None:
    """size_average and reduce, where either is given, choose the reduction: none without reduce, else mean or sum."""
    assert_flags(subject, case)
