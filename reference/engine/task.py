"""One question to the engine: a graph, its arguments, block by block of the batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..formats import Arithmetic, Float64
from ..regimes import note
from . import expression as e
from .adjoint import Adjoint
from .backward import Backward
from .enclose import Enclosed
from .error import Error
from .interval import Arithmetic as Numbers
from .interval import InFloat64, Interval
from .layout import Layout, stretched
from .node import Node
from .order import Order
from .overflow import Flags, broken_slopes, overflows
from .regimes import regimes
from .rounding import Rounding
from .scale import Rows, Scale


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
        order: What is computed.
        arithmetic: Of the subject.
        options: Numbers by name.
        wanted: Arguments to which gradients are taken.
    """

    order: Order
    arithmetic: Arithmetic
    options: Mapping[str, float]
    wanted: tuple[str, ...]

    def placed(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments with all axes."""
        binding = self.order.graph.binding
        return {name: self.spread(values, binding.axes[name]) for name, values in arguments.items()}

    def spread(self, values: Any, axes: Sequence[str]) -> Any:
        """An array with the caller's axes as one with all of the layout."""
        array = np.asarray(values)
        array = array.astype(np.int64) if array.dtype.kind in "iub" else array.astype(np.float64)
        return np.ascontiguousarray(self.order.layout.place(array.reshape(self.order.graph.binding.shape(axes)), axes))

    def state(self, layout: Layout, numbers: Numbers, precision: int | None) -> Rounding:
        """Nothing known yet."""
        rows = Rows(layout, self.order.elements.axes)
        return Rounding(Enclosed(layout, rows, numbers, precision), self.arithmetic)

    def cut(self, placed: Mapping[str, Any], chosen: Any) -> tuple[dict[str, Any], Layout]:
        """The arguments of some of the batch."""
        order = self.order
        if order.batch is None:
            return dict(placed), order.layout
        axes, count = order.graph.binding.axes, len(np.arange(order.layout.sizes[order.batch])[chosen])
        short = {name: array[..., chosen] if order.batch in axes[name] else array for name, array in placed.items()}
        return short, Layout(order.layout.axes, {**order.layout.sizes, order.batch: count})

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
        run.state.run(self.order.inside, placed, self.options)
        run.run(self.order.inside, self.options)
        back = Backward(run, self.wanted)
        slopes = {node.name: adjoint for node, adjoint in self._slopes(back, upstream)}
        root = self.order.elements
        if precision:
            note(lambda: regimes(self.order.graph.name, run, self.order.inside, slopes))
        flags = overflows(run, self.order.inside, {}, self.order.lifts) if precision else {}
        return Piece(
            run.state.values[root],
            run.errors[root],
            run.state.scales[root],
            flags.get(root),
            slopes,
            back,
            broken_slopes(run, self.order.inside, flags),
        )

    def _slopes(self, back: Backward, upstream: Adjoint) -> Iterator[tuple[e.Argument, Adjoint]]:
        if not self.wanted:
            return
        for node, adjoint in back.descend(self.order.elements, upstream).items():
            if isinstance(node, e.Argument):
                yield node, adjoint

    def upstream(self, cotangent: Float64, numbers: Numbers | None = None, precision: int | None = 53) -> Adjoint:
        """The adjoint of the elements, with all axes."""
        run = self.state(self.order.layout, numbers or InFloat64(), precision)
        back = Backward(run, self.wanted)
        if self.order.elements is self.order.graph.root:
            return back.upstream(cotangent)
        counts = [node for node in self.order.above if isinstance(node, e.Count)]
        run.state.run(counts, {}, self.options)
        run.run(counts, self.options)
        return back.descend(self.order.graph.root, back.upstream(cotangent), self.order.elements)[self.order.elements]

    def reduced(self, pieces: Sequence[Piece], numbers: Numbers, precision: int | None = 53) -> tuple[Rounding, Any]:
        """The reduction of all blocks together, and where it may have overflowed."""
        run = self.state(self.order.layout, numbers, precision)
        root, elements = self.order.graph.root, self.order.elements
        run.state.values[elements], run.errors[elements], run.state.scales[elements] = self.joined(pieces)
        run.state.run(self.order.above, {}, self.options)
        run.run(self.order.above, self.options)
        if precision is None:
            return run, None
        known: dict[Node, Flags] = {elements: self.flags(pieces)} if any(piece.flags for piece in pieces) else {}
        return run, overflows(run, self.order.above, known, self.order.lifts).get(root)

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
        order = self.order
        shape = order.shape(order.elements.axes if axes is None else axes)
        if order.batch is None:
            return stretched(arrays[0], shape)
        whole = [stretched(array, (*shape[:-1], size)) for array, size in zip(arrays, order.rows, strict=True)]
        return whole[0] if len(whole) == 1 else np.concatenate(whole, axis=-1)


def _counted(piece: Piece) -> tuple[Float64, Float64]:
    """The open sum of a piece, or each element as a term of its own."""
    if piece.error.terms is not None and piece.error.size is not None:
        return piece.error.terms, piece.error.size
    size = np.asarray(piece.value.magnitude + piece.error.base, dtype=np.float64)
    return (size > 0).astype(np.float64), size
