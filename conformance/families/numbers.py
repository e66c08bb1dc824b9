"""Numbers at their edges: infinities and NaN, signed zeros, the largest finite values."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import Domain, Drawn, drawn
from conformance.cases.random_bits import RandomBits
from conformance.judging.answers import Array
from conformance.judging.compare import (
    Deviation,
    assert_alike,
    assert_same_bits,
    assert_size,
    assert_value,
    kind_of,
    numbers,
)
from conformance.judging.formulas import has_limits, limits_of
from conformance.judging.nonfinite import INFINITIES, SPECIAL, assert_limits, what_came_of
from conformance.judging.shared import shared
from conformance.judging.subject import Subject
from reference.enclosure import Enclosure
from reference.formats import Float64

_SHIFT = 8.0
_SHARES = (1.0, -1.0, 0.5, -0.5, 2.0**-8, -(2.0**-8))
_PLAIN = drawn(scores="plain", labels="plain")


def with_special_scores(draw: Drawn, special: tuple[float, ...] = SPECIAL) -> Drawn:
    """The cases of a draw with one of these scores in one or two places of each row."""

    def change(case: Case, bits: RandomBits, domain: Domain) -> Case:
        del domain
        name = case.operator.arguments[0].name
        scores = case[name].copy()
        rows = scores.reshape(len(scores), -1)
        for row in rows:
            row[bits.integers(0, len(row), (2,))] = bits.choice(special, (2,))
        return case.replace(**{name: scores})

    return draw.then(change)


@shared(
    "numbers.infinities-and-nan",
    "open",
    "formula",
    why="No page speaks of infinities or NaN; IEEE 754 and the formula give each result a class.",
    cases=with_special_scores(_PLAIN),
    also=("narrow",),
    applies=has_limits,
)
def infinities_and_nan(subject: Subject, case: Case) -> str:
    """What infinite and NaN scores make of the loss: whether NaN is kept, and infinities stay infinite."""
    return what_came_of(subject, case, limits_of(case))


@shared(
    "numbers.infinite-scores",
    "quality",
    "formula",
    why="Where IEEE 754 and the formula's limit agree on what an infinite score gives, it is that.",
    cases=with_special_scores(_PLAIN, INFINITIES),
    also=("narrow",),
    applies=has_limits,
)
def infinite_scores_have_their_limit(subject: Subject, case: Case) -> None:
    """An infinite score gives an infinite loss, or adds nothing, as the formula's limit says."""
    assert_limits(subject, case, limits_of(case))


def _with_zeros(case: Case) -> Case:
    """Every other score +0."""
    return case.replace(**{argument.name: _every_other_zero(case[argument.name]) for argument in case.operator.scores})


def _every_other_zero(scores: Float64) -> Float64:
    places = np.arange(scores.size).reshape(scores.shape)
    return np.where(places % 2 == 0, 0.0, scores)


@shared(
    "numbers.signed-zeros",
    "implied",
    "formula",
    why="The two zeros of IEEE 754 are one number.",
    cases=drawn(scores="plain").map(_with_zeros),
    also=("narrow",),
)
def both_zeros_are_one_score(subject: Subject, case: Case) -> None:
    """A score of -0 gives the loss of +0, bit for bit."""
    negative, positive = _zeros_as(case, -0.0), _zeros_as(case, 0.0)

    got, other = subject.evaluate(negative).value, subject.evaluate(positive).value

    assert_same_bits(got, other, "as for +0")


def _zeros_as(case: Case, zero: float) -> Case:
    scores = {argument.name: case[argument.name] for argument in case.operator.scores}
    return case.replace(**{name: np.where(array == 0, zero, array) for name, array in scores.items()})


def large(bits: RandomBits, case: Case, shape: tuple[int, ...]) -> Float64:
    """The largest finite number of the case's format and shares of it, of either sign.

    In float64, which the oracle computes in, a thousandth of it.
    """
    largest = case.format.largest * (2.0**-10 if case.dtype == "float64" else 1.0)
    return bits.choice(_SHARES, shape) * largest


def with_large_scores(case: Case, bits: RandomBits, domain: Domain) -> Case:
    """Half of the scores as large as can be."""
    del domain
    changed = {}
    for argument in case.operator.scores:
        scores = case[argument.name]
        chosen = bits.fractions(scores.shape) < 0.5
        changed[argument.name] = np.where(chosen, large(bits, case, scores.shape), scores)
    return case.replace(**changed)


@shared(
    "numbers.up-to-the-largest",
    "implied",
    "formula",
    why="The formula of finite scores is finite; infinity may come only where a sum of its terms overflows.",
    cases=drawn(scores="plain", given=("weight",)).then(with_large_scores),
    also=("narrow",),
)
def scores_up_to_the_largest(subject: Subject, case: Case) -> None:
    """Scores up to the largest finite number have the formula's loss, or infinity where its terms add up to more."""
    assert_value(subject, case, as_documented=True)


@shared(
    "numbers.no-spurious-overflow",
    "implied",
    "formula",
    why="The formula's loss of a finite score is finite and of the size of the score.",
    cases=drawn(),
    also=("narrow", "wrapped"),
    applies=lambda operator: "grows-like-its-scores" in operator.properties,
)
def large_scores_have_finite_losses(subject: Subject, case: Case) -> None:
    """Scores of any finite size have the loss of the formula's limit, not an infinity or NaN."""
    assert_no_overflow(subject.evaluate(case).value, subject.expected_loss(case), case)
    assert_value(subject, case, as_documented=True)


def assert_no_overflow(got: Array, expected: Enclosure, case: Case) -> None:
    """Raise at an infinity or NaN that the stable form of the formula does not give.

    The page's form, taken step by step, may overflow on the way; that is granted as rounding elsewhere.
    """
    assert_size(got, expected)
    values = got.values.reshape(expected.low.shape)
    wrong = np.asarray(~np.isfinite(values)) & ~expected.admits(values, case.format)
    if wrong.any():
        row = int(np.argwhere(wrong)[0, 0]) if wrong.ndim else None
        wanted = numbers(expected.nearest(case.format)[wrong])
        raise Deviation(f"a finite number: {wanted}", numbers(values[wrong]), kind_of(values[wrong]), row=row)


@shared(
    "numbers.small-losses-keep-their-digits",
    "quality",
    "formula",
    why="log(1 + e^-x) for a large x is small, and log1p keeps its digits where log(1 + ...) loses them.",
    cases=drawn(sizes={"C": 1}),
    keeps=lambda case: case.classes == 1,
    also=("narrow",),
    applies=lambda operator: "grows-like-its-scores" in operator.properties,
)
def small_losses_keep_their_digits(subject: Subject, case: Case) -> None:
    """A small loss of a single class has the relative accuracy of its dtype."""
    assert_value(subject, case)


@shared(
    "numbers.translation",
    "implied",
    "formula",
    why="Only differences of scores stand in the formula.",
    cases=drawn(scores="grid"),
    also=("narrow",),
    applies=lambda operator: "translation-invariant" in operator.properties,
)
def shifted_scores_have_the_same_loss(subject: Subject, case: Case) -> None:
    """Scores that are all shifted by 8 have the same loss; where nothing rounds, bit for bit."""
    shifted = case.replace(**{argument.name: case[argument.name] + _SHIFT for argument in case.operator.scores})

    got, other = subject.evaluate(shifted).value, subject.evaluate(case).value

    expected, others = subject.expected_loss(shifted), subject.expected_loss(case)
    assert_alike(got, other, expected, others, "as before the shift")
