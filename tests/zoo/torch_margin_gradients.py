"""Mistakes with the gradient of the margin loss in torch."""

# Faults are lambdas, whose parameters have no annotations.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.zoo.entry import Fault, torch
from tests.zoo.torch_margin_by_hand import by_hand, reduced, slopes_of
from tests.zoo.torch_margin_steps import RIGHT, check

FAULTS: dict[str, Fault] = {}
"""The wrong implementations by name."""


def fault(name: str, words: str, corner: str = "", plain: str = "", *, loss: Any) -> None:
    """Enter a mistake."""
    FAULTS[name] = Fault(loss, words, corner, plain=plain)


def _put(active: Any, index: Any, scores: Any) -> Any:
    """The labels' parts put in place, not added."""
    taken = torch.zeros(scores.shape, dtype=scores.dtype)
    rows = torch.arange(len(scores))[:, None].expand_as(index)
    used = active.sum(dim=2).to(scores.dtype)
    some = used > 0
    taken[rows[some], index[some]] = used[some]
    return active.sum(dim=1).to(scores.dtype) - taken


def _last_label(active: Any, index: Any, scores: Any) -> Any:
    """Each label's others overwrite those of the label before."""
    others = torch.zeros(scores.shape, dtype=scores.dtype)
    for place in range(active.shape[1]):
        row = active[:, place].any(dim=1, keepdim=True)
        others = torch.where(row, active[:, place].to(scores.dtype), others)
    return others.scatter_add(1, index, -active.sum(dim=2).to(scores.dtype))


def _mean_inside(input: Any, target: Any, reduction: str = "mean") -> Any:
    """The mean as a function of its own, whose backward forgets the number of rows."""
    check(input, target, reduction)
    pull = _undivided if reduction == "mean" and len(torch.atleast_2d(input)) else None
    return reduced(by_hand(pull=pull))(input, target, reduction)


def _undivided(slope: Any, upstream: Any) -> Any:
    return slope * upstream[:, None] * len(slope)


def _upstream_ignored(slope: Any, upstream: Any) -> Any:
    """Only whether there is an upstream gradient is asked."""
    return slope * upstream.abs().max().clamp(max=1) if upstream.numel() else slope


def _first_upstream(slope: Any, upstream: Any) -> Any:
    return slope * upstream[:1, None]


fault(
    "others_detached",
    "The scores of the other classes are cut off from the gradient.",
    plain="wrong wherever there is a gradient",
    loss=replace(RIGHT, gap=lambda own, scores: (1 - own)[:, :, None] + scores.detach()[:, None, :]),
)
fault(
    "backward_ignores_upstream",
    "The hand-written backward ignores the upstream gradient.",
    "upstream gradients other than 1",
    loss=reduced(by_hand(pull=_upstream_ignored)),
)
fault(
    "backward_takes_first_upstream",
    "The hand-written backward uses row 0's upstream gradient for all rows.",
    "upstream gradients that differ",
    loss=reduced(by_hand(pull=_first_upstream)),
)
fault("backward_of_mean_undivided", "The hand-written backward of the mean forgets N.", loss=_mean_inside)
fault(
    "backward_puts_labels",
    "The hand-written backward puts the labels' parts instead of adding them.",
    "duplicate labels",
    loss=reduced(by_hand(_put)),
)
fault(
    "backward_overwrites_others",
    "In the hand-written backward the last label overwrites the others' parts of those before.",
    "several labels",
    plain="wrong wherever two labels of a row have active pairs",
    loss=reduced(by_hand(_last_label)),
)
fault(
    "backward_leaks_padding",
    "The hand-written backward takes 1/C from class 0 for every place of padding.",
    "rows shorter than the longest",
    plain="wrong on most batches whose rows have different numbers of labels",
    loss=reduced(
        by_hand(
            lambda active, index, scores: slopes_of(active, index, scores).scatter_add(
                1, index, -((index == 0) & ~active.any(dim=2)).to(scores.dtype)
            )
        )
    ),
)
