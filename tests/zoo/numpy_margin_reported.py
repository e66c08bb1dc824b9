"""Mistakes with the margin loss in NumPy that are like those that users reported of losses."""

# Faults are lambdas, whose parameters have no annotations.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tests.zoo.entry import Fault
from tests.zoo.numpy_margin_steps import RIGHT, Array, Labels, block_of, reduce_rows

FAULTS: dict[str, Fault] = {}
"""The wrong implementations by name."""

_BUFFERS: dict[Any, Array] = {}


def fault(name: str, words: str, corner: str, level: str = "implied", **steps: Any) -> None:
    """Enter a mistake in some steps."""
    FAULTS[name] = Fault(replace(RIGHT, **steps), words, corner, level)


def _in_32_bits(y: Array, row: int, labels: Array) -> Labels:
    """The block of labels that are held in 32 bits, the sign looked at before."""
    return block_of(np.where(y < 0, -1, y.astype(np.int32).astype(y.dtype)), row, labels)


def _in_own_format(losses: Array, reduction: str, blocks: list[Labels]) -> Any:
    """Divided after the sum is rounded to the scores' format."""
    if reduction != "mean":
        return reduce_rows(losses, reduction, blocks)
    return losses.sum(dtype=losses.dtype) / losses.dtype.type(len(losses))


def _one_less(losses: Array, reduction: str, blocks: list[Labels]) -> Any:
    """The mean of more than four rows divides by one less."""
    if reduction != "mean" or len(losses) < 5:
        return reduce_rows(losses, reduction, blocks)
    return losses.dtype.type(losses.sum(dtype=losses.dtype) / losses.dtype.type(len(losses) - 1))


def _buffer(result: Any, input: Array) -> Any:
    """Results of one shape are one buffer."""
    found = np.asarray(result)
    held = _BUFFERS.setdefault((found.shape, found.dtype.str), np.empty_like(found))
    held[...] = found
    return held


def _loud(result: Any, input: Array) -> Any:
    np.seterr(under="warn")
    return result


def _seeded(result: Any, input: Array) -> Any:
    np.random.seed(0)
    return result


fault("labels_in_32_bits", "Labels are held in 32 bits.", "labels beyond 2^31", "quality", block=_in_32_bits)
fault(
    "mean_through_its_sum",
    "The mean divides a sum that is rounded to the scores' format.",
    "half-precision means whose sum overflows",
    "quality",
    reduce=_in_own_format,
)
fault("mean_of_one_less", "The mean of more than four rows divides by one less.", "five rows", reduce=_one_less)
fault("result_in_a_buffer", "A result is overwritten by the next of its shape.", "two results", finish=_buffer)
fault("errors_left_loud", "NumPy warns of underflow afterwards.", "settings", finish=_loud)
fault("random_numbers_seeded", "NumPy's random numbers are seeded.", "settings", finish=_seeded)
