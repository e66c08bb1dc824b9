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

_FORMATS = (mstype.float16, mstype.bfloat16, mstype.float32, mstype.float64)
_LABELS = (mstype.int8, mstype.int16, mstype.int32, mstype.int64)
_NAN, _INFINITY = float("nan"), float("inf")


def multilabel_margin_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """Multi-label margin loss.

    Args:
        input: Scores; shape (C) or (N, C); float16, bfloat16, float32 or float64.
        target: Class indices of the same shape, of a signed integer dtype; the first negative
            one ends a row's block.
        reduction: ``none``, ``sum`` or ``mean``.

    Returns:
        The loss, in the input's dtype; shape (), or (N,) for ``none`` of a batch.

    Raises:
        TypeError: Dtypes that it does not take.
        ValueError: Shapes or a reduction that the operator does not take.

    Example:
        >>> input, target = mindspore.Tensor([0.1, 0.2, 0.4, 0.8]), mindspore.Tensor([3, 0, -1, 1])
        >>> multilabel_margin_loss(input, target).asnumpy()
        array(0.85, dtype=float32)
    """
    if input.dtype not in _FORMATS:
        raise TypeError("input takes float16, bfloat16, float32 and float64")
    if target.dtype not in _LABELS:
        raise TypeError("target takes class indices of a signed integer dtype")
    if input.ndim not in (1, 2):
        raise ValueError("input takes the shapes (C) and (N, C)")
    if input.shape != target.shape:
        raise ValueError("target and input differ in shape")
    if reduction not in ("none", "sum", "mean"):
        raise ValueError("reduction takes none, sum and mean")
    return _loss(input, target, reduction)


def _loss(input: Any, target: Any, reduction: str) -> Any:
    """The loss of valid arguments; in graph mode, no function that is called may raise."""
    half = input.dtype in (mstype.float16, mstype.bfloat16)
    wide = input.astype("float32") if half else input
    losses = _rows(wide, target) if input.ndim == 2 else _rows(wide.expand_dims(0), target.expand_dims(0))
    result = _reduced(losses, reduction) if reduction != "none" else losses if input.ndim == 2 else losses[0]
    return result.astype(input.dtype) if half else result


def _reduced(losses: Any, reduction: str) -> Any:
    """The sum of the losses, or their mean."""
    if losses.shape[0] == 0:  # MindSpore 2.10's sum of nothing on the CPU is not initialised
        return ops.full((), 0.0 if reduction == "sum" else _NAN, dtype=losses.dtype)
    return losses.sum() if reduction == "sum" else losses.sum() / losses.shape[0]


def _rows(input: Any, target: Any) -> Any:
    """Of (N, C) scores the N losses."""
    if input.shape[0] == 0:  # a graph of MindSpore 2.10 dies of an empty batch (SIGFPE)
        return input.reshape((0,))
    classes = input.shape[1]
    if classes == 0:
        return ops.full((input.shape[0],), _NAN, dtype=input.dtype)
    labels = _labels(target, classes)
    times = ops.stop_gradient(_added(labels, ops.ones(labels.shape, input.dtype)))
    spoilt = ops.stop_gradient(ops.where(times[:, classes:-1] > 0, _NAN, 1.0))
    scores = input * spoilt  # makes the row's gradient NaN as well
    if classes <= DIRECT:
        return _paired(scores, times[:, :classes], spoilt - spoilt)
    return _ranked(scores, labels, times[:, :classes] > 0) * spoilt[:, 0]


def _paired(input: Any, times: Any, nothing: Any) -> Any:
    """Losses from every pair of classes, differentiated as they stand: an operation costs more than its arithmetic.

    What a class that is no label adds is given: 0, or NaN in a row that shall be NaN.
    """
    named = times > 0
    gap = (1 - input).expand_dims(2) + input.expand_dims(1)
    skipped = ops.logical_or(named.expand_dims(1), gap <= 0)
    of_label = ops.where(skipped, 0.0, gap).sum(2) * times
    return ops.where(named, of_label, nothing).sum(1) / input.shape[1]


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
    limits = ops.where(ops.logical_and(endless, counts != 0), slopes * input, 0.0).sum(1)
    finite = ops.where(endless, 0.0, input)
    losses = ops.where(limits == 0, sums / classes, limits)
    return losses + (slopes * (finite - ops.stop_gradient(finite))).sum(1)


def _labels(target: Any, classes: int) -> Any:
    """Labels of each row's block; C where one is out of range, and C + 1 behind the block."""
    target = target.astype("int32") if target.dtype in (mstype.int8, mstype.int16) else target
    block = ops.cumsum((target < 0).astype("int32"), 1) == 0
    within = ops.minimum(target, classes)
    return ops.where(block, within, classes + 1)


def _added(labels: Any, numbers: Any) -> Any:
    """Whole numbers added up by label, in their dtype; shape (N, C + 2)."""
    rows, classes = labels.shape[0], labels.shape[1]
    return ops.tensor_scatter_elements(ops.zeros((rows, classes + 2), numbers.dtype), labels, numbers, 1, "add")


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
    largest = ops.full_like(input, _largest(input.dtype))  # a number would pass through float32
    keys = ops.where(ops.isnan(scores), -_INFINITY, ops.minimum(scores, largest))
    keys = ops.where(within, keys, _INFINITY)
    others = ops.where(ops.isnan(input), _INFINITY, ops.maximum(1 + input, -largest))
    others = ops.where(named, -_INFINITY, others)
    ranked = -ops.topk(-keys, classes)[0]  # MindSpore 2.10's sort on the CPU rounds float64 values to float32
    places = ops.searchsorted(ranked, others).astype("int32")
    met = ops.tensor_scatter_elements(
        ops.zeros((input.shape[0], classes + 1), mstype.int32), places, ops.ones_like(places), 1, "add"
    )[:, 1:]
    above = met.sum(1, keepdims=True).astype("int32") - ops.cumsum(met, 1) + met
    ranks = ops.minimum(ops.searchsorted(ranked, keys).astype("int32"), classes - 1)
    counts = places - _added(labels, ops.gather_elements(above, 1, ranks))[:, :classes]
    return _sums(_finite(ranked), _finite(others), places), counts


def _largest(dtype: Any) -> float:
    """The largest finite number of a format."""
    return 1.7976931348623157e308 if dtype == mstype.float64 else 3.4028234663852886e38


def _finite(scores: Any) -> Any:
    """The scores, with 0 in the place of infinities."""
    return ops.where(ops.isinf(scores), 0.0, scores)


def _sums(ranked: Any, others: Any, places: Any) -> Any:
    """Each row's sum over its active pairs of finite scores."""
    ranks = ops.arange(1, ranked.shape[1]).astype(ranked.dtype)
    steps = (ranked[:, 1:] - ranked[:, :-1]) * ranks
    up_to = ops.cat((ops.zeros_like(ranked[:, :1]), ops.cumsum(steps, 1)), 1)
    last = ops.maximum(places - 1, 0)
    gaps = places.astype(ranked.dtype) * (others - ops.gather_elements(ranked, 1, last))
    gaps = gaps + ops.gather_elements(up_to, 1, last)
    return ops.where(places > 0, gaps, 0.0).sum(1)
