"""Arrays whose axes have names, in one order for a whole graph: an axis that is missing has length 1."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Layout:
    """The order and the lengths of the axes.

    Attributes:
        axes: Names, in the arrays' order.
        sizes: Length of each.
    """

    axes: tuple[str, ...]
    sizes: Mapping[str, int]

    def place(self, array: Any, names: Sequence[str]) -> Any:
        """An array with axes of these names as one with all axes."""
        order = sorted(range(len(names)), key=lambda place: self.axes.index(names[place]))
        shape = tuple(self.sizes[axis] if axis in names else 1 for axis in self.axes)
        return permuted(array, order).reshape(shape)

    def strip(self, array: Any, names: Sequence[str]) -> Any:
        """The opposite of :meth:`place`."""
        kept = [axis for axis in self.axes if axis in names]
        short = array.reshape(tuple(self.sizes[axis] for axis in kept))
        return permuted(short, [kept.index(name) for name in names])

    def positions(self, names: Sequence[str]) -> tuple[int, ...]:
        """Where axes stand."""
        return tuple(self.axes.index(name) for name in names)

    def swap(self, old: str, new: str) -> tuple[int, int]:
        """Two axes to exchange, where an array has ``old`` and lacks ``new``."""
        return self.axes.index(old), self.axes.index(new)

    def count(self, names: Sequence[str]) -> int:
        """How many places axes have together."""
        return math.prod(self.sizes[name] for name in names)


def stretched(array: Any, shape: tuple[int, ...]) -> Any:
    """An array over the places along which it is the same; as it is if it has the shape, which NumPy is slow to see."""
    return array if array.shape == shape else np.broadcast_to(array, shape)


def permuted(array: Any, order: Sequence[int]) -> Any:
    """The axes in another order: NumPy and torch say it differently."""
    return array.permute(tuple(order)) if hasattr(array, "permute") else array.transpose(tuple(order))


def sizes_with_names(sizes: Mapping[str, int], renamed: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Lengths of the arguments' axes and of those that the graph renames them to."""
    found = dict(sizes)
    for old, new in renamed:
        found[new] = found[old]
    return found
