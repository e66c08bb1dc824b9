"""Right implementations of the soft margin loss in TensorFlow, each in a way of its own."""

# Steps are lambdas, whose parameters have no annotations.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.zoo.entry import Right, attributes, tf
from tests.zoo.tensorflow_soft import LEVEL, RIGHT, by_hand

RIGHTS: dict[str, Right] = {
    "any_size": Right(RIGHT, "A function whose signature leaves every size open.", LEVEL, "any_size"),
    "own_gradient": Right(
        replace(RIGHT, elements=by_hand(lambda slopes, upstream: slopes * upstream)), "A gradient of its own."
    ),
    "widened": Right(
        lambda input, target, weight=None, reduction="mean": tf.cast(
            RIGHT(
                tf.cast(input, tf.float64),
                tf.cast(target, tf.float64),
                None if weight is None else tf.cast(weight, tf.float64),
                reduction,
            ),
            input.dtype,
        ),
        "In float64, narrowed at the end.",
    ),
    "averaged": Right(
        replace(RIGHT, reduce=lambda losses, reduction: _reduced(losses, reduction)), "TensorFlow's own mean."
    ),
}
"""The right implementations by name."""


def _reduced(losses: Any, reduction: str) -> Any:
    return {"none": lambda: losses, "sum": lambda: tf.reduce_sum(losses), "mean": lambda: tf.reduce_mean(losses)}[
        reduction
    ]()


__getattr__ = attributes(RIGHTS)
