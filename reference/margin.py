r"""The multi-label margin loss: value, gradient, and how far a correct one may be.

.. math::
    \ell(x, y) = \frac{1}{C} \sum_{j} \sum_{i \notin Y} \max(0, 1 - x_{y_j} + x_i)

j runs over the block of labels that ends at the first negative one, duplicates
included; Y is the set of classes in that block.

Bounds. With u the unit roundoff, λ the smallest normal and η the smallest
subnormal number of the format, one pair :math:`z = 1 - x_t + x_i` computed with two
roundings in any order errs by at most

.. math:: e = u\,(m + |z|)(1 + 2u), \quad m = \max(|1 - x_t|, |1 + x_i|, |x_t - x_i|)

(the intermediate is at most m, each operation adds one relative error u), plus 2λ
where the variant flushes. A sum of n terms in any order errs by at most
(n - 1) u times the sum of their magnitudes (Jeannerod and Rump, "Improved error
bounds for inner products in floating-point arithmetic", 2013). With S the sum of
the active z, E the sum of what each pair contributes (e where z >= 0, what remains
of z + e elsewhere), n the pairs with z + e > 0:

    none       B = [E + (n + 3) u (S + E) + 3 u (S + E)] / C + 2 η
    sum, mean  the same with totals, n + N for n, 4 u for 3 u, over C or C N, (N + 2) η
    gradient   B = |g| [(k + 4) u k + Q] + (2 + k) η

g is the cotangent over C or C N, k the active pairs of the element, Q its pairs with
0 < |z| <= e: only they may fall on the other side of the kink. Where z is exactly 0,
every order of the two operations gives exactly 0, so a tie is never rounding: at a
tie the whole interval between the one-sided derivatives is expected.

To each bound the error of this float64 oracle is added, (n + 4) units of 2^-53.
``tests/test_reference.py`` measures both: against exact rational arithmetic, and
with right and wrong implementations on either side of the bound.

Source:
    torch.nn.MultiLabelMarginLoss and mindspore.ops.multilabel_margin_loss, the
    formula of their pages.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reference.arguments import as_rows, check_finite, check_labels, check_reduction, check_same_shape, row_cotangents
from reference.enclosure import Answer, Enclosure
from reference.formats import Arithmetic, Bool, Float64, Int64

_PAIRS_AT_ONCE = 1 << 19
_ORACLE_ROUNDOFF = 2.0**-53


@dataclass(frozen=True)
class _Terms:
    """Sums over the pairs of each row (shape (N,)) and of each element (shape (N, C))."""

    total: Float64
    error: Float64
    pairs: Float64
    low: Float64
    high: Float64
    flips: Float64


def margin_loss(
    input: Float64,
    target: Int64,
    reduction: str,
    arithmetic: Arithmetic,
    cotangent: Float64 | None = None,
) -> Answer:
    """Loss and gradient of the multi-label margin loss, with their bounds.

    Args:
        input: Scores, exact values of the arithmetic's format; shape ``(C)`` or ``(N, C)``.
        target: Class indices, of the same shape; the first negative one ends a row's block.
        reduction: ``none``, ``sum`` or ``mean``.
        arithmetic: Format of the subject, and whether it flushes subnormal numbers.
        cotangent: Upstream gradient, of the result's shape; ones if absent.

    Returns:
        Enclosures of the loss and of its gradient to the input.

    Raises:
        ShapeError: Shapes that differ, or of rank other than 1 or 2.
        LabelError: A class index beyond the last class before the block's end.
        DomainError: A score that is not finite.
        ReductionError: A reduction other than the three.
    """
    check_reduction(reduction)
    check_same_shape(input, target)
    check_finite(input, "input")
    rows, labels = as_rows(input, "input"), np.asarray(target).reshape(-1, np.shape(target)[-1])
    block = label_block(labels)
    check_labels(labels, block, rows.shape[1])
    terms = _terms(rows, labels, block, arithmetic)
    factors = row_cotangents(cotangent, reduction, len(rows))
    value = _value(terms, reduction, rows.shape, arithmetic)
    gradient = _gradient(terms, factors, reduction, arithmetic)
    return Answer(value.reshape(_result_shape(input, reduction)), gradient.reshape(input.shape))


def label_block(target: Int64) -> Bool:
    """Which places of a target hold labels that count: those before the first negative."""
    return np.logical_and.accumulate(target >= 0, axis=-1)


def _result_shape(input: Float64, reduction: str) -> tuple[int, ...]:
    return input.shape[:-1] if reduction == "none" else ()


def _terms(rows: Float64, labels: Int64, block: Bool, arithmetic: Arithmetic) -> _Terms:
    """Sum over all pairs, a slice of rows at a time so that memory stays bounded."""
    longest = int(block.sum(axis=1).max(initial=0))
    step = max(1, _PAIRS_AT_ONCE // max(1, longest * rows.shape[1]))
    slices = [slice(start, start + step) for start in range(0, max(1, len(rows)), step)]
    parts = [_slice_terms(rows[s], labels[s, :longest], block[s, :longest], arithmetic) for s in slices]
    return _Terms(*(np.concatenate([getattr(part, name) for part in parts]) for name in _Terms.__annotations__))


def _slice_terms(rows: Float64, labels: Int64, block: Bool, arithmetic: Arithmetic) -> _Terms:
    counted = np.where(block, labels, 0)
    is_target = np.zeros(rows.shape, dtype=bool)
    row_index = np.broadcast_to(np.arange(len(rows))[:, np.newaxis], counted.shape)
    is_target[row_index[block], counted[block]] = True
    score = np.take_along_axis(rows, counted, axis=1)[:, :, np.newaxis]
    other = rows[:, np.newaxis, :]
    pair = block[:, :, np.newaxis] & ~is_target[:, np.newaxis, :]

    z = _signed_gap(score, other)
    slack = _pair_error(z, score, other, arithmetic)
    weak, strict, near = pair & (z >= 0), pair & (z > 0), pair & (z != 0) & (np.abs(z) <= slack)
    contribution = np.where(z >= 0, slack, np.maximum(z + slack, 0.0))

    def over_elements(chosen: Bool, sign: float) -> Float64:
        """Counts of pairs at each class: as the other, and times ``sign`` as the target."""
        counts: Float64 = chosen.sum(axis=1).astype(np.float64)
        np.add.at(counts, (row_index, counted), sign * np.where(block, chosen.sum(axis=2), 0))
        return counts

    return _Terms(
        total=np.where(strict, z, 0.0).sum(axis=(1, 2)),
        error=np.where(pair, contribution, 0.0).sum(axis=(1, 2)),
        pairs=(pair & (z + slack > 0)).sum(axis=(1, 2)).astype(np.float64),
        low=np.where(is_target, over_elements(weak, -1.0), over_elements(strict, -1.0)),
        high=np.where(is_target, over_elements(strict, -1.0), over_elements(weak, -1.0)),
        flips=over_elements(near, 1.0),
    )


def _signed_gap(score: Float64, other: Float64) -> Float64:
    """1 - score + other, correctly signed and within two units in the last place.

    Two error-free sums (Knuth's TwoSum) leave 1 - score + other = t + f + e exactly.
    If f is not 0 then t did not cancel and outweighs f + e; if f is 0, t + e is
    rounded once. Either way the sign of t + (f + e) is exact.
    """
    s, e = _two_sum(np.ones_like(score), -score)
    t, f = _two_sum(s, other)
    return np.asarray(t + (f + e), dtype=np.float64)


def _two_sum(a: Float64, b: Float64) -> tuple[Float64, Float64]:
    total = a + b
    shadow = total - a
    return total, (a - (total - shadow)) + (b - shadow)


def _pair_error(z: Float64, score: Float64, other: Float64, arithmetic: Arithmetic) -> Float64:
    u = arithmetic.unit_roundoff
    widest = np.maximum(np.maximum(np.abs(1 - score), np.abs(1 + other)), np.abs(score - other))
    flushed = 2 * arithmetic.underflow if arithmetic.flushes else 0.0
    return np.asarray(u * (widest + np.abs(z)) * (1 + 2 * u) + flushed, dtype=np.float64)


def _value(terms: _Terms, reduction: str, shape: tuple[int, ...], arithmetic: Arithmetic) -> Enclosure:
    rows, classes = shape
    total, error, pairs, roundings, tiny = terms.total, terms.error, terms.pairs, 3.0, 2.0
    divisor = float(classes)
    if reduction != "none":
        total, error, pairs = (part.sum(keepdims=True) for part in (total, error, pairs))
        pairs, roundings, tiny = pairs + rows, 4.0, rows + 2.0
    if reduction == "mean":
        divisor *= rows
    u, size = arithmetic.unit_roundoff, total + error
    oracle = (pairs + 4) * _ORACLE_ROUNDOFF * size
    underflow = np.where(size > 0, tiny * arithmetic.underflow, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = (error + (pairs + 3 + roundings) * u * size + oracle) / divisor + underflow
        value = total / divisor
    return Enclosure(low=value, high=value, bound=bound, reach=size)


def _gradient(terms: _Terms, factors: Float64, reduction: str, arithmetic: Arithmetic) -> Enclosure:
    rows, classes = terms.low.shape
    divisor = classes * (rows if reduction == "mean" else 1)
    scale = (factors / max(1, divisor))[:, np.newaxis]
    ends = np.stack([terms.low * scale, terms.high * scale])
    most = np.maximum(np.abs(terms.low), np.abs(terms.high)) + terms.flips
    u, underflow = arithmetic.unit_roundoff + _ORACLE_ROUNDOFF, arithmetic.underflow
    bound = np.abs(scale) * ((most + 4) * u * most + terms.flips) + np.where(most > 0, (2 + most) * underflow, 0.0)
    reach = most * np.abs(factors)[:, np.newaxis]
    return Enclosure(low=ends.min(axis=0), high=ends.max(axis=0), bound=bound, reach=reach)
