"""The multi-label margin loss for MindSpore on every device, eager and in graph mode.

MindSpore's own operator has kernels for Ascend and GPU only. This one keeps the
contract of the other ports: the first negative label ends a row's block, duplicate
labels count each time, the subgradient at a tie is 0, and NaN propagates. A class index
beyond the last class before the block's end makes its row NaN, because compiled code
cannot raise. Half-precision scores are computed with in float32, and the loss is rounded
once. Memory is O(N T C), with T the width of the target.
"""

from typing import Any

from mindspore import dtype as mstype
from mindspore import ops


def multilabel_margin_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """Multi-label margin loss.

    Args:
        input: Scores; shape (C) or (N, C); float16, float32 or float64.
        target: Class indices of the same shape, int32 or int64; the first negative one
            ends a row's block.
        reduction: ``none``, ``sum`` or ``mean``.

    Returns:
        The loss, in the input's dtype; shape (), or (N,) for ``none`` of a batch.

    Raises:
        ValueError: Shapes or a reduction that the operator does not take.
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
        return ops.full((), 0.0 if reduction == "sum" else float("nan"), dtype=input.dtype)
    total = losses.sum()
    return (total if reduction == "sum" else total / losses.shape[0]).astype(input.dtype)


def _rows(input: Any, target: Any) -> Any:
    classes = input.shape[1]
    negatives = ops.cumsum((target < 0).astype("int32"), 1)
    block = negatives == 0
    inside = ops.where(block, target, ops.zeros_like(target)).astype("int32")
    beyond = (inside >= classes).astype("int32").sum(1) > 0
    labels = ops.minimum(inside, classes - 1)
    names = labels.expand_dims(2) == ops.arange(classes).astype("int32").reshape((1, 1, classes))
    named = ops.logical_and(names, block.expand_dims(2)).astype("int32").sum(1)
    score = ops.gather_elements(input, 1, labels)
    gap = (1 - score).expand_dims(2) + input.expand_dims(1)
    counted = ops.logical_and(block.expand_dims(2), (named == 0).expand_dims(1))
    counted = ops.logical_and(counted, ops.logical_not(gap <= 0))
    losses = ops.where(counted, gap, ops.zeros_like(gap)).sum((1, 2)) / classes
    return ops.where(beyond, ops.full_like(losses, float("nan")), losses)
