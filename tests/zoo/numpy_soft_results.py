"""Mistakes of the soft margin loss with sums, divisions, reductions and gradients."""

# Faults are lambdas, whose parameters have no annotations.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tests.zoo.entry import Fault
from tests.zoo.numpy_soft_forms import (
    empty_sum,
    naive_slopes,
    overflowing_slopes,
    reduce_as,
)
from tests.zoo.numpy_soft_steps import RIGHT, Array, at_least_single, check, reduce_rows, slopes_of

FAULTS: dict[str, Fault] = {}
"""The wrong implementations by name."""


def fault(name: str, words: str, corner: str = "", level: str = "implied", plain: str = "", **steps: Any) -> None:
    """Enter a mistake."""
    FAULTS[name] = Fault(replace(RIGHT, **steps), words, corner, level, plain)


def _counted_in_own_format(losses: Array, reduction: str) -> Any:
    if reduction != "mean":
        return reduce_rows(losses, reduction)
    wide = at_least_single(losses)
    return losses.dtype.type(wide.sum(dtype=wide.dtype) / losses.dtype.type(len(losses)))


def _counted_in_16_bits(losses: Array, reduction: str) -> Any:
    many = reduction == "mean" and len(losses) > 65535
    return (
        losses.mean() * losses.dtype.type(len(losses) / (len(losses) % 65536))
        if many
        else reduce_rows(losses, reduction)
    )


# Sums and divisions.
fault("not_divided", "The sum is not divided by C.", plain="wrong on every element", divisor=lambda x, weight: 1)
fault(
    "divided_by_rows",
    "The sum is divided by N instead of C.",
    plain="wrong wherever N is not C",
    divisor=lambda x, weight: max(1, x.shape[0]),
)
fault(
    "divided_twice",
    "The sum is divided by C twice.",
    plain="wrong on every element",
    divisor=lambda x, weight: x.shape[1] ** 2,
)
fault(
    "half_accumulator",
    "Elements are added in float16.",
    "losses that float16 does not hold",
    plain="most sums need more digits than float16 has",
    add=lambda elements: elements.sum(axis=1, dtype=np.float16).astype(elements.dtype),
)
fault("sum_is_mean", "Reduction sum gives the mean.", reduce=reduce_as(sum="mean"))
fault("mean_is_sum", "Reduction mean gives the sum.", reduce=reduce_as(mean="sum"))
fault("none_is_mean", "Reduction none gives the mean.", reduce=reduce_as(none="mean"))
fault("default_is_sum", "The reduction defaults to sum.", "the reduction left out", default="sum")
fault(
    "rows_counted_in_half",
    "The number of rows is held in the scores' format.",
    "half-precision batches of more rows than their format counts",
    "quality",
    reduce=_counted_in_own_format,
)
fault(
    "rows_counted_in_16_bits",
    "The number of rows is held in 16 bits.",
    "more than 65,535 rows",
    reduce=_counted_in_16_bits,
)
fault(
    "empty_batch_unwritten",
    "The sum over an empty batch is memory that nobody wrote.",
    "empty batches",
    reduce=empty_sum,
)
fault(
    "result_in_float64",
    "The loss is float64, whatever the scores' dtype.",
    "the dtype",
    "quality",
    finish=lambda result, input: np.asarray(result, dtype=np.float64),
)
fault(
    "any_reduction",
    "An unknown reduction is accepted.",
    "wrong reductions",
    "quality",
    check=lambda input, target, weight, reduction: check(input, target, weight, "mean"),
)
# The gradient.
fault(
    "gradient_naive",
    "The gradient is sigmoid(x) - y, which loses small derivatives.",
    "small derivatives",
    "quality",
    slopes=naive_slopes,
)
fault(
    "gradient_overflows",
    "The gradient has exp(x) / (1 + exp(x)), which is NaN for large scores.",
    "large scores",
    slopes=overflowing_slopes,
)
fault(
    "gradient_of_kink_at_zero",
    "The gradient at a score of 0 is that of |x| taken as 1.",
    "scores of exactly 0",
    slopes=lambda x, y: np.where(x == 0, 1 - y, slopes_of(x, y)).astype(x.dtype),
)
fault(
    "gradient_without_weight",
    "The gradient lacks the weight.",
    "weights",
    weigh_slopes=lambda slopes, weight, reduction: slopes,
)
fault("gradient_mean_not_divided", "The gradient of the mean is not divided by N.", mean_factor=lambda rows: 1.0)
fault(
    "gradient_cotangent_ignored",
    "The upstream gradient is taken as 1.",
    spread=lambda cotangent, rows: np.ones(rows, dtype=cotangent.dtype),
)
fault(
    "gradient_cotangent_of_first_row",
    "The upstream gradient of row 0 is used for every row.",
    spread=lambda cotangent, rows: np.full(rows, np.reshape(cotangent, -1)[:1] if rows else 0, dtype=cotangent.dtype),
)
fault(
    "gradient_nan_when_saturated",
    "The gradient of scores beyond 60 is NaN.",
    "large scores",
    slopes=lambda x, y: np.where(np.abs(x) > 60, x.dtype.type(np.nan), slopes_of(x, y)),
)
fault(
    "gradient_zero_when_saturated",
    "Derivatives below 1e-7 are taken as 0.",
    "small derivatives",
    "quality",
    slopes=lambda x, y: np.where(np.abs(slopes_of(x, y)) < 1e-7, x.dtype.type(0), slopes_of(x, y)),
)
