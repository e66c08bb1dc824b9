"""Which branches and limits of the oracles were met.

Beside its formulas, an oracle has one function that names a predicate for each branch that it takes
and for each term of a bound that comes into play. The oracle hands that function to :func:`note` with
its intermediates. That costs nothing until somebody watches: then each predicate is evaluated, and
it is counted how often it held and how often it did not.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from .formats import Bool

Predicate = Bool | np.bool_ | bool
Regimes = Mapping[str, Predicate]
"""Whether each predicate holds, for one or many elements, by its name: unique, ``where: what``."""

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


def note(regimes: Callable[[], Regimes]) -> None:
    """Count what an oracle met; its predicates are evaluated only while somebody watches."""
    if not _watchers:
        return
    for name, holds in regimes().items():
        for seen in _watchers:
            seen.note(name, holds)
