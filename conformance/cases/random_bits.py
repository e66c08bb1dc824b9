"""Random numbers that depend on a name and a seed alone, whatever is installed.

NumPy promises the bits of ``SeedSequence`` and ``PCG64`` for ever, and promises nothing of
what ``Generator`` makes of them. So the numbers here are made of the bits by formulas of
our own. A change of any of them changes every case that is drawn, and :data:`SCHEME` with it.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from conformance.cases.turns import combinations
from reference.formats import Float64, Int64

SCHEME = 6
"""Number of the way in which cases are drawn; stands in the header of every run."""

_MOST = 1 << 32


class RandomBits:
    """A stream of random numbers.

    Args:
        seed: Words that name the stream.
        turn: Its place among streams that follow each other; what is not left to chance depends on it.
    """

    def __init__(self, *seed: int, turn: int = 0) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(seed))
        self.turn = turn

    @classmethod
    def streams(cls, name: str, seed: int) -> Iterator[RandomBits]:
        """As many streams as are asked for: the same ones for the same name and seed."""
        place = 0
        while True:
            yield cls(zlib.crc32(name.encode()), seed, place, turn=place)
            place += 1

    def _raw(self, shape: tuple[int, ...]) -> npt.NDArray[np.uint64]:
        count = math.prod(shape)
        return np.asarray(self._bits.random_raw(count), dtype=np.uint64).reshape(shape)

    def integer(self, low: int, high: int) -> int:
        """An integer from ``low`` to below ``high``."""
        return low + ((int(self._bits.random_raw()) >> 32) * _some_count(low, high) >> 32)

    def integers(self, low: int, high: int, shape: tuple[int, ...]) -> Int64:
        """Integers from ``low`` to below ``high``, of which there are fewer than 2^32.

        The upper 32 bits, times the number of integers, over 2^32: none is likelier than another by
        more than 2^-32 of the whole.
        """
        count = _some_count(low, high)
        drawn = ((self._raw(shape) >> np.uint64(32)) * np.uint64(count)) >> np.uint64(32)
        return drawn.astype(np.int64) + low

    def fractions(self, shape: tuple[int, ...]) -> Float64:
        """Multiples of 2^-53 from 0 to below 1."""
        return (self._raw(shape) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def choice(self, of: Sequence[float] | Float64, shape: tuple[int, ...]) -> Float64:
        """Numbers out of several, each as likely as the others."""
        return np.asarray(of, dtype=np.float64)[self.integers(0, len(of), shape)]

    def one_of(self, of: Sequence[Any]) -> Any:
        """One thing out of several."""
        return of[self.integer(0, len(of))]

    def permutation(self, count: int) -> Int64:
        """The integers below ``count`` in some order."""
        return np.argsort(self._raw((count,)), kind="stable").astype(np.int64)

    def in_turn(self, *choices: Sequence[Any]) -> tuple[Any, ...]:
        """One thing out of each of several choices: streams that follow each other give every pair soon."""
        order = combinations(tuple(len(choice) for choice in choices))
        return tuple(choice[place] for choice, place in zip(choices, order[self.turn % len(order)], strict=True))


def _some_count(low: int, high: int) -> int:
    """How many integers there are from ``low`` to below ``high``.

    Raises:
        ValueError: There are none, or more than 2^32.
    """
    count = high - low
    if not 0 < count <= _MOST:
        raise ValueError(f"integers from {low} to below {high}: there are none, or more than 2^32")
    return count
