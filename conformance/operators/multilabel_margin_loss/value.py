"""The margin loss against its formula: examples, arbitrary cases, reductions."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import MARGIN, Case
from conformance.cases.strategies import Domain, Fixed, margin_cases
from conformance.families.sources import (
    MARGIN_DEFAULT,
    MARGIN_DEFAULT_MINDSPORE,
    MARGIN_FORMULA,
    MARGIN_FORMULA_MINDSPORE,
    MARGIN_REDUCTIONS,
    mindspore_margin,
    torch_margin,
)
from conformance.judging.clause import clause
from conformance.judging.compare import assert_within
from conformance.judging.nonfinite import what_came_of, with_special_scores
from conformance.judging.subject import Subject
from reference.nonfinite import margin_classes


def example(domain: Domain, scores: list[list[float]], target: list[list[int]]) -> Case:
    """A page's example in the domain's dtype, with the reduction left to its default."""
    return Case(
        operator=MARGIN,
        dtype=domain.dtype,
        input=domain.format.round(np.array(scores)),
        target=np.array(target, dtype=np.int64),
        target_dtype=domain.targets,
        reduction=None,
    )


def torch_example(domain: Domain) -> list[Case]:
    """The example of torch's page; it prints 0.8500."""
    return [example(domain, [[0.1, 0.2, 0.4, 0.8]], [[3, 0, -1, 1]])]


def mindspore_example(domain: Domain) -> list[Case]:
    """The example of MindSpore's page; it prints 0.325."""
    return [example(domain, [[0.1, 0.2, 0.4, 0.8], [0.2, 0.3, 0.5, 0.7]], [[1, 2, 0, 3], [2, 3, -1, 1]])]


@clause(
    "margin.value.torch-example",
    "documented",
    torch_margin("x = torch.FloatTensor([[0.1, 0.2, 0.4, 0.8]]); y = torch.LongTensor([[3, 0, -1, 1]])"),
    torch_margin("0.25 * ((1-(0.1-0.2)) + (1-(0.1-0.4)) + (1-(0.8-0.2)) + (1-(0.8-0.4)))"),
    torch_margin("tensor(0.85...)"),
    cases=Fixed(torch_example),
)
def torch_page_example(subject: Subject, case: Case) -> None:
    """The example of torch's page gives 0.85."""
    got = subject.evaluate(case)

    assert_within(subject, case, got.value, subject.expected(case).value)


@clause(
    "margin.value.mindspore-example",
    "documented",
    mindspore_margin("inputs = Tensor(np.array([[0.1, 0.2, 0.4, 0.8], [0.2, 0.3, 0.5, 0.7]]), mindspore.float32)"),
    mindspore_margin("target = Tensor(np.array([[1, 2, 0, 3], [2, 3, -1, 1]]), mindspore.int32)"),
    mindspore_margin("0.325"),
    cases=Fixed(mindspore_example),
)
def mindspore_page_example(subject: Subject, case: Case) -> None:
    """The example of MindSpore's page gives 0.325."""
    got = subject.evaluate(case)

    assert_within(subject, case, got.value, subject.expected(case).value)


@clause(
    "margin.value.documented-formula",
    "documented",
    MARGIN_FORMULA,
    MARGIN_FORMULA_MINDSPORE,
    cases=margin_cases(("padded", "all")),
)
def rows_follow_the_formula(subject: Subject, case: Case) -> None:
    """The loss of each row is the sum over its labels j and the other classes i of max(0, 1 - (x[y[j]] - x[i])) / C."""
    got = subject.evaluate(case)

    assert_within(subject, case, got.value, subject.expected(case).value)


@clause("margin.value.sum-of-rows", "documented", MARGIN_REDUCTIONS, cases=margin_cases(("padded",), ("sum",)))
def sum_adds_the_rows(subject: Subject, case: Case) -> None:
    """Reduction ``sum`` gives the sum of the rows' losses."""
    got = subject.evaluate(case)

    assert_within(subject, case, got.value, subject.expected(case).value)


@clause("margin.value.mean-of-rows", "documented", MARGIN_REDUCTIONS, cases=margin_cases(("padded",), ("mean",)))
def mean_divides_by_the_rows(subject: Subject, case: Case) -> None:
    """Reduction ``mean`` gives the sum of the rows' losses divided by their number."""
    got = subject.evaluate(case)

    assert_within(subject, case, got.value, subject.expected(case).value)


@clause(
    "margin.value.default-is-mean",
    "documented",
    MARGIN_DEFAULT,
    MARGIN_DEFAULT_MINDSPORE,
    cases=margin_cases(("padded",), (None,)),
)
def default_reduction_is_mean(subject: Subject, case: Case) -> None:
    """A reduction that is left out is ``mean``."""
    got = subject.evaluate(case)

    assert_within(subject, case, got.value, subject.expected(case).value)


@clause(
    "margin.numbers.infinities-and-nan",
    "open",
    MARGIN_FORMULA,
    why="No page speaks of infinities or NaN; IEEE 754 and the formula give each result a class.",
    cases=with_special_scores(margin_cases(("padded", "all"))),
)
def infinities_and_nan(subject: Subject, case: Case) -> str:
    """What infinite and NaN scores make of the loss: whether NaN is kept, and infinities stay infinite."""
    return what_came_of(subject, case, margin_classes(case.input, case.target.astype(np.int64), "none"))
