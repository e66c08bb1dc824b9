"""One question to the engine: a graph, its arguments, block by block of the batch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..formats import Arithmetic, Float64
from ..regimes import note
from . import expression as e
from .adjoint import Adjoint
from .backward import Backward
from .enclose import Enclosed
from .error import Error
from .formula import Graph
from .interval import Arithmetic as Numbers
from .interval import InFloat64, Interval
from .layout import Layout
from .node import Node, walk
from .overflow import Flags, broken_slopes, lifts, overflows
from .plain import layout_of
from .regimes import regimes
from .rounding import Rounding
from .scale import Rows, Scale

_AT_ONCE, _LEAST_ROWS = 1 << 15, 64


@dataclass(frozen=True)
class Piece:
    """What is known of the elements of one block, and of the gradients from it.

    Attributes:
        value: Enclosure of the elements.
        error: Theirs.
        scale: Theirs.
        flags: Where they may have overflowed.
        slopes: Adjoints of the arguments, by name.
        back: What found them.
        broken: Rows whose slopes may be anything because an intermediate overflowed.
    """

    value: Interval
    error: Error
    scale: Scale
    flags: Flags | None
    slopes: Mapping[str, Adjoint]
    back: Backward
    broken: Any = None


@dataclass(frozen=True)
class Task:
    """A graph in an arithmetic.

    Attributes:
        graph: What is computed.
        arithmetic: Of the subject.
        options: Numbers by name.
        wanted: Arguments to which gradients are taken.
    """

    graph: Graph
    arithmetic: Arithmetic
    options: Mapping[str, float]
    wanted: tuple[str, ...]

    @cached_property
    def elements(self) -> e.Expression:
        """What is computed block by block: the elements, or all of it for a mean of its own."""
        return self.graph.elements if self.graph.elements in self._whole else self.graph.root

    @cached_property
    def _whole(self) -> list[Node]:
        return walk(self.graph.root)

    @cached_property
    def inside(self) -> list[Node]:
        """Nodes of an element, parents first."""
        return walk(self.elements)

    @cached_property
    def above(self) -> list[Node]:
        """Nodes of the reduction."""
        inner = set(self.inside)
        return [node for node in self._whole if node not in inner]

    @cached_property
    def lifts(self) -> dict[Node, float]:
        """By how much sums are larger before the quotients in them."""
        return lifts(self.layout, self._whole)

    @cached_property
    def batch(self) -> str | None:
        """The axis that blocks are taken along: the longest of the elements'."""
        sizes = self.graph.binding.sizes
        return max(self.elements.axes, key=lambda axis: sizes[axis], default=None)

    @cached_property
    def layout(self) -> Layout:
        """With the batch last, where NumPy's loops run along it."""
        return layout_of(self.graph, last=self.batch)

    def placed(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments with all axes."""
        binding = self.graph.binding
        return {name: self.spread(values, binding.axes[name]) for name, values in arguments.items()}

    def spread(self, values: Any, axes: Sequence[str]) -> Any:
        """An array with the caller's axes as one with all of the layout."""
        array = np.asarray(values)
        array = array.astype(np.int64) if array.dtype.kind in "iub" else array.astype(np.float64)
        return np.ascontiguousarray(self.layout.place(array.reshape(self.graph.binding.shape(axes)), axes))

    def state(self, layout: Layout, numbers: Numbers, precision: int | None) -> Rounding:
        """Nothing known yet."""
        rows = Rows(layout, self.elements.axes)
        return Rounding(Enclosed(layout, rows, numbers, precision), self.arithmetic)

    @cached_property
    def blocks(self) -> tuple[slice, ...]:
        """Slices of the batch that stay in the processor's cache."""
        sizes = self.layout.sizes
        if self.batch is None:
            return (slice(None),)
        inner = max(1, *(math.prod(sizes[a] for a in node.axes if a != self.batch) for node in self.inside))
        step = max(_LEAST_ROWS if inner < _AT_ONCE else 1, _AT_ONCE // inner)
        return tuple(slice(start, start + step) for start in range(0, max(1, sizes[self.batch]), step))

    def cut(self, placed: Mapping[str, Any], chosen: Any) -> tuple[dict[str, Any], Layout]:
        """The arguments of some of the batch."""
        if self.batch is None:
            return dict(placed), self.layout
        axes, count = self.graph.binding.axes, len(np.arange(self.layout.sizes[self.batch])[chosen])
        short = {name: array[..., chosen] if self.batch in axes[name] else array for name, array in placed.items()}
        return short, Layout(self.layout.axes, {**self.layout.sizes, self.batch: count})

    def piece(
        self,
        placed: Mapping[str, Any],
        layout: Layout,
        upstream: Adjoint,
        numbers: Numbers,
        precision: int | None = 53,
    ) -> Piece:
        """Elements and slopes of a block."""
        run = self.state(layout, numbers, precision)
        run.state.run(self.inside, placed, self.options)
        run.run(self.inside, self.options)
        back = Backward(run, self.wanted)
        slopes = {node.name: adjoint for node, adjoint in self._slopes(back, upstream)}
        root = self.elements
        if precision:
            note(lambda: regimes(self.graph.name, run, self.inside, slopes))
        flags = overflows(run, self.inside, {}, self.lifts) if precision else {}
        return Piece(
            run.state.values[root],
            run.errors[root],
            run.state.scales[root],
            flags.get(root),
            slopes,
            back,
            broken_slopes(run, self.inside, flags),
        )

    def _slopes(self, back: Backward, upstream: Adjoint) -> Iterator[tuple[e.Argument, Adjoint]]:
        if not self.wanted:
            return
        for node, adjoint in back.descend(self.elements, upstream).items():
            if isinstance(node, e.Argument):
                yield node, adjoint

    def upstream(self, cotangent: Float64, numbers: Numbers | None = None, precision: int | None = 53) -> Adjoint:
        """The adjoint of the elements, with all axes."""
        run = self.state(self.layout, numbers or InFloat64(), precision)
        back = Backward(run, self.wanted)
        if self.elements is self.graph.root:
            return back.upstream(cotangent)
        counts = [node for node in self.above if isinstance(node, e.Count)]
        run.state.run(counts, {}, self.options)
        run.run(counts, self.options)
        return back.descend(self.graph.root, back.upstream(cotangent), self.elements)[self.elements]

    def reduced(self, pieces: Sequence[Piece], numbers: Numbers, precision: int | None = 53) -> tuple[Rounding, Any]:
        """The reduction of all blocks together, and where it may have overflowed."""
        run = self.state(self.layout, numbers, precision)
        root, elements = self.graph.root, self.elements
        run.state.values[elements], run.errors[elements], run.state.scales[elements] = self.joined(pieces)
        run.state.run(self.above, {}, self.options)
        run.run(self.above, self.options)
        if precision is None:
            return run, None
        known: dict[Node, Flags] = {elements: self.flags(pieces)} if any(piece.flags for piece in pieces) else {}
        return run, overflows(run, self.above, known, self.lifts).get(root)

    def joined(self, pieces: Sequence[Piece]) -> tuple[Interval, Error, Scale]:
        """The elements of all blocks."""
        low = self.along([piece.value.low for piece in pieces])
        known = all(piece.value.known for piece in pieces)
        high = low if known else self.along([piece.value.high for piece in pieces])
        scale = Scale(self.along([p.scale.grid for p in pieces]), self.along([p.scale.span for p in pieces]))
        return Interval(low, high), self._error(pieces), scale

    def _error(self, pieces: Sequence[Piece]) -> Error:
        """Their errors; open sums stay open."""
        base = self.along([piece.error.base for piece in pieces])
        if all(piece.error.terms is None for piece in pieces):
            return Error(base)
        terms, sizes = zip(*map(_counted, pieces), strict=True)
        return Error(base, self.along(terms), self.along(sizes))

    def flags(self, pieces: Sequence[Piece]) -> Flags:
        """Where elements may have overflowed."""
        none = Flags(np.asarray(False), np.asarray(False))
        flags = [piece.flags or none for piece in pieces]
        up, down = self.along([flag.up for flag in flags]), self.along([flag.down for flag in flags])
        return Flags(up.astype(bool), down.astype(bool))

    def along(self, arrays: Sequence[Any], axes: Sequence[str] | None = None) -> Any:
        """Arrays of consecutive blocks as one, with the elements' axes or other ones."""
        axes = self.elements.axes if axes is None else axes
        if self.batch is None:
            return np.broadcast_to(arrays[0], tuple(self.layout.sizes[a] if a in axes else 1 for a in self.layout.axes))
        steps = self.blocks
        sizes = [len(range(*chosen.indices(self.layout.sizes[self.batch]))) for chosen in steps]
        shape = tuple(self.layout.sizes[axis] if axis in axes else 1 for axis in self.layout.axes[:-1])
        whole = [np.broadcast_to(array, (*shape, size)) for array, size in zip(arrays, sizes, strict=True)]
        return whole[0] if len(whole) == 1 else np.concatenate(whole, axis=-1)


def _counted(piece: Piece) -> tuple[Float64, Float64]:
    """The open sum of a piece, or each element as a term of its own."""
    if piece.error.terms is not None and piece.error.size is not None:
        return piece.error.terms, piece.error.size
    size = np.asarray(piece.value.magnitude + piece.error.base, dtype=np.float64)
    return (size > 0).astype(np.float64), size
