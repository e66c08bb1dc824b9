"""Both losses for TensorFlow: differentiable, eager, in ``tf.function`` and under XLA.

Both ports keep one contract: the first negative label ends a row's block, duplicate
labels count each time, the subgradient at a tie is 0, NaN propagates, and infinities give
the formula's limit. A class index beyond the last class before the block's end makes its
row NaN, because compiled code cannot raise. Half-precision scores are computed with in
float32, and the loss is rounded once. Memory is O(N C).

The margin loss takes O(C) a label where labels are few and O(C log C) a row where they
are many; the device decides, by the labels of the batch.
"""

import functools
import importlib
from typing import Any


@functools.lru_cache(maxsize=None)
def _tf() -> Any:
    return importlib.import_module("tensorflow")


FORMATS = ("float16", "bfloat16", "float32", "float64")


def _check(input: Any, target: Any, reduction: str) -> None:
    if input.dtype.name not in FORMATS:
        raise TypeError("input has dtype %s; there are %s" % (input.dtype.name, ", ".join(FORMATS)))
    if input.shape.rank not in (1, 2):
        raise ValueError("input has shape %s; it takes (C) or (N, C)" % (input.shape,))
    if not input.shape.is_compatible_with(target.shape):
        raise ValueError("target has shape %s, input has %s" % (target.shape, input.shape))
    if reduction not in ("none", "sum", "mean"):
        raise ValueError("reduction %r: there are none, sum, mean" % (reduction,))


def _widened(input: Any) -> Any:
    """Half-precision scores as float32, others as they are."""
    tf = _tf()
    return tf.cast(input, tf.float32) if input.dtype in (tf.float16, tf.bfloat16) else input


def _reduce(losses: Any, reduction: str) -> Any:
    tf = _tf()
    if reduction == "none":
        return losses
    total = tf.reduce_sum(losses)
    return total if reduction == "sum" else total / tf.cast(tf.size(losses), losses.dtype)


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
        tf.errors.InvalidArgumentError: Shapes that differ, where they are known only when a graph runs
            (XLA leaves that check out).

    Example:
        >>> multilabel_margin_loss(tf.constant([0.1, 0.2, 0.4, 0.8]), tf.constant([3, 0, -1, 1])).numpy()
        0.85
    """
    tf = _tf()
    input, target = tf.convert_to_tensor(input), tf.convert_to_tensor(target)
    _check(input, target, reduction)
    if not target.dtype.is_integer or target.dtype.is_unsigned:
        raise TypeError("target has dtype %s; class indices are signed integers" % target.dtype.name)
    target = _alike(input, target if target.dtype in (tf.int32, tf.int64) else tf.cast(target, tf.int32))
    batched = input.shape.rank == 2
    rows, labels = (input, target) if batched else (input[tf.newaxis], target[tf.newaxis])
    losses = _margin()(_widened(rows), labels)
    return tf.cast(_reduce(losses if batched else losses[0], reduction), input.dtype)


def _alike(input: Any, target: Any) -> Any:
    """The target, whose shape is compared when the graph runs where it is not known before."""
    tf = _tf()
    if input.shape.is_fully_defined() and target.shape.is_fully_defined():
        return target
    same = tf.debugging.assert_equal(tf.shape(target), tf.shape(input), "target and input differ in shape")
    with tf.control_dependencies([same]):
        return tf.ensure_shape(tf.identity(target), input.shape)


def multilabel_soft_margin_loss(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
    """Multi-label soft margin loss.

    Args:
        input: Scores; shape (C) or (N, C); float16, bfloat16, float32 or float64.
        target: Labels in [0, 1], of the same shape.
        weight: A factor for each class; shape (C); ones if absent.
        reduction: ``none``, ``sum`` or ``mean``.

    Returns:
        The loss, in the input's dtype; shape (), or (N,) for ``none`` of a batch.

    Raises:
        ValueError: Shapes or a reduction that the operator does not take.
    """
    tf = _tf()
    input, target = tf.convert_to_tensor(input), tf.convert_to_tensor(target)
    _check(input, target, reduction)
    if weight is not None and not input.shape[-1:].is_compatible_with(weight.shape):
        raise ValueError("weight has shape %s; the classes are %s" % (weight.shape, input.shape[-1:]))
    wide = _widened(input)
    labels = tf.cast(_alike(input, target), wide.dtype)
    softplus = _softplus()
    losses = labels * softplus(-wide) + (1 - labels) * softplus(wide)
    if weight is not None:
        losses = losses * tf.cast(weight, wide.dtype)
    classes = tf.cast(tf.shape(input)[-1], wide.dtype)
    return tf.cast(_reduce(tf.reduce_sum(losses, axis=-1) / classes, reduction), input.dtype)


@functools.lru_cache(maxsize=None)
def _softplus() -> Any:
    """log(1 + e^x) whose second derivative is the product of two sigmoids: a difference from 1 loses its tail."""
    tf = _tf()

    def sigmoid(x: Any) -> Any:
        return tf.sigmoid(x), lambda cotangent: cotangent * tf.sigmoid(x) * tf.sigmoid(-x)

    slope = tf.custom_gradient(sigmoid)
    return tf.custom_gradient(lambda x: (tf.math.softplus(x), lambda cotangent: cotangent * slope(x)))


DIRECT = 64
"""Up to so many labels in each row, going through them one by one is quicker than sorting them."""


@functools.lru_cache(maxsize=None)
def _margin() -> Any:
    """Losses of rows, with their derivative by the scores."""
    tf = _tf()

    def losses_of(input: Any, target: Any) -> Any:
        rows = _traced(input.dtype, target.dtype) if tf.executing_eagerly() else _losses_and_slopes
        losses, slopes = rows(tf.stop_gradient(input), target)
        return losses, lambda cotangent: (cotangent[:, tf.newaxis] * slopes, None)

    return tf.custom_gradient(losses_of)


@functools.lru_cache(maxsize=None)
def _traced(dtype: Any, target_dtype: Any) -> Any:
    """The same for eager calls, traced once for all shapes: an eager operation costs more than small rows do."""
    tf = _tf()
    shape = [None, None]
    signature = [tf.TensorSpec(shape, dtype), tf.TensorSpec(shape, target_dtype)]
    return tf.function(_losses_and_slopes, input_signature=signature, autograph=False)


def _losses_and_slopes(input: Any, target: Any) -> Any:
    """Of (N, C) scores the N losses, and the derivative of each by its scores."""
    tf = _tf()
    classes = tf.shape(input)[1]
    block = tf.math.cumprod(tf.cast(target >= 0, tf.int32), axis=1) > 0
    inside = target < tf.cast(classes, target.dtype)
    beyond = tf.reduce_any(block & ~inside, axis=1)
    labels = tf.where(block & inside, tf.cast(target, tf.int32), classes)
    named = _added(labels, tf.ones_like(labels), classes + 1)[:, :classes] > 0
    most = tf.reduce_max(tf.reduce_sum(tf.cast(labels < classes, tf.int32), axis=1), axis=0)
    sums, counts = tf.cond(
        most <= DIRECT, lambda: _direct(input, labels, named, most), lambda: _sorted(input, labels, named)
    )
    width = tf.cast(classes, input.dtype)
    spoilt = tf.where(beyond, tf.constant(float("nan"), input.dtype), tf.constant(0, input.dtype))
    return sums / width + spoilt, tf.cast(counts, input.dtype) / width + spoilt[:, tf.newaxis]


def _added(places: Any, values: Any, width: Any) -> Any:
    """Integers added up by row and place; shape (N, width)."""
    tf = _tf()
    rows = tf.shape(places, out_type=tf.int64)[0]
    starts = tf.range(rows)[:, tf.newaxis] * tf.cast(width, tf.int64)
    whole = tf.reshape(tf.cast(places, tf.int64) + starts, [-1])
    flat = tf.math.unsorted_segment_sum(tf.reshape(values, [-1]), whole, rows * tf.cast(width, tf.int64))
    return tf.reshape(flat, [-1, width])


def _direct(input: Any, labels: Any, named: Any, most: Any) -> Any:
    """Sums over the active pairs and their number at each score, label by label; a target's counts are negative."""
    tf = _tf()
    classes = tf.shape(input)[1]
    zero = tf.zeros((), input.dtype)

    def step(place: Any, sums: Any, counts: Any) -> Any:
        label = labels[:, place]
        own = label[:, tf.newaxis] == tf.range(classes)
        score = tf.gather(input, tf.minimum(label, classes - 1), axis=1, batch_dims=1)
        gap = (1 - score)[:, tf.newaxis] + input
        above = (gap > 0) | tf.math.is_nan(gap)  # the graph optimiser makes > 0 of "not <= 0", which leaves NaN out
        active = above & ~named & (label < classes)[:, tf.newaxis]
        met = tf.cast(active, tf.int32)
        counts += met - tf.where(own, tf.reduce_sum(met, axis=1)[:, tf.newaxis], 0)
        sums += tf.reduce_sum(tf.where(active, gap, zero), axis=1)
        return place + 1, tf.ensure_shape(sums, input.shape[:1]), tf.ensure_shape(counts, input.shape)

    sums = tf.ensure_shape(tf.zeros(tf.shape(input)[:1], input.dtype), input.shape[:1])
    start = (tf.constant(0), sums, tf.zeros_like(input, tf.int32))
    return tf.while_loop(lambda place, *_: place < most, step, start)[1:]


def _sorted(input: Any, labels: Any, named: Any) -> Any:
    r"""The same: sort each row's target scores, and find the place of every other score among them.

    With :math:`a_1 \le \dots \le a_T` the target scores (a duplicate label twice), :math:`v = 1 + x_i` of a
    class that is no target and :math:`k = \#\{a < v\}`, the pairs of i contribute

    .. math:: \sum_{t \le k} (v - a_t) = k (v - a_k) + \sum_{j < k} j (a_{j+1} - a_j)

    No term is negative, so nothing cancels, however far apart or from 0 the scores lie, and the input's own
    precision is enough. Keys stand in for what is not finite: NaN is active in every pair, so its key is the
    lowest target or the highest other score.
    """
    tf = _tf()
    classes, infinity, largest = tf.shape(input)[1], tf.constant(float("inf"), input.dtype), input.dtype.max
    within = labels < classes
    scores = tf.gather(input, tf.minimum(labels, classes - 1), axis=1, batch_dims=1)
    keys = tf.where(tf.math.is_nan(scores), -infinity, tf.minimum(scores, largest))
    keys = tf.where(within, keys, infinity)
    others = tf.where(tf.math.is_nan(input), infinity, tf.maximum(1 + input, -largest))
    others = tf.where(named, -infinity, others)
    ranked = tf.sort(keys, axis=1)
    places = _places(ranked, others)
    met = _added(places, tf.ones_like(places), classes + 1)[:, 1:]
    above = tf.cumsum(met, axis=1, reverse=True)
    of_targets = tf.gather(above, tf.minimum(_places(ranked, keys), classes - 1), axis=1, batch_dims=1)
    counts = places - _added(labels, of_targets, classes + 1)[:, :classes]
    sums = _sums(_finite(ranked), _finite(others), places)
    limits = tf.where(
        tf.math.is_finite(input) | (counts == 0), tf.zeros_like(input), tf.cast(counts, input.dtype) * input
    )
    limits = tf.reduce_sum(limits, axis=1)
    return tf.where(tf.equal(limits, 0), sums, limits), counts


def _places(ranked: Any, scores: Any) -> Any:
    """How many of each row's ranked scores lie below each score: a binary search of all at once.

    ``tf.searchsorted`` compares each with each under XLA, which takes O(N C^2) memory.
    """
    tf = _tf()
    width = tf.shape(ranked)[1]

    def step(stride: Any, places: Any) -> Any:
        further = places + stride
        passed = tf.gather(ranked, tf.minimum(further, width) - 1, axis=1, batch_dims=1) < scores
        return stride // 2, tf.where(passed & (further <= width), further, places)

    def widest(stride: Any) -> Any:
        return stride * 2

    stride = tf.while_loop(lambda stride: stride * 2 <= width, lambda stride: (widest(stride),), (tf.constant(1),))[0]
    return tf.while_loop(lambda stride, _: stride > 0, step, (stride, tf.zeros_like(scores, tf.int32)))[1]


def _finite(scores: Any) -> Any:
    """The scores, with 0 in the place of infinities."""
    tf = _tf()
    return tf.where(tf.math.is_inf(scores), tf.zeros((), scores.dtype), scores)


def _sums(ranked: Any, others: Any, places: Any) -> Any:
    """Each row's sum over its active pairs of finite scores."""
    tf = _tf()
    ranks = tf.range(1, tf.shape(ranked)[1])
    steps = (ranked[:, 1:] - ranked[:, :-1]) * tf.cast(ranks, ranked.dtype)
    up_to = tf.pad(tf.cumsum(steps, axis=1), [[0, 0], [1, 0]])
    last = tf.maximum(places - 1, 0)
    reached = tf.gather(ranked, last, axis=1, batch_dims=1)
    gaps = tf.cast(places, ranked.dtype) * (others - reached) + tf.gather(up_to, last, axis=1, batch_dims=1)
    return tf.reduce_sum(tf.where(places > 0, gaps, tf.zeros((), gaps.dtype)), axis=1)
