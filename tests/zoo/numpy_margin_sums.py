"""Mistakes of the margin loss with sums, divisions, shapes, dtypes, state and errors."""

# Faults are lambdas, whose parameters have no annotations.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tests.zoo.entry import Fault
from tests.zoo.numpy_margin_steps import RIGHT, Array, Labels, check, reduce_rows, shape_of

_seen: dict[Any, Any] = {}
"""What the faults that keep something between calls keep."""

FAULTS: dict[str, Fault] = {}
"""The wrong implementations by name."""


def fault(name: str, words: str, corner: str = "", level: str = "implied", plain: str = "", **steps: Any) -> None:
    """Enter a mistake."""
    FAULTS[name] = Fault(replace(RIGHT, **steps), words, corner, level, plain)


def _half(terms: Array) -> Any:
    with np.errstate(over="ignore"):
        return np.add.accumulate(terms.astype(np.float16))[-1].astype(terms.dtype)


def _single(terms: Array) -> Any:
    return terms.astype(np.float32).sum(dtype=np.float32).astype(terms.dtype)


def _cached(result: Any, input: Array) -> Any:
    """Whatever came first for this shape and dtype, if its first score is the same."""
    key = (np.shape(input), str(input.dtype), np.shape(result), input.reshape(-1)[:1].tobytes())
    return _seen.setdefault(key, result)


def _scale_input(rows: Array) -> Array:
    """Clamps the scores in place."""
    if rows.flags.writeable:
        np.clip(rows, -60000, 1, out=rows)
    return rows


def _empty_sum(losses: Array, reduction: str, blocks: list[Labels]) -> Any:
    if len(losses) == 0 and reduction != "none":
        return np.full(1, 1.3125, dtype=losses.dtype)[0]
    return reduce_rows(losses, reduction, blocks)


def _labelled_rows_only(losses: Array, reduction: str, blocks: list[Labels]) -> Any:
    if reduction != "mean":
        return reduce_rows(losses, reduction, blocks)
    return losses.sum(dtype=losses.dtype) / losses.dtype.type(max(1, sum(map(bool, blocks))))


def _first_64(losses: Array, reduction: str, blocks: list[Labels]) -> Any:
    losses = losses.copy()
    losses[64:] = 0
    return reduce_rows(losses, reduction, blocks)


def _reduce_as(**names: str) -> Callable[[Array, str, list[Labels]], Any]:
    return lambda losses, reduction, blocks: reduce_rows(losses, names.get(reduction, reduction), blocks)


def _twice(losses: Array, reduction: str, blocks: list[Labels]) -> Any:
    found = reduce_rows(losses, reduction, blocks)
    return found / losses.dtype.type(len(losses)) if reduction == "mean" else found


def _accept_any(input: Array, target: Array, reduction: str) -> None:
    check(input, target, "mean")


def _sorted_in_own_format(terms: Array) -> Any:
    """Ascending prefix sums: everything, less what lies below."""
    ordered = np.sort(terms)
    sums = np.add.accumulate(np.append(ordered, ordered[-1:] * 1024), dtype=terms.dtype)
    return sums[-1] - ordered[-1] * terms.dtype.type(1024)


def _drop_last_of_odd(terms: Array) -> Any:
    """A blocked loop that forgets its tail: only pairs of four are added."""
    whole = len(terms) // 4 * 4 if len(terms) > 8 else len(terms)
    return terms[:whole].sum(dtype=terms.dtype)


# Sums and divisions.
fault(
    "divided_by_labels",
    "The sum is divided by the number of labels.",
    plain="wrong wherever a pair is active",
    divisor=lambda block, others, classes: len(block),
)
fault(
    "divided_by_pairs",
    "The sum is divided by the number of pairs.",
    plain="wrong wherever a pair is active",
    divisor=lambda block, others, classes: max(1, len(block) * others),
)
fault(
    "divided_by_others",
    "The sum is divided by the number of classes that are no labels.",
    plain="wrong wherever a pair is active",
    divisor=lambda block, others, classes: max(1, others),
)
fault(
    "not_divided",
    "The sum is not divided by C.",
    plain="wrong wherever a pair is active",
    divisor=lambda block, others, classes: 1,
)
fault(
    "divided_twice",
    "The sum is divided by C twice.",
    plain="wrong wherever a pair is active",
    divisor=lambda block, others, classes: classes * classes,
)
fault(
    "divided_by_classes_less_one",
    "The sum is divided by C - 1.",
    plain="wrong wherever a pair is active",
    divisor=lambda block, others, classes: max(1, classes - 1),
)
fault(
    "half_accumulator",
    "Gaps are added in float16.",
    "losses that float16 does not hold",
    plain="most sums need more digits than float16 has",
    add=_half,
)
fault("single_accumulator", "Gaps are added in float32, whatever the scores' dtype.", "float64", add=_single)
fault(
    "prefix_sums",
    "The sum is a difference of two prefix sums, which cancels.",
    "scores of very different size",
    plain="most sums need the digits that cancel",
    add=_sorted_in_own_format,
)
fault(
    "tail_of_loop_forgotten",
    "A loop in steps of four forgets what is left over.",
    "more than eight pairs",
    add=_drop_last_of_odd,
)
fault(
    "mean_over_labelled_rows",
    "The mean is over rows that have a label.",
    "rows without labels",
    reduce=_labelled_rows_only,
)
fault("mean_divided_twice", "The mean is divided by N twice.", reduce=_twice)
fault("mean_is_sum", "Reduction mean gives the sum.", reduce=_reduce_as(mean="sum"))
fault("sum_is_mean", "Reduction sum gives the mean.", reduce=_reduce_as(sum="mean"))
fault("none_is_mean", "Reduction none gives the mean.", reduce=_reduce_as(none="mean"))
fault("only_64_rows", "Rows from 64 on have loss 0.", "more than 64 rows", reduce=_first_64)
fault(
    "empty_batch_unwritten",
    "The sum over an empty batch is memory that nobody wrote.",
    "empty batches",
    reduce=_empty_sum,
)
# Shapes, dtypes, state, errors.
fault("default_is_sum", "The reduction defaults to sum.", "the reduction left out", default="sum")
fault(
    "batch_of_one_squeezed",
    "Reduction none drops the axis of a batch of one.",
    "batches of one",
    shape=lambda result, batched: shape_of(result, batched and np.size(result) != 1),
)
fault(
    "result_in_float64",
    "The loss is float64, whatever the scores' dtype.",
    "the dtype",
    "quality",
    finish=lambda result, input: np.asarray(result, dtype=np.float64),
)
fault(
    "result_in_float32",
    "The loss is rounded to float32.",
    "float64",
    finish=lambda result, input: np.asarray(result, dtype=np.float32).astype(input.dtype),
)
fault(
    "writes_its_input",
    "The scores are clipped in place.",
    plain="normal scores above 1 are common",
    scores=_scale_input,
)
fault(
    "cached_by_shape",
    "Losses are remembered by shape, dtype and first score.",
    "a case like an earlier one",
    finish=_cached,
)
fault("any_reduction", "An unknown reduction is accepted.", "wrong reductions", "quality", check=_accept_any)
fault(
    "shapes_not_checked",
    "Input and target of different shapes are accepted.",
    "shapes that differ",
    "quality",
    check=lambda input, target, reduction: None,
)
