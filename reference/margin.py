r"""The multi-label margin loss: value and gradient, exactly, and how far a correct one may be.

.. math::
    \ell(x, y) = \frac{1}{C} \sum_{j} \sum_{i \notin Y} \max(0, 1 - x_{y_j} + x_i)

j runs over the block of labels that ends at the first negative one, duplicates
included; Y is the set of classes in that block.

Value. The sum is an integer plus integers times scores, so it is a rational number; it
is kept exactly, divided by C (for the mean by C N) and rounded once. The gradient is an
integer times the cotangent over C or C N, likewise; at a tie it is the interval between
the one-sided derivatives.

Bounds. With u the unit roundoff, λ the smallest normal and η the smallest subnormal
number of the format (λ for η where the variant flushes); S the sum of the positive
z = 1 - x_t + x_i, E the sum of their own errors, n the pairs that rounding may find
positive (:mod:`reference.pairs`):

    value      B = [E + ((1 + (n - 1) u) (1 + r u (1 + r u)) - 1) (S + E)] / D + (n + r) η
    gradient   B = |g| [((1 + (k - 1) u) (1 + s u (1 + s u)) - 1) k + Q] + (k + s) η

D is C, or C N for the mean, g the cotangent over D, k the pairs of the element that may
be positive, Q those that rounding may carry over the kink. A sum of n terms in any order
errs by at most (n - 1) u times the sum of their magnitudes (Jeannerod and Rump,
"Improved error bounds for inner products in floating-point arithmetic", 2013); r and s
are the roundings beside it, each at most once: a reciprocal and a product, or a
quotient, for C and for N; the cotangent; a row's and the result's conversion from a
wider accumulator. None r = 3, s = 4; sum 4, 4; mean 6, 6. The terms in η let each
quotient be taken inside the sum and underflow there.

The lattice. Where the scores of a row are multiples of a power of two so coarse that
every number which any order of evaluation can meet is representable, and the divisor is
a power of two, nothing rounds and B is 0.

``tests/test_oracles.py`` and ``tests/test_bounds.py`` measure both.

Source:
    torch.nn.MultiLabelMarginLoss and mindspore.ops.multilabel_margin_loss, the
    formula of their pages.
"""

from __future__ import annotations

import numpy as np

from .arguments import as_rows, check_finite, check_labels, check_reduction, check_same_shape, row_cotangents
from .enclosure import Answer, Enclosure, blocks, joined
from .exact import Rounded, quotient_of_product, quotient_of_sum
from .formats import Arithmetic, Bool, Float64, Int64
from .pairs import Pairs, count_pairs, label_block
from .regimes import Regimes, note

_VALUE_ROUNDINGS = {"none": 3, "sum": 4, "mean": 6}
_GRADIENT_ROUNDINGS = {"none": 4, "sum": 4, "mean": 6}


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
    rows = as_rows(input, "input")
    labels = np.asarray(target).reshape(rows.shape)
    block = label_block(labels)
    check_labels(labels, block, rows.shape[1])
    factors = row_cotangents(cotangent, reduction, len(rows))
    slices = blocks(*rows.shape) if reduction == "none" else [slice(None)]
    parts = [_of_rows(rows[s], labels[s], block[s], factors[s], reduction, arithmetic) for s in slices]
    value, gradient = joined([part.value for part in parts]), joined([part.gradient for part in parts])
    return Answer(
        value.reshape(input.shape[:-1] if reduction == "none" else ()), {"input": gradient.reshape(input.shape)}
    )


def _of_rows(
    rows: Float64, labels: Int64, block: Bool, factors: Float64, reduction: str, arithmetic: Arithmetic
) -> Answer:
    pairs = count_pairs(rows, labels, block, arithmetic)
    divisor = rows.shape[1] * (len(rows) if reduction == "mean" else 1)
    coarse = _on_lattice(rows, block, pairs, divisor, arithmetic)
    value = _value(rows, pairs, coarse, reduction, divisor, arithmetic)
    gradient = _gradient(pairs, coarse, factors, reduction, divisor, arithmetic)
    note(lambda: _regimes(labels, block, pairs, value, gradient, factors, reduction, divisor, arithmetic))
    return Answer(value, {"input": gradient})


def _on_lattice(rows: Float64, block: Bool, pairs: Pairs, divisor: int, arithmetic: Arithmetic) -> Float64:
    """The largest sum that a row's numbers can make, as long as none of them rounds; else infinity; shape (N,)."""
    if divisor & (divisor - 1) or not divisor:
        return np.full(len(rows), np.inf)
    with np.errstate(over="ignore"):
        size = block.sum(axis=1) * rows.shape[1] * (1 + 2 * np.abs(rows).max(axis=1, initial=0.0))
    coarse = _multiples(np.concatenate([rows, np.ones((len(rows), 1))], axis=1), size, divisor, arithmetic)
    return np.where(coarse, size, np.inf)


def _multiples(values: Float64, size: Float64, divisor: int, arithmetic: Arithmetic) -> Bool:
    """Rows whose values are multiples of a number so large that sums up to a size are representable.

    Args:
        values: Shape (N, K).
        size: Shape (N,).
        divisor: A power of two; quotients by it must be representable too.
        arithmetic: Of the variant.
    """
    _, exponent = np.frexp(np.where(size == 0, 1.0, size))
    grid = np.ldexp(1.0, np.minimum(exponent, 1000) - arithmetic.format.precision)[:, np.newaxis]
    with np.errstate(over="ignore"):
        whole = (np.rint(values / grid) * grid == values).all(axis=1)
    normal = grid[:, 0] / divisor >= arithmetic.format.smallest_normal
    return np.asarray((size == 0) | (whole & normal & (size < 2.0**1000)))


def _value(
    rows: Float64, pairs: Pairs, lattice: Float64, reduction: str, divisor: int, arithmetic: Arithmetic
) -> Enclosure:
    is_target = pairs.low + pairs.high < 0
    counts = np.where(is_target, pairs.high, pairs.low)
    active, size, error, reachable = pairs.active, pairs.size, pairs.error, pairs.reachable
    exact = lattice < np.inf
    if reduction != "none":
        active, size, error, reachable = (part.sum(keepdims=True) for part in (active, size, error, reachable))
        rows, counts = rows.reshape(1, -1), counts.reshape(1, -1)
        exact = _multiples(np.append(rows, [[1.0]], axis=1), lattice.sum(keepdims=True), divisor or 1, arithmetic)
    value = _undefined(active.shape) if divisor == 0 else quotient_of_sum(counts, rows, active, divisor)
    u, r = arithmetic.unit_roundoff, _VALUE_ROUNDINGS[reduction]
    growth = _growth(reachable, r, u)
    with np.errstate(over="ignore"):
        reach = size + error
        bound = (error + growth * reach) / max(divisor, 1) + (reachable + r) * arithmetic.underflow
    bound = np.where(exact | (reachable == 0), 0.0, bound)
    return Enclosure(value.low, value.high, bound, reach, np.zeros_like(reach), middle=value.nearest)


def _growth(terms: Float64, roundings: int, u: float) -> Float64:
    """Relative error of a sum of terms in any order and of a few roundings more."""
    others = roundings * u * (1 + roundings * u)
    return np.asarray(np.maximum(terms - 1, 0) * u * (1 + others) + others, dtype=np.float64)


def _undefined(shape: tuple[int, ...]) -> Rounded:
    nothing = np.full(shape, np.nan)
    return Rounded(nothing, nothing, nothing)


def _gradient(
    pairs: Pairs, lattice: Float64, factors: Float64, reduction: str, divisor: int, arithmetic: Arithmetic
) -> Enclosure:
    one = other = quotient_of_product(pairs.low, factors, max(divisor, 1))
    if not np.array_equal(pairs.low, pairs.high):
        other = quotient_of_product(pairs.high, factors, max(divisor, 1))
    most = np.maximum(np.abs(pairs.low), np.abs(pairs.high)) + pairs.flips
    size = np.abs(factors)[:, np.newaxis]
    counted = most.max(axis=1, initial=0.0) * np.abs(factors)
    exact = (lattice < np.inf) & _multiples(factors[:, np.newaxis], counted, max(divisor, 1), arithmetic)
    bound = np.zeros(most.shape)
    if not exact.all():
        u, s = arithmetic.unit_roundoff, _GRADIENT_ROUNDINGS[reduction]
        with np.errstate(over="ignore"):
            bound = size / max(divisor, 1) * (_growth(most, s, u) * most + pairs.flips)
        tiny = (most + s) * arithmetic.underflow
        bound += tiny
        bound = np.where(exact[:, np.newaxis] | (most == 0), 0.0, bound)
    low, high = one.low, one.high
    if other is not one:
        low, high = np.minimum(low, other.low), np.maximum(high, other.high)
    largest = most * size
    reach, depth = np.where(high > 0, largest, 0.0), np.where(low < 0, largest, 0.0)
    return Enclosure(low, high, bound, reach, depth, middle=one.nearest)


def _regimes(
    labels: Int64,
    block: Bool,
    pairs: Pairs,
    value: Enclosure,
    gradient: Enclosure,
    factors: Float64,
    reduction: str,
    divisor: int,
    arithmetic: Arithmetic,
) -> Regimes:
    """What blocks, losses and gradients can be; a bound of 0 where something counts says that nothing rounds."""
    largest, together = arithmetic.format.largest, reduction != "none"
    reachable = pairs.reachable.sum(keepdims=True) if together else pairs.reachable
    most = np.maximum(np.abs(pairs.low), np.abs(pairs.high)) + pairs.flips
    tiny = (most + _GRADIENT_ROUNDINGS[reduction]) * arithmetic.underflow
    return {
        "block: empty": ~block.any(axis=1),
        "block: without an end": block.all(axis=1),
        "block: labels behind it": ((labels >= 0) & ~block).any(axis=1),
        "value: of several rows together": together,
        "value: divided by nothing": divisor == 0,
        "value: nothing rounds": (value.bound == 0) & (reachable > 0),
        "value: no pair within reach": reachable == 0,
        "value: an intermediate may overflow": value.reach > largest,
        "gradient: at a tie": pairs.low != pairs.high,
        "gradient: rounding may flip a pair": pairs.flips > 0,
        "gradient: nothing counts": most == 0,
        "gradient: cotangent 0": factors == 0,
        "gradient: cotangent negative": factors < 0,
        "gradient: nothing rounds": (gradient.bound == 0) & (most > 0),
        "gradient: underflow outweighs rounding": (gradient.bound > 0) & (tiny > gradient.bound - tiny),
        "gradient: an intermediate may overflow": np.maximum(gradient.reach, gradient.depth) > largest,
    }
