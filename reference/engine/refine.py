"""Exact numbers for the rows of which float64 says too little.

The same graph is evaluated again for those rows, in rationals, or in balls if it has an
elementary function; float64 numbers on both sides of the result replace its ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import flint
import numpy as np

from . import expression as e
from .adjoint import Adjoint
from .answers import Found
from .exact import Balls, Rationals
from .task import Piece, Task

_AT_ONCE = 1024
_PRECISIONS = (256, 2400)

Cut = Callable[[Adjoint, Any], Adjoint]


def refine(
    task: Task, placed: Mapping[str, Any], cotangent: Any, value: Found, slopes: Mapping[str, Found], cut: Cut
) -> None:
    """Improve the results in place.

    Args:
        task: What was computed.
        placed: Its arguments.
        cotangent: With all axes.
        value: The loss.
        slopes: The gradients.
        cut: How an adjoint is cut to some of the batch.
    """
    results = {"": value, **slopes}
    rows, everything = _rows(task, results)
    if not everything and not rows.size:
        return
    transcendental = any(isinstance(node, e.Elementary | e.LogSumExp) for node in task.order.inside)
    for bits in _PRECISIONS if transcendental else _PRECISIONS[:1]:
        numbers = (Balls if transcendental else Rationals)(len(task.order.layout.axes))
        with flint.ctx.workprec(bits):
            undecided = _refined(task, placed, cotangent, results, cut, numbers, None if everything else rows)
        if not undecided:
            return


def _rows(task: Task, results: Mapping[str, Found]) -> tuple[Any, bool]:
    """Places of the batch to refine, and whether a result of the whole batch needs all of them."""
    chosen: Any = np.zeros(1, dtype=bool)
    for found in results.values():
        wide = found.wide()
        if not wide.any():
            continue
        if task.order.batch is None or task.order.batch not in found.axes:
            return np.zeros(0, dtype=np.int64), True
        chosen = chosen | wide.any(axis=tuple(range(wide.ndim - 1)))
    return np.flatnonzero(chosen), False


def _sliced(task: Task, results: Mapping[str, Found], *, whole: bool) -> dict[str, Found]:
    """The results whose elements belong to places of the batch."""
    return {name: found for name, found in results.items() if task.order.batch in found.axes and (name or not whole)}


def _is_undecided(piece: Piece) -> bool:
    return piece.back.undecided is not None and bool(piece.back.undecided.any())


def _refined(
    task: Task,
    placed: Mapping[str, Any],
    cotangent: Any,
    results: Mapping[str, Found],
    cut: Cut,
    numbers: Rationals,
    rows: Any,
) -> bool:
    """One precision; whether a kink is still undecided."""
    pieces: list[Piece] = []
    undecided = False
    whole = task.order.elements is not task.order.graph.root
    sliced = _sliced(task, results, whole=whole)
    common = task.upstream(cotangent, numbers, None) if whole else None
    for chosen in task.order.blocks if rows is None else _chunks(rows):
        short, layout = task.cut(placed, chosen)
        upstream = common or task.upstream(cotangent[..., chosen] if task.order.batch else cotangent, numbers, None)
        piece = task.piece(short, layout, cut(upstream, chosen) if whole else upstream, numbers, None)
        undecided |= _is_undecided(piece)
        for name, found in sliced.items():
            found.improve(chosen, *_ends(numbers, piece, name))
        pieces = [*pieces, piece] if rows is None else []
    if rows is None:
        _whole(task, results, numbers, pieces)
    return undecided


def _chunks(rows: Any) -> Iterator[Any]:
    yield from (rows[start : start + _AT_ONCE] for start in range(0, len(rows), _AT_ONCE))


def _ends(numbers: Rationals, piece: Piece, name: str) -> Any:
    return numbers.ends(piece.slopes[name].value if name else piece.value)


def _whole(task: Task, results: Mapping[str, Found], numbers: Rationals, pieces: list[Piece]) -> None:
    """Results of the whole batch."""
    for name, found in results.items():
        if task.order.batch is not None and task.order.batch in found.axes:
            continue
        if name:
            adjoint = pieces[0].back.joined([piece.slopes[name] for piece in pieces])
            found.improve(slice(None), *numbers.ends(adjoint.value))
        elif task.order.elements is task.order.graph.root:
            found.improve(slice(None), *numbers.ends(pieces[0].value))
        else:
            run, _ = task.reduced(pieces, numbers, None)
            found.improve(slice(None), *numbers.ends(run.state.values[task.order.graph.root]))
