r"""The pairs of the margin loss: which count, how large they are, how far they may be off.

For a label t of the block and a class i outside it, :math:`z = 1 - x_t + x_i`. Computed
with two roundings in any order, z errs by at most

.. math:: e = u\,(m + |z|)(1 + 2u), \quad m = \max(|1 - x_t|, |1 + x_i|, |x_t - x_i|)

(the intermediate is at most m, each operation adds one relative error u), plus 2λ
where the variant flushes. Where z is exactly 0, every order of the two operations
gives exactly 0, so a tie is never rounding.

The sign of z is exact. Plain float64 differs from z by at most e for float64, so it is
certain beyond 2 e; the other pairs are summed without error.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from .exact import two_sum
from .formats import Arithmetic, Bool, Float64, Int64
from .regimes import Regimes, note

_PAIRS_AT_ONCE = 1 << 16
_HUGE = 2.0**1021  # twice as much is still finite


@dataclass(frozen=True)
class Pairs:
    """Sums over the pairs of each row (shape (N,)) and of each element (shape (N, C)).

    Attributes:
        active: How many z are positive; (N,).
        size: Sum of the positive z, in float64; (N,).
        error: Sum of what each pair's rounding may add; (N,).
        reachable: How many pairs a correct implementation may find positive; (N,).
        low: Smallest derivative of the row's loss, times C; an integer; (N, C).
        high: Largest derivative, times C; differs at ties only; (N, C).
        flips: Pairs of the element that rounding may carry over the kink; (N, C).
    """

    active: Float64
    size: Float64
    error: Float64
    reachable: Float64
    low: Float64
    high: Float64
    flips: Float64


def label_block(target: Int64) -> Bool:
    """Which places of a target hold labels that count: those before the first negative."""
    return np.logical_and.accumulate(target >= 0, axis=-1)


def count_pairs(rows: Float64, labels: Int64, block: Bool, arithmetic: Arithmetic) -> Pairs:
    """Every pair of every row, a slice of rows at a time so that memory stays bounded.

    Args:
        rows: Finite scores; shape (N, C).
        labels: Class indices; shape (N, T).
        block: Which of them count; same shape.
        arithmetic: Of the variant whose errors are granted.
    """
    longest = int(block.sum(axis=1).max(initial=0))
    step = max(1, _PAIRS_AT_ONCE // max(1, longest * rows.shape[1]))
    slices = [slice(start, start + step) for start in range(0, max(1, len(rows)), step)]
    parts = [_count(rows[s], labels[s, :longest], block[s, :longest], arithmetic) for s in slices]
    return Pairs(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Pairs)))


def _count(rows: Float64, labels: Int64, block: Bool, arithmetic: Arithmetic) -> Pairs:
    """One slice. Rows are the last axis inside, so that the others may be short."""
    count, classes = rows.shape
    first = np.arange(count, dtype=np.int64)[:, np.newaxis] * classes
    place = np.where(block, labels + first, 0)
    is_target: Bool = np.zeros(rows.shape, dtype=bool)
    is_target.reshape(-1)[place[block]] = True
    score = np.zeros((block.shape[1], 1, count))
    if rows.size:
        score = np.ascontiguousarray(rows.reshape(-1)[place].T)[:, np.newaxis, :]
    other = np.ascontiguousarray(rows.T)[np.newaxis, :, :]
    pair = block.T[:, np.newaxis, :] & ~is_target.T[np.newaxis, :, :]

    z, slack = _gaps(score, other, arithmetic)
    unsure = pair & (np.abs(z) <= 2 * slack)
    near, tie = _settle(z, slack, unsure, score, other)
    note(lambda: _regimes(block, is_target, pair, z, near, tie, unsure, arithmetic))
    z = np.where(pair, z, -np.inf)
    strict, reach = z > 0, z + slack

    def over_elements(chosen: Bool, sign: float) -> Float64:
        """Counts of pairs at each class: as the other, and times ``sign`` as the target."""
        as_target = np.where(block, _number(chosen, 1).T, 0.0)
        summed = np.bincount(place.reshape(-1), as_target.reshape(-1), rows.size).reshape(rows.shape)
        return np.asarray(_number(chosen, 0).T + sign * summed, dtype=np.float64)

    slope, ties = over_elements(strict, -1.0), over_elements(tie, -1.0) if tie.any() else 0.0
    return Pairs(
        active=_number(strict, 0).sum(axis=0, dtype=np.float64),
        size=np.maximum(z, 0.0).sum(axis=(0, 1)),
        error=np.minimum(np.maximum(reach, 0.0), slack).sum(axis=(0, 1)),
        reachable=_number(reach > 0, 0).sum(axis=0, dtype=np.float64),
        low=slope + np.minimum(ties, 0.0),
        high=slope + np.maximum(ties, 0.0),
        flips=over_elements(near, 1.0) if near.any() else np.zeros(rows.shape),
    )


def _regimes(
    block: Bool,
    is_target: Bool,
    pair: Bool,
    z: Float64,
    near: Bool,
    tie: Bool,
    unsure: Bool,
    arithmetic: Arithmetic,
) -> Regimes:
    """What pairs and rows can be; rows are the last axis but in ``block`` and ``is_target``."""
    active = pair & (z > 0)
    return {
        "row: every class a label": is_target.all(axis=1),
        "row: a label twice": block.sum(axis=1) > is_target.sum(axis=1),
        "row: every pair active": (~pair | (z > 0)).all(axis=(0, 1)),
        "row: no pair active": ~active.any(axis=(0, 1)),
        "pair: counts": pair,
        "pair: active": active,
        "pair: its sign is in doubt": unsure,
        "pair: at its kink": tie,
        "pair: beside its kink, active": near & (z > 0),
        "pair: beside its kink, not active": near & (z < 0),
        "pair: subnormal numbers may be flushed": arithmetic.flushes,
    }


def _number(chosen: Bool, axis: int) -> npt.NDArray[np.unsignedinteger[Any]]:
    """How many along an axis, in the narrowest integer that holds it: several times faster."""
    dtype = np.uint8 if chosen.shape[axis] < 256 else np.uint32
    return np.asarray(np.add.reduce(chosen.view(np.uint8), axis=axis, dtype=dtype))


def _gaps(score: Float64, other: Float64, arithmetic: Arithmetic) -> tuple[Float64, Float64]:
    """Every z in plain float64, and e."""
    u = arithmetic.unit_roundoff
    with np.errstate(over="ignore"):
        apart, above = 1 - score, 1 + other
        z = apart + other
        slack = np.abs(score - other)
        np.maximum(slack, np.abs(apart), out=slack)
        np.maximum(slack, np.abs(above), out=slack)
        slack += np.abs(z)
    if not np.max(slack, initial=0.0) < _HUGE:
        np.clip(z, -_HUGE, _HUGE, out=z)
        np.minimum(slack, _HUGE, out=slack)
    slack *= u * (1 + 2 * u)
    if arithmetic.flushes:
        slack += 2 * arithmetic.underflow
    return z, slack


def _settle(z: Float64, slack: Float64, unsure: Bool, score: Float64, other: Float64) -> tuple[Bool, Bool]:
    """Replace the z whose sign is in doubt by exactly signed ones; say which are near 0 and which are 0.

    Two error-free sums leave 1 - score + other = t + f + e exactly. If f is not 0 then
    t did not cancel and outweighs f + e; if f is 0, t + e is rounded once. Either way
    the sign of t + (f + e) is exact.
    """
    near, tie = np.zeros(z.shape, dtype=bool), np.zeros(z.shape, dtype=bool)
    chosen = np.nonzero(unsure)
    if len(chosen[0]):
        target, label = np.broadcast_to(score, z.shape)[chosen], np.broadcast_to(other, z.shape)[chosen]
        s, e = two_sum(np.ones_like(target), -target)
        t, f = two_sum(s, label)
        exact = t + (f + e)
        z[chosen] = exact
        near[chosen] = (exact != 0) & (np.abs(exact) <= slack[chosen] * (1 + 2.0**-40))
        tie[chosen] = exact == 0
    return near, tie
