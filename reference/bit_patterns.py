"""Every score of a format in the order of its bits, and the soft margin of one class on them, a block at a time.

A block is small enough that what is computed of it stays in the processor's cache:
the oracle of :mod:`reference.soft_margin` then takes a quarter of the time that it takes
on millions of scores at once, and no memory to speak of.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .enclosure import Answer
from .formats import Arithmetic, Float64, Format
from .soft_margin import soft_margin_loss

_AT_ONCE = 1 << 13
_WIDTHS = {"float16": 16, "bfloat16": 16, "float32": 32}


def finite_ranges(format: Format) -> tuple[range, range]:
    """The bit patterns of the finite values of a format narrower than float64: from +0 up, and from -0 down."""
    sign = 1 << (_WIDTHS[format.name] - 1)
    finite = (2 * format.largest_exponent + 1) << (format.precision - 1)
    return range(finite), range(sign, sign + finite)


def scores(patterns: range, format: Format) -> Float64:
    """The values of neighbouring bit patterns.

    Args:
        patterns: Of finite values, with a step of 1.
        format: float16, bfloat16 or float32.
    """
    bits = np.arange(patterns.start, patterns.stop, dtype=np.uint32)
    if format.name == "float16":
        return bits.astype(np.uint16).view(np.float16).astype(np.float64)
    return (bits << 16 if format.name == "bfloat16" else bits).view(np.float32).astype(np.float64)


def soft_margin_blocks(
    patterns: range, label: float, arithmetic: Arithmetic, *, printed: bool = False
) -> Iterator[tuple[slice, Answer]]:
    """The soft margin loss of one class on neighbouring bit patterns, each score a row of its own.

    Args:
        patterns: Of finite values, with a step of 1.
        label: In [0, 1], the same for every score.
        arithmetic: Of a format narrower than float64.
        printed: Grant the rounding of the page's formula evaluated step by step.

    Yields:
        A part of the range, and the enclosures of its losses and of their derivatives; shape (rows,) each.
    """
    labels = np.full((_AT_ONCE, 1), float(label))
    for start in range(0, len(patterns), _AT_ONCE):
        rows = scores(patterns[start : start + _AT_ONCE], arithmetic.format)[:, np.newaxis]
        answer = soft_margin_loss(rows, labels[: len(rows)], "none", arithmetic, printed=printed)
        gradient = answer.gradient.reshape((len(rows),))
        yield slice(start, start + len(rows)), Answer(answer.value, {"input": gradient})
