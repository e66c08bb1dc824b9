"""How a witness of the margin loss is made smaller: its target holds labels, padding and a tail in as many places."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from conformance.cases.case import Case
from conformance.cases.operator import Simplifying
from reference.formats import Bool, Float64, Int64


def _with_classes(case: Case, axis: str, keep: Bool) -> Iterator[Case]:
    """With some classes only; labels of the others go, higher ones move down."""
    del axis
    labels = _renamed(case["target"], keep)
    for cut in (_without_spare_padding, _without_end):
        rows = [cut(row, int(keep.sum())) for row in labels]
        yield case.replace(input=case["input"][:, keep], target=np.array(rows, dtype=np.int64))


def _renamed(target: Float64 | Int64, keep: Bool) -> list[list[int]]:
    """Labels of the classes that stay, under their new numbers; what names no class keeps its distance."""
    classes, width = len(keep), int(keep.sum())
    whole: Int64 = np.asarray(target, dtype=np.int64)
    valid = (whole >= 0) & (whole < classes)
    place = np.where(valid, whole, 0)
    number = np.where(valid, (np.cumsum(keep) - 1)[place], np.where(whole < 0, whole, whole - classes + width))
    stays = ~valid | keep[place]
    return [row[chosen].tolist() for row, chosen in zip(number, stays, strict=True)]


def _without_end(row: list[int], width: int) -> list[int]:
    """A row of a target in another width, cut or filled at its end."""
    return row[:width] + [-1] * (width - len(row))


def _without_spare_padding(row: list[int], width: int) -> list[int]:
    """The same; of two -1 side by side one goes before anything else does."""
    kept: list[int] = []
    spare = len(row) - width
    for place, label in enumerate(row):
        if spare > 0 and label == -1 and place + 1 < len(row) and row[place + 1] == -1:
            spare -= 1
        else:
            kept.append(label)
    return _without_end(kept, width)


def _first_labels(case: Case) -> Iterator[Case]:
    """With the first label of each row alone, then with more."""
    few = 1
    while few < case.classes:
        if (case["target"][:, few:] != -1).any():
            target = case["target"].copy()
            target[:, few:] = -1
            yield case.replace(target=target)
        few *= 2


def _places(case: Case) -> int:
    return int(case["target"].size)


def _without_labels(case: Case, start: int, end: int) -> Iterator[Case]:
    """Without the labels of some places: what follows them in their rows moves up."""
    target = case["target"]
    place = np.arange(target.size).reshape(target.shape)
    keep = (place < start) | (place >= end) | (target < 0)
    if not keep.all():
        rows = [_without_end(row[kept].tolist(), len(row)) for row, kept in zip(target, keep, strict=True)]
        yield case.replace(target=np.array(rows, dtype=np.int64))


SIMPLIFYING = Simplifying(cut=_with_classes, rounds=((_places, _without_labels),), leaps=(_first_labels,))
