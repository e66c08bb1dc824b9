"""A formula of the user's own: values, gradients, descriptions, and the Python that a formula cannot hold."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lossproof import Deviation, Expression, Integers, OracleError, expect, formula, words


def hinge(x: Expression, y: Expression) -> Expression:
    """A binary hinge loss."""
    return words.positive_part(1 - x * y)


def root_mean_square(x: Expression, y: Expression) -> Expression:
    """The root of the mean square of a difference, over all axes."""
    return words.sqrt(((x - y) ** 2).total("...") / words.count("..."))


def test_a_formula_has_gradients_and_bounds() -> None:
    """And the first wrong element of a gradient is shown."""
    expected = expect(formula(hinge, x="N score", y="N sign"), x=[0.5, 3.0, 1.0], y=[1, 1, 1])

    expected.check([0.5, 0.0, 0.0])
    expected.check([-1.0, 0.0, -0.5], of="x")
    assert expected.gradient("x").low.tolist() == [-1.0, 0.0, -1.0]
    with pytest.raises(Deviation, match=r"(?s)hinge, gradient to x, float32: 1 of 3.*element   \(1,\).*got       -1.0"):
        expected.check([-1.0, -1.0, 0.0], of="x")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(7,), (2, 3), (4, 1, 5)])
def test_a_root_mean_square_error_of_any_shape(dtype: str, shape: tuple[int, ...]) -> None:
    """NumPy's own mean passes; a mean over one element more does not."""
    drawn = np.random.default_rng(7)
    x, y = (drawn.normal(size=shape).astype(dtype) for _ in range(2))
    expected = expect(formula(root_mean_square, x="... score", y="... number"), x=x, y=y, dtype=dtype)
    error = x - y
    mean = (error * error).mean(dtype=dtype)

    expected.check(np.sqrt(mean))
    expected.check(error / (np.sqrt(mean) * x.dtype.type(x.size)), of="x")
    with pytest.raises(Deviation):
        expected.check(np.sqrt((error * error).sum(dtype=dtype) / x.dtype.type(x.size + 1)))


def test_a_slope_that_does_not_exist_is_not_checked() -> None:
    """At equal arguments the root's argument is 0: the loss is 0, and its slope may be anything."""
    expected = expect(formula(root_mean_square, x="... score", y="... number"), x=[1.0, 2.0], y=[1.0, 2.0])

    expected.check(0.0)
    with pytest.raises(OracleError, match=r"gradient to x, float32: no bound at element \(0,\)"):
        expected.check([0.0, 0.0], of="x")


def test_options_forms_and_means_of_ones_own() -> None:
    """An option that is a number, one that chooses, an argument that may be left out, and its own mean."""

    def power(x: Expression, weight: Expression | None, scale: Expression, squared: bool) -> Expression:
        size = scale * (x**2 if squared else abs(x))
        return size if weight is None else weight * size

    def weighted(x: Expression, weight: Expression | None, scale: Expression, squared: bool) -> Expression:
        below = words.count("N") if weight is None else weight.total("N")
        return power(x, weight, scale, squared).total("N") / below

    own = formula(power, options={"scale": 0.5, "squared": False}, mean=weighted, x="N score", weight="N number?")

    assert expect(own, x=[2, -4]).value.tolist() == [1.0, 2.0]
    assert expect(own, x=[2, -4], scale=1, squared=True).value.tolist() == [4.0, 16.0]
    assert expect(own, x=[2, -4], weight=[1, 3], reduction="sum").value == 7.0
    assert expect(own, x=[2, -4], weight=[1, 3], reduction="mean").value == 7.0 / 4
    assert expect(own, x=[2, -4], weight=None, reduction="mean").value == 1.5
    weighed = expect(own, x=[2, -4], weight=[1, 3], reduction="sum", gradients=["weight"])
    weighed.check([1.0, 2.0], of="weight")


def test_a_form_of_its_own_is_granted_as_documented() -> None:
    """A difference of large numbers loses what its careful form keeps."""

    def careful(x: Expression) -> Expression:
        return 2 * x

    def printed(x: Expression) -> Expression:
        return (x + 1) ** 2 - x**2 - 1

    own = formula(careful, documented=printed, x="N score")
    x = np.array([4096.25], np.float32)
    got = (x + 1) ** 2 - x**2 - 1

    expect(own, x=x, documented=True).check(got)
    with pytest.raises(Deviation):
        expect(own, x=x).check(got)


def test_classes_count_along_axis_c() -> None:
    """The cross entropy of a row, or of a single sample."""

    def cross_entropy(x: Expression, t: Integers) -> Expression:
        return words.logsumexp(x, "C") - x.at(t, axis="C")

    own = formula(cross_entropy, x="N? C score", t="N? class")

    assert float(expect(own, x=[0.0, 0.0], t=1).value) == pytest.approx(math.log(2), rel=1e-15)
    with pytest.raises(OracleError, match="class 2; there are 2 classes"):
        expect(own, x=[0.0, 0.0], t=2)


def test_a_division_by_a_power_of_two_is_exact() -> None:
    """As a product with its inverse is; by three, it rounds."""

    def divided(x: Expression, by: int) -> Expression:
        return x / by

    own = formula(divided, options={"by": 2}, x="N score")

    assert expect(own, x=[3.0]).bound.tolist() == [0.0]
    assert expect(own, x=[3.0], by=-16).bound.tolist() == [0.0]
    assert expect(own, x=[3.5], by=3).bound.tolist() > [0.0]


def _same(x: Expression, **_: Any) -> Expression:
    return x


def _alone(x: Expression) -> Expression:
    return x


def _paired(x: Expression, y: Expression) -> Expression:
    return x + y


DESCRIPTIONS: list[tuple[Callable[[], object], str]] = [
    (lambda: formula(_same), "no argument; describe each"),
    (lambda: formula(_same, x="N scores"), "'scores' is no kind; there are score, number, sign, unit, class"),
    (lambda: formula(_same, x=""), "'' is no kind"),
    (lambda: formula(_same, x="N N score"), "'N N score' is no description; one is 'N. C score'"),
    (lambda: formula(_same, x="3 score"), "'3 score' is no description"),
    (lambda: formula(_same, dtype="N score"), "'dtype': expect has that word for itself"),
    (lambda: formula(_same, x="K score", t="class"), "'t': classes are places of axis C"),
    (lambda: formula(_alone, x="N score", y="N score"), "'y'; the description names x, y"),
    (lambda: formula(_paired, x="N score"), "'y'; the description names x"),
    (lambda: formula(_same, options={"x": 1.0}, x="N score"), "option 'x': an argument has that name"),
    (lambda: formula(_same, options={"a": math.nan}, x="N score"), "option 'a' is nan"),
    (lambda: formula(_same, options={"a": [1]}, x="N score"), r"option 'a' is \[1\]; it is a number"),
    (lambda: formula(_same, x="N score", mean="N score"), "'N score' is no function"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("make", "shown"), DESCRIPTIONS)
def test_a_description_that_is_none_is_refused(make: Callable[[], object], shown: str) -> None:
    """When the formula is made, in one line."""
    with pytest.raises(OracleError, match=shown):
        make()


FUNCTIONS: list[tuple[Callable[[Any], Any], str]] = [
    (lambda x: max(0, x), "neither true nor false; take where, maximum"),
    (lambda x: x if x > 0 else 0, "neither true nor false"),
    (lambda x: words.where(x == 0, 1, x), "where False: no mask; .*equals"),
    (lambda x: words.where(x, 1, x), "where Argument: no mask"),
    (lambda x: x**0.5, "power 0.5"),
    (lambda x: x.total("K"), "axis 'K': no such axis in this part; there are N"),
    (lambda x: words.logsumexp(x, "K"), "axis 'K'"),
    (lambda x: x / words.count("K"), "no axis 'K' in this call; there are N"),
    (lambda x: words.where(words.position("K").equals(0), x, 0), "no axis 'K' in this call"),
    (lambda x: words.counted(x > 0, "K") * x, "axis 'K'"),
    (lambda x: x * np.array([1.0, 2.0]), "in a formula; it takes expressions and finite numbers"),
    (lambda x: words.where(x > 0, x, -math.inf), "-inf in a formula"),
    (lambda x: x + "1", "'1' in a formula"),
    (lambda x: x / "1", "'1' in a formula"),
    (lambda x: 3.0, "gives a float; it must give an expression"),
    (lambda x: x > 0, "gives a Compared; it must give an expression"),
]


@pytest.mark.parametrize(("function", "shown"), FUNCTIONS)
def test_python_that_a_formula_cannot_hold_is_refused(function: Callable[..., Any], shown: str) -> None:
    """Instead of a formula that is silently another one."""
    with pytest.raises(OracleError, match=shown):
        expect(formula(function, x="N score"), x=[0.5, 2.0])


NUMPY: list[Callable[[Any], Any]] = [np.exp, lambda x: np.maximum(0, x), lambda x: np.where(x > 0, x, 0)]


@pytest.mark.parametrize("function", NUMPY)
def test_functions_of_numpy_are_refused(function: Callable[[Any], Any]) -> None:
    """A ufunc refuses an expression; numpy.where asks a mask for its truth."""

    def own(x: Expression) -> Expression:
        made: Expression = function(x)
        return made

    with pytest.raises((TypeError, OracleError)):
        expect(formula(own, x="N score"), x=[0.5, 2.0])
