"""The margin loss in torch as people port it, and as people get it wrong.

``multilabel_margin_loss`` is right; every name of :data:`FAULTS` is a wrong one.
"""

# Faults are lambdas, whose parameters have no annotations.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.zoo import torch_margin_gradients, torch_margin_reported
from tests.zoo.entry import Fault, attributes, torch
from tests.zoo.torch_margin_steps import (
    RIGHT,
    check,
    clip,
    index_of,
    live_of,
    named_in,
    reduce_rows,
)

FAULTS: dict[str, Fault] = {}
"""The wrong implementations by name."""

_seen: dict[Any, Any] = {}
"""What the fault that keeps something between calls keeps."""


def fault(name: str, words: str, corner: str = "", level: str = "implied", plain: str = "", **steps: Any) -> None:
    """Enter a mistake in some steps, or a ``loss`` that is wrong as a whole."""
    FAULTS[name] = Fault(steps.get("loss") or replace(RIGHT, **steps), words, corner, level, plain)


def _overwritten(scores: Any, index: Any, live: Any) -> Any:
    """Marks written one after the other, padding last."""
    return torch.zeros(scores.shape, dtype=torch.bool).scatter_(1, index, live)


def _named_by_tail(scores: Any, target: Any) -> Any:
    return torch.zeros(scores.shape).scatter_add_(1, target.clamp(min=0), (target >= 0).float()) > 0


def _with_tail(input: Any, target: Any, reduction: str = "mean") -> Any:
    check(input, target, reduction)
    labels = torch.atleast_2d(target)
    named = _named_by_tail(torch.atleast_2d(input), labels)
    return replace(RIGHT, named=lambda scores, index, live: named)(input, target, reduction)


def _by_matrix(input: Any, target: Any, reduction: str = "mean") -> Any:
    """Every class against every class, labels as a mask."""
    check(input, target, reduction)
    scores, labels = torch.atleast_2d(input), torch.atleast_2d(target)
    live = live_of(labels)
    named = named_in(scores, index_of(labels, live), live)
    terms = clip(1 - scores[:, :, None] + scores[:, None, :], named[:, :, None] & ~named[:, None, :])
    return reduce_rows(terms.sum(dim=(1, 2)) / scores.shape[1], reduction, input)


def _first_negative(target: Any) -> Any:
    """Places before the first negative label by argmax, which is 0 where there is none."""
    end = (target < 0).int().argmax(dim=1) if target.shape[1] else target[:, :0].sum(dim=1)
    return torch.arange(target.shape[1]) < end[:, None]


def _remembered(scores: Any, index: Any, live: Any) -> Any:
    """Marks kept by shape, row sums of the labels and number of labels."""
    key = (scores.shape, tuple(index.sum(dim=1).tolist()), int(live.sum()))
    if key not in _seen:
        _seen[key] = named_in(scores, index, live)
    return _seen[key]


def _tidied(target: Any, scores: Any) -> Any:
    """The target with -1 behind every block, written where it stands."""
    target = torch.atleast_2d(target)
    return target.masked_fill_(~live_of(target), -1)


def _through_own_dtype(target: Any, scores: Any) -> Any:
    return torch.atleast_2d(target).to(scores.dtype).long()


def _packed(tensor: Any) -> Any:
    """Rows one after the other from where the tensor begins, whatever its strides."""
    tensor = torch.atleast_2d(tensor)
    rows, classes = tensor.shape
    reach = (rows - 1) * classes + classes
    held = tensor.untyped_storage().nbytes() // tensor.element_size() - tensor.storage_offset()
    return tensor.as_strided((rows, classes), (classes, 1)) if rows and reach <= held else tensor


def _average_of_pairs(sums: Any, scores: Any, keep: Any) -> Any:
    pairs = keep.sum(dim=(1, 2)).to(scores.dtype)
    return sums / pairs * pairs / scores.shape[1]


def _flat(scores: Any, index: Any) -> Any:
    starts = torch.arange(len(scores))[:, None] * scores.shape[1]
    return scores.reshape(-1)[(starts + index).reshape(-1)].reshape(index.shape)


def _in_range(scores: Any, index: Any, live: Any) -> Any:
    inside = live & (index < scores.shape[1])
    return named_in(scores, torch.where(inside, index, 0), inside)


def _by_input_length(losses: Any, reduction: str, input: Any) -> Any:
    return losses.sum() / len(input) if reduction == "mean" else reduce_rows(losses, reduction, input)


# The block and its labels.
fault(
    "padding_gathers_class_0",
    "Padding is clamped to class 0, and nothing takes it out again.",
    plain="wrong on every row with padding",
    live=lambda target: torch.ones_like(target, dtype=torch.bool),
    index=lambda target, live: target.clamp(min=0),
)
fault(
    "padding_marks_class_0",
    "Padding, clamped to class 0, marks class 0 as a label.",
    named=lambda scores, index, live: named_in(scores, index, torch.ones_like(live)),
)
fault(
    "padding_unmarks_class_0",
    "Padding, scattered after the labels, takes the mark of class 0 away.",
    "label 0 with padding behind it",
    plain="label 0 is as common as any other",
    longest=lambda target, live: target.shape[1],
    named=_overwritten,
)
fault("tail_scattered", "The mask of labels is scattered from the tail too.", "labels after -1", loss=_with_tail)
fault("labels_as_mask", "Labels become a mask, in which a label stands once.", "duplicate labels", loss=_by_matrix)
fault(
    "length_by_count",
    "As many places count as there are labels that are not negative.",
    "labels after -1",
    live=lambda target: torch.arange(target.shape[1]) < (target >= 0).sum(dim=1, keepdim=True),
    index=lambda target, live: target.clamp(min=0),
)
fault(
    "product_off_by_one",
    "The running product comes one place late, and the terminator counts as class 0.",
    plain="wrong on every row with padding",
    live=lambda target: torch.cat([torch.ones_like(target[:, :1]), live_of(target)[:, :-1].long()], dim=1).bool(),
    index=lambda target, live: target.clamp(min=0),
)
fault(
    "length_by_argmax",
    "The first -1 is found by argmax, which says 0 for a row without one.",
    "rows without -1",
    live=_first_negative,
)
fault(
    "labels_in_int8",
    "Labels are cast to int8.",
    "more than 128 classes",
    labels=lambda target, scores: torch.atleast_2d(target).to(torch.int8).long(),
)
fault(
    "labels_in_score_dtype",
    "Labels are cast to the scores' dtype and back.",
    "more than 256 classes in half precision",
    labels=_through_own_dtype,
)
fault(
    "label_beyond_reads_next_row",
    "Scores are read by a flat index, which reaches into the next row.",
    "labels out of range",
    "quality",
    own=_flat,
    named=_in_range,
)
fault(
    "mask_remembered",
    "The mask is remembered by the sum of the labels.",
    "a target like an earlier one",
    named=_remembered,
)
fault(
    "target_tidied_in_place",
    "What follows the block is overwritten with -1 in the caller's tensor.",
    "the target after the call",
    labels=_tidied,
)
# The pairs and their sum.
fault("strides_ignored", "Memory is read as if it were contiguous.", "views", rows=_packed)
fault(
    "mask_times_relu",
    "The mask is multiplied with the hinge, which is NaN where the hinge is infinite.",
    "infinite scores",
    "quality",
    clip=lambda gaps, keep: keep * gaps.relu(),
)
fault(
    "shifted_by_largest_of_batch",
    "The largest score of the batch is taken from all scores first.",
    "scores of very different size",
    rows=lambda input: torch.atleast_2d(input) - input.max() if input.numel() else torch.atleast_2d(input),
)
fault(
    "average_of_pairs",
    "The sum is an average times a number of pairs that may be 0.",
    "rows without pairs",
    divide=_average_of_pairs,
)
fault(
    "single_inside",
    "The loss is computed in float32.",
    "float64",
    rows=lambda input: torch.atleast_2d(input).float(),
    reduce=lambda losses, reduction, input: reduce_rows(losses.to(input.dtype), reduction, input),
)
fault(
    "half_sum",
    "Pairs are added in float16.",
    "losses that float16 does not hold",
    plain="most sums need more digits than float16 has",
    add=lambda terms: terms.half().sum(dim=(1, 2)).to(terms.dtype),
)
fault(
    "half_stays_single",
    "Half precision is widened and not narrowed again.",
    "the dtype of half-precision losses",
    "quality",
    rows=lambda input: torch.atleast_2d(input) if input.dtype == torch.float64 else torch.atleast_2d(input).float(),
)
fault(
    "mean_over_places",
    "The mean is over labels as well as rows.",
    "several labels",
    plain="wrong wherever a row of the batch has two labels",
    add=lambda terms: terms.sum(dim=2).mean(dim=1) if terms.shape[1] else terms.sum(dim=(1, 2)),
)
fault(
    "mean_by_first_axis",
    "The mean divides by the length of the first axis, which may be that of the classes.",
    "input of one dimension",
    reduce=_by_input_length,
)
fault(
    "zero_times_sum",
    "Every row gets 0 times the sum of its scores, so that the graph is never empty: NaN where that sum overflows.",
    "scores near the largest",
    reduce=lambda losses, reduction, input: reduce_rows(
        losses + 0 * torch.atleast_2d(input).sum(dim=1), reduction, input
    ),
)
fault(
    "one_class_squeezed",
    "Axes of one are squeezed away, and rows of one class become classes.",
    "a single class",
    loss=lambda input, target, reduction="mean": RIGHT(
        *((input[:, 0], target[:, 0]) if input.dim() == 2 and input.shape[1] == 1 < len(input) else (input, target)),
        reduction,
    ),
)
FAULTS.update(torch_margin_gradients.FAULTS)
FAULTS.update(torch_margin_reported.FAULTS)


def multilabel_margin_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """The right one."""
    return RIGHT(input, target, reduction)


__getattr__ = attributes(FAULTS)
