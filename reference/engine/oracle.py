"""What a formula's results are, exactly or enclosed, and how far a right implementation may be."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..arguments import DomainError, ShapeError, check_reduction
from ..enclosure import Answer
from ..formats import FORMATS, Arithmetic, Float64
from .adjoint import Adjoint
from .answers import Found
from .backward import Backward
from .domains import check_arguments, check_names
from .formula import Formula, Setting
from .interval import InFloat64
from .layout import stretched
from .order import order_of
from .overflow import Flags
from .refine import refine
from .scale import Scale
from .shapes import bind
from .task import Piece, Task


def evaluate(
    formula: Formula,
    arguments: Mapping[str, Any],
    options: Mapping[str, Setting] | None = None,
    reduction: str = "none",
    arithmetic: Arithmetic | None = None,
    cotangent: Float64 | None = None,
    *,
    documented: bool = False,
    gradients: Sequence[str] | None = None,
) -> Answer:
    """The loss and its gradients, with their bounds.

    Args:
        formula: Of the loss.
        arguments: Tensors by name: exact values of the arithmetic's format, or class indices.
        options: Settings that differ from their defaults.
        reduction: ``none``, ``sum`` or ``mean``.
        arithmetic: Of the subject; float32 without flushing if absent.
        cotangent: Upstream gradient, of the result's shape; ones if absent.
        documented: Grant the rounding of the page's own form.
        gradients: Names of the arguments to which gradients are wanted; the first that has one if absent.

    Returns:
        Enclosures of the loss and of its gradients, in the caller's shapes.

    Raises:
        OracleError: Arguments outside the formula's domain, as ``ShapeError``,
            ``LabelError``, ``DomainError`` or ``ReductionError``.
    """
    with np.errstate(all="ignore"):
        task, given = _task(formula, arguments, dict(options or {}), reduction, arithmetic, documented, gradients)
        return Question(task, given, cotangent).answer()


def _task(
    formula: Formula,
    arguments: Mapping[str, Any],
    settings: Mapping[str, Setting],
    reduction: str,
    arithmetic: Arithmetic | None,
    documented: bool,
    gradients: Sequence[str] | None,
) -> tuple[Task, dict[str, Any]]:
    """The graph for these arguments, which are checked, and the arguments as arrays."""
    check_reduction(reduction)
    check_names(formula, arguments, settings)
    given = {spec.name: np.asarray(arguments[spec.name]) for spec in formula.arguments if spec.name in arguments}
    patterns = {spec.name: spec.pattern for spec in formula.arguments}
    binding = bind(patterns, {name: values.shape for name, values in given.items()})
    check_arguments(formula, given, binding)
    order = order_of(formula, binding, settings, reduction, documented=documented)
    chosen = {**formula.options, **settings}
    numbers = {name: float(chosen[name] or 0.0) for name in formula.options if formula.counts(name)}
    own = arithmetic or Arithmetic(FORMATS["float32"])
    return Task(order, own, numbers, _wanted(formula, given, gradients)), given


def _wanted(formula: Formula, given: Mapping[str, Any], gradients: Sequence[str] | None) -> tuple[str, ...]:
    """The arguments to which gradients are taken."""
    if gradients is None:
        return tuple(spec.name for spec in formula.arguments if spec.differentiable)[:1]
    for name in gradients:
        if name not in given or formula.argument(name).whole:
            raise DomainError(f"{formula.name}: no gradient to {name!r}; it is no real argument of this call")
    return tuple(gradients)


class Question:
    """A task with its arguments."""

    def __init__(self, task: Task, arguments: Mapping[str, Any], cotangent: Float64 | None) -> None:
        self.task = task
        self.placed = task.placed(arguments)
        root = task.order.graph.root.axes
        shape = task.order.graph.binding.full(root)
        given = np.ones(shape) if cotangent is None else np.asarray(cotangent, dtype=np.float64)
        if given.size != np.prod(shape):
            raise ShapeError(f"cotangent has shape {given.shape}; the result has {int(np.prod(shape))} elements")
        self.cotangent: Float64 = task.spread(given, root)

    def answer(self) -> Answer:
        """Float64 first, exact numbers where it leaves too much open."""
        task, numbers = self.task, InFloat64()
        whole = task.upstream(self.cotangent)
        pieces: list[Piece] = []
        for chosen in task.order.blocks:
            short, layout = task.cut(self.placed, chosen)
            pieces.append(task.piece(short, layout, self._block(whole, chosen), numbers))
        value = self._value(pieces)
        slopes = {name: self._slope(name, pieces) for name in task.wanted}
        refine(task, self.placed, self.cotangent, value, slopes, self._block)
        binding = task.order.graph.binding
        return Answer(
            value.enclosure(task.order.layout, binding),
            {name: found.enclosure(task.order.layout, binding) for name, found in slopes.items()},
        )

    def _block(self, whole: Adjoint, chosen: Any) -> Adjoint:
        """The part of an adjoint that belongs to some of the batch."""

        def cut(part: Any) -> Any:
            return part[..., chosen] if part.ndim and part.shape[-1] != 1 else part

        scale = Scale(cut(whole.scale.grid), cut(whole.scale.span))
        return replace(whole, value=whole.value.map(cut), error=whole.error.map(cut), scale=scale)

    def _value(self, pieces: Sequence[Piece]) -> Found:
        task, root = self.task, self.task.order.graph.root
        if task.order.elements is root:
            value, _, _ = task.joined(pieces)
            bound = task.along([piece.error.closed(task.arithmetic.unit_roundoff) for piece in pieces])
            flags = task.flags(pieces)
        else:
            run, found = task.reduced(pieces, InFloat64())
            value, bound = run.state.values[root], run.error(root)
            flags = found or Flags(np.asarray(False), np.asarray(False))
        shape = value.low.shape
        return Found(
            root.axes,
            *(np.array(part) for part in (value.low, value.high)),
            *(stretched(part, shape) for part in (bound, flags.up, flags.down)),
        )

    def _slope(self, name: str, pieces: Sequence[Piece]) -> Found:
        task, axes = self.task, self.task.order.graph.binding.axes[name]
        shape = task.order.shape(axes)
        if not all(name in piece.slopes for piece in pieces):
            return _zero(axes, shape)
        if task.order.batch is not None and task.order.batch in axes:
            parts = [_finished(piece.back, piece.slopes[name], piece.broken) for piece in pieces]
        else:
            parts = [_together(name, pieces)]
        join = functools.partial(task.along, axes=axes) if len(parts) > 1 else operator.itemgetter(0)
        each = map(join, zip(*parts, strict=True))
        low, high, bound, up, down, tied = (stretched(part, shape) for part in each)
        return Found(axes, np.array(low), np.array(high), bound, up, down, tied=tied)


def _zero(axes: tuple[str, ...], shape: tuple[int, ...]) -> Found:
    nothing, never = np.zeros(shape), np.zeros(shape, dtype=bool)
    return Found(axes, nothing, nothing.copy(), nothing, never, never)


def _together(name: str, pieces: Sequence[Piece]) -> tuple[Any, ...]:
    """The gradient to an argument that all rows share."""
    back = pieces[0].back
    whole = back.joined([piece.slopes[name] for piece in pieces])
    broken = _any([piece.broken for piece in pieces])
    tied, doubtful = _any([piece.back.ties for piece in pieces]), _any([piece.back.undecided for piece in pieces])
    sure = tied and not doubtful and (back.run.arithmetic.format.precision < 53 or bool(back.exact(whole.scale).all()))
    return (*_finished(back, whole, np.asarray(broken))[:-1], np.asarray(sure))


def _any(masks: Sequence[Any]) -> bool:
    """Whether one of several masks holds anywhere; None is a mask that holds nowhere."""
    return any(mask is not None and mask.any() for mask in masks)


def _finished(back: Backward, slope: Adjoint, broken: Any) -> tuple[Any, ...]:
    """Ends, bound, where it may overflow, and where its width is a tie's."""
    bound = back.finished(slope)
    value, limit = slope.value, back.run.arithmetic.format.largest
    size = np.asarray(back.size(slope) + bound) * slope.lift
    over = ~(size <= limit) if not np.max(size, initial=0.0) <= limit else np.asarray(False)
    up, down = over & (value.high + bound > 0), over & (value.low - bound < 0)
    if broken is not None:
        up, down, bound = up | broken, down | broken, np.where(broken, np.inf, bound)
    return value.low, value.high, bound, up, down, back.tied(slope)
