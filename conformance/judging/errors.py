"""How far results were from the truth: the largest error and the distribution of all of them."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import numpy as np

from reference.formats import Float64, Int64

LEAST_SHARE, MOST_SHARE = -10, 0
"""Shares of the bound are counted by powers of two from 2^-10 to 1."""

LEAST_ULP, MOST_ULP = -2, 20
"""Errors in ulp are counted by powers of two from 1/4 to 2^20."""


def _empty(least: int, most: int) -> Int64:
    return np.zeros(most - least + 3, dtype=np.int64)


@dataclass
class Errors:
    """Errors of results against their enclosures.

    Attributes:
        elements: How many results were compared.
        ulp: Largest error in units in the last place.
        share: Largest error as a share of its bound.
        shares: How many errors were 0, at most 2^-10, 2^-9, … 1 of the bound, and beyond.
        ulps: How many were 0, at most 1/4, 1/2, … 2^20 ulp, and beyond.
    """

    elements: int = 0
    ulp: float = 0.0
    share: float = 0.0
    shares: Int64 = field(default_factory=lambda: _empty(LEAST_SHARE, MOST_SHARE))
    ulps: Int64 = field(default_factory=lambda: _empty(LEAST_ULP, MOST_ULP))

    def add(self, ulps: Float64, shares: Float64) -> None:
        """Take the errors of one result into account."""
        self.elements += int(np.size(ulps))
        self.ulp = max(self.ulp, float(np.max(ulps, initial=0.0)))
        self.share = max(self.share, float(np.max(shares, initial=0.0)))
        self.shares += _counted(shares, LEAST_SHARE, MOST_SHARE)
        self.ulps += _counted(ulps, LEAST_ULP, MOST_ULP)

    def merge(self, other: Errors) -> None:
        """Take another distribution into account."""
        self.elements += other.elements
        self.ulp, self.share = max(self.ulp, other.ulp), max(self.share, other.share)
        self.shares += other.shares
        self.ulps += other.ulps


@functools.cache
def _edges(least: int, most: int) -> Float64:
    return np.exp2(np.arange(least, most + 1))


def _counted(values: Float64, least: int, most: int) -> Int64:
    """How many values are 0, at most each power of two, and beyond the largest."""
    edges = _edges(least, most)
    flat = np.reshape(values, -1)
    wrong = flat[flat != 0]
    counts = np.bincount(np.searchsorted(edges, wrong) + 1, minlength=len(edges) + 2)
    counts[0] = flat.size - wrong.size
    return counts.astype(np.int64)


def labelled(counts: Int64, least: int, most: int) -> dict[str, int]:
    """Counts by the upper end of their range, without the empty ones: ``0``, ``2^-10``, …, ``more``."""
    names = ["0", *(f"2^{power}" for power in range(least, most + 1)), "more"]
    return {name: int(count) for name, count in zip(names, counts.tolist(), strict=True) if count}
