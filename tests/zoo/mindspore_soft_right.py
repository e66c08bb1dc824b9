"""Right implementations of the soft margin loss in MindSpore, each in a way of its own."""

# Steps are lambdas, whose parameters have no annotations.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.zoo.entry import Right, attributes, mindspore, ops
from tests.zoo.mindspore_soft import RIGHT, by_hand, reduce_rows


def _mean(losses: Any, reduction: str) -> Any:
    return ops.mean(losses) if reduction == "mean" and losses.ndim and len(losses) else reduce_rows(losses, reduction)


RIGHTS: dict[str, Right] = {
    "own_gradient": Right(
        replace(RIGHT, elements=by_hand(lambda slopes, upstream: slopes * upstream)),
        "A gradient of its own.",
    ),
    "widened": Right(
        lambda input, target, weight=None, reduction="mean": RIGHT(
            input.astype(mindspore.float64),
            target.astype(mindspore.float64),
            None if weight is None else weight.astype(mindspore.float64),
            reduction,
        ).astype(input.dtype),
        "In float64, narrowed at the end.",
    ),
    "averaged": Right(replace(RIGHT, reduce=_mean), "MindSpore's own mean."),
}
"""The right implementations by name."""


__getattr__ = attributes(RIGHTS)
