"""Targets of the margin loss: a block of labels, -1, and after it whatever the kind says."""

from __future__ import annotations

import numpy as np

from conformance.cases.operator import Array, Wanted
from conformance.cases.random_bits import RandomBits
from reference.formats import Int64

KINDS = ("padded", "tail", "duplicates", "empty", "all", "leading")
"""Padding behind the block; anything behind it; labels twice; no labels; every class; a -1 in front of labels.

Beside these there is ``one``: one label, then padding.
"""


def draw(bits: RandomBits, wanted: Wanted) -> Array:
    """A target whose rows are each of one of the wanted kinds."""
    rows, classes = wanted.shape
    return np.array([_row(bits, bits.one_of(wanted.kinds), classes) for _ in range(rows)], dtype=np.int64)


def _row(bits: RandomBits, kind: str, classes: int) -> Int64:
    block = _block(bits, kind, classes)
    row = np.full(classes, -1, dtype=np.int64)
    if kind not in ("padded", "empty", "one"):
        row = bits.integers(-1, classes, (classes,))
    row[: len(block)] = block
    row[len(block) : len(block) + 1] = -1
    return row


def _block(bits: RandomBits, kind: str, classes: int) -> Int64:
    """The labels that count."""
    length = bits.integer(0, classes + 1)
    different = bits.permutation(classes)
    if kind == "all":
        return different
    if kind == "one":
        return different[:1]
    if kind in ("empty", "leading"):
        return different[:0]
    if kind == "duplicates":
        repeated = bits.integers(0, classes, (classes,))
        repeated[1:2] = repeated[:1]
        return repeated
    return different[: min(length, classes - 1) if kind == "tail" else length]
