"""Which branches and limits of the oracles were met: each names its predicate where it stands.

An oracle calls :func:`regime` where it takes a branch or where a term of a bound comes
into play. That costs nothing until somebody watches; then each predicate is evaluated, and
it is counted how often it held and how often it did not.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from .formats import Bool

Predicate = Bool | np.bool_ | bool
Counts = dict[str, list[int]]


@dataclass
class Seen:
    """How often each predicate did not hold and held, by its name."""

    counts: Counts = field(default_factory=Counts)

    def note(self, name: str, holds: Predicate) -> None:
        """Count where a predicate holds."""
        array = np.asarray(holds)
        counts = self.counts.setdefault(name, [0, 0])
        counts[1] += int(np.count_nonzero(array))
        counts[0] += int(array.size - np.count_nonzero(array))


_watchers: list[Seen] = []


@contextmanager
def watched() -> Generator[Seen]:
    """Count the regimes that the oracles meet, in this process, until the end of the block."""
    seen = Seen()
    _watchers.append(seen)
    try:
        yield seen
    finally:
        _watchers.remove(seen)


def watching() -> bool:
    """Whether anybody counts regimes."""
    return bool(_watchers)


def regime(name: str, holds: Callable[[], Predicate]) -> None:
    """Say that a predicate stands here; evaluated only where somebody watches.

    Args:
        name: Unique; ``where: what``.
        holds: The predicate, for one or many elements.
    """
    for seen in _watchers:
        seen.note(name, holds())
