"""The oracles agree, their bounds hold from both sides, and wrong arguments raise typed errors."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import flint
import numpy as np
import pytest

from conformance.case import MARGIN, SOFT, Case
from conformance.strategies import ANY_TARGET, Domain, margin_cases, soft_cases
from conformance.subject import expectation
from reference import margin_exact, soft_margin_balls
from reference.arguments import DomainError, LabelError, OracleError, ReductionError, ShapeError
from reference.formats import FORMATS, Arithmetic, Float64, Format
from reference.margin import margin_loss
from reference.soft_margin import soft_margin_loss

FORMAT_NAMES = tuple(FORMATS)
WORKED_OUT = 300
ROUNDOFF = 2.0**-53


def exact(format: Format) -> Arithmetic:
    """The format's own arithmetic, without flushing."""
    return Arithmetic(format)


def margin_batches(dtype: str, reduction: str, count: int = WORKED_OUT) -> list[Case]:
    """Drawn batches for the margin loss."""
    return margin_cases(ANY_TARGET, (reduction,), cotangent=True).cases(Domain(dtype, "int64"), count, "oracle", 0)


def soft_batches(dtype: str, reduction: str, count: int = WORKED_OUT, largest: float | None = None) -> list[Case]:
    """Drawn batches for the soft margin loss."""
    draw = soft_cases((reduction,), largest=largest, weight=True, cotangent=True)
    return draw.cases(Domain(dtype, "same"), count, "oracle", 0)


def reduced(rows: list[Fraction], reduction: str) -> list[Fraction]:
    """The rows' losses as the reduction gives them."""
    if reduction == "none":
        return rows
    return [sum(rows, Fraction(0)) / (len(rows) if reduction == "mean" else 1)]


def factors(case: Case) -> list[Fraction]:
    """What each row's derivative is multiplied by."""
    rows = len(case.input)
    spread = np.broadcast_to(case.upstream().reshape(-1), (rows,)).tolist()
    return [Fraction(factor) / (rows if case.reduction == "mean" else 1) for factor in spread]


@pytest.mark.parametrize("dtype", FORMAT_NAMES)
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_the_margin_oracles_agree(dtype: str, reduction: str) -> None:
    """Value and gradient are the exact rationals, up to the float64 oracle's own roundings."""
    for case in margin_batches(dtype, reduction):
        losses, slopes = margin_exact.exact_rows(case.input.tolist(), case.target.astype(int).tolist())
        answer = expectation(case, exact(case.format))
        value, gradient = answer.value, answer.gradient

        for got, wanted in zip(np.atleast_1d(value.low), reduced(losses, reduction), strict=True):
            assert abs(Fraction(float(got)) - wanted) <= 64 * Fraction(ROUNDOFF) * wanted
        for place, row, factor in zip(range(len(slopes)), slopes, factors(case), strict=True):
            for element, (low, high) in enumerate(row):
                ends = sorted([low * factor, high * factor])
                pair = (gradient.low[place, element], gradient.high[place, element])
                for got, wanted in zip(pair, ends, strict=True):
                    assert abs(Fraction(float(got)) - wanted) <= 8 * Fraction(ROUNDOFF) * abs(wanted)


@pytest.mark.parametrize("dtype", FORMAT_NAMES)
def test_the_soft_margin_oracles_agree(dtype: str) -> None:
    """Value and gradient lie within the float64 oracle's stated error of the balls."""
    for case in soft_batches(dtype, "none", 150):
        assert case.weight is not None
        answer = expectation(case, exact(FORMATS["float64"]))
        for row in range(len(case.input)):
            arguments = (case.input[row].tolist(), case.target[row].tolist(), case.weight.tolist())
            loss, slopes = soft_margin_balls.exact_row(*arguments)
            assert within_ball(float(answer.value.low[row]), loss, (case.classes + 8) * ROUNDOFF)
            for element, slope in enumerate(slopes):
                wanted = slope * flint.arb(float(case.upstream()[row]))
                assert within_ball(float(answer.gradient.low[row, element]), wanted, 8 * ROUNDOFF)


def within_ball(got: float, ball: flint.arb, relative: float) -> bool:
    """Whether a value lies within a relative distance of a ball, or both are below the subnormals."""
    distance = abs(flint.arb(got) - ball)
    return bool(distance <= abs(ball) * relative + flint.arb(2) ** -1074)


def rounding(format: Format) -> Callable[[Float64], Float64]:
    """Rounds every intermediate to a format."""
    return format.round


def naive_margin(case: Case, *, order: int = 1, regroup: bool = False) -> Float64:
    """The formula in the case's own arithmetic, pair by pair, rounding after every operation."""
    fl = case.format.round
    losses: list[float] = []
    for scores, labels in zip(case.input.tolist(), case.target.astype(int).tolist(), strict=True):
        block, total = margin_exact.block_of(labels), 0.0
        for label in block[::order]:
            for other in [i for i in range(case.classes) if i not in block][::order]:
                gap = (
                    fl(fl(1 + scores[other]) - scores[label]) if regroup else fl(fl(1 - scores[label]) + scores[other])
                )
                total = float(fl(total + max(0.0, float(gap))))
        losses.append(float(fl(total / case.classes)))
    return np.array(losses)


def careful_soft(case: Case, *, order: int = 1) -> Float64:
    """The stable form with every operation rounded to the case's format."""
    fl, weight = case.format.round, case.weight
    assert weight is not None
    positive, negative = fl(np.maximum(case.input, 0)), fl(np.maximum(-case.input, 0))
    kink = np.where(case.target == 1, negative, positive)
    terms = fl(fl(kink + fl(np.log1p(fl(np.exp(-np.abs(case.input)))))) * weight)
    totals = np.zeros(len(case.input))
    for term in terms.T[::order]:
        totals = fl(totals + term)
    return fl(totals / case.classes)


@pytest.mark.parametrize("dtype", FORMAT_NAMES)
@pytest.mark.parametrize(("order", "regroup"), [(1, False), (-1, False), (1, True)])
def test_right_margin_losses_stay_within_the_bound(dtype: str, order: int, regroup: bool) -> None:
    """Whatever the order of the sum and of the two operations of a pair."""
    shares = [0.0]
    for case in margin_batches(dtype, "none", 150):
        enclosure = expectation(case, exact(case.format)).value
        got = naive_margin(case, order=order, regroup=regroup)
        assert enclosure.admits(got, case.format).all()
        shares += enclosure.share(got, case.format).tolist()

    assert max(shares) > 0.02


@pytest.mark.parametrize("dtype", FORMAT_NAMES)
@pytest.mark.parametrize("order", [1, -1])
def test_right_soft_margin_losses_stay_within_the_bound(dtype: str, order: int) -> None:
    """The stable form with every operation rounded, in either order of the sum."""
    for case in soft_batches(dtype, "none", 150):
        enclosure = expectation(case, exact(case.format)).value

        assert enclosure.admits(careful_soft(case, order=order), case.format).all()


@pytest.mark.parametrize("dtype", FORMAT_NAMES)
@pytest.mark.parametrize("operator", [MARGIN, SOFT])
def test_an_error_just_above_the_bound_is_flagged(operator: str, dtype: str) -> None:
    """What lies beyond the bound by a thousandth of it (float64: by half) is not admitted, on either side."""
    batches = margin_batches(dtype, "none", 60) if operator == MARGIN else soft_batches(dtype, "none", 60)
    flagged = 0
    for case in batches:
        value = expectation(case, exact(case.format)).value
        over = 0.5 if dtype == "float64" else 0.001
        for side in (-1.0 - over, 1.0 + over):
            beyond = value.low + side * value.bound
            decided = over * value.bound > 2 * ROUNDOFF * np.abs(value.low)
            assert not value.admits(beyond, case.format)[decided].any()
            flagged += int(decided.sum())

    assert flagged > 60


@pytest.mark.parametrize(
    ("arguments", "error", "shown"),
    [
        (([[0.0, 0.0]], [[0]], "none"), ShapeError, r"\(1, 1\)"),
        (([[[0.0]]], [[[0]]], "none"), ShapeError, r"\(1, 1, 1\)"),
        (([[0.0, 0.0]], [[0, 2]], "none"), LabelError, "class 2"),
        (([[0.0, np.nan]], [[0, -1]], "none"), DomainError, "nan"),
        (([[0.0, 0.0]], [[0, -1]], "avg"), ReductionError, "'avg'"),
    ],
)
def test_the_margin_oracle_refuses_wrong_arguments(
    arguments: tuple[list[list[float]], list[list[int]], str], error: type[OracleError], shown: str
) -> None:
    """A typed error that shows the value."""
    input, target, reduction = arguments
    with pytest.raises(error, match=shown):
        margin_loss(np.array(input), np.array(target), reduction, exact(FORMATS["float32"]))


@pytest.mark.parametrize(
    ("label", "weight", "error", "shown"),
    [(2.0, None, DomainError, r"2\.0"), (1.0, [1.0], ShapeError, r"\(1,\)"), (np.nan, None, DomainError, "nan")],
)
def test_the_soft_margin_oracle_refuses_wrong_arguments(
    label: float, weight: list[float] | None, error: type[OracleError], shown: str
) -> None:
    """A typed error that shows the value."""
    given = None if weight is None else np.array(weight)
    with pytest.raises(error, match=shown):
        soft_margin_loss(np.zeros((1, 2)), np.array([[label, 0.0]]), "none", exact(FORMATS["float32"]), None, given)


def test_a_label_behind_the_block_may_be_anything() -> None:
    """The oracle ignores what the page ignores."""
    answer = margin_loss(np.zeros((1, 3)), np.array([[0, -1, 99]]), "none", exact(FORMATS["float32"]))

    assert answer.value.low.tolist() == [2 / 3]


@pytest.mark.parametrize("dtype", FORMAT_NAMES)
def test_rounding_is_the_machine_own(dtype: str) -> None:
    """Rounding to a format is NumPy's where NumPy has it, and idempotent everywhere."""
    generator = np.random.default_rng(0)
    values = generator.normal(size=20_000) * np.exp2(generator.integers(-160, 130, 20_000))
    rounded = FORMATS[dtype].round(values)

    assert np.array_equal(FORMATS[dtype].round(rounded), rounded)
    if dtype != "bfloat16":
        with np.errstate(over="ignore", under="ignore"):
            assert np.array_equal(rounded, values.astype(dtype).astype(np.float64))


def test_ties_are_known_as_ties() -> None:
    """At a tie the gradient is the interval between the one-sided derivatives."""
    answer = margin_loss(np.array([[1.0, 0.0]]), np.array([[0, -1]]), "none", exact(FORMATS["float32"]))

    assert answer.gradient.low.tolist() == [[-0.5, 0.0]]
    assert answer.gradient.high.tolist() == [[0.0, 0.5]]


def test_a_gap_that_two_roundings_hide_keeps_its_sign() -> None:
    """1 - 2^-60 - 1 is negative, although every order of float64 operations gives 0 or above."""
    answer = margin_loss(np.array([[2.0**-60, -1.0]]), np.array([[0, -1]]), "none", exact(FORMATS["float64"]))

    assert answer.value.low.tolist() == [0.0]
    assert answer.gradient.high.tolist() == [[0.0, 0.0]]
