"""Which axis of which argument is which: patterns such as ``N? C`` bound to shapes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..arguments import ShapeError

FURTHER = "..."
"""The axis that all axes of a pattern's ``...`` make together."""


@dataclass(frozen=True)
class Binding:
    """Axes with names and lengths.

    Attributes:
        axes: Of each argument, in its own order; axes under ``...`` as one.
        sizes: Length of each axis.
        further: Lengths of the axes that stand under ``...``.
    """

    axes: Mapping[str, tuple[str, ...]]
    sizes: Mapping[str, int]
    further: tuple[int, ...] = ()

    def flat(self, name: str) -> tuple[int, ...]:
        """Shape of an argument with the axes under ``...`` as one."""
        return self.shape(self.axes[name])

    def shape(self, axes: Sequence[str]) -> tuple[int, ...]:
        """Lengths of some axes."""
        return tuple(self.sizes[axis] for axis in axes)

    def full(self, axes: Sequence[str]) -> tuple[int, ...]:
        """The same, the axes under ``...`` as the caller gave them."""
        return tuple(size for axis in axes for size in (self.further if axis == FURTHER else (self.sizes[axis],)))


def bind(patterns: Mapping[str, str], shapes: Mapping[str, tuple[int, ...]]) -> Binding:
    """Give the axes of arguments their names.

    Args:
        patterns: Of each argument: names of axes, ``N?`` for one that all arguments have or
            lack together, ``...`` for any number of further ones.
        shapes: Of each argument that is given.

    Raises:
        ShapeError: Shapes that fit no pattern, or not each other.
    """
    for dropped in (False, True):
        found = _bound({name: _words(patterns[name], dropped=dropped) for name in shapes}, shapes)
        if found is not None:
            return found
    listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
    wanted = ", ".join(f"{name} ({patterns[name]})" for name in shapes)
    raise ShapeError(f"shapes {listed}: they do not belong together; the formula takes {wanted}")


def _words(pattern: str, *, dropped: bool) -> tuple[str, ...]:
    words = [word for word in pattern.split() if not (dropped and word.endswith("?"))]
    return tuple(word.rstrip("?") for word in words)


def _bound(words: Mapping[str, tuple[str, ...]], shapes: Mapping[str, tuple[int, ...]]) -> Binding | None:
    sizes: dict[str, int] = {}
    further: tuple[int, ...] | None = None
    for name, shape in shapes.items():
        own = words[name]
        extra = len(shape) - len(own) + 1
        if FURTHER in own and extra >= 0:
            start = own.index(FURTHER)
            middle = shape[start : start + extra]
            if further not in (None, middle):
                return None
            further = middle
            shape = (*shape[:start], math.prod(middle), *shape[start + extra :])
        if len(shape) != len(own):
            return None
        for axis, size in zip(own, shape, strict=True):
            if sizes.setdefault(axis, size) != size:
                return None
    return Binding(words, sizes, further or ())
