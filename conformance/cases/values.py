"""Values of arguments: scores at which implementations differ, labels, weights, cotangents."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

from conformance.cases.operator import Array, Wanted
from conformance.cases.random_bits import RandomBits
from reference.formats import Float64, Format

_TABLE = 1 << 16
_WEIGHTS = (1.0, 0.0, 0.5, 2.0, 0.25, 3.0, 0.1, 1.7)
_COTANGENTS = (1.0, -1.0, 0.1, 0.5, 0.0, -0.7, 3.0, 1.3)


def scores(plain: Callable[[Format], float], every: Callable[[Format], float]) -> Callable[[RandomBits, Wanted], Array]:
    """Makes scores.

    Kinds: ``plain``, up to what ``plain`` gives for a format; ``every``, up to what ``every`` gives;
    ``grid``, quarters from -4 to 4, whose sums and differences every format holds.
    """

    def draw(bits: RandomBits, wanted: Wanted) -> Array:
        kind = bits.one_of(wanted.kinds)
        largest = (every if kind == "every" else plain)(wanted.format)
        drawn = _table(wanted.format, largest)[bits.integers(0, _TABLE, wanted.shape)]
        return on_grid(drawn) if kind == "grid" else drawn

    return draw


def on_grid(values: Float64) -> Float64:
    """Scores moved to quarters from -4 to 4."""
    return np.asarray(np.rint(np.clip(values, -4.0, 4.0) * 4) / 4, dtype=np.float64)


def out_of(*values: float) -> Callable[[RandomBits, Wanted], Array]:
    """Makes labels out of a few numbers."""

    def draw(bits: RandomBits, wanted: Wanted) -> Array:
        return bits.choice(values, wanted.shape)

    return draw


def places_of(axis: str) -> Callable[[RandomBits, Wanted], Array]:
    """Makes indices of places of an axis."""

    def draw(bits: RandomBits, wanted: Wanted) -> Array:
        return bits.integers(0, wanted.sizes[axis], wanted.shape)

    return draw


def weights(bits: RandomBits, wanted: Wanted) -> Array:
    """Factors that are not negative, 0 among them; of the kind ``signed``, of either sign and none 0."""
    drawn = wanted.format.round(bits.choice(_WEIGHTS, wanted.shape))
    if "signed" in wanted.kinds:
        drawn = np.where(drawn == 0, 1.0, drawn)
        return np.where(np.arange(drawn.size).reshape(drawn.shape) % 2 == 0, -drawn, drawn)
    return np.rint(drawn * 4) / 4 if "grid" in wanted.kinds else drawn


def cotangents(bits: RandomBits, format: Format, shape: tuple[int, ...]) -> Float64:
    """Upstream gradients of either sign, 0 among them."""
    return format.round(bits.choice(_COTANGENTS, shape))


@functools.cache
def _pool(format: Format) -> tuple[float, ...]:
    """Scores at which implementations differ: dyadic, signed zeros, tiny and large ones."""
    dyadic = [step / 4 for step in range(-8, 9)]
    tiny = [format.smallest_subnormal, format.smallest_normal, format.unit_roundoff, 2 * format.unit_roundoff]
    large = [float(2**k) for k in (2, 3, 4, 6)] + [2.0 ** (format.largest_exponent // 2)]
    large += [21.0, 24.0, 28.0, 34.0]  # where an exponential is below float32's roundoff and not below float64's
    large += [float(1 - 7 * math.frexp(format.smallest_normal)[1] // 10)]  # where it is a subnormal number
    return (*dyadic, -0.0, *tiny, *(-value for value in tiny), *large, *(-value for value in large))


@functools.cache
def _table(format: Format, largest: float) -> Float64:
    """65,536 scores up to a magnitude, to be drawn by index.

    A third are from the pool; a third are hundredths up to 4, as scores usually are; a
    third have any exponent and significand. No function that NumPy rounds otherwise on
    another processor has a part in them.
    """
    bits = RandomBits(format.precision)
    third = _TABLE // 3
    pool = bits.choice([value for value in _pool(format) if abs(value) <= largest], (third,))
    usual = bits.integers(-400, 401, (third,)) / 100
    rest = _TABLE - 2 * third
    exponents = bits.integers(math.frexp(format.smallest_normal)[1], math.frexp(largest)[1] + 1, (rest,))
    signs = bits.choice((-1.0, 1.0), (rest,))
    anything = np.ldexp(0.5 + bits.fractions((rest,)) / 2, exponents) * signs
    return format.round(np.clip(np.concatenate([pool, usual, anything]), -largest, largest))
