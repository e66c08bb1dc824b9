"""Right implementations of the margin loss in torch, each in a way of its own."""

# Steps are lambdas, whose parameters have no annotations.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.zoo.entry import Right, attributes, torch
from tests.zoo.torch_margin_by_hand import by_hand, reduced
from tests.zoo.torch_margin_steps import RIGHT, index_of, live_of, reduce_rows

_GRID = 65535


def _row(x: Any, y: Any) -> Any:
    """The labels of one row from a list, the others by a mask."""
    labels: list[int] = []
    for label in y.tolist():
        if label < 0:
            break
        labels.append(label)
    if max(labels, default=0) >= len(x):
        raise IndexError(f"class {max(labels)} of {len(x)}")
    others = torch.ones(len(x), dtype=torch.bool)
    others[labels] = False
    terms = [(1 - (x[label] - x[others])).clamp(min=0).sum() for label in labels]
    return torch.stack([*terms, x[:0].sum()]).sum() / len(x)


def _by_row(scores: Any, target: Any) -> Any:
    losses = [_row(x, y) for x, y in zip(scores, target, strict=True)]
    return torch.stack(losses) if losses else scores.sum(dim=1)


def _counted(scores: Any, target: Any) -> Any:
    """Classes against classes of the batch, weighed by how often each is a label."""
    live = live_of(target)
    times = torch.zeros(scores.shape, dtype=scores.dtype).scatter_add(1, index_of(target, live), live.to(scores.dtype))
    used = (times > 0).any(dim=0)
    gaps = (scores[:, None, :] + 1) - scores[:, used][:, :, None]
    kept = (times[:, used] > 0)[:, :, None] & (times == 0)[:, None, :]
    hinge = torch.where(kept, gaps, 0).clamp(min=0)
    return (hinge.sum(dim=2) * times[:, used]).sum(dim=1) / scores.shape[1]


def _halved(gaps: Any, keep: Any) -> Any:
    """Half the subgradient at a tie."""
    return torch.maximum(torch.where(keep, gaps, 0), torch.zeros((), dtype=gaps.dtype))


def _one_at_ties(active: Any, index: Any, scores: Any) -> Any:
    """The derivatives in float64, rounded once."""
    counts = active.sum(dim=1).double()
    return counts.scatter_add(1, index, -active.sum(dim=2).double()).to(scores.dtype)


def _nan_swallowed(gaps: Any, keep: Any) -> Any:
    return torch.where(keep & (gaps > 0), gaps, 0)


def _looked_at_then_narrowed(target: Any, scores: Any) -> Any:
    """Labels in 32 bits, once none is beyond the last class; below 0 they are all alike."""
    rows = torch.atleast_2d(target)
    if rows.numel() and (live_of(rows) & (rows >= scores.shape[1])).any():
        raise IndexError(f"class {int(rows.max())} of {scores.shape[1]}")
    return rows.clamp(min=-1).int().long()


def _in_chunks(input: Any, target: Any, reduction: str = "mean") -> Any:
    """No more rows at once than a grid has."""
    if input.dim() < 2 or len(input) <= _GRID:
        return RIGHT(input, target, reduction)
    parts = zip(input.split(_GRID), target.split(_GRID), strict=True)
    losses = torch.cat([RIGHT(scores, labels, "none") for scores, labels in parts])
    return reduce_rows(losses, reduction, input)


RIGHTS: dict[str, Right] = {
    "narrowed_after_a_look": Right(
        replace(RIGHT, labels=_looked_at_then_narrowed), "Labels in 32 bits, once none is beyond the last class."
    ),
    "in_chunks": Right(_in_chunks, "Rows in chunks of 65,535."),
    "vectorised": Right(RIGHT, "Gather, scatter and where.", "quality"),
    "without_data": Right(
        replace(RIGHT, longest=lambda target, live: target.shape[1]), "No look at the data, so meta tensors do."
    ),
    "by_row": Right(reduced(_by_row), "A Python loop over rows and labels, stacked."),
    "counted": Right(reduced(_counted), "Classes against classes, labels by their number."),
    "half_at_ties": Right(
        replace(RIGHT, clip=_halved, divide=lambda sums, scores, keep: sums * (1 / scores.shape[1])),
        "maximum, whose subgradient at a tie is a half; times 1/C.",
    ),
    "own_gradient": Right(reduced(by_hand(_one_at_ties)), "A backward of its own."),
    "widened": Right(
        replace(
            RIGHT,
            rows=lambda input: torch.atleast_2d(input).double(),
            reduce=lambda losses, reduction, input: reduce_rows(losses, reduction, input).to(input.dtype),
        ),
        "In float64, narrowed at the end.",
        "quality",
    ),
    "swallows_nan": Right(
        replace(RIGHT, clip=_nan_swallowed, gap=lambda own, scores: (1 + scores)[:, None, :] - own[:, :, None]),
        "A NaN among the scores counts as no gap.",
    ),
}
"""The right implementations by name."""


__getattr__ = attributes(RIGHTS)
