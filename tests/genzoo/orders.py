"""Sums over axes in every order and width that a page leaves open, in NumPy and torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from reference.engine.steps import Array
from tests.genzoo import tools

Total = Callable[[Any, Array, tuple[int, ...]], Array]
_LANES, _BLOCK, _ONE_BY_ONE = 64, 8, 512
_WIDER = {"float16": "float32", "bfloat16": "float32", "float32": "float64"}


def flat(add: Callable[[Any, Array], Array]) -> Total:
    """A sum over axes from one over the last axis of rows."""

    def total(xp: Any, array: Array, axes: tuple[int, ...]) -> Array:
        if not axes:
            return array
        kept = [i for i in range(len(array.shape)) if i not in axes]
        rows = math.prod(array.shape[i] for i in kept)
        turned = _permuted(array, [*kept, *axes]).reshape(rows, math.prod(array.shape[i] for i in axes))
        summed = add(xp, turned) if turned.shape[1] else turned.sum(1)
        return summed.reshape([1 if i in axes else size for i, size in enumerate(array.shape)])

    return total


def _permuted(array: Array, order: Sequence[int]) -> Array:
    return array.permute(*order) if hasattr(array, "permute") else array.transpose(*order)


def one_by_one(xp: Any, rows: Array) -> Array:
    """First to last."""
    return xp.cumsum(rows, 1)[:, -1]


def backwards(xp: Any, rows: Array) -> Array:
    """Last to first."""
    return one_by_one(xp, xp.flip(rows, (1,)))


def ascending(xp: Any, rows: Array) -> Array:
    """Smallest magnitude first."""
    return one_by_one(xp, _chosen(xp, rows, xp.argsort(abs(rows), 1)))


def descending(xp: Any, rows: Array) -> Array:
    """Largest magnitude first: small terms vanish one by one."""
    return one_by_one(xp, _chosen(xp, rows, xp.argsort(-abs(rows), 1)))


def _chosen(xp: Any, rows: Array, order: Array) -> Array:
    taken = xp.take_along_dim if tools.is_torch(xp) else xp.take_along_axis
    return taken(rows, order, 1)


def pairwise(xp: Any, rows: Array) -> Array:
    """Halves added to each other."""
    while rows.shape[1] > 1:
        half = (rows.shape[1] + 1) // 2
        left, right = rows[:, :half], rows[:, half:]
        rest = rows[:, half - 1 : half] if right.shape[1] < half else rows[:, :0]
        rows = xp.concatenate([left[:, : right.shape[1]] + right, rest], 1)
    return rows[:, 0]


def blocked(xp: Any, rows: Array) -> Array:
    """Sums of blocks of 8, one by one, then the sum of these."""
    sums = [one_by_one(xp, rows[:, start : start + _BLOCK]) for start in range(0, rows.shape[1], _BLOCK)][:_ONE_BY_ONE]
    done = _BLOCK * _ONE_BY_ONE
    if rows.shape[1] > done:
        sums.append(pairwise(xp, rows[:, done:]))
    return one_by_one(xp, xp.stack(sums, 1))


def compensated(xp: Any, rows: Array) -> Array:
    """Kahan's sum, in lanes where there are many terms."""
    count = rows.shape[1]
    lanes = _LANES if count > _ONE_BY_ONE else 1
    padded = xp.concatenate([rows, xp.zeros_like(rows[:, :1]).repeat(*_times(xp, -count % lanes))], 1)
    folded = _kahan(xp, padded.reshape(rows.shape[0], -1, lanes))
    return _kahan(xp, folded.reshape(rows.shape[0], lanes, 1))[:, 0] if lanes > 1 else folded[:, 0]


def _times(xp: Any, count: int) -> tuple[int, int]:
    """How NumPy and torch are told to repeat a column."""
    return (1, count) if tools.is_torch(xp) else (count, 1)


def _kahan(xp: Any, terms: Array) -> Array:
    """Over axis 1; a sum that overflows is not compensated, which would make NaN of it."""
    total, lost = terms[:, 0], xp.zeros_like(terms[:, 0])
    for place in range(1, terms.shape[1]):
        term = terms[:, place] - lost
        more = total + term
        rest = (more - total) - term
        total, lost = more, xp.where(xp.isfinite(rest), rest, xp.zeros_like(rest))
    return total


def wider(xp: Any, rows: Array) -> Array:
    """In a wider format, rounded once."""
    name = _WIDER.get(tools.name_of(rows.dtype))
    dtype = getattr(xp, name) if name else rows.dtype if tools.is_torch(xp) else xp.longdouble
    return tools.cast(tools.cast(rows, dtype).sum(1), rows.dtype)


TOTALS: dict[str, Total] = {
    "one by one": flat(one_by_one),
    "backwards": flat(backwards),
    "smallest first": flat(ascending),
    "largest first": flat(descending),
    "pairwise": flat(pairwise),
    "blocked": flat(blocked),
    "compensated": flat(compensated),
    "wider": flat(wider),
}
"""By what is said of them."""


def terms_backwards(terms: Sequence[Array]) -> Array:
    """The terms of a formula from the last to the first."""
    return terms_in_turn(terms[::-1])


def terms_in_turn(terms: Sequence[Array]) -> Array:
    """From the first to the last."""
    summed = terms[0]
    for term in terms[1:]:
        summed = summed + term
    return summed


def terms_from_second(terms: Sequence[Array]) -> Array:
    """From the second on, and the first at the end."""
    return terms_in_turn([*terms[1:], terms[0]])


def terms_wider(terms: Sequence[Array]) -> Array:
    """In a wider format, rounded once."""
    first = next(term for term in terms if hasattr(term, "dtype"))
    xp = tools.namespace("torch" if hasattr(first, "untyped_storage") else "numpy")
    name = _WIDER.get(tools.name_of(first.dtype))
    if name is None:
        return terms_in_turn(terms)
    return tools.cast(terms_in_turn([tools.cast(term, getattr(xp, name)) for term in terms]), first.dtype)
