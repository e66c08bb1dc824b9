"""Inputs at which implementations differ: scores by family, and targets of every kind."""

from __future__ import annotations

import numpy as np

from reference.formats import Float64, Format, Int64

FAMILIES = (
    "usual",
    "lattice",
    "near-ties",
    "offset",
    "wide",
    "big-then-tiny",
    "subnormal",
    "equal",
    "saturated",
    "close",
)
"""Names of the families of scores."""


def scores(family: str, generator: np.random.Generator, format: Format, shape: tuple[int, int]) -> Float64:
    """Scores of a family; exact values of a format; shape (N, C)."""
    normal = generator.normal(size=shape)
    if family == "usual":
        drawn = normal
    elif family == "lattice":
        drawn = generator.integers(-8, 9, shape) / 4
    elif family == "near-ties":
        drawn = generator.integers(0, 2, shape) + generator.integers(-4, 5, shape) * format.unit_roundoff
    elif family == "offset":
        drawn = normal + 2.0 ** generator.integers(2, min(format.precision - 2, 20), (shape[0], 1))
    elif family == "wide":
        largest = format.largest_exponent // 2
        drawn = normal * np.exp2(generator.uniform(-largest, largest, shape))
    elif family == "big-then-tiny":
        drawn = np.where(np.arange(shape[1]) < 2, 8 * normal, normal * np.sqrt(format.unit_roundoff)) - 1
    elif family == "subnormal":
        drawn = generator.integers(-9, 10, shape) * format.smallest_subnormal + generator.integers(0, 2, shape)
    elif family == "equal":
        drawn = np.broadcast_to(normal[:, :1], shape)
    elif family == "saturated":
        drawn = normal * min(30.0, np.sqrt(format.largest))
    else:
        drawn = generator.integers(0, 2, shape) * 0.75 + normal / 64
    return format.round(np.clip(drawn, -format.largest / 16, format.largest / 16))


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
