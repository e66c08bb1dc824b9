"""Both losses for JAX: differentiable, for use under ``jit``, ``vmap`` and ``grad``.

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
def _jax() -> Any:
    return importlib.import_module("jax")


def _check(input: Any, target: Any, reduction: str) -> None:
    if input.ndim not in (1, 2):
        raise ValueError("input has shape %s; it takes (C) or (N, C)" % (input.shape,))
    if input.shape != target.shape:
        raise ValueError("target has shape %s, input has %s" % (target.shape, input.shape))
    if reduction not in ("none", "sum", "mean"):
        raise ValueError("reduction %r: there are none, sum, mean" % (reduction,))


def _widened(input: Any) -> Any:
    """Half-precision scores as float32, others as they are."""
    jnp = _jax().numpy
    return input.astype(jnp.float32) if input.dtype in (jnp.float16, jnp.bfloat16) else input


@functools.lru_cache(maxsize=None)
def _softplus() -> Any:
    """log(1 + e^x) with the sigmoid as its derivative: JAX's own takes one that loses x units of roundoff."""
    jax = _jax()
    jnp = jax.numpy
    softplus = jax.custom_jvp(lambda x: jnp.maximum(x, 0) + jnp.log1p(jnp.exp(-jnp.abs(x))))
    softplus.defjvps(lambda tangent, _, x: jax.nn.sigmoid(x) * tangent)
    return softplus


def _reduce(losses: Any, reduction: str) -> Any:
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.mean()


def multilabel_margin_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """Multi-label margin loss.

    Args:
        input: Scores; shape (C) or (N, C); any floating dtype.
        target: Class indices of the same shape, of an integer dtype; the first negative
            one ends a row's block.
        reduction: ``none``, ``sum`` or ``mean``.

    Returns:
        The loss, in the input's dtype; shape (), or (N,) for ``none`` of a batch.

    Raises:
        ValueError: Shapes or a reduction that the operator does not take.
    """
    _check(input, target, reduction)
    jnp = _jax().numpy
    classes, wide = input.shape[-1], _widened(input)
    block = jnp.cumprod(target >= 0, axis=-1, dtype=bool)
    inside = jnp.where(block, target, 0)
    beyond = inside >= classes
    labels = jnp.minimum(inside, classes - 1)
    names = labels[..., :, None] == jnp.arange(classes, dtype=labels.dtype)
    is_target = jnp.any(names & block[..., :, None], axis=-2)
    score = jnp.take_along_axis(wide, labels, axis=-1)
    gap = 1 - score[..., :, None] + wide[..., None, :]
    counted = block[..., :, None] & ~is_target[..., None, :] & ~(gap <= 0)
    losses = jnp.where(counted, gap, 0).sum(axis=(-2, -1)) / classes
    return _reduce(jnp.where(beyond.any(axis=-1), jnp.nan, losses), reduction).astype(input.dtype)


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
    _check(input, target, reduction)
    if weight is not None and weight.shape != input.shape[-1:]:
        raise ValueError("weight has shape %s; there are %d classes" % (weight.shape, input.shape[-1]))
    softplus = _softplus()
    wide = _widened(input)
    labels = target.astype(wide.dtype)
    losses = labels * softplus(-wide) + (1 - labels) * softplus(wide)
    if weight is not None:
        losses = losses * weight
    return _reduce(losses.sum(axis=-1) / input.shape[-1], reduction).astype(input.dtype)
