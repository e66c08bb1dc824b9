"""Mistakes with the labels and the pairs of the margin loss."""

# Faults are lambdas, whose parameters have no annotations.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tests.zoo.entry import Fault
from tests.zoo.numpy_margin_steps import RIGHT, Array, Labels, block_of, hinge_of, others_of, refuse_beyond

_seen: dict[Any, Any] = {}
"""What the faults that keep something between calls keep."""

FAULTS: dict[str, Fault] = {}
"""The wrong implementations by name."""


def fault(name: str, words: str, corner: str = "", level: str = "implied", plain: str = "", **steps: Any) -> None:
    """Enter a mistake."""
    FAULTS[name] = Fault(replace(RIGHT, **steps), words, corner, level, plain)


def _cut(bits: int) -> Callable[[Labels, int], Labels]:
    def valid(block: Labels, classes: int) -> Labels:
        narrow = [int(np.array(label).astype(f"int{bits}")) for label in block]
        return refuse_beyond([label % classes for label in narrow], classes)

    return valid


def _stale_mask(block: Labels, y: Array, classes: int, label: int) -> Labels:
    """Classes that were targets in a row before stay masked."""
    mask = _seen.setdefault(("mask", classes), set())
    mask.update(block)
    if len(mask) >= classes:
        mask.clear()
        mask.update(block)
    return [other for other in range(classes) if other not in mask]


def _swap_square(y: Array, row: int, labels: Array) -> Labels:
    square = labels.shape[0] == labels.shape[1] > 1
    return block_of(labels[:, row] if square else y, row, labels)


def _outside_all_labels(block: Labels, y: Array, classes: int, label: int) -> Labels:
    """Classes that are nowhere in the target, its tail included."""
    named = set(y.tolist())
    return [other for other in range(classes) if other not in named]


def _masked_product(gaps: Array) -> Array:
    """max(0, z) as a mask times z, which is NaN where z is minus infinity."""
    return np.asarray((gaps > 0) * gaps)


# The block and its labels.
fault(
    "duplicates_collapsed",
    "A label that stands twice counts once.",
    "duplicate labels",
    block=lambda y, row, all: list(dict.fromkeys(block_of(y, row, all))),
)
fault(
    "labels_after_minus_one",
    "Labels after the first -1 count.",
    "labels after -1",
    block=lambda y, row, all: [int(v) for v in y if v >= 0],
)
fault(
    "all_labels_excluded",
    "Classes named after the first -1 are left out of the pairs.",
    "labels after -1",
    others=_outside_all_labels,
)
fault(
    "minus_one_wraps",
    "A label of -1 names the last class, as an index of -1 does.",
    plain="wrong on every row with padding",
    block=lambda y, row, all: [int(v) % len(y) for v in y],
)
fault(
    "minus_one_clamps",
    "A label of -1 names class 0, as a clamped index does.",
    plain="wrong on every row with padding",
    block=lambda y, row, all: [max(int(v), 0) for v in y],
)
fault(
    "minus_one_at_front_skipped",
    "A -1 in front of all labels is skipped instead of ending the block.",
    "-1 in front of labels",
    block=lambda y, row, all: block_of(y[1:] if len(y) and y[0] < 0 else y, row, all),
)
fault(
    "last_label_dropped",
    "The last place of a target is taken for the terminator, whatever it holds.",
    "rows without -1",
    block=lambda y, row, all: block_of(y, row, all)[: len(y) - 1],
)
fault(
    "full_row_is_empty",
    "A row without -1 is taken for a row without labels.",
    "rows without -1",
    block=lambda y, row, all: [] if (y >= 0).all() else block_of(y, row, all),
)
fault(
    "padding_zero",
    "Label 0 is taken for padding.",
    "label 0",
    plain="label 0 is as common as any other",
    block=lambda y, row, all: [v for v in block_of(y, row, all) if v],
)
fault(
    "stops_at_zero",
    "The block ends at label 0 too.",
    "label 0 before others",
    plain="label 0 is as common as any other",
    block=lambda y, row, all: block_of(np.where(y == 0, -1, y), row, all),
)
fault(
    "first_label_only",
    "Only the first label of a row counts.",
    plain="wrong on most rows with two labels",
    block=lambda y, row, all: block_of(y, row, all)[:1],
)
fault(
    "labels_of_first_row",
    "Every row has the labels of row 0.",
    plain="wrong on most batches of two rows and more",
    block=lambda y, row, all: block_of(all[0], row, all),
)
fault(
    "labels_of_previous_row",
    "Every row has the labels of the row before it.",
    plain="wrong on most batches of two rows and more",
    block=lambda y, row, all: block_of(all[row - 1], row, all),
)
fault("square_batch_transposed", "The target of a square batch is read transposed.", "N = C", block=_swap_square)
fault("labels_in_8_bits", "Labels are cut to 8 bits.", "more than 128 classes", valid=_cut(8))
fault("labels_in_16_bits", "Labels are cut to 16 bits.", "more than 32,768 classes", valid=_cut(16))
fault(
    "out_of_range_wraps",
    "A label beyond the last class wraps around.",
    "labels out of range",
    "quality",
    valid=lambda block, classes: [v % classes for v in block],
)
fault(
    "out_of_range_clamps",
    "A label beyond the last class becomes the last class.",
    "labels out of range",
    "quality",
    valid=lambda block, classes: [min(v, classes - 1) for v in block],
)
fault(
    "out_of_range_ignored",
    "A label beyond the last class is left out without a word.",
    "labels out of range",
    "quality",
    valid=lambda block, classes: [v for v in block if v < classes],
)
fault(
    "duplicates_end_the_block",
    "A label that stands for the second time ends the block.",
    "duplicate labels",
    block=lambda y, row, all: next(
        (b[:i] for b in [block_of(y, row, all)] for i, v in enumerate(b) if v in b[:i]), block_of(y, row, all)
    ),
)
fault(
    "labels_sorted_with_padding",
    "The target is sorted downwards, which moves labels before a -1.",
    "-1 in front of labels",
    block=lambda y, row, all: block_of(np.sort(y)[::-1], row, all),
)
# The pairs.
fault(
    "targets_not_excluded",
    "Pairs of a label with another label and with itself count.",
    plain="wrong on every row with a label",
    others=lambda block, y, classes, label: list(range(classes)),
)
fault(
    "only_itself_excluded",
    "Pairs of a label with another label count.",
    "several labels",
    plain="wrong on most rows with two labels",
    others=lambda block, y, classes, label: [i for i in range(classes) if i != label],
)
fault(
    "own_target_counted",
    "The pair of a label with itself counts.",
    plain="wrong on every row with a label",
    others=lambda block, y, classes, label: [*others_of(block, y, classes, label), label],
)
fault(
    "last_class_dropped",
    "The last class is in no pair.",
    plain="wrong wherever the last class is active",
    others=lambda block, y, classes, label: others_of(block, y, classes - 1, label),
)
fault(
    "first_class_dropped",
    "Class 0 is in no pair.",
    plain="wrong wherever class 0 is active",
    others=lambda block, y, classes, label: [i for i in others_of(block, y, classes, label) if i],
)
fault(
    "first_128_columns",
    "Classes from 128 on are in no pair.",
    "more than 128 classes",
    others=lambda block, y, classes, label: [i for i in others_of(block, y, classes, label) if i < 128],
)
fault(
    "stale_mask",
    "Labels of rows before are still left out of the pairs.",
    "the row before",
    plain="wrong from the second batch of as many classes on",
    others=_stale_mask,
)
fault(
    "higher_classes_only",
    "Only classes above the label are in its pairs.",
    plain="wrong wherever a pair is active",
    others=lambda block, y, classes, label: [i for i in others_of(block, y, classes, label) if i > label],
)
fault(
    "sign_reversed",
    "Label and other class are exchanged in the difference.",
    plain="wrong wherever a pair is active",
    gap=lambda label, others: (others.dtype.type(1) + label) - others,
)
fault(
    "margin_of_two",
    "The margin is 2.",
    plain="wrong wherever a pair is active",
    gap=lambda label, others: (others.dtype.type(2) - label) + others,
)
fault(
    "margin_of_zero",
    "The margin is 0.",
    plain="wrong wherever a pair is active",
    gap=lambda label, others: others - label,
)
fault(
    "squared", "The hinge is squared.", plain="wrong wherever a pair is active", hinge=lambda gaps: hinge_of(gaps) ** 2
)
fault(
    "not_clipped", "Negative gaps count as they are.", plain="wrong wherever a gap is negative", hinge=lambda gaps: gaps
)
fault("absolute", "Negative gaps count by their magnitude.", plain="wrong wherever a gap is negative", hinge=np.abs)
fault(
    "clipped_at_two",
    "A gap counts up to 2 only.",
    "gaps above 2",
    plain="gaps above 2 are common among normal scores",
    hinge=lambda gaps: np.minimum(hinge_of(gaps), gaps.dtype.type(2)),
)
fault(
    "softened",
    "The hinge is softplus.",
    plain="wrong wherever a pair is active",
    hinge=lambda gaps: np.logaddexp(gaps, 0).astype(gaps.dtype),
)
fault(
    "tiny_gaps_vanish",
    "Gaps below a millionth count as 0.",
    "gaps below 1e-6",
    hinge=lambda gaps: np.where(gaps < 1e-6, gaps.dtype.type(0), gaps),
)
fault(
    "equal_scores_excluded",
    "A class whose score equals the label's is taken for the label itself.",
    "scores that are equal",
    hinge=lambda gaps: np.where(gaps == 1, gaps.dtype.type(0), hinge_of(gaps)),
)
fault(
    "largest_gap_only",
    "Only the largest gap of a row counts.",
    plain="wrong wherever two pairs are active",
    add=lambda terms: terms.max(),
)
fault(
    "mask_times_infinity",
    "The hinge is a mask times the gap, which is NaN where the gap is minus infinity.",
    "infinite scores of labels",
    "quality",
    hinge=_masked_product,
)
