"""Makes a failing case smaller while it still fails: axes, options, then numbers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from conformance.cases.case import Case
from conformance.cases.operator import Argument, Option
from conformance.cases.trials import ELEMENTS, Budget, Judge, Trials
from reference.formats import Bool

_FEW = 4
"""Up to so many places of an axis go one by one from the start."""


Without = Callable[[Case, int, int], Iterator[Case]]
"""The case without the things from a place to another, in each way that makes sense."""


def minimise(case: Case, kind: str, judge: Judge, budget: Budget, row: int | None = None) -> tuple[Case, str]:
    """The smallest case that was found to fail within the budget, and in which way it fails.

    Each round tries every single simplification, the largest steps first; the last round
    finds none. So no place of an axis can be taken away, no option or optional argument left
    out, and no number replaced by a simpler one, without the failure vanishing, unless the
    budget ran out. A simplification that fails in the same way comes before one that fails
    in another, so that the answer shows what was found if that is possible. After half of
    the budget any failure is as good, and the smallest that was met is gone on with, so
    that a witness never stays large for the sake of its kind.

    Args:
        case: A case that fails.
        kind: In which way.
        judge: Says the same of other cases.
        budget: What may be spent.
        row: The row that is wrong, if one is known.
    """
    operator = case.operator
    if not all(operator.allows(argument, case[argument.name].ndim) for argument in case.given):
        return case, kind
    if not case.has_batch and operator.batch in operator.arguments[0].axes:
        batch, kind = minimise(case.batched(), kind, lambda other: judge(other.unbatched()), budget)
        return batch.unbatched() if batch.rows == 1 else case, kind
    trials = Trials(kind, judge, budget)
    if row is not None:
        case = _row_alone(case, row, trials, few_shapes=budget.few_shapes)
    if case.elements > ELEMENTS:
        case = _fewest_rows(_all_plain(case, trials), trials)
    if budget.few_shapes:
        case = _plain_numbers(case, trials)
    return _until_nothing_helps(case, trials), trials.kind


def _row_alone(case: Case, row: int, trials: Trials, *, few_shapes: bool) -> Case:
    """The row that is wrong without the others, if it fails alone."""
    if case.rows < 2 or case.reduction != "none":
        return case
    alone = case.some_rows(slice(row, row + 1))
    return trials.first(case, [*_least(alone), alone] if few_shapes else [alone])


def _all_plain(case: Case, trials: Trials) -> Case:
    """With one plain number in every place of an argument: of a large case, each number alone would take too long.

    A long list of labels gets none that names a place: what pairs labels and places would take too long.
    """
    for argument in case.given:
        long = argument.indexes in argument.axes and case.sizes[argument.indexes] > _FEW
        values = [value for value in argument.plainer if not long or value in argument.keep]
        plain = (np.full_like(case[argument.name], value) for value in values)
        case = trials.first(case, [case.replace(**{argument.name: array}) for array in plain])
    return trials.first(case, [case.replace(cotangent=None)] if case.cotangent is not None else [])


def _fewest_rows(case: Case, trials: Trials) -> Case:
    """The first rows, as few as fail, found by halves: a limit on the number of rows is met from above."""
    below = 0
    while case.rows - below > 1 and not trials.over:
        middle = (case.rows + below) // 2
        fewer = trials.first(case, [case.some_rows(slice(0, middle))])
        below = middle if fewer is case else below
        case = fewer
    return case


def _until_nothing_helps(case: Case, trials: Trials) -> Case:
    while True:
        smaller = _one_round(case, trials)
        if smaller is case:
            smaller, trials.kind = trials.other or (case, trials.kind)
        if smaller is case:
            return case
        case, trials.other = smaller, None


def _least(case: Case) -> Iterator[Case]:
    """One place of each axis, and no number that means anything."""
    small = [case]
    for axis in _cut_axes(case):
        count = small[0].sizes.get(axis, 1)
        small = list(itertools.islice(_cuts(small[0], axis, kept_places(count, 1, count)), 1)) or small
    plain = {
        argument.name: np.full_like(small[0][argument.name], argument.plainer[0])
        for argument in small[0].given
        if argument.role != "weight"
    }
    yield small[0].replace(**plain)


def _cut_axes(case: Case) -> tuple[str, ...]:
    """The axes beside the batch axis that may be shortened."""
    return tuple(axis for axis in case.operator.cuts if axis != case.operator.batch and axis in case.sizes)


def _cuts(case: Case, axis: str, keep: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Iterator[Case]:
    own = case.operator.simplifying.cut
    if own is not None and axis != case.operator.batch:
        yield from own(case, axis, keep)
        return
    cut = case.cut(axis, keep)
    if cut is not None:
        yield cut


def _one_round(case: Case, trials: Trials) -> Case:
    """Every simplification once, each of what those before it left."""
    operator = case.operator
    case = _without_places(case, trials, operator.batch)
    case = _simpler_call(case, trials)
    for axis in _cut_axes(case):
        case = trials.first(case, _first_places(case, axis, trials))
    for leap in operator.simplifying.leaps:  # before single places: a case of few labels is quick to ask about
        case = trials.first(case, leap(case))
    for count, without in operator.simplifying.rounds:
        case = _runs(case, trials, count, without)
    for axis in _cut_axes(case):
        case = _without_places(case, trials, axis)
    return _plain_numbers(case, trials)


def _simpler_options(case: Case, option: Option) -> list[dict[str, Any]]:
    """The options without one of them, or with a plainer value of it."""
    rest = {name: value for name, value in case.options.items() if name != option.name}
    others = [value for value in option.values if value != case.options[option.name]]
    return [rest, *({**rest, option.name: value} for value in others if _plainer_value(value, case, option.name))]


def _simpler_call(case: Case, trials: Trials) -> Case:
    """Options at their default, or at another of their values; optional arguments left out."""
    for option in case.operator.options:
        if option.name in case.options:
            case = trials.first(case, [case.replace(options=options) for options in _simpler_options(case, option)])
    for argument in case.given:
        if argument.optional:
            case = trials.first(case, [case.replace(**{argument.name: None})])
    return case


def _plainer_value(value: object, case: Case, name: str) -> bool:
    """Whether an option's value stands before the present one in its list."""
    values = next(option.values for option in case.operator.options if option.name == name)
    present = case.options[name]
    return present not in values or values.index(value) < values.index(present)


def _without_places(case: Case, trials: Trials, axis: str) -> Case:
    def without(one: Case, start: int, end: int) -> Iterator[Case]:
        count = one.sizes.get(axis, 1)
        if end - start < count:
            yield from _cuts(one, axis, kept_places(count, start, end))

    return _runs(case, trials, lambda one: one.sizes.get(axis, 0), without) if axis in case.sizes else case


def _first_places(case: Case, axis: str, trials: Trials) -> Iterator[Case]:
    """With the first few places of an axis and those that are named, then with more: small cases are quick to ask."""
    count = case.sizes[axis]
    few = 1
    while few < (count if trials.few_shapes else count // 2):
        keep = kept_places(count, few, count)
        for argument in case.given:
            if argument.indexes == axis:
                keep[_named(case, argument, few, count)] = True
        yield from _cuts(case, axis, keep)
        few *= 2


def _named(case: Case, argument: Argument, few: int, count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """The places that an argument names, by its first few labels if it has several a row."""
    array = case[argument.name].astype(np.int64)
    if argument.indexes in argument.axes and array.ndim:
        array = array[..., :few]
    return array[(array >= 0) & (array < count)]


def _plain_numbers(case: Case, trials: Trials) -> Case:
    """Every number replaced by a plainer one with which it still fails; the shape stays."""
    for argument in sorted(case.given, key=lambda given: given.role == "scores"):
        if argument.role != "weight":
            case = _plainer(case, trials, argument.name, argument.plainer)
    for name, plainer in (("cotangent", (1.0,)), *_weights(case)):
        if _array(case, name) is not None:
            case = trials.first(case, [case.replace(**{name: None})])
        case = _plainer(case, trials, name, plainer)
    return case


def _weights(case: Case) -> list[tuple[str, tuple[float, ...]]]:
    return [(argument.name, argument.plainer) for argument in case.given if argument.role == "weight"]


def _array(case: Case, name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]] | None:
    found = case.cotangent if name == "cotangent" else case.get(name)
    return None if found is None else np.asarray(found, dtype=np.float64)


def _runs(case: Case, trials: Trials, count: Callable[[Case], int], without: Without) -> Case:
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


def _plainer(case: Case, trials: Trials, name: str, plain: tuple[float, ...]) -> Case:
    """With numbers replaced by plainer ones, several by the plainest; a plain number becomes a plainer only."""

    def number_of(one: Case) -> int:
        array = _array(one, name)
        return 0 if array is None else int(array.size)

    def replaced(one: Case, start: int, end: int) -> Iterator[Case]:
        array = one.cotangent if name == "cotangent" else one[name]
        if array is None:
            return
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


def kept_places(count: int, start: int, end: int) -> Bool:
    """Which places stay if those from ``start`` to ``end`` go."""
    keep = np.ones(count, dtype=bool)
    keep[start:end] = False
    return keep
