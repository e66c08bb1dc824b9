"""The loss against the operator's formula: examples, lattice, arbitrary cases, reductions, what the formula implies."""

from __future__ import annotations

import numpy as np

from conformance.cases import corpus
from conformance.cases.case import Case
from conformance.cases.drawing import Domain, Fixed, drawn
from conformance.cases.lattice import lattice
from conformance.cases.operator import Example, Operator
from conformance.judging.clause import Clause, clauses_of
from conformance.judging.compare import Deviation, assert_shape, assert_value, numbers
from conformance.judging.shared import generated, shared
from conformance.judging.subject import Subject
from reference.enclosure import Enclosure
from reference.formats import Float64

_STEP = 0.25
_ON_GRID = drawn(scores="grid")


def example_case(example: Example, domain: Domain) -> Case:
    """An example of a page in the domain's dtype."""
    arrays = {
        argument.name: _exact(example.arrays[argument.name], domain, whole=argument.whole_numbers)
        for argument in domain.operator.arguments
        if argument.name in example.arrays
    }
    return domain.case(reduction=example.reduction, options=dict(example.options), arrays=arrays)


def _exact(values: object, domain: Domain, *, whole: bool) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    return np.array(values, dtype=np.int64) if whole else domain.format.round(np.array(values, dtype=np.float64))


def first_example(domain: Domain) -> Case:
    """The first example of the pages."""
    return example_case(domain.operator.examples[0], domain)


@generated
def examples_of_the_pages(operator: Operator, register: dict[str, Clause]) -> None:
    """A clause for each example that a page prints."""
    for example in operator.examples:

        def build(domain: Domain, example: Example = example) -> list[Case]:
            return [example_case(example, domain)]

        clauses_of(operator, register)(
            f"{operator.word}.value.{example.name}",
            "documented",
            *example.sources,
            cases=Fixed(build),
            statement=example.statement,
        )(rows_follow_the_formula)


@shared(
    "value.documented-formula",
    "documented",
    "formula",
    cases=drawn(scores="plain", labels="plain", options="many"),
    also=("brief", "narrow", "wrapped"),
)
def rows_follow_the_formula(subject: Subject, case: Case) -> None:
    """Each loss is the page's formula, for scores of usual size.

    The bound grants the rounding of the page's formula evaluated step by step.
    """
    assert_value(subject, case, as_documented=True)


@shared(
    "value.lattice",
    "documented",
    "formula",
    "lattice",
    cases=Fixed(lattice, whole=False),
    applies=lambda operator: bool(lattice_exists(operator)),
)
def every_target_against_every_score(subject: Subject, case: Case) -> None:
    """On a small grid of scores every target has the formula's loss; where nothing rounds, bit for bit."""
    assert_value(subject, case, as_documented=True)


def lattice_exists(operator: Operator) -> bool:
    """Whether the operator says which values its lattice takes."""
    return bool(operator.arguments[0].lattice(1))


@shared("value.sum-of-rows", "documented", "reductions", cases=drawn(("sum",), scores="plain", labels="plain"))
def sum_adds_the_rows(subject: Subject, case: Case) -> None:
    """Reduction ``sum`` gives the sum of the losses."""
    assert_value(subject, case, as_documented=True)


@shared("value.mean-of-rows", "documented", "reductions", cases=drawn(("mean",), scores="plain", labels="plain"))
def mean_divides_by_the_rows(subject: Subject, case: Case) -> None:
    """Reduction ``mean`` gives the sum of the losses divided by their number."""
    assert_value(subject, case, as_documented=True)


@shared(
    "value.default-is-mean",
    "documented",
    "default",
    cases=drawn((None,), scores="plain", labels="plain"),
    also=("wrapped",),
)
def default_reduction_is_mean(subject: Subject, case: Case) -> None:
    """A reduction that is left out is ``mean``."""
    assert_value(subject, case, as_documented=True)


def _frozen(domain: Domain) -> list[Case]:
    return corpus.cases(domain)


FROZEN = Fixed(_frozen, long=True)
"""The cases of the corpus."""


@shared(
    "value.corpus",
    "implied",
    "formula",
    why="The formula, on cases that once showed a fault.",
    cases=FROZEN,
)
def frozen_cases_have_the_formulas_loss(subject: Subject, case: Case) -> None:
    """Each case of the corpus has the formula's loss."""
    assert_value(subject, case, as_documented=True)


@shared(
    "value.not-negative",
    "implied",
    "formula",
    why="No term of the sum is negative.",
    cases=drawn(("none", "sum")),
    applies=lambda operator: "not-negative" in operator.properties,
)
def losses_are_not_negative(subject: Subject, case: Case) -> None:
    """No loss is below 0."""
    got = subject.evaluate(case).value.values

    if (got < 0).any():
        raise Deviation("no loss below 0", numbers(got[got < 0]))


@shared(
    "value.convex",
    "implied",
    "formula",
    why="A sum of maxima of linear functions, of their squares and of log(1 + e^x) is convex.",
    cases=_ON_GRID,
    applies=lambda operator: "convex" in operator.properties,
)
def convex_along_segments(subject: Subject, case: Case) -> None:
    """Half-way between two rows of scores the loss is not above the mean of their losses, within the bounds of all."""
    opposite = {argument.name: -np.roll(case[argument.name], 1, axis=-1) for argument in case.operator.scores}
    other = case.replace(**opposite)
    half = case.replace(**{name: (case[name] + scores) / 2 for name, scores in opposite.items()})

    ends = (_loss(subject, case) + _loss(subject, other)) / 2
    middle = _loss(subject, half)

    allowed = _doubt(subject, half) + (_doubt(subject, case) + _doubt(subject, other)) / 2
    _assert_at_most(middle, ends, allowed, "at most the mean of the losses at the ends")


@shared(
    "value.monotone",
    "implied",
    "formula",
    why="Each term falls or rises with a score, or does not change.",
    cases=_ON_GRID,
    applies=lambda operator: operator.away is not None,
)
def rises_with_wrong_scores(subject: Subject, case: Case) -> None:
    """If scores move to where they are worse, the loss does not fall beyond the bounds of both."""
    name = case.operator.arguments[0].name
    direction = case.operator.away(case) if case.operator.away else np.zeros(case.first.shape)
    worse = case.replace(**{name: case[name] + _STEP * direction})

    before, after = _loss(subject, case), _loss(subject, worse)

    _assert_at_most(before, after, _doubt(subject, case) + _doubt(subject, worse), "at most the loss of worse scores")


def _loss(subject: Subject, case: Case) -> Float64:
    got = subject.evaluate(case).value
    assert_shape(got, case.result_shape)
    return got.values


def _doubt(subject: Subject, case: Case) -> Float64:
    """How far a loss may be from the truth."""
    expected: Enclosure = subject.expected_loss(case, as_documented=True)
    return expected.bound + (expected.high - expected.low)


def _assert_at_most(got: Float64, other: Float64, allowed: Float64, what: str) -> None:
    wrong = ~(got - other <= allowed * (1 + 2.0**-50))
    if wrong.any():
        row = int(np.argwhere(wrong)[0, 0])
        shown = f"{what}: {numbers(other[wrong])}, within {numbers(allowed[wrong])}"
        raise Deviation(shown, numbers(got[wrong]), row=row)
