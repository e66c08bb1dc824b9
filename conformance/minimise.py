"""Makes a failing case smaller while it still fails: rows, classes, labels, then scores."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from conformance.case import MARGIN, Case

Fails = Callable[[Case], bool]


def minimise(case: Case, fails: Fails, seconds: float) -> Case:
    """The smallest case that was found to fail within the time.

    Each round tries every single simplification and takes the first that still
    fails; it ends when none does, so no one row, class or label of the answer can be
    taken away, and no one number replaced by a simpler one, unless time ran out.
    """
    until = time.monotonic() + seconds
    smaller: Case | None = case
    while smaller is not None:
        case = smaller
        smaller = next((other for other in simpler(case) if time.monotonic() < until and fails(other)), None)
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


def _fewer_rows(case: Case) -> Iterator[Case]:
    count = len(case.input)
    if count > 2:
        yield case.rows(slice(0, count // 2))
        yield case.rows(slice(count // 2, count))
    if count > 1:
        for row in range(count):
            yield case.rows(np.arange(count) != row)


def _fewer_classes(case: Case) -> Iterator[Case]:
    """Without one class; labels of it go, higher ones move down."""
    if case.classes < 2:
        return
    for gone in range(case.classes - 1, -1, -1):
        keep = np.arange(case.classes) != gone
        target = _without_class(case.target, gone) if case.operator == MARGIN else case.target[:, keep]
        weight = None if case.weight is None else case.weight[keep]
        yield case.replace(input=case.input[:, keep], target=target, weight=weight)


def _without_class(
    target: np.ndarray[tuple[int, ...], np.dtype[np.generic]], gone: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    width = target.shape[1] - 1
    rows = [_cut([label - (label > gone) for label in row if label != gone], width) for row in target.tolist()]
    return np.array([row + [-1] * (width - len(row)) for row in rows], dtype=np.int64).reshape(len(rows), width)


def _cut(row: list[int], width: int) -> list[int]:
    """A row of a target in fewer places: of two -1 in a row one goes before anything else does."""
    for place in range(len(row) - 1):
        if len(row) > width and row[place] == row[place + 1] == -1:
            return _cut(row[:place] + row[place + 1 :], width)
    return row[:width]


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
