"""Right implementations of the soft margin loss in torch, each in a way of its own."""

# Steps are lambdas, whose parameters have no annotations.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.zoo import torch_soft_modes
from tests.zoo.entry import Right, attributes, torch
from tests.zoo.soft_steps import check
from tests.zoo.torch_soft import hand_written
from tests.zoo.torch_soft_steps import RIGHT, reduce_rows


def _by_cross_entropy(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
    check(input, target, weight, reduction)
    cross_entropy = torch.nn.functional.binary_cross_entropy_with_logits
    return reduce_rows(cross_entropy(input, target, weight=weight, reduction="none").mean(dim=-1), reduction)


def _by_logaddexp(x: Any, y: Any) -> Any:
    zero = torch.zeros((), dtype=x.dtype)
    return y * torch.logaddexp(zero, -x) + (1 - y) * torch.logaddexp(zero, x)


def _shifted(x: Any, y: Any) -> Any:
    """log(e^-m + e^(x - m)) with the larger as m, which needs no gradient."""
    m = x.relu().detach()
    both = torch.log(torch.exp(-m) + torch.exp(x - m)) + m
    return both - x * y


def _by_logsigmoid(x: Any, y: Any) -> Any:
    logsigmoid = torch.nn.functional.logsigmoid
    return -(y * logsigmoid(x) + (1 - y) * logsigmoid(-x))


RIGHTS: dict[str, Right] = {
    "by_logsigmoid": Right(
        replace(RIGHT, elements=_by_logsigmoid),
        "torch's logsigmoid, the mean over the classes; its second derivative loses a tail.",
    ),
    "by_cross_entropy": Right(_by_cross_entropy, "torch's binary cross-entropy with logits."),
    "by_logaddexp": Right(replace(RIGHT, elements=_by_logaddexp), "torch's logaddexp."),
    "safe_where": Right(RIGHT, "Two branches, each of which is guarded from the other's scores.", "quality"),
    "shifted": Right(
        replace(RIGHT, elements=_shifted), "The larger exponent taken out, without a gradient of its own."
    ),
    "own_gradient": Right(hand_written(), "A backward of its own."),
    "widened": Right(
        replace(
            RIGHT,
            scores=lambda input: input.double(),
            labels=lambda target: target.double(),
            finish=lambda loss, input: loss.to(input.dtype),
            over_classes=lambda elements, weight: elements.mean(dim=-1),
        ),
        "In float64, narrowed at the end.",
        "quality",
    ),
    **torch_soft_modes.RIGHTS,
}
"""The right implementations by name."""


__getattr__ = attributes(RIGHTS)
