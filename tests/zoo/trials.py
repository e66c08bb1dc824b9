"""Right implementations held against the bounds: how much of a bound each of them uses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from reference.enclosure import Enclosure
from reference.formats import FORMATS, Arithmetic, Float64
from reference.margin import margin_loss
from reference.soft_margin import soft_margin_loss
from tests.zoo import arithmetic, families, right_margin, right_soft
from tests.zoo.arithmetic import Rounding

REDUCTIONS = ("none", "sum", "mean")


@dataclass(frozen=True)
class Trial:
    """One implementation on one batch.

    Attributes:
        operator: ``margin`` or ``soft``.
        quantity: ``value`` or ``gradient``.
        dtype: Format, by name.
        family: Of the scores.
        implementation: Its name.
        cases: Results that were compared.
        exceeded: How many of them are outside their bound.
        share: Largest error as a share of its bound.
    """

    operator: str
    quantity: str
    dtype: str
    family: str
    implementation: str
    cases: int
    exceeded: int
    share: float


def trials(
    operator: str, dtype: str, family: str, shape: tuple[int, int], seed: int, *, most: int | None = None
) -> Iterator[Trial]:
    """Every right implementation of an operator on one batch, value and gradient.

    Args:
        operator: ``margin`` or ``soft``.
        dtype: Format, by name.
        family: Of the scores.
        shape: N and C.
        seed: Of the batch.
        most: Longest block of labels.
    """
    generator = np.random.default_rng([seed, len(dtype), list(families.FAMILIES).index(family), *shape])
    one = _margin if operator == "margin" else _soft
    for quantity, name, got, expected in one(generator, dtype, family, shape, most):
        admitted = expected.admits(got, FORMATS[dtype])
        share = float(np.max(expected.share(got, FORMATS[dtype]), initial=0.0))
        yield Trial(operator, quantity, dtype, family, name, got.size, int((~admitted).sum()), share)


def reduced(rows: Float64, reduction: str, fl: Rounding) -> Float64:
    """Losses of rows added up one by one, and divided by their number for the mean."""
    if reduction == "none":
        return rows
    with np.errstate(over="ignore", invalid="ignore"):
        total = arithmetic.one_by_one(fl, rows[np.newaxis]).reshape(())
        return fl(total / len(rows)) if reduction == "mean" else total


_Compared = Iterator[tuple[str, str, Float64, Enclosure]]


def _margin(
    generator: np.random.Generator, dtype: str, family: str, shape: tuple[int, int], most: int | None
) -> _Compared:
    own, fl = Arithmetic(FORMATS[dtype]), arithmetic.in_format(dtype)
    scores = families.scores(family, generator, FORMATS[dtype], shape)
    target = families.targets(generator, shape, most)
    cotangent = fl(generator.choice([1.0, -1.0, 0.5, 0.1, 3.0], shape[0]))
    upstream = {"none": cotangent}
    expected = {name: margin_loss(scores, target, name, own, upstream.get(name)) for name in REDUCTIONS}
    for name, losses in right_margin.VALUES.items():
        rows = losses(scores, target, fl)
        for reduction in REDUCTIONS:
            yield "value", name, reduced(rows, reduction, fl), expected[reduction].value
    for name, gradient in right_margin.GRADIENTS.items():
        yield "gradient", name, gradient(scores, target, cotangent, fl), expected["none"].gradient
        share = np.full(shape[0], float(fl(1 / shape[0])))
        yield "gradient", name, gradient(scores, target, share, fl), expected["mean"].gradient


def _soft(
    generator: np.random.Generator, dtype: str, family: str, shape: tuple[int, int], most: int | None
) -> _Compared:
    del most
    own, fl = Arithmetic(FORMATS[dtype]), arithmetic.in_format(dtype)
    scores = families.scores(family, generator, FORMATS[dtype], shape)
    labels = families.labels(generator, shape, FORMATS[dtype], soft=bool(generator.integers(2)))
    weight = fl(generator.choice([1.0, 0.0, -0.5, 2.0, 0.1, 1.7, -3.0], shape[1]))
    cotangent = fl(generator.choice([1.0, -1.0, 0.5, 0.1, 3.0], shape[0]))
    upstream = {"none": cotangent}
    expected = {name: soft_margin_loss(scores, labels, name, own, upstream.get(name), weight) for name in REDUCTIONS}
    for name, losses in right_soft.VALUES.items():
        rows = losses(scores, labels, weight, fl)
        for reduction in REDUCTIONS:
            yield "value", name, reduced(rows, reduction, fl), expected[reduction].value
    for name, gradient in right_soft.GRADIENTS.items():
        yield "gradient", name, gradient(scores, labels, weight, cotangent, fl), expected["none"].gradient
