"""The margin loss in torch with a backward of its own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from tests.zoo.entry import torch
from tests.zoo.torch_margin_steps import (
    RIGHT,
    check,
    clip,
    gap_of,
    index_of,
    keep_of,
    live_of,
    named_in,
    own_of,
    reduce_rows,
)

Slopes = Callable[[Any, Any, Any], Any]


def slopes_of(active: Any, index: Any, scores: Any) -> Any:
    """How many active pairs each class has as the other, less those it has as the label."""
    counts = active.sum(dim=1).to(scores.dtype)
    return counts.scatter_add(1, index, -active.sum(dim=2).to(scores.dtype))


def by_hand(slopes: Slopes = slopes_of, pull: Callable[[Any, Any], Any] | None = None) -> Callable[[Any, Any], Any]:
    """The losses of rows with a gradient of one's own.

    Args:
        slopes: Active pairs, labels and scores to the gradient of each row's sum.
        pull: Slopes and the upstream gradient of each row to the gradient.
    """

    def losses(input: Any, target: Any) -> Any:
        return _function(slopes, pull or _times).apply(input, target)

    return losses


def _times(slope: Any, upstream: Any) -> Any:
    return slope * upstream[:, None]


@functools.cache
def _function(slopes: Slopes, pull: Callable[[Any, Any], Any]) -> Any:
    """A function of rows and labels whose backward is the product of slopes and upstream gradient."""

    class Rows(torch.autograd.Function):  # type: ignore[misc]  # torch is Any here
        @staticmethod
        def forward(ctx: Any, scores: Any, target: Any) -> Any:
            live = live_of(target)
            longest = RIGHT.longest(target, live)
            live, index = live[:, :longest], index_of(target, live)[:, :longest]
            keep = keep_of(live, named_in(scores, index, live))
            gaps = gap_of(own_of(scores, index), scores)
            ctx.save_for_backward(keep & (gaps > 0), index, scores)
            return clip(gaps, keep).sum(dim=(1, 2)) / scores.shape[1]

        @staticmethod
        def backward(ctx: Any, upstream: Any) -> tuple[Any, None]:
            active, index, scores = ctx.saved_tensors
            return pull(slopes(active, index, scores) / scores.shape[1], upstream), None

    return Rows


def reduced(losses: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """The losses of rows as the whole operator."""

    def loss(input: Any, target: Any, reduction: str = "mean") -> Any:
        check(input, target, reduction)
        return reduce_rows(losses(torch.atleast_2d(input), torch.atleast_2d(target)), reduction, input)

    return loss
