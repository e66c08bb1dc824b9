"""Results of the engine as the enclosures that the suite compares with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..enclosure import Enclosure
from ..formats import Bool, Float64
from .layout import Layout
from .shapes import FURTHER, Binding

TOO_WIDE = 2.0**-20
"""Largest width of an enclosure as a share of its bound."""


@dataclass
class Found:
    """A result with all axes of a layout.

    Attributes:
        axes: Those that it has.
        low: Lower ends.
        high: Upper ends.
        bound: What a right implementation may be off.
        up: Where an intermediate may overflow upwards.
        down: Where one may downwards.
        tied: Rows whose interval is that of the slopes at a tie, and otherwise known well enough.
        middle: Nearest numbers, where they are known better than from the ends.
    """

    axes: tuple[str, ...]
    low: Float64
    high: Float64
    bound: Float64
    up: Bool
    down: Bool
    middle: Float64 | None = None
    tied: Bool = field(default_factory=lambda: np.asarray(False))

    def wide(self) -> Bool:
        """Where the enclosure says too little beside its bound, or is no interval, but for true ties."""
        width = self.high - self.low
        narrow = (width == 0) | (np.isfinite(width) & ((width <= TOO_WIDE * self.bound) | self.tied))
        return np.asarray(~narrow, dtype=np.bool_)

    def improve(self, chosen: Any, low: Float64, middle: Float64, high: Float64) -> None:
        """Put better numbers in some places of the last axis."""
        if self.middle is None:
            self.middle = self.low + (self.high - self.low) / 2
        for own, better in ((self.low, low), (self.middle, middle), (self.high, high)):
            own[..., chosen] = better

    def enclosure(self, layout: Layout, binding: Binding) -> Enclosure:
        """In the caller's shape."""
        bound = np.where(np.isnan(self.bound), np.inf, self.bound)
        low = np.where(np.isnan(self.low), -np.inf, self.low)
        high = np.where(np.isnan(self.high), np.inf, self.high)
        middle = low + (high - low) / 2 if self.middle is None else self.middle
        middle = np.where(np.isnan(middle), 0.0, middle)
        largest = np.finfo(np.float64).max
        reach = np.where(self.up, np.inf, np.clip(high + bound, 0.0, largest))
        depth = np.where(self.down, np.inf, np.clip(bound - low, 0.0, largest))
        shape = binding.full(self.axes) if binding.further or FURTHER in self.axes else layout_shape(layout, self.axes)
        parts = [layout.strip(part, self.axes).reshape(shape) for part in (low, high, bound, reach, depth, middle)]
        return Enclosure(*parts)


def layout_shape(layout: Layout, axes: Sequence[str]) -> tuple[int, ...]:
    """Lengths of axes."""
    return tuple(layout.sizes[axis] for axis in axes)
