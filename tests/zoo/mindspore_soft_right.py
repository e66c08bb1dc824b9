"""Right implementations of the soft margin loss in MindSpore, each in a way of its own."""

# Steps are lambdas, whose parameters have no annotations.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.zoo.entry import Right, mindspore, ops
from tests.zoo.mindspore_soft import RIGHT, by_hand, reduce_rows


def _from_sigmoids(x: Any, y: Any) -> Any:
    """From max(x, 0), x y and log(1 + e^-|x|), as the loss of a logit is often written."""
    zero = ops.zeros_like(x)
    return ops.where(x > 0, x, zero) - x * y + ops.log1p(ops.exp(-ops.abs(x)))


def _mean(losses: Any, reduction: str) -> Any:
    return ops.mean(losses) if reduction == "mean" and losses.ndim and len(losses) else reduce_rows(losses, reduction)


RIGHTS: dict[str, Right] = {
    "own_gradient": Right(
        replace(RIGHT, elements=by_hand(lambda slopes, upstream: slopes * upstream)),
        "A gradient of its own.",
        mode="pynative",
    ),
    "widened": Right(
        lambda input, target, weight=None, reduction="mean": RIGHT(
            input.astype(mindspore.float64),
            target.astype(mindspore.float64),
            None if weight is None else weight.astype(mindspore.float64),
            reduction,
        ).astype(input.dtype),
        "In float64, narrowed at the end.",
        mode="pynative",
    ),
    "averaged": Right(replace(RIGHT, reduce=_mean), "MindSpore's own mean.", mode="pynative"),
    "from_logits": Right(
        replace(RIGHT, elements=_from_sigmoids), "The maximum, the product and one logarithm.", mode="pynative"
    ),
}
"""The right implementations by name."""


def __getattr__(name: str) -> Any:
    if name not in RIGHTS:
        raise AttributeError(name)
    return RIGHTS[name].loss
