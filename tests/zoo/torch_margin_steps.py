"""The margin loss in torch as people write it, without a loop: steps, each of which a fault may replace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.zoo.entry import torch


def check(input: Any, target: Any, reduction: str) -> None:
    """Refuse what the operator does not take."""
    if input.dim() not in (1, 2) or input.shape != target.shape:
        raise ValueError(f"input {tuple(input.shape)}, target {tuple(target.shape)}")
    if reduction not in ("none", "sum", "mean"):
        raise ValueError(f"reduction {reduction!r}")


def live_of(target: Any) -> Any:
    """Places before the first negative label; shape (N, C)."""
    return (target >= 0).cumprod(dim=1).bool()


def index_of(target: Any, live: Any) -> Any:
    """The label of each place, 0 where there is none."""
    return torch.where(live, target, 0)


def named_in(scores: Any, index: Any, live: Any) -> Any:
    """Which classes are labels; shape (N, C)."""
    return torch.zeros_like(scores, dtype=torch.int64).scatter_add_(1, index, live.long()) > 0


def own_of(scores: Any, index: Any) -> Any:
    """The score of each label."""
    return scores.gather(1, index)


def gap_of(own: Any, scores: Any) -> Any:
    """1 - x_t + x_i; shape (N, T, C)."""
    return (1 - own)[:, :, None] + scores[:, None, :]


def keep_of(live: Any, named: Any) -> Any:
    """Which pairs count."""
    return live[:, :, None] & ~named[:, None, :]


def clip(gaps: Any, keep: Any) -> Any:
    """max(0, z) of the pairs that count."""
    return torch.where(keep, gaps, 0).relu()


def add(terms: Any) -> Any:
    """The sum of each row."""
    return terms.sum(dim=(1, 2))


def divide(sums: Any, scores: Any, keep: Any) -> Any:
    """Divided by C."""
    return sums / scores.shape[1]


def reduce_rows(losses: Any, reduction: str, input: Any) -> Any:
    """The losses, their sum or their mean."""
    if reduction == "none":
        return losses if input.dim() == 2 else losses[0]
    return losses.sum() if reduction == "sum" else losses.mean()


@dataclass(frozen=True)
class Margin:
    """The loss by its steps."""

    check: Callable[[Any, Any, str], None] = check
    rows: Callable[[Any], Any] = lambda input: torch.atleast_2d(input)
    labels: Callable[[Any, Any], Any] = lambda target, scores: torch.atleast_2d(target)
    live: Callable[[Any], Any] = live_of
    index: Callable[[Any, Any], Any] = index_of
    named: Callable[[Any, Any, Any], Any] = named_in
    own: Callable[[Any, Any], Any] = own_of
    gap: Callable[[Any, Any], Any] = gap_of
    keep: Callable[[Any, Any], Any] = keep_of
    clip: Callable[[Any, Any], Any] = clip
    add: Callable[[Any], Any] = add
    divide: Callable[[Any, Any, Any], Any] = divide
    reduce: Callable[[Any, str, Any], Any] = reduce_rows
    longest: Callable[[Any, Any], Any] = lambda target, live: int(live.sum(dim=1).max()) if len(live) else 0

    def __call__(self, input: Any, target: Any, reduction: str = "mean") -> Any:
        """The loss; places behind the longest block are cut off."""
        self.check(input, target, reduction)
        scores = self.rows(input)
        target = self.labels(target, scores)
        live = self.live(target)
        longest = self.longest(target, live)
        live, index = live[:, :longest], self.index(target, live)[:, :longest]
        gaps = self.gap(self.own(scores, index), scores)
        keep = self.keep(live, self.named(scores, index, live))
        losses = self.divide(self.add(self.clip(gaps, keep)), scores, keep)
        return self.reduce(losses, reduction, input)


RIGHT = Margin()
