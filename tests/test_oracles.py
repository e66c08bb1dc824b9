"""The oracles agree with second ones, with frozen expectations, and refuse wrong arguments."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import flint
import numpy as np
import pytest

from conformance.cases.drawing import Domain, drawn
from conformance.operators.multilabel_margin_loss import OPERATOR as MARGIN
from conformance.operators.multilabel_soft_margin_loss import OPERATOR as SOFT
from reference import margin
from reference.arguments import DomainError, LabelError, OracleError, ReductionError, ShapeError
from reference.exact import Rounded, quotient_of_product, quotient_of_sum
from reference.formats import FORMATS, Arithmetic, Float64
from reference.logistic import RELATIVE, TINY, softplus_parts
from reference.margin import margin_loss
from reference.soft_margin import soft_margin_loss
from tests import freeze
from tests.agreement import batch, margin_disagreements, soft_disagreements
from tests.zoo import families

FORMAT_NAMES = tuple(FORMATS)
SHAPES = ((40, 1), (40, 2), (30, 3), (20, 4), (20, 5), (10, 7))
FROZEN = Path(__file__).with_name("expectations.json")
SINGLE = Arithmetic(FORMATS["float32"])


@pytest.mark.parametrize("dtype", FORMAT_NAMES)
@pytest.mark.parametrize("family", families.FAMILIES)
@pytest.mark.parametrize("operator", ["margin", "soft"])
def test_two_oracles_agree_on_adversarial_batches(operator: str, family: str, dtype: str) -> None:
    """Rationals and decimals, which share no code with the oracles, confirm every element."""
    for seed, shape in enumerate(SHAPES):
        compared, disagreements = batch(operator, family, shape, dtype, seed)

        assert compared
        assert disagreements == []


@pytest.mark.parametrize("dtype", FORMAT_NAMES)
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_two_margin_oracles_agree_on_what_the_clauses_draw(dtype: str, reduction: str) -> None:
    """Value and gradient of drawn cases are the exact rationals, rounded once."""
    draw = drawn((reduction,), cotangent=True)
    for case in draw.cases(Domain(MARGIN, dtype), 200, "oracle", 0):
        input, target = case["input"], case["target"].astype(np.int64)
        assert not [*margin_disagreements(input, target, reduction, case.upstream(), dtype)]


@pytest.mark.parametrize("dtype", FORMAT_NAMES)
def test_two_soft_margin_oracles_agree_on_what_the_clauses_draw(dtype: str) -> None:
    """Every drawn case has its true value inside the interval."""
    for scores in ("plain", "every"):
        draw = drawn(scores=scores, given=("weight",), cotangent=True)
        for case in draw.cases(Domain(SOFT, dtype), 60, "oracle", 0):
            input, target = case["input"], case["target"].astype(np.float64)
            assert not [*soft_disagreements(input, target, case["weight"], case.upstream(), dtype)]


@pytest.mark.parametrize("dtype", FORMAT_NAMES)
def test_the_intervals_are_narrow(dtype: str) -> None:
    """Neighbours in float64; below a 2^20th of the bound in narrower formats."""
    generator = np.random.default_rng(0)
    for family in families.FAMILIES:
        scores = families.scores(family, generator, FORMATS[dtype], (50, 4))
        labels = families.labels(generator, (50, 4), FORMATS[dtype], soft=True)
        answer = soft_margin_loss(scores, labels, "none", Arithmetic(FORMATS[dtype]))
        for part in (answer.value, answer.gradient):
            width = part.high - part.low
            if dtype == "float64":
                assert (width <= 2 * FORMATS["float64"].spacing(part.middle)).all()
            else:
                assert (width <= part.bound * 2.0**-20).all()


def test_the_bulk_path_serves_nearly_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's integers decide less than one row in a hundred of what is drawn, over all formats."""
    refined, rows = [0], [0]

    def counted(counts: Float64, values: Float64, ones: Float64, divisor: int) -> Rounded:
        found = quotient_of_sum(counts, values, ones, divisor)
        refined[0] += found.refined
        rows[0] += len(ones)
        return found

    monkeypatch.setattr(margin, "quotient_of_sum", counted)
    for dtype in FORMAT_NAMES:
        for case in drawn(cotangent=True).cases(Domain(MARGIN, dtype), 1000, "bulk", 0):
            margin_loss(case["input"], case["target"].astype(np.int64), "none", Arithmetic(case.format))

    assert rows[0] > 8000
    assert refined[0] < rows[0] / 100


@pytest.mark.parametrize("spread", [0, 40, 300, 1000])
@pytest.mark.parametrize("divisor", [1, 3, 4, 7, 40_000])
def test_quotients_are_rounded_once(divisor: int, spread: int) -> None:
    """Sums and products over a divisor, against rationals: equal, adjacent, nearest."""
    generator = np.random.default_rng(divisor)
    values = generator.normal(size=(300, 4)) * np.exp2(generator.integers(-spread, spread + 1, (300, 4)))
    counts = generator.integers(-4, 5, values.shape).astype(np.float64)
    ones = generator.integers(0, 5, len(values)).astype(np.float64)
    sums, products = quotient_of_sum(counts, values, ones, divisor), quotient_of_product(counts, values[:, 0], divisor)
    for row in range(len(values)):
        pairs = zip(counts[row].tolist(), values[row].tolist(), strict=True)
        terms = [int(count) * Fraction(value) for count, value in pairs]
        exact = (int(ones[row]) + sum(terms, Fraction(0))) / divisor
        assert sums.nearest[row] == float(exact)
        assert Fraction(float(sums.low[row])) <= exact <= Fraction(float(sums.high[row]))
        product = Fraction(int(counts[row, 1])) * Fraction(float(values[row, 0])) / divisor
        assert products.nearest[row, 1] == float(product)


@pytest.mark.parametrize("dtype", FORMAT_NAMES)
def test_the_margin_loss_is_rounded_once_to_every_format(dtype: str) -> None:
    """Not first to float64 and then again: the format's value nearest to the rational."""
    format = FORMATS[dtype]
    generator = np.random.default_rng(1)
    for scores in (generator.normal(size=(200, 3)), 1 + generator.integers(-9, 9, (200, 3)) * 2.0**-11):
        scores = format.round(scores)
        target = np.tile([0, -1, -1], (200, 1))
        got = margin_loss(scores, target, "none", Arithmetic(format)).value.nearest(format)
        for row, value in zip(scores.tolist(), got.tolist(), strict=True):
            gaps = [1 - Fraction(row[0]) + Fraction(other) for other in row[1:]]
            assert value == freeze.nearest(sum([max(gap, Fraction(0)) for gap in gaps], Fraction(0)) / 3, dtype)


def test_a_sum_just_beside_a_midpoint_is_not_rounded_twice() -> None:
    """1 + 2^-24 + 2^-70 is 1 + 2^-23 in float32; by way of float64, where it is 1 + 2^-24, it would be 1."""
    scores = np.array([[0.0, 1.0, 2.0**-22, 2.0**-68]])
    value = margin_loss(scores, np.array([[0, -1, -1, -1]]), "none", SINGLE).value

    assert value.middle.tolist() == [1 + 2.0**-24]
    assert value.nearest(FORMATS["float32"]).tolist() == [1 + 2.0**-23]


def test_elementary_functions_keep_their_proved_error() -> None:
    """log(1 + e^-|x|), σ(|x|) and σ(-|x|) against ball arithmetic: well within 16 units of 2^-53."""
    generator = np.random.default_rng(0)
    scores = np.concatenate(
        [generator.normal(size=2000) * 10, np.exp2(generator.uniform(-1074, 1023, 2000)), np.linspace(0, 760, 2000)]
    )
    worst = 0.0
    with flint.ctx.workprec(200):
        for x, *got in zip(scores.tolist(), *map(np.ndarray.tolist, softplus_parts(scores)), strict=True):
            decay = (-abs(flint.arb(x))).exp()
            for value, wanted in zip(got, (decay.log1p(), 1 / (1 + decay), decay / (1 + decay)), strict=True):
                distance = abs(flint.arb(value) - wanted)
                if not distance <= TINY:
                    worst = max(worst, float((distance / wanted).mid()))
    assert 2.0**-54 < worst < RELATIVE / 2


@pytest.mark.parametrize("entry", json.loads(FROZEN.read_text(encoding="utf-8")), ids=lambda entry: entry["id"])
def test_frozen_expectations_stand(entry: dict[str, Any]) -> None:
    """What ``tests/freeze.py`` once wrote, in hexadecimal floats, whatever NumPy is installed."""
    assert freeze.observed(entry) == entry["expected"]


def test_the_frozen_file_is_what_its_program_writes() -> None:
    """Nobody edits expectations by hand."""
    assert freeze.text() == FROZEN.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "error", "shown"),
    [
        (([[0.0, 0.0]], [[0]], "none"), ShapeError, r"\(1, 1\)"),
        (([[[0.0]]], [[[0]]], "none"), ShapeError, r"\(1, 1, 1\)"),
        ((0.0, 0, "none"), ShapeError, r"\(\)"),
        (([[0.0, 0.0]], [[0, 2]], "none"), LabelError, "class 2"),
        (([[0.0, np.nan]], [[0, -1]], "none"), DomainError, "nan"),
        (([[0.0, 0.0]], [[0, -1]], "avg"), ReductionError, "'avg'"),
    ],
)
def test_the_margin_oracle_refuses_wrong_arguments(
    arguments: tuple[Any, Any, str], error: type[OracleError], shown: str
) -> None:
    """A typed error that shows the value."""
    input, target, reduction = arguments
    with pytest.raises(error, match=shown):
        margin_loss(np.array(input), np.array(target), reduction, SINGLE)


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
        soft_margin_loss(np.zeros((1, 2)), np.array([[label, 0.0]]), "none", SINGLE, None, given)


def test_a_cotangent_of_another_size_is_refused() -> None:
    """Its shape and the number of results are shown."""
    with pytest.raises(ShapeError, match=r"\(3,\).*2 elements"):
        margin_loss(np.zeros((2, 2)), np.zeros((2, 2), dtype=np.int64), "none", SINGLE, np.ones(3))


def test_a_label_behind_the_block_may_be_anything() -> None:
    """The oracle ignores what the page ignores."""
    answer = margin_loss(np.zeros((1, 3)), np.array([[0, -1, 99]]), "none", SINGLE)

    assert answer.value.middle.tolist() == [2 / 3]


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
    answer = margin_loss(np.array([[1.0, 0.0]]), np.array([[0, -1]]), "none", SINGLE)

    assert answer.gradient.low.tolist() == [[-0.5, 0.0]]
    assert answer.gradient.high.tolist() == [[0.0, 0.5]]


def test_a_gap_that_two_roundings_hide_keeps_its_sign() -> None:
    """1 - 2^-60 - 1 is negative, although every order of float64 operations gives 0 or above."""
    answer = margin_loss(np.array([[2.0**-60, -1.0]]), np.array([[0, -1]]), "none", Arithmetic(FORMATS["float64"]))

    assert answer.value.high.tolist() == [0.0]
    assert answer.gradient.high.tolist() == [[0.0, 0.0]]


def test_scores_at_the_end_of_float64_do_not_poison_the_result() -> None:
    """Half of 1 + 2 max is half above the largest finite value; the other row keeps its own."""
    largest = float(np.finfo(np.float64).max)
    scores = np.array([[-largest, largest], [0.0, 0.0]])
    value = margin_loss(scores, np.array([[0, -1], [0, -1]]), "none", Arithmetic(FORMATS["float64"])).value

    assert value.low.tolist() == [largest, 0.5]
    assert value.middle.tolist() == [largest, 0.5]
    assert value.high.tolist() == [np.inf, 0.5]
