"""The multi-label margin loss for MindSpore on every device, eager and in graph mode.

MindSpore's own operator has kernels for Ascend and GPU only. This one keeps the
contract of the other ports: the first negative label ends a row's block, duplicate
labels count each time, the subgradient at a tie is 0, NaN propagates, and infinities give
the formula's limit. A class index beyond the last class before the block's end makes its
row NaN, because compiled code cannot raise. Half-precision scores are computed with in
float32, and the loss is rounded once. Memory is O(N C).

A row takes O(C log C), however many labels it has. (Going through few labels one by one was no
quicker here, where an operation costs more than a thousand scores do.)
"""

from typing import Any

from mindspore import dtype as mstype
from mindspore import ops

DIRECT = 16
"""Up to so many classes every pair is made: it takes the fewest operations."""

_NAN, _INFINITY = float("nan"), float("inf")


def multilabel_margin_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """Multi-label margin loss.

    Args:
        input: Scores; shape (C) or (N, C); float16, bfloat16, float32 or float64.
        target: Class indices of the same shape, int32 or int64; the first negative one
            ends a row's block.
        reduction: ``none``, ``sum`` or ``mean``.

    Returns:
        The loss, in the input's dtype; shape (), or (N,) for ``none`` of a batch.

    Raises:
        ValueError: Shapes or a reduction that the operator does not take.

    Example:
        >>> input, target = mindspore.Tensor([0.1, 0.2, 0.4, 0.8]), mindspore.Tensor([3, 0, -1, 1])
        >>> multilabel_margin_loss(input, target).asnumpy()
        array(0.85, dtype=float32)
    """
    if input.ndim not in (1, 2):
        raise ValueError("input takes the shapes (C) and (N, C)")
    if input.shape != target.shape:
        raise ValueError("target and input differ in shape")
    if reduction not in ("none", "sum", "mean"):
        raise ValueError("reduction takes none, sum and mean")
    wide = input.astype("float32") if input.dtype in (mstype.float16, mstype.bfloat16) else input
    losses = _rows(wide.reshape((-1, input.shape[-1])), target.reshape((-1, target.shape[-1])))
    if reduction == "none":
        return (losses if input.ndim == 2 else losses[0]).astype(input.dtype)
    if losses.shape[0] == 0:  # MindSpore 2.10's sum of nothing on the CPU is not initialised
        return ops.full((), 0.0 if reduction == "sum" else _NAN, dtype=input.dtype)
    total = losses.sum()
    return (total if reduction == "sum" else total / losses.shape[0]).astype(input.dtype)


def _rows(input: Any, target: Any) -> Any:
    """Of (N, C) scores the N losses."""
    if input.shape[0] == 0:  # a graph of MindSpore 2.10 dies of an empty batch (SIGFPE)
        return input.reshape((0,))
    labels, named, spoilt = _block(input, target)
    rows = _paired if input.shape[1] <= DIRECT else _ranked
    return rows(input, labels, named) + spoilt


def _paired(input: Any, labels: Any, named: Any) -> Any:
    """Losses from every pair, differentiated as they stand."""
    classes = input.shape[1]
    within = ops.logical_and((labels < classes).expand_dims(2), ops.logical_not(named).expand_dims(1))
    score = ops.gather_elements(input, 1, ops.minimum(labels, classes - 1))
    gap = (1 - score).expand_dims(2) + input.expand_dims(1)
    counted = ops.logical_and(within, ops.logical_not(gap <= 0))
    return ops.where(counted, gap, ops.zeros_like(gap)).sum((1, 2)) / classes


def _ranked(input: Any, labels: Any, named: Any) -> Any:
    """Losses from sorted labels.

    The derivatives are known, so nothing is differentiated but what stands for them: a term that is 0
    and has these derivatives, and for a score that is not finite one that is its pairs' limit.
    """
    classes = input.shape[1]
    scores = ops.stop_gradient(input)
    sums, counts = _sorted(scores, labels, named)
    slopes = counts.astype(input.dtype) / classes
    endless = ops.logical_or(ops.isnan(scores), ops.isinf(scores))
    nothing = ops.zeros_like(input)
    limits = ops.where(ops.logical_and(endless, counts != 0), slopes * input, nothing).sum(1)
    finite = ops.where(endless, nothing, input)
    losses = ops.where(limits == 0, sums / classes, limits)
    return losses + (slopes * (finite - ops.stop_gradient(finite))).sum(1)


def _block(input: Any, target: Any) -> Any:
    """Labels of each row's block, elsewhere C; whether a class is one; NaN for rows with a label out of range."""
    classes = input.shape[1]
    block = ops.cumsum((target < 0).astype("int32"), 1) == 0
    beyond = ops.logical_and(block, target >= classes)
    within = ops.logical_and(block, target < classes)
    labels = ops.where(within, target.astype("int32"), ops.full_like(target.astype("int32"), classes))
    named = _added(labels, ops.ones_like(labels)) > 0
    spoilt = beyond.astype("int32").sum(1) > 0
    zeros = ops.zeros((input.shape[0],), input.dtype)
    return labels, named, ops.where(spoilt, ops.full_like(zeros, _NAN), zeros)


def _added(labels: Any, numbers: Any) -> Any:
    """Whole numbers added up by class; shape (N, C)."""
    rows, classes = labels.shape[0], labels.shape[1]
    empty = ops.zeros((rows, classes + 1), mstype.int32)
    return ops.tensor_scatter_elements(empty, labels, numbers, 1, "add")[:, :classes]


def _sorted(input: Any, labels: Any, named: Any) -> Any:
    r"""Sort each row's target scores, and find the place of every other score among them.

    With :math:`a_1 \le \dots \le a_T` the target scores (a duplicate label twice), :math:`v = 1 + x_i` of a
    class that is no target and :math:`k = \#\{a < v\}`, the pairs of i contribute

    .. math:: \sum_{t \le k} (v - a_t) = k (v - a_k) + \sum_{j < k} j (a_{j+1} - a_j)

    No term is negative, so nothing cancels, however far apart or from 0 the scores lie, and the input's own
    precision is enough. Keys stand in for what is not finite: NaN is active in every pair, so its key is the
    lowest target or the highest other score.
    """
    classes = input.shape[1]
    within = labels < classes
    scores = ops.gather_elements(input, 1, ops.minimum(labels, classes - 1))
    endless = ops.full_like(input, _INFINITY)
    largest = ops.full_like(input, _largest(input.dtype))
    keys = ops.where(ops.isnan(scores), -endless, ops.minimum(scores, largest))
    keys = ops.where(within, keys, endless)
    others = ops.where(ops.isnan(input), endless, ops.maximum(1 + input, -largest))
    others = ops.where(named, -endless, others)
    ranked = -ops.topk(-keys, classes)[0]  # MindSpore 2.10's sort on the CPU rounds float64 values to float32
    places = ops.searchsorted(ranked, others).astype("int32")
    met = ops.tensor_scatter_elements(
        ops.zeros((input.shape[0], classes + 1), mstype.int32), places, ops.ones_like(places), 1, "add"
    )[:, 1:]
    above = met.sum(1, keepdims=True).astype("int32") - ops.cumsum(met, 1) + met
    ranks = ops.minimum(ops.searchsorted(ranked, keys).astype("int32"), classes - 1)
    counts = places - _added(labels, ops.gather_elements(above, 1, ranks))
    return _sums(_finite(ranked), _finite(others), places), counts


def _largest(dtype: Any) -> float:
    """The largest finite number of a format."""
    return 1.7976931348623157e308 if dtype == mstype.float64 else 3.4028234663852886e38


def _finite(scores: Any) -> Any:
    """The scores, with 0 in the place of infinities."""
    return ops.where(ops.isinf(scores), ops.zeros_like(scores), scores)


def _sums(ranked: Any, others: Any, places: Any) -> Any:
    """Each row's sum over its active pairs of finite scores."""
    ranks = ops.arange(1, ranked.shape[1]).astype(ranked.dtype)
    steps = (ranked[:, 1:] - ranked[:, :-1]) * ranks
    up_to = ops.cat((ops.zeros_like(ranked[:, :1]), ops.cumsum(steps, 1)), 1)
    last = ops.maximum(places - 1, 0)
    gaps = places.astype(ranked.dtype) * (others - ops.gather_elements(ranked, 1, last))
    gaps = gaps + ops.gather_elements(up_to, 1, last)
    return ops.where(places > 0, gaps, ops.zeros_like(gaps)).sum(1)
