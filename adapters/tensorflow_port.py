"""Both losses for TensorFlow: differentiable, eager, in ``tf.function`` and under XLA.

Both ports keep one contract: the first negative label ends a row's block, duplicate
labels count each time, the subgradient at a tie is 0, and NaN propagates. A class index
beyond the last class before the block's end makes its row NaN, because compiled code
cannot raise. Half-precision scores are computed with in float32, and the loss is rounded
once. Memory is O(N T C) for the margin loss, with T the width of the target.
"""

import functools
import importlib
from typing import Any


@functools.lru_cache(maxsize=None)
def _tf() -> Any:
    return importlib.import_module("tensorflow")


def _check(input: Any, target: Any, reduction: str) -> None:
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
        input: Scores; shape (C) or (N, C); any floating dtype.
        target: Class indices of the same shape, int32 or int64; the first negative one
            ends a row's block.
        reduction: ``none``, ``sum`` or ``mean``.

    Returns:
        The loss, in the input's dtype; shape (), or (N,) for ``none`` of a batch.

    Raises:
        ValueError: Shapes or a reduction that the operator does not take.
    """
    tf = _tf()
    _check(input, target, reduction)
    classes, wide = tf.shape(input, out_type=target.dtype)[-1], _widened(input)
    block = tf.math.cumprod(tf.cast(target >= 0, target.dtype), axis=-1) > 0
    inside = tf.where(block, target, tf.zeros_like(target))
    beyond = tf.reduce_any(inside >= classes, axis=-1)
    labels = tf.minimum(inside, classes - 1)
    names = labels[..., :, tf.newaxis] == tf.range(classes, dtype=target.dtype)
    is_target = tf.reduce_any(names & block[..., :, tf.newaxis], axis=-2)
    score = tf.gather(wide, labels, axis=-1, batch_dims=input.shape.rank - 1)
    gap = (1 - score)[..., :, tf.newaxis] + wide[..., tf.newaxis, :]
    counted = block[..., :, tf.newaxis] & ~is_target[..., tf.newaxis, :] & ~(gap <= 0)
    total = tf.reduce_sum(tf.where(counted, gap, tf.zeros_like(gap)), axis=(-2, -1))
    losses = total / tf.cast(classes, wide.dtype)
    not_a_number = tf.fill(tf.shape(losses), tf.constant(float("nan"), dtype=wide.dtype))
    return tf.cast(_reduce(tf.where(beyond, not_a_number, losses), reduction), input.dtype)


def multilabel_soft_margin_loss(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
    """Multi-label soft margin loss.

    Args:
        input: Scores; shape (C) or (N, C); any floating dtype.
        target: Labels in [0, 1], of the same shape.
        weight: A factor for each class; shape (C); ones if absent.
        reduction: ``none``, ``sum`` or ``mean``.

    Returns:
        The loss, in the input's dtype; shape (), or (N,) for ``none`` of a batch.

    Raises:
        ValueError: Shapes or a reduction that the operator does not take.
    """
    tf = _tf()
    _check(input, target, reduction)
    if weight is not None and not input.shape[-1:].is_compatible_with(weight.shape):
        raise ValueError("weight has shape %s; the classes are %s" % (weight.shape, input.shape[-1:]))
    wide = _widened(input)
    labels = tf.cast(target, wide.dtype)
    losses = labels * tf.math.softplus(-wide) + (1 - labels) * tf.math.softplus(wide)
    if weight is not None:
        losses = losses * tf.cast(weight, wide.dtype)
    classes = tf.cast(tf.shape(input)[-1], wide.dtype)
    return tf.cast(_reduce(tf.reduce_sum(losses, axis=-1) / classes, reduction), input.dtype)
