"""How far an evaluation may be from the exact value: what is granted, and what an open sum may still add."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..formats import Float64

ACCURACY = {"exp": 6.0, "log": 6.0, "log1p": 8.0, "sigmoid": 8.0, "softplus": 15.0, "sqrt": 1.0}
"""Units of u that an elementary function may be off: twice the units in the last place that
OpenCL asks of it in float32 or that were measured in NumPy, torch, JAX and TensorFlow (exp 2.4,
log1p 3.9), whichever is more; a sigmoid has two further roundings, a softplus the sum's."""


@dataclass(frozen=True)
class Error:
    """Of a node, for each place.

    Attributes:
        base: What is certain to be granted.
        terms: Of the sum that is still open, how many may differ from 0; None if there is none.
        size: Of that sum, the magnitudes of the terms with their errors.
    """

    base: Float64
    terms: Float64 | None = None
    size: Float64 | None = None

    def closed(self, u: float) -> Float64:
        """The error with every rounding of the open sum."""
        if self.terms is None or self.size is None:
            return self.base
        return self.base + np.maximum(self.terms - 1, 0) * u * self.size

    @property
    def none(self) -> bool:
        """Whether there is no error anywhere, known without looking at every place."""
        return self.base.ndim == 0 and not self.base and self.terms is None

    def map(self, function: Callable[[Float64], Float64]) -> Error:
        """The same for places chosen otherwise."""
        moved = [part if part is None or not part.ndim else function(part) for part in (self.terms, self.size)]
        return Error(function(self.base) if self.base.ndim else self.base, *moved)


NONE = Error(np.zeros(()))
"""Of exact numbers."""
