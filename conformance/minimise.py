"""Makes a failing case smaller while it still fails: rows, classes, labels, then scores."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from conformance.case import MARGIN, Case
from reference.formats import Bool, Float64, Int64

_FEW = 4
"""Up to so many rows or classes go one by one from the start."""

Fails = Callable[[Case], bool]


def minimise(case: Case, fails: Fails, seconds: float) -> Case:
    """The smallest case that was found to fail within the time.

    Each round tries every single simplification and takes the first that still
    fails; it ends when none does, so no one row, class or label of the answer can be
    taken away, and no one number replaced by a simpler one, unless time ran out.
    """
    until = time.monotonic() + seconds
    found = True
    while found:
        found = False
        for other in simpler(case):
            if time.monotonic() >= until:
                return case
            if fails(other):
                case, found = other, True
                break
    return case


def simpler(case: Case) -> Iterator[Case]:
    """Cases one step simpler, the largest steps first."""
    if case.input.ndim not in (1, 2) or case.input.shape != case.target.shape:
        return
    if case.input.ndim == 1:
        yield from (other.unbatched() for other in simpler(case.batched()))
        return
    yield from _fewer_rows(case)
    yield from _fewer_classes(case)
    if case.operator == MARGIN:
        yield from _fewer_labels(case)
    yield from _plainer(case, "target", (-1.0, 0.0) if case.operator == MARGIN else (0.0, 1.0))
    yield from _plainer(case, "input", (0.0, 1.0))
    for name in ("cotangent", "weight"):
        yield from _absent(case, name)
        yield from _plainer(case, name, (1.0,))


def _without_some(count: int) -> Iterator[Bool]:
    """What to keep of a number of things: all but half of them, but a quarter, at last all but one."""
    size = count // 2 if count > _FEW else 1
    while size:
        for end in range(count, 0, -size):
            keep = np.ones(count, dtype=bool)
            keep[max(0, end - size) : end] = False
            if keep.any():
                yield keep
        size //= 2


def _fewer_rows(case: Case) -> Iterator[Case]:
    yield from (case.rows(keep) for keep in _without_some(len(case.input)))


def _fewer_classes(case: Case) -> Iterator[Case]:
    """Without some classes; labels of them go, higher ones move down."""
    for keep in _without_some(case.classes):
        target = _without_classes(case.target, keep) if case.operator == MARGIN else case.target[:, keep]
        weight = None if case.weight is None else case.weight[keep]
        yield case.replace(input=case.input[:, keep], target=target, weight=weight)


def _without_classes(target: Float64 | Int64, keep: Bool) -> Int64:
    """Labels of the classes that stay, under their new numbers; what names no class keeps its distance."""
    classes, width = len(keep), int(keep.sum())
    renamed = np.cumsum(keep) - 1
    rows: list[list[int]] = []
    whole: Int64 = np.asarray(target, dtype=np.int64)
    for place in range(len(whole)):
        row: Int64 = whole[place]
        valid = (row >= 0) & (row < classes)
        stays = ~valid | keep[np.where(valid, row, 0)]
        labels = np.where(valid, renamed[np.where(valid, row, 0)], np.where(row < 0, row, row - classes + width))
        rows.append(_cut(labels[stays].tolist(), width))
    return np.array([row + [-1] * (width - len(row)) for row in rows], dtype=np.int64).reshape(len(rows), width)


def _cut(row: list[int], width: int) -> list[int]:
    """A row of a target in fewer places: of two -1 in a row one goes before anything else does."""
    kept: list[int] = []
    spare = len(row) - width
    for place, label in enumerate(row):
        if spare > 0 and label == -1 and place + 1 < len(row) and row[place + 1] == -1:
            spare -= 1
        else:
            kept.append(label)
    return kept[:width]


def _fewer_labels(case: Case) -> Iterator[Case]:
    """Without one label: what follows it moves up."""
    for row, place in np.argwhere(case.target >= 0).tolist():
        target = case.target.copy()
        target[row, place:-1] = case.target[row, place + 1 :]
        target[row, -1] = -1
        if not np.array_equal(target, case.target):
            yield case.replace(target=target)


def _plainer(case: Case, name: str, plain: tuple[float, ...]) -> Iterator[Case]:
    """With one number replaced by a plainer one; a plain number becomes a plainer only."""
    array = getattr(case, name)
    if array is None:
        return
    for at in np.ndindex(array.shape):
        for value in plain:
            if array[at] == value and not np.signbit(array[at]) > np.signbit(value):
                break
            changed = array.copy()
            changed[at] = value
            yield case.replace(**{name: changed})


def _absent(case: Case, name: str) -> Iterator[Case]:
    if getattr(case, name) is not None:
        yield case.replace(**{name: None})
