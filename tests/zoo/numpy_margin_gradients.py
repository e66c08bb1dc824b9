"""Mistakes with the gradient of the margin loss."""

# Faults are lambdas, whose parameters have no annotations.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tests.zoo.entry import Fault
from tests.zoo.numpy_margin_steps import RIGHT, Array, Labels, hinge_of, scatter

FAULTS: dict[str, Fault] = {}
"""The wrong implementations by name."""


def fault(name: str, words: str, corner: str = "", level: str = "implied", plain: str = "", **steps: Any) -> None:
    """Enter a mistake."""
    FAULTS[name] = Fault(replace(RIGHT, **steps), words, corner, level, plain)


def _scatter_once(slope: Array, block: Labels, counts: list[Array], others: list[Labels]) -> None:
    """A dictionary by label: of two that are the same one is lost."""
    by_label = dict(zip(block, zip(counts, others, strict=True), strict=True))
    scatter(slope, list(by_label), [active for active, _ in by_label.values()], [o for _, o in by_label.values()])


def _scatter(
    slope: Array, block: Labels, counts: list[Array], others: list[Labels], take: Callable[[Any], Any]
) -> None:
    for label, active, where in zip(block, counts, others, strict=True):
        np.add.at(slope, where, active.astype(slope.dtype))
        slope[label] -= slope.dtype.type(take(active.sum()))


def _leak(slopes: Array, blocks: list[Labels]) -> Array:
    """Padding read as class 0: what belongs to the labels is taken from class 0 as well."""
    for row, block in enumerate(blocks):
        if block and len(block) < slopes.shape[1]:
            slopes[row, 0] -= slopes[row, block].sum()
    return slopes


# The gradient.
fault(
    "gradient_target_once",
    "A label's derivative is taken once, however many of its pairs are active.",
    "several active pairs",
    plain="wrong wherever a label has two active pairs",
    scatter=lambda slope, block, counts, others: _scatter(slope, block, counts, others, lambda n: float(n > 0)),
)
fault(
    "gradient_target_missing",
    "The derivative by the label's own score is missing.",
    plain="wrong wherever a pair is active",
    scatter=lambda slope, block, counts, others: _scatter(slope, block, counts, others, lambda n: 0.0),
)
fault(
    "gradient_target_wrong_sign",
    "The derivative by the label's own score has the wrong sign.",
    plain="wrong wherever a pair is active",
    scatter=lambda slope, block, counts, others: _scatter(slope, block, counts, others, lambda n: -n),
)
fault(
    "gradient_duplicates_once",
    "A label that stands twice has the gradient of one.",
    "duplicate labels",
    scatter=_scatter_once,
)
fault(
    "gradient_negated",
    "The gradient has the wrong sign.",
    plain="wrong wherever a pair is active",
    finish_gradient=lambda slopes, blocks, input: -slopes,
)
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
fault("gradient_mean_not_divided", "The gradient of the mean is not divided by N.", mean_factor=lambda rows: 1)
fault(
    "gradient_leaks_into_class_0",
    "The gradient of padded places goes to class 0.",
    "rows with padding",
    plain="wrong on every row with padding and an active pair",
    finish_gradient=lambda slopes, blocks, input: _leak(slopes, blocks),
)
fault(
    "gradient_nan_without_labels",
    "The gradient of a row without labels is NaN.",
    "rows without labels",
    finish_gradient=lambda slopes, blocks, input: np.where(
        np.array([not b for b in blocks], dtype=bool)[:, None], slopes.dtype.type(np.nan), slopes
    ),
)
fault(
    "gradient_in_half",
    "The gradient is rounded to float16.",
    "cotangents that float16 does not hold",
    plain="1/C and 1/N are dyadic for few shapes only",
    finish_gradient=lambda slopes, blocks, input: slopes.astype(np.float16).astype(slopes.dtype),
)
fault(
    "gradient_of_first_row_only",
    "Only row 0 has a gradient.",
    plain="wrong on most batches of two rows and more",
    finish_gradient=lambda slopes, blocks, input: slopes * (np.arange(len(slopes)) == 0).astype(slopes.dtype)[:, None],
)
fault(
    "gradient_summed_over_batch",
    "Every row has the sum of the rows' gradients.",
    plain="wrong on most batches of two rows and more",
    finish_gradient=lambda slopes, blocks, input: np.broadcast_to(
        slopes.sum(axis=0, dtype=slopes.dtype), slopes.shape
    ).copy(),
)
fault(
    "gradient_active_from_zero_to_one",
    "A pair with a gap above 1 has no gradient.",
    "gaps above 1",
    plain="gaps above 1 are common among normal scores",
    slope=lambda gaps: (gaps > 0) & (gaps <= 1),
)
fault(
    "gradient_of_squares",
    "The gradient is that of squared gaps.",
    plain="wrong wherever a pair is active",
    slope=lambda gaps: 2 * hinge_of(gaps),
)
