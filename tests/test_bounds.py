"""The bounds from both sides: no right implementation exceeds them, and what is wrong does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from reference.enclosure import Answer, Enclosure
from reference.formats import FORMATS, Arithmetic, Float64, Format
from reference.margin import margin_loss
from reference.soft_margin import soft_margin_loss
from tests.zoo import arithmetic, families, right_margin, right_soft
from tests.zoo.trials import Trial, trials

FORMAT_NAMES = tuple(FORMATS)
SHAPES = ((30, 1), (30, 2), (40, 4), (20, 5), (6, 33))
NEEDED = {"margin": 0.5, "soft": 0.1}
"""Share of its bound that some right implementation must reach, or the bound is too loose."""


def all_trials(operator: str, dtype: str) -> list[Trial]:
    """Every right implementation on every family of scores, in small shapes."""
    return [
        trial
        for family in families.FAMILIES
        for seed, shape in enumerate(SHAPES)
        for trial in trials(operator, dtype, family, shape, seed)
    ]


@pytest.mark.parametrize("dtype", FORMAT_NAMES)
@pytest.mark.parametrize("operator", ["margin", "soft"])
def test_no_right_implementation_exceeds_its_bound(operator: str, dtype: str) -> None:
    """Value and gradient, every reduction; and the bound is near: some of them use much of it."""
    found = all_trials(operator, dtype)

    assert [trial for trial in found if trial.exceeded] == []
    assert sum(trial.cases for trial in found) > 25_000
    assert max(trial.share for trial in found if trial.quantity == "value") >= NEEDED[operator]


@pytest.mark.parametrize("dtype", FORMAT_NAMES)
@pytest.mark.parametrize(("operator", "shape"), [("margin", (1, 6000)), ("margin", (3000, 3)), ("soft", (2, 3000))])
def test_no_right_implementation_exceeds_its_bound_in_large_shapes(
    operator: str, dtype: str, shape: tuple[int, int]
) -> None:
    """Long sums, where half precision stagnates and overflows."""
    for family in ("usual", "big-then-tiny"):
        assert [trial for trial in trials(operator, dtype, family, shape, 0, most=2) if trial.exceeded] == []


def test_there_are_enough_right_implementations() -> None:
    """At least twelve for each operator, no two of which give the same bits everywhere."""
    generator = np.random.default_rng(0)
    scores = families.scores("offset", generator, FORMATS["float32"], (400, 9))
    target, fl = families.targets(generator, (400, 9)), arithmetic.in_format("float32")
    margin = {losses(scores, target, fl).tobytes() for losses in right_margin.VALUES.values()}
    labels, weight = families.labels(generator, (400, 9), FORMATS["float32"], soft=True), np.linspace(0.1, 1.7, 9)
    soft = {losses(scores % 3 - 1, labels, fl(weight), fl).tobytes() for losses in right_soft.VALUES.values()}

    assert len(right_margin.VALUES) >= 12
    assert len(right_soft.VALUES) >= 12
    assert len(margin) >= 12
    assert len(soft) >= 10


@pytest.mark.parametrize("dtype", FORMAT_NAMES)
def test_nothing_rounds_on_the_lattice(dtype: str) -> None:
    """With C and N powers of two every order of evaluation gives the same bits, and no other result is admitted."""
    generator, format = np.random.default_rng(0), FORMATS[dtype]
    fl = arithmetic.in_format(dtype)
    scores = families.scores("lattice", generator, format, (64, 4))
    target = families.targets(generator, (64, 4), most=3)
    for reduction in ("none", "mean") if format.precision > 11 else ("none",):
        expected = margin_loss(scores, target, reduction, Arithmetic(format)).value
        assert (expected.bound == 0).all()
        assert (expected.low == expected.high).all()
    enclosure = margin_loss(scores, target, "none", Arithmetic(format)).value
    for losses in right_margin.VALUES.values():
        assert np.array_equal(losses(scores, target, fl), enclosure.low)
    assert not enclosure.admits(enclosure.low + format.spacing(enclosure.low), format).any()


def beyond(enclosure: Enclosure, format: Format) -> Float64:
    """A value of the format just beyond the bound, upwards."""
    edge = enclosure.high + enclosure.bound
    step = np.maximum(format.spacing(edge), np.spacing(np.maximum(np.abs(enclosure.high), enclosure.bound)))
    rounded = format.round(edge)
    return np.where(rounded > edge + step / 2, rounded, format.round(edge + step))


@pytest.mark.parametrize("dtype", FORMAT_NAMES)
@pytest.mark.parametrize("family", families.FAMILIES)
@pytest.mark.parametrize("operator", ["margin", "soft"])
def test_an_error_just_above_the_bound_is_flagged(operator: str, family: str, dtype: str) -> None:
    """The next value of the format beyond the bound is refused, and the last one inside it admitted."""
    for answer in answers(operator, family, dtype):
        for part in (answer.value, answer.gradient):
            outside = beyond(part, FORMATS[dtype])
            finite = np.isfinite(outside) & (np.maximum(part.reach, part.depth) < FORMATS[dtype].largest)
            inside = np.nextafter(part.high + part.bound, -np.inf)
            assert finite.any()
            assert not part.admits(outside, FORMATS[dtype])[finite].any()
            assert part.admits(np.maximum(inside, part.high), FORMATS[dtype]).all()


def answers(operator: str, family: str, dtype: str) -> list[Answer]:
    """What the oracle expects of one batch, in every reduction."""
    generator, format = np.random.default_rng(0), FORMATS[dtype]
    scores = families.scores(family, generator, format, (40, 4))
    own = Arithmetic(format)
    if operator == "margin":
        target = families.targets(generator, (40, 4))
        return [margin_loss(scores, target, reduction, own) for reduction in ("none", "sum", "mean")]
    labels = families.labels(generator, (40, 4), format, soft=True)
    return [soft_margin_loss(scores, labels, reduction, own) for reduction in ("none", "sum", "mean")]


def max_form(x: Float64, y: Float64, fl: arithmetic.Rounding) -> Float64:
    """The textbook's stable form: max(x, 0) - x y + log1p(e^-|x|)."""
    return fl(fl(np.maximum(x, 0) - fl(x * y)) + fl(np.log1p(fl(np.exp(-np.abs(x))))))


def log_of_sigmoid(x: Float64, y: Float64, fl: arithmetic.Rounding) -> Float64:
    """-log(1 / (1 + e^-x)) for the label 1, which loses its tail."""
    return np.where(y == 1, fl(-np.log(fl(1 / fl(1 + fl(np.exp(-x)))))), max_form(x, y, fl))


@pytest.mark.parametrize("dtype", FORMAT_NAMES)
@pytest.mark.parametrize(
    ("form", "score", "label"),
    [(max_form, 25.0, 1 - 2.0**-7), (log_of_sigmoid, 9.0, 1.0)],
    ids=["max form with a label near 1", "logarithm of a sigmoid"],
)
def test_a_form_that_cancels_is_flagged(
    form: Callable[[Float64, Float64, arithmetic.Rounding], Float64], score: float, label: float, dtype: str
) -> None:
    """Where it loses its digits the careful bound says so; where it does not, it says nothing."""
    fl, format = arithmetic.in_format(dtype), FORMATS[dtype]
    step = 2.0 ** (3 - format.precision // 2) if dtype != "bfloat16" else 0.5
    x = fl(np.arange(score, score + 40 * step, step)[:, np.newaxis])
    y = np.full(x.shape, label if label == 1 else float(fl(1 - 2.0 ** -(format.precision - 1))))
    wrong = form(x, y, fl)[:, 0]
    harmless = form(np.full(x.shape, 0.75), np.zeros(x.shape), fl)[:, 0]

    expected = soft_margin_loss(x, y, "none", Arithmetic(format)).value
    easy = soft_margin_loss(np.full(x.shape, 0.75), np.zeros(x.shape), "none", Arithmetic(format)).value

    assert not expected.admits(wrong, format).all()
    assert easy.admits(harmless, format).all()


@pytest.mark.parametrize("dtype", FORMAT_NAMES)
def test_sums_of_scores_with_a_common_offset_are_flagged(dtype: str) -> None:
    """Suffix sums in the scores' own format lose what the pairwise differences keep."""
    format, fl = FORMATS[dtype], arithmetic.in_format(dtype)
    generator = np.random.default_rng(0)
    offset = 2.0 ** (format.precision // 2)
    scores = fl(offset + generator.normal(size=(50, 64)))
    target = np.full(scores.shape, -1)
    target[:, 0] = 0
    label, others = scores[:, :1], -np.sort(-scores[:, 1:], axis=1)
    active = others > fl(label - 1)
    sums = arithmetic.one_by_one(fl, np.where(active, others, 0.0))
    got = fl(fl(fl(fl(1 - label[:, 0]) * active.sum(axis=1)) + sums) / 64)

    enclosure = margin_loss(scores, target, "none", Arithmetic(format)).value

    assert not enclosure.admits(got, format).all()
    assert enclosure.admits(right_margin.VALUES["naive"](scores, target, fl), format).all()


@pytest.mark.parametrize("operator", ["margin", "soft"])
def test_float32_inside_float64_is_flagged(operator: str) -> None:
    """A float64 result with float32 accuracy is far outside."""
    for answer in answers(operator, "usual", "float64"):
        shortened = answer.value.middle.astype(np.float32).astype(np.float64)
        assert not answer.value.admits(shortened, FORMATS["float64"]).all()


@pytest.mark.parametrize("dtype", FORMAT_NAMES)
def test_the_printed_formula_stays_within_its_own_bound(dtype: str) -> None:
    """Evaluated and differentiated step by step, for scores up to 8; the careful bound flags it."""
    generator, format = np.random.default_rng(0), FORMATS[dtype]
    fl, own = arithmetic.in_format(dtype), Arithmetic(format)
    outside = 0
    for soft in (False, True):
        scores = fl(generator.uniform(-8, 8, (2000, 4)))
        labels = families.labels(generator, (2000, 4), format, soft=soft)
        weight = fl(np.array([1.0, -0.5, 1.7, 0.1]))
        cotangent = fl(generator.choice([1.0, -1.0, 0.1, 3.0], 2000))
        printed = soft_margin_loss(scores, labels, "none", own, cotangent, weight, printed=True)
        careful = soft_margin_loss(scores, labels, "none", own, cotangent, weight)
        value = right_soft.as_printed(scores, labels, weight, fl)
        gradient = right_soft.printed_gradient(scores, labels, weight, cotangent, fl)

        assert printed.value.admits(value, format).all()
        assert printed.gradient.admits(gradient, format).all()
        assert printed.gradient.share(gradient, format).max() > 0.05
        outside += int((~careful.gradient.admits(gradient, format)).sum())
    assert outside > 0
