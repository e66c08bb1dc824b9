"""Inputs at which implementations differ: scores by family, and targets of every kind."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reference.formats import Float64, Format, Int64


def scores(family: str, generator: np.random.Generator, format: Format, shape: tuple[int, int]) -> Float64:
    """Scores of a family; exact values of a format; shape (N, C)."""
    drawn = FAMILIES[family](generator, format, shape)
    return format.round(np.clip(drawn, -format.largest / 16, format.largest / 16))


def _usual(generator: np.random.Generator, format: Format, shape: tuple[int, int]) -> Float64:
    """Normally distributed."""
    del format
    return generator.normal(size=shape)


def _lattice(generator: np.random.Generator, format: Format, shape: tuple[int, int]) -> Float64:
    """Quarters from -2 to 2."""
    del format
    return generator.integers(-8, 9, shape) / 4


def _near_ties(generator: np.random.Generator, format: Format, shape: tuple[int, int]) -> Float64:
    """0 or 1 and a few units of roundoff."""
    return generator.integers(0, 2, shape) + generator.integers(-4, 5, shape) * format.unit_roundoff


def _offset(generator: np.random.Generator, format: Format, shape: tuple[int, int]) -> Float64:
    """Usual scores far from 0."""
    exponent = generator.integers(2, min(format.precision - 2, 20), (shape[0], 1))
    return generator.normal(size=shape) + np.exp2(exponent)


def _wide(generator: np.random.Generator, format: Format, shape: tuple[int, int]) -> Float64:
    """Any exponent up to half of the format's."""
    largest = format.largest_exponent // 2
    exponent: Float64 = generator.uniform(-largest, largest, shape)
    return generator.normal(size=shape) * np.exp2(exponent)


def _big_then_tiny(generator: np.random.Generator, format: Format, shape: tuple[int, int]) -> Float64:
    """Two large terms, then many that a sum in this order loses one by one."""
    scale = np.where(np.arange(shape[1]) < 2, 8.0, np.sqrt(format.unit_roundoff))
    return np.asarray(scale * generator.normal(size=shape) - 1, dtype=np.float64)


def _subnormal(generator: np.random.Generator, format: Format, shape: tuple[int, int]) -> Float64:
    """0 or 1 and a few subnormal units."""
    steps = generator.integers(-9, 10, shape) * format.smallest_subnormal
    return np.asarray(steps + generator.integers(0, 2, shape), dtype=np.float64)


def _equal(generator: np.random.Generator, format: Format, shape: tuple[int, int]) -> Float64:
    """One score for a whole row."""
    del format
    return np.repeat(generator.normal(size=(shape[0], 1)), shape[1], axis=1)


def _saturated(generator: np.random.Generator, format: Format, shape: tuple[int, int]) -> Float64:
    """Where exponentials are lost beside 1."""
    return generator.normal(size=shape) * min(30.0, float(np.sqrt(format.largest)))


def _close(generator: np.random.Generator, format: Format, shape: tuple[int, int]) -> Float64:
    """Two clusters, so that the differences are small."""
    del format
    return generator.integers(0, 2, shape) * 0.75 + generator.normal(size=shape) / 64


FAMILIES: dict[str, Callable[[np.random.Generator, Format, tuple[int, int]], Float64]] = {
    "usual": _usual,
    "lattice": _lattice,
    "near-ties": _near_ties,
    "offset": _offset,
    "wide": _wide,
    "big-then-tiny": _big_then_tiny,
    "subnormal": _subnormal,
    "equal": _equal,
    "saturated": _saturated,
    "close": _close,
}
"""Families of scores, by name."""

PLAIN = ("usual", "equal", "close")
"""Those without ties, cancellation, huge beside tiny or subnormal numbers; the others are adversarial."""


def targets(generator: np.random.Generator, shape: tuple[int, int], most: int | None = None) -> Int64:
    """Targets of the margin loss: blocks of every length with and without duplicates; anything behind them."""
    rows, classes = shape
    longest = min(most or classes, classes)
    target = generator.integers(-1, classes, shape)
    for row in range(rows):
        length = int(generator.integers(0, longest + 1))
        block = generator.integers(0, classes, length) if row % 4 == 0 else generator.permutation(classes)[:length]
        target[row, :length] = block
        target[row, length : length + 1] = -1
    return target


def labels(generator: np.random.Generator, shape: tuple[int, int], format: Format, *, soft: bool) -> Float64:
    """Labels of the soft margin loss: 0 and 1, or anything between as well."""
    hard = generator.integers(0, 2, shape).astype(np.float64)
    near = np.abs(hard - np.exp2(generator.uniform(-30, -1, shape)))
    return format.round(np.where(generator.integers(0, 2, shape) * soft == 1, near, hard))
