"""Each rule of the engine alone, from both sides: right evaluations stay inside, and one of them comes near."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import flint
import numpy as np
import pytest

from reference.engine.elementary import FUNCTIONS, WIDENING
from reference.engine.expression import Expression
from reference.engine.formula import ArgumentSpec, Formula
from reference.engine.masks import Integers
from reference.engine.oracle import evaluate
from reference.engine.words import (
    counted,
    exp,
    log,
    log1p,
    logsumexp,
    maximum,
    minimum,
    position,
    positive_part,
    sigmoid,
    softplus,
    sqrt,
    where,
)
from reference.formats import FORMATS, Arithmetic, Float64
from reference.logistic import TINY
from tests.engine.rights import rights
from tests.zoo import families

Rule = Callable[[Expression, Expression], Expression]


def _huber(x: Expression, y: Expression) -> Expression:
    """Half a square near 0, a line beyond 1: a choice that rounding may turn."""
    size = abs(x - y)
    return where(size < 1, 0.5 * size**2, size - 0.5)


RULES: dict[str, tuple[Rule, float]] = {
    "two terms": (lambda x, y: x - y, 0.3),
    "three terms": (lambda x, y: 0.3 - x + y, 0.3),
    "five terms": (lambda x, y: x + y - 1 + x + y, 0.1),
    "product": (lambda x, y: x * y, 0.3),
    "product of sums": (lambda x, y: (x + y) * (x - y), 0.3),
    "quotient by a number": (lambda x, y: x / (1 + y * y), 0.15),
    "square": (lambda x, y: (x - y) ** 2, 0.25),
    "cube": (lambda x, y: (x - y) ** 3, 0.2),
    "magnitude": (lambda x, y: abs(x - y), 0.3),
    "maximum with 0": (lambda x, y: positive_part(x - y), 0.3),
    "larger": (lambda x, y: maximum(x + y, 0.3 * x), 0.3),
    "smaller": (lambda x, y: minimum(x + y, 0.3 * x), 0.3),
    "a choice by scores": (_huber, 0.2),
    "exponential": (lambda x, y: exp(-positive_part(x - y)), 0.1),
    "logarithm": (lambda x, y: log(1 + x * x + y * y), 0.1),
    "logarithm of 1 and": (lambda x, y: log1p(x * x + y * y), 0.1),
    "root": (lambda x, y: sqrt(1 + x * x + y * y), 0.15),
    "sigmoid": (lambda x, y: sigmoid(x - y), 0.08),
    "softplus": (lambda x, y: softplus(x - y), 0.08),
}
"""Formulas of two numbers, and the share of its bound that some evaluation must reach."""


def elements(rule: Rule) -> Formula:
    """A formula of two arguments of any shape."""

    def formula(x: Expression, y: Expression) -> Expression:
        return rule(x, y)

    specs = (ArgumentSpec("x", "...", differentiable=True), ArgumentSpec("y", "...", differentiable=True))
    return Formula("rule", specs, formula, formula)


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("name", RULES)
def test_a_rule_bounds_every_right_evaluation_and_not_much_more(name: str, dtype: str) -> None:
    """Value and both gradients, in nine ways, for usual scores and adversarial ones."""
    rule, needed = RULES[name]
    formula, format = elements(rule), FORMATS[dtype]
    largest, rows = 0.0, 12 if dtype == "float64" else 60
    for family in ("usual", "lattice", "near-ties", "subnormal", "equal", "close", "offset"):
        generator = np.random.default_rng(0)
        most = 30.0 if name in ("cube", "product of sums", "square") else np.inf
        arguments = {
            key: format.round(np.clip(families.scores(family, generator, format, (rows, 3)), -most, most))
            for key in ("x", "y")
        }
        cotangent = format.round(generator.choice([1.0, -1.0, 0.1], (rows, 3)))
        answer = evaluate(formula, arguments, {}, "none", Arithmetic(format), cotangent, gradients=("x", "y"))
        for way, right in rights(formula, arguments, {}, "none", dtype).items():
            value, slopes = right(arguments, {}, cotangent, ("x", "y"))
            judged = answer.value.judge(value, format)
            largest = max(largest, float(np.max(judged.shares)))
            assert judged.admitted.all(), (family, way)
            for argument, slope in slopes.items():
                assert answer.gradients[argument].admits(slope, format).all(), (family, way, argument)
    assert largest >= needed or dtype == "float64"  # its enclosures are neighbours already


def cross_entropy(x: Expression, target: Integers, weight: Expression) -> Expression:
    """Minus the logarithm of the softmax at the label."""
    return weight.at(target, axis="C") * (logsumexp(x, "C") - x.at(target, axis="C"))


def weighted_mean(x: Expression, target: Integers, weight: Expression) -> Expression:
    """Over the weights of the labels."""
    return cross_entropy(x, target, weight).total("N") / weight.at(target, axis="C").total("N")


CROSS_ENTROPY = Formula(
    "cross_entropy",
    (
        ArgumentSpec("x", "N C", differentiable=True),
        ArgumentSpec("target", "N", domain="class"),
        ArgumentSpec("weight", "C", differentiable=True),
    ),
    cross_entropy,
    cross_entropy,
    mean=weighted_mean,
)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("dtype", FORMATS)
def test_a_cross_entropy_with_a_mean_of_its_own_fits_in(dtype: str, reduction: str) -> None:
    """logsumexp, a gather from scores and from weights, a computed denominator."""
    format, generator, wanted = FORMATS[dtype], np.random.default_rng(0), ("x", "weight")
    for family in ("usual", "lattice", "equal", "saturated", "near-ties"):
        arguments = {
            "x": families.scores(family, generator, format, (30, 5)),
            "target": generator.integers(0, 5, 30),
            "weight": format.round(generator.choice([0.25, 1.0, 0.1, 1.7], 5)),
        }
        cotangent = format.round(generator.choice([1.0, 0.1], 30 if reduction == "none" else ()))
        answer = evaluate(
            CROSS_ENTROPY, arguments, {}, reduction, Arithmetic(format), cotangent, gradients=("x", "weight")
        )
        for way, right in rights(CROSS_ENTROPY, arguments, {}, reduction, dtype).items():
            value, slopes = right(arguments, {}, cotangent, wanted)
            assert answer.value.admits(value, format).all(), (family, way)
            for argument, slope in slopes.items():
                assert answer.gradients[argument].admits(slope, format).all(), (family, way, argument)
        assert (answer.value.bound < 0.3 * (1 + np.abs(answer.value.middle))).all()


def test_a_mask_of_labels_counts() -> None:
    """A mean over the labels that are not the ignored one."""

    def formula(x: Expression, target: Integers) -> Expression:
        kept = ~target.equals(2)
        return where(kept, x.at(position("C"), axis="C"), 0).total("N") / counted(kept, "N")

    specs = (ArgumentSpec("x", "N C", differentiable=True), ArgumentSpec("target", "N", domain="class"))
    arguments = {"x": np.array([[1.0, 2.0, 0.5], [7.0, 8.0, 9.0], [3.0, 0.0, 1.0]]), "target": np.array([0, 2, 1])}
    answer = evaluate(Formula("ignoring", specs, formula, formula), arguments)

    assert answer.value.middle.tolist() == [2.0, 1.0, 0.75]
    assert answer.gradient.middle.tolist() == [[0.5] * 3, [0.0] * 3, [0.5] * 3]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_elementary_functions_keep_their_proved_error(name: str) -> None:
    """Against ball arithmetic, over every exponent: well within what is granted."""
    generator = np.random.default_rng(0)
    x = np.concatenate([generator.normal(size=2000) * 20, np.exp2(generator.uniform(-1074, 1000, 2000))])
    x = np.concatenate([x, -x])
    if name in ("log", "sqrt"):
        x = np.abs(x)
    if name == "log1p":
        x = x[x > -1]
    if name == "exp":
        x = x[x < 709]
    worst = 0.0
    with np.errstate(all="ignore"):
        found = FUNCTIONS[name](x)
    with flint.ctx.workprec(3000):
        for value, got in zip(x.tolist(), found.tolist(), strict=True):
            wanted = _ball(name, flint.arb(value))
            distance = abs(flint.arb(got) - wanted)
            if not distance <= TINY:
                worst = max(worst, float((distance / abs(wanted)).mid()))
    assert worst < WIDENING / 2


def _ball(name: str, x: flint.arb) -> flint.arb:
    if name == "sigmoid":
        return 1 / (1 + (-x).exp())
    if name == "softplus":
        return x.exp().log1p() if x < 1000 else x
    made: flint.arb = getattr(x, name)()
    return made


def test_a_sum_that_two_roundings_hide_keeps_its_sign() -> None:
    """1 - 2^-60 - 1 is negative, although every order of float64 operations gives 0 or above."""

    def formula(x: Expression, y: Expression) -> Expression:
        return positive_part(1 - x + y)

    rule = elements(formula)
    answer = evaluate(
        rule, {"x": np.array([2.0**-60]), "y": np.array([-1.0])}, arithmetic=Arithmetic(FORMATS["float64"])
    )

    assert answer.value.high.tolist() == [0.0]
    assert answer.gradients["x"].high.tolist() == [0.0]
    assert answer.gradients["x"].low.tolist() == [0.0]
    assert answer.gradients["x"].bound[0] >= 1


@pytest.mark.parametrize("dtype", FORMATS)
def test_enclosures_hold_the_rational_and_are_narrow(dtype: str) -> None:
    """Sums, products and kinks of drawn numbers, against fractions."""
    format, generator = FORMATS[dtype], np.random.default_rng(0)
    for family in families.FAMILIES:
        x, y = (families.scores(family, generator, format, (20, 2)) for _ in range(2))
        answer = evaluate(
            elements(lambda a, b: positive_part(a - b) * 3 + a), {"x": x, "y": y}, arithmetic=Arithmetic(format)
        )
        for place in np.ndindex(x.shape):
            a, b = Fraction(float(x[place])), Fraction(float(y[place]))
            exact = max(a - b, Fraction(0)) * 3 + a
            assert Fraction(float(answer.value.low[place])) <= exact <= Fraction(float(answer.value.high[place]))
        width: Float64 = answer.value.high - answer.value.low
        assert ((width <= answer.value.bound * 2.0**-20) | (width <= 2 * np.spacing(np.abs(answer.value.middle)))).all()


def test_numbers_at_the_end_of_float64_do_not_poison_the_result() -> None:
    """Their row is enclosed by the largest number and infinity; the other row keeps its own."""
    largest = float(np.finfo(np.float64).max)
    x, y = np.array([largest, 1.0]), np.array([-largest, 0.5])
    answer = evaluate(elements(lambda a, b: a - b), {"x": x, "y": y}, arithmetic=Arithmetic(FORMATS["float64"]))

    assert answer.value.low.tolist() == [largest, 0.5]
    assert answer.value.high.tolist() == [np.inf, 0.5]
    assert answer.value.admits(np.array([np.inf, 0.5]), FORMATS["float64"]).all()
    assert not answer.value.admits(np.array([-np.inf, np.inf]), FORMATS["float64"]).any()
