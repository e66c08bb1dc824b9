"""What is known of an adjoint: what the result changes by when a node does."""

from __future__ import annotations

from dataclasses import dataclass

from .error import Error
from .interval import Interval
from .scale import Scale


@dataclass(frozen=True)
class Adjoint:
    """What the result changes by when a node does.

    Attributes:
        value: Enclosed.
        error: Of any evaluation.
        scale: Its grid, and the largest partial sum.
        lift: By how much intermediates may be larger, because a divisor may come last.
    """

    value: Interval
    error: Error
    scale: Scale
    lift: float = 1.0
