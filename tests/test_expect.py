"""What a user asks: the expectation of a named loss, and a check of what a program of theirs gave."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest

from lossproof import Deviation, Expected, OracleError, expect
from reference.formats import FORMATS

Array = Any
DTYPES = ("float16", "float32", "float64")
INPUT = np.array([-2.5, 0.25, 4.0, 20.0, -60.0, 0.0])
TARGET = np.array([1.0, -1.0, 1.0, 1.0, 1.0, 1.0])
SCORES = np.array([[0.5, 0.25, -1.0], [2.0, 0.0, 1.0]])
CLASSES = np.array([0, 2])


def soft_margin(input: Array, target: Array) -> Array:
    """Each element of log(1 + exp(-y x)), in the dtype of the input."""
    product = -target * input
    return np.maximum(product, 0) + np.log1p(np.exp(-np.abs(product)))


def soft_margin_slopes(input: Array, target: Array) -> Array:
    """The slope of each."""
    decay = np.exp(-np.abs(input))
    share = cast(Array, np.where(target * input > 0, decay / (1 + decay), 1 / (1 + decay)))
    return -target * share


def multi_margin(input: Array, target: Array, weight: Array, p: int, margin: float) -> tuple[Array, Array]:
    """Losses and slopes of each row, in the dtype of the input."""
    rows, own = np.arange(len(input)), input.dtype.type
    gap = np.maximum(own(margin) - input[rows, target][:, None] + input, own(0))
    gap[rows, target] = 0
    factor = weight[target][:, None] / own(input.shape[1])
    slopes = own(p) * factor * cast(Array, np.where(gap > 0, gap ** own(p - 1), own(0)))
    slopes[rows, target] = -slopes.sum(axis=1)
    return (factor * gap ** own(p)).sum(axis=1), slopes


def expected_soft(dtype: str = "float32", **settings: Any) -> Expected:
    """The soft margin loss of the inputs above."""
    return expect("soft_margin_loss", input=INPUT, target=TARGET, dtype=dtype, **settings)


def reduced(losses: Array, reduction: str) -> Array:
    """The losses themselves, their sum or their mean, in their dtype."""
    return losses if reduction == "none" else getattr(losses, reduction)(dtype=losses.dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_right_results_pass_in_every_dtype(dtype: str, reduction: str) -> None:
    """Loss and gradient, as the format computes them."""
    input, target = INPUT.astype(dtype), TARGET.astype(dtype)
    expected = expected_soft(dtype, reduction=reduction)

    expected.check(reduced(soft_margin(input, target), reduction))

    count = input.dtype.type(input.size if reduction == "mean" else 1)
    expected.check(soft_margin_slopes(input, target) / count, of="input")
    expected.gradient("input").check(soft_margin_slopes(input, target) / count)


def test_bfloat16_is_checked_in_float32_arrays() -> None:
    """NumPy has no bfloat16: the numbers are of it, the array is of float32."""
    losses = FORMATS["bfloat16"].round(soft_margin(INPUT, TARGET)).astype(np.float32)

    expected_soft("bfloat16").check(losses)

    with pytest.raises(Deviation, match=r"bfloat16: 1 of 6 .*\n  element   \(2,\)"):
        expected_soft("bfloat16").check(losses * np.array([1, 1, 2, 1, 1, 1], np.float32))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("p", "margin", "weight"), [(1, 1.0, None), (2, 0.5, [0.5, 3.0, -1.25])])
def test_options_and_optional_arguments_are_taken_by_name(
    dtype: str, p: int, margin: float, weight: list[float] | None
) -> None:
    """A weight may be left out or be None; p and margin are those of the call."""
    scores = SCORES.astype(dtype)
    own = np.ones(3, dtype) if weight is None else np.array(weight, dtype)
    losses, slopes = multi_margin(scores, CLASSES, own, p, margin)
    expected = expect("multi_margin_loss", input=scores, target=CLASSES, weight=weight, p=p, margin=margin, dtype=dtype)

    expected.check(losses)
    expected.check(slopes, of="input")

    other = expect("multi_margin_loss", input=scores, target=CLASSES, weight=weight, p=3 - p, margin=margin)
    assert not np.array_equal(other.value, expected.value)


def test_value_and_bound_have_the_shape_of_the_result() -> None:
    """The example of the introduction, whose mean is 3.25 / 6."""
    expected = expect(
        "multi_margin_loss", input=SCORES, target=CLASSES, dtype=np.float32, reduction="mean", p=1, margin=0.5
    )

    assert float(expected.value) == pytest.approx((0.25 + 1.5) / 6, rel=1e-15)
    assert expected.low <= expected.value <= expected.high
    assert expected.value.shape == expected.bound.shape == ()
    assert 0 < expected.bound < 1e-6
    assert expected.gradient("input").value.shape == SCORES.shape
    assert repr(expected).startswith("<multi_margin_loss, mean, float32: value 0.29")


PLANTED: dict[str, tuple[str, str, Callable[[Array, Array], Array], int | tuple[()]]] = {
    "a small number under the logarithm": ("float32", "none", lambda x, y: -np.log(1 / (1 + np.exp(-y * x)) + 1e-7), 2),
    "the textbook form": ("float32", "none", lambda x, y: np.log(1 + np.exp(-y * x)), 2),
    "the sum for the mean": ("float32", "mean", lambda x, y: soft_margin(x, y).sum(), ()),
    "a mean over one row less": ("float32", "mean", lambda x, y: soft_margin(x, y).sum() / np.float32(5), ()),
    "a sign": ("float16", "none", lambda x, y: soft_margin(x, -y), 0),
    "float32 inside float64": (
        "float64",
        "none",
        lambda x, y: soft_margin(x.astype(np.float32), y.astype(np.float32)).astype(np.float64),
        0,
    ),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_error_is_found_at_its_first_element(fault: str) -> None:
    """The message names it, with both values and the bound."""
    dtype, reduction, loss, place = PLANTED[fault]
    got = np.asarray(loss(INPUT.astype(dtype), TARGET.astype(dtype)), dtype=dtype)
    element = "()" if place == () else f"({place},)"

    with pytest.raises(Deviation) as caught:
        expected_soft(dtype, reduction=reduction).check(got)

    lines = str(caught.value).splitlines()
    assert dtype in lines[0]
    assert lines[0].endswith("elements outside the bound")
    assert [line.split()[0] for line in lines[1:]] == ["element", "got", "expected", "error"]
    assert lines[1] == f"  element   {element}"
    assert float(lines[2].split()[1]) == float(got[place])
    assert "; the bound is " in lines[4]


def test_documented_grants_what_the_form_of_the_page_loses() -> None:
    """log(1 + exp(-20)) is 0 in float32."""
    got = np.log(1 + np.exp(np.array([-20.0], np.float32)))
    given: dict[str, Any] = {"input": [20.0], "target": [1]}

    expect("soft_margin_loss", **given, documented=True).check(got)

    with pytest.raises(Deviation, match=r"got       0\.0"):
        expect("soft_margin_loss", **given).check(got)


def test_flushes_grants_zero_for_a_subnormal_number() -> None:
    """Without it, 0 is outside the few smallest steps that are granted."""
    tiny = np.array([2.0**-140], dtype=np.float32)
    given: dict[str, Any] = {"input": tiny, "target": np.ones(1)}

    expect("hinge_embedding_loss", **given, flushes=True, reduction="sum").check(np.float32(0))

    with pytest.raises(Deviation):
        expect("hinge_embedding_loss", **given, reduction="sum").check(np.float32(0))


def test_a_cotangent_multiplies_the_gradients() -> None:
    """A gradient for each argument that has one, by name; the second score's is the opposite."""
    given: dict[str, Any] = {"input1": [2.0, 0.0], "input2": [1.0, 1.0], "target": [-1, -1], "margin": 0.5}
    expected = expect("margin_ranking_loss", **given, cotangent=[3.0, 0.5])

    expected.check([1.5, 0.0])
    expected.check([3.0, 0.0], of="input1")
    expected.gradient("input2").check(np.array([-3.0, 0.0], np.float32))
    with pytest.raises(Deviation, match=r"^margin_ranking_loss, gradient to input2, float32: 1 of 2"):
        expected.check([3.0, 0.0], of="input2")
    with pytest.raises(OracleError, match="'weight' was asked for; there are input1, input2, target"):
        expected.gradient("weight")


def test_at_a_tie_every_slope_between_the_two_is_right() -> None:
    """The hinge is 0 at a margin of 1; the message shows both ends."""
    expected = expect("hinge_embedding_loss", input=[1.0], target=[-1])

    for slope in (-1.0, -0.25, 0.0):
        expected.check([slope], of="input")
    with pytest.raises(Deviation, match=r"expected  from -1\.0 .* to 0\.0"):
        expected.check([0.5], of="input")


def test_a_scalar_may_be_given_in_four_ways() -> None:
    """A number, a NumPy scalar, a 0-d array, an integer."""
    expected = expect("hinge_embedding_loss", input=[1.0, 2.0], target=[1, 1], reduction="sum")

    for got in (3.0, 3, np.float32(3), np.array(3.0, np.float32)):
        expected.check(got)


@pytest.mark.parametrize(
    ("got", "shown"),
    [
        (np.float64(3), "dtype float64; expected float32"),
        (np.array(3), "dtype int64; expected float32"),
        (3j, "dtype complex128; expected float32"),
        (None, "dtype object; expected float32"),
        (True, "dtype bool; expected float32"),
        ([3.0], r"shape \(1,\); expected \(\)"),
        (np.zeros((2, 1), np.float32), r"shape \(2, 1\); expected \(\)"),
        (float("nan"), r"\n.*\n  got       nan\n.*\n  error     inf "),
        (float("-inf"), r"\n.*\n  got       -inf\n.*\n  error     inf "),
    ],
)
def test_another_dtype_another_shape_and_what_is_not_finite_are_wrong(got: object, shown: str) -> None:
    """Each says what came and what must come."""
    expected = expect("hinge_embedding_loss", input=[1.0, 2.0], target=[1, 1], reduction="sum")

    with pytest.raises(Deviation, match=f"hinge_embedding_loss, sum, float32: .*{shown}"):
        expected.check(got)


def test_an_infinity_is_right_where_the_format_overflows() -> None:
    """The sum of two numbers that fit in no float16; NaN is never right here."""
    expected = expect("hinge_embedding_loss", input=[65504.0, 65504.0], target=[1, 1], dtype="float16", reduction="sum")

    expected.check(np.float16(np.inf))
    for wrong in (np.float16(np.nan), np.float16(-np.inf), np.float16(65504)):
        with pytest.raises(Deviation):
            expected.check(wrong)


def test_nothing_is_checked_where_any_result_would_be_right() -> None:
    """The mean of no losses has no value: a check says so instead of passing."""
    expected = expect("soft_margin_loss", input=[], target=[], reduction="mean")

    assert np.isnan(expected.value)
    assert expected.bound == np.inf
    with pytest.raises(OracleError, match=r"no bound at element \(\)"):
        expected.check(np.float32(0))
    expect("soft_margin_loss", input=[], target=[]).check(np.zeros(0, np.float32))


ROW: dict[str, Any] = {"input": [[0.5, 0.25]], "target": [1]}


@pytest.mark.parametrize(
    ("loss", "given", "shown"),
    [
        ("multi_margin", ROW, "'multi_margin': no such loss; there are .*multi_margin_loss"),
        ("multi_margin_loss", ROW | {"q": 1}, "no argument or option 'q'; there are input, target, weight, p, margin"),
        ("multi_margin_loss", ROW | {"target": None}, "argument 'target' is missing"),
        ("multi_margin_loss", ROW | {"target": [2]}, "class 2; there are 2 classes"),
        ("multi_margin_loss", ROW | {"target": [1.0]}, "target holds float64; .*integers"),
        ("multi_margin_loss", ROW | {"target": [0, 1]}, r"target \(2,\).*takes input \(N\? C\), target \(N\?\)"),
        ("multi_margin_loss", ROW | {"input": [["a", "b"]]}, "input holds str32; .*real numbers"),
        ("multi_margin_loss", ROW | {"input": [[0.1, 0.0]]}, "0.1, which is no value of float32; .*0.10000000149"),
        ("multi_margin_loss", ROW | {"input": [[2**24 + 1, 0]]}, "16777217, which is no value of float32"),
        ("multi_margin_loss", ROW | {"input": [[2**53 + 1, 0]], "dtype": "float64"}, "no value of float64"),
        ("multi_margin_loss", ROW | {"input": [[np.nan, 0]]}, "input holds nan; .*finite"),
        ("multi_margin_loss", ROW | {"weight": [1.0, np.inf]}, "weight holds inf; .*finite"),
        ("multi_margin_loss", ROW | {"p": 1.5}, "option 'p' is 1.5; it takes an integer, as 1"),
        ("multi_margin_loss", ROW | {"p": 0}, "option 'p' is 0; it is 1 or 2"),
        ("multi_margin_loss", ROW | {"p": 3}, "option 'p' is 3; it is 1 or 2"),
        ("multi_margin_loss", ROW | {"margin": "1"}, "option 'margin' is '1'; it takes a finite number"),
        ("multi_margin_loss", ROW | {"dtype": "float8"}, "'float8': no such dtype; there are float16, bfloat16"),
        ("multi_margin_loss", ROW | {"dtype": None}, "None: no such dtype"),
        ("multi_margin_loss", ROW | {"dtype": np.int32}, "int32.*: no such dtype"),
        ("multi_margin_loss", ROW | {"reduction": "avg"}, "'avg': no such reduction; there are none, sum, mean"),
        ("multi_margin_loss", ROW | {"gradients": ["target"]}, "'target'; there are those to input"),
        ("multi_margin_loss", ROW | {"cotangent": [[1.0]]}, r"cotangent has shape \(1, 1\); the result has \(1,\)"),
        ("multi_margin_loss", ROW | {"cotangent": [np.inf]}, "cotangent holds inf"),
        ("soft_margin_loss", {"input": [0.5], "target": [0]}, "target holds 0.0; the formula takes 1 and -1"),
    ],
)
def test_what_there_is_not_is_refused_in_one_line(loss: str, given: dict[str, Any], shown: str) -> None:
    """A ValueError that says what there is."""
    with pytest.raises(OracleError, match=shown) as caught:
        expect(loss, **given)

    assert isinstance(caught.value, ValueError)
    assert "\n" not in str(caught.value)
