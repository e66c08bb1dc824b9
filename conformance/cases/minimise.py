"""Makes a failing case smaller while it still fails: rows, labels, classes, then scores."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from conformance.cases.case import MARGIN, Case
from reference.formats import Bool, Float64, Int64

_FEW = 4
"""Up to so many rows or classes go one by one from the start."""

Judge = Callable[[Case], str]
"""In one word what is wrong with a case; empty where nothing is, or where it is none of the clause's cases."""


def minimise(
    case: Case, kind: str, judge: Judge, seconds: float, row: int | None = None, *, shapes_are_dear: bool = False
) -> tuple[Case, str]:
    """The smallest case that was found to fail within the time, and in which way it fails.

    Each round tries every single simplification, the largest steps first; the last round
    finds none. So no one row, class or label of the answer can be taken away, and no one
    number replaced by a simpler one, without the failure vanishing, unless time ran out.
    A simplification that fails in the same way comes before one that fails in another,
    so that the answer shows what was found wherever that is possible; after half of the
    time any failure is as good, and the smallest that was met is gone on with, so that a
    witness never stays large for its kind's sake.

    Args:
        case: A case that fails.
        kind: In which way.
        judge: Says the same of other cases.
        seconds: That may be spent.
        row: The row that is wrong, where one is known.
        shapes_are_dear: Whether another shape is another program, so that numbers are tried first.
    """
    if case.input.ndim not in (1, 2) or case.input.shape != case.target.shape:
        return case, kind
    if case.input.ndim == 1:
        batch, kind = minimise(
            case.batched(), kind, lambda other: judge(other.unbatched()), seconds, shapes_are_dear=shapes_are_dear
        )
        return batch.unbatched() if len(batch.input) == 1 else case, kind
    trials = _Trials(kind, judge, seconds, shapes_are_dear=shapes_are_dear)
    if row is not None and len(case.input) > 1 and case.reduction == "none":
        alone = case.rows(slice(row, row + 1))
        case = trials.first(case, [*_least(alone), alone] if shapes_are_dear else [alone])
    if shapes_are_dear:
        case = _with_plain_numbers(case, trials)
    while True:
        smaller = _one_round(case, trials)
        if smaller is case:
            smaller, trials.kind = trials.other or (case, trials.kind)
        if smaller is case:
            return case, trials.kind
        case, trials.other = smaller, None


class _Trials:
    """Asks about cases until time runs out, about each but once.

    Attributes:
        kind: The way of failing that is looked for.
        other: A simplification of the present case that fails in another way, and in which.
        shapes_are_dear: Whether few shapes can be asked about.
    """

    def __init__(self, kind: str, judge: Judge, seconds: float, *, shapes_are_dear: bool) -> None:
        self.kind = kind
        self.shapes_are_dear = shapes_are_dear
        self.other: tuple[Case, str] | None = None
        self._least: tuple[Case, str] | None = None
        started = time.monotonic()
        self._judge, self._half, self._until = judge, started + seconds / 2, started + seconds
        self._known: dict[str, str] = {}

    @property
    def over(self) -> bool:
        """Whether time ran out."""
        return time.monotonic() >= self._until

    def first(self, case: Case, simpler: Iterable[Case]) -> Case:
        """The first simpler case that fails as the case does, or the case itself."""
        for other in simpler:
            if self._late and self._least and self._least[0].input.size < case.input.size:
                case, self.kind = self._least
                self.other = None
                return case
            found = self._kind_of(other)
            if found and (found == self.kind or self._late):
                self.kind, self.other = found, None
                return other
            if found and (self._least is None or other.input.size < self._least[0].input.size):
                self._least = other, found
            self.other = self.other or ((other, found) if found else None)
        return case

    @property
    def _late(self) -> bool:
        return time.monotonic() >= self._half

    def _kind_of(self, case: Case) -> str:
        digest = case.digest()
        if digest not in self._known:
            if self.over:
                return ""
            self._known[digest] = self._judge(case)
        return self._known[digest]


def _least(case: Case) -> Iterator[Case]:
    """One class, and no number that means anything."""
    for one in itertools.islice(_first_classes(case, case.classes), 1):
        nothing = -1.0 if case.operator == MARGIN else 0.0
        yield one.replace(input=np.zeros_like(one.input), target=np.full_like(one.target, nothing))


def _one_round(case: Case, trials: _Trials) -> Case:
    """Every simplification once, each of what those before it left."""
    case = _runs(case, trials, lambda one: len(one.input), _without_rows)
    case = trials.first(case, _first_classes(case, case.classes if trials.shapes_are_dear else case.classes // 2))
    margin = case.operator == MARGIN
    if margin:  # before the classes: a case of few labels is quick to ask about
        case = trials.first(case, _first_labels(case))
        case = _runs(case, trials, lambda one: one.target.size, _without_labels)
    case = _runs(case, trials, lambda one: one.classes, _without_classes)
    return _with_plain_numbers(case, trials)


def _with_plain_numbers(case: Case, trials: _Trials) -> Case:
    """Every number replaced by a plainer one where it still fails; the shape stays."""
    case = _plainer(case, trials, "target", (-1.0, 0.0) if case.operator == MARGIN else (0.0, 1.0))
    case = _plainer(case, trials, "input", (0.0, 1.0))
    for name in ("cotangent", "weight"):
        if getattr(case, name) is not None:
            case = trials.first(case, [case.replace(**{name: None})])
        case = _plainer(case, trials, name, (1.0,))
    return case


def _runs(
    case: Case,
    trials: _Trials,
    count: Callable[[Case], int],
    without: Callable[[Case, int, int], Iterator[Case]],
) -> Case:
    """Simplify runs of neighbouring things: half of them, then quarters, at last each alone.

    Args:
        case: To be simplified.
        trials: Asks.
        count: How many things there are.
        without: The case with the things from a place to another simplified.
    """
    things = count(case)
    size = things // 2 if things > _FEW else 1
    while size and not trials.over:
        end = count(case)
        while end > 0 and not trials.over:
            start = max(0, end - size)
            case = trials.first(case, without(case, start, end))
            end = min(start, count(case))
        size //= 2
    return case


def _kept(count: int, start: int, end: int) -> Bool:
    keep = np.ones(count, dtype=bool)
    keep[start:end] = False
    return keep


def _without_rows(case: Case, start: int, end: int) -> Iterator[Case]:
    if end - start < len(case.input):
        yield case.rows(_kept(len(case.input), start, end))


def _first_classes(case: Case, most: int) -> Iterator[Case]:
    """With the first few classes and those that are labels, then with more: small cases are quick to ask about."""
    few = 1
    while few < most:
        keep = _kept(case.classes, few, case.classes)
        if case.operator == MARGIN:
            named = case.target[:, :few]
            keep[named[(named >= 0) & (named < case.classes)].astype(int)] = True
        yield from _with_classes(case, keep)
        few *= 2


def _without_classes(case: Case, start: int, end: int) -> Iterator[Case]:
    if end - start < case.classes:
        yield from _with_classes(case, _kept(case.classes, start, end))


def _with_classes(case: Case, keep: Bool) -> Iterator[Case]:
    """With some classes only; labels of the others go, higher ones move down."""
    weight = None if case.weight is None else case.weight[keep]
    input = case.input[:, keep]
    if case.operator != MARGIN:
        yield case.replace(input=input, target=case.target[:, keep], weight=weight)
        return
    labels = _renamed(case.target, keep)
    for cut in (_without_spare_padding, _without_end):
        rows = [cut(row, int(keep.sum())) for row in labels]
        yield case.replace(input=input, target=np.array(rows, dtype=np.int64), weight=weight)


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
        if (case.target[:, few:] != -1).any():
            target = case.target.copy()
            target[:, few:] = -1
            yield case.replace(target=target)
        few *= 2


def _without_labels(case: Case, start: int, end: int) -> Iterator[Case]:
    """Without the labels of some places: what follows them in their rows moves up."""
    place = np.arange(case.target.size).reshape(case.target.shape)
    keep = (place < start) | (place >= end) | (case.target < 0)
    if not keep.all():
        rows = [_without_end(row[kept].tolist(), len(row)) for row, kept in zip(case.target, keep, strict=True)]
        yield case.replace(target=np.array(rows, dtype=np.int64))


def _plainer(case: Case, trials: _Trials, name: str, plain: tuple[float, ...]) -> Case:
    """With numbers replaced by plainer ones, several by the plainest; a plain number becomes a plainer only."""

    def number_of(one: Case) -> int:
        array = getattr(one, name)
        return 0 if array is None else int(array.size)

    def replaced(one: Case, start: int, end: int) -> Iterator[Case]:
        array = getattr(one, name)
        part = array.reshape(-1)[start:end]
        for value in plain if len(part) == 1 else plain[:1]:
            if ((part == value) & (np.signbit(part) == np.signbit(value))).all():
                return
            changed = array.copy()
            changed.reshape(-1)[start:end] = value
            yield one.replace(**{name: changed})

    count = number_of(case)
    if count > 1:
        case = trials.first(case, replaced(case, 0, count))
    return _runs(case, trials, number_of, replaced)
