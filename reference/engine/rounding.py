r"""How far any evaluation that the page leaves open may be from the exact value, node by node.

u is the unit roundoff of the subject's format, η its smallest subnormal number, or the
smallest normal one where the subject flushes. e is the error of a part, v its value.

=============================  =========================================================
argument                       exact
option, constant               u \|v\|, unless it is a value of the format
sum of two terms               Σ e + u (\|s\| + Σ e)
sum of three                   Σ e + u (m + \|s\| + 2 Σ e)(1 + 2 u), m the largest sum of two of them
sum of n, sum over axes        Σ e + (n - 1) u Σ (\|v\| + e), n the terms that may differ from 0
product                        \|a\| e_b + \|b\| e_a + e_a e_b + u (\|a b\| + these) + η; where an
                               operand may be subnormal and flushed, \|a b\| as well
quotient by a count            e / n + 2 u (...) + η: a quotient, or a reciprocal and a product
quotient by a number           through both ends, + u + η
max(0, a)                      e, but no more than the true value 0 can be left by
choice by labels               that of the choice; by computed numbers, the union
elementary function            e times the largest slope nearby + k u \|v\| + η
result                         one more conversion, from a wider accumulator
=============================  =========================================================

A sum of three known terms that is exactly 0 has no error: each partial sum is the
opposite of a term. What an open sum may still round (its n and its size) goes with it
through products and quotients by a count into the next sum, because sum and factor may
change places. A row whose numbers stay on a grid (:mod:`.scale`) rounds nowhere.

The bound (n - 1) u of a sum in any order is Jeannerod and Rump's, "Improved error bounds
for inner products in floating-point arithmetic", 2013.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..formats import Arithmetic, Bool, Float64
from . import expression as e
from .enclose import Enclosed, leaf_values
from .error import NONE, Error
from .error_rules import ERRORS
from .node import Node
from .scale import Scale


@dataclass
class Rounding:
    """Errors of a graph's nodes.

    Attributes:
        state: Their enclosures.
        arithmetic: Of the subject.
        errors: Found so far.
    """

    state: Enclosed
    arithmetic: Arithmetic
    errors: dict[Node, Error] = field(default_factory=dict[Node, Error])

    @property
    def u(self) -> float:
        """The unit roundoff."""
        return self.arithmetic.unit_roundoff

    @property
    def tiny(self) -> float:
        """The absolute error of one operation."""
        return self.arithmetic.underflow

    @property
    def trivial(self) -> bool:
        """Whether only enclosures are wanted, because they never round."""
        return self.state.precision is None

    def fits(self, node: Node) -> Bool:
        """Where a node's operation does not round in the subject's format."""
        return self.on_grid(self.state.scales[node])

    def on_grid(self, scale: Scale) -> Bool:
        """Where numbers of a scale and their sums are values of the subject's format."""
        if self.trivial:
            return np.asarray(True)
        format = self.arithmetic.format
        least = format.smallest_normal if self.arithmetic.flushes else format.smallest_subnormal
        return scale.fits(format.precision, least)

    def run(self, order: Sequence[Node], options: Mapping[str, float]) -> None:
        """Find the errors of nodes, parents first."""
        for node in order:
            if node in self.errors:
                continue
            if self.trivial or isinstance(node, e.Argument):
                self.errors[node] = NONE
            elif isinstance(node, e.Option | e.Constant):
                self.errors[node] = self._converted(leaf_values(node, {}, options, 1))
            elif isinstance(node, e.Expression):
                self.errors[node] = ERRORS[type(node)](self, node)

    def _converted(self, value: Float64) -> Error:
        if self.arithmetic.format.round(value) == value:
            return NONE
        return Error(np.asarray(abs(value[0]) * self.u + self.tiny))

    def error(self, node: Node) -> Float64:
        """The error of a node, closed."""
        return self.errors[node].closed(self.u)

    def operand(self, node: Node) -> Float64:
        """The error of a node as an operand, which is zero instead if it is subnormal and flushed."""
        error = self.error(node)
        if not self.arithmetic.flushes:
            return error
        size = self.magnitude(node)
        return error + np.where(size - error < self.tiny, size, 0.0)

    def magnitude(self, node: Node) -> Float64:
        """The largest magnitude of the exact value; that of float64 for what float64 does not hold."""
        size = np.asarray(self.state.values[node].magnitude)
        return np.fmin(size, np.finfo(np.float64).max) if self.arithmetic.format.precision == 53 else size

    def beyond(self, size: Float64, lost: Float64) -> Float64:
        """What a quotient loses if its denominator may overflow: all of it, because it becomes 0."""
        return np.where(size > self.arithmetic.format.largest, lost, 0.0)

    def largest(self, node: Node) -> Float64:
        """The largest magnitude that a subject may have."""
        return self.magnitude(node) + self.error(node)

    def own(self, node: Node, grant: Float64, exact: Bool | None = None) -> Float64:
        """What a node's own operation rounds by: nothing on a grid, and nothing of nothing."""
        fits = self.fits(node) if exact is None else exact
        return np.where(fits, 0.0, grant) if fits.any() else grant
