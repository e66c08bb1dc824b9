"""The cost classes of a user's function, when nobody names them: found in steps so coarse that load does not decide.

A time here is the worker's own (:func:`adapters.processes.Watched.own_seconds`): waits for a core do not
count, so that a busy machine makes a function no dearer, and sleeping counts, so that a slow
device does. Each limit is twenty times and more what implementations of the cheaper class take
on an idle machine; a function above it is above it in every try.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from adapters.gateway import WorkerError, WorkerHung
from conformance.cases.case import Case
from conformance.judging.bench import Limits
from conformance.judging.subject import Subject

_SLOW_CALL_SECONDS = 0.1
"""A call of one row: eager frameworks take 0.1 to 5 ms."""

_ROWS, _SLOW_ROW_SECONDS = 4096, 4e-6
"""Vectorised code takes 0.02 to 0.2 µs a row of four classes, with its gradient; a loop over rows 10 µs and more."""

_FEW_ROWS, _EXPENSIVE_ROW_SECONDS = 16, 5e-3
"""Nested loops over rows and labels in Python take up to 0.25 ms a row."""

_NEW_SHAPE_SECONDS = 0.03
"""What a call of a new shape takes beyond the next one: eager frameworks 1 ms and less, compilers 50 ms and more."""

_CLASSES, _CLASSES_SECONDS, _CLASSES_BYTES = 6000, 1.5, 24_000_000
"""A row of many classes. A loop over the classes takes up to 50 ms. One byte for each pair of classes is 36 MB."""

_NEW_SHAPES = ((3, 5), (5, 3), (7, 2))
_TRIES = 3
_FAR = 10.0
"""A second try this many times over its limit needs no third."""

_PATIENCE = Limits(10.0, 10.0)

Probe = Callable[[Subject, tuple[int, ...]], Case]


def measured_costs(subject: Subject, probe: Probe) -> frozenset[str]:
    """The cost classes of a variant that answers valid cases.

    Args:
        subject: The variant.
        probe: Makes a plain valid case of a shape.
    """
    impatient = dataclasses.replace(subject, limits=_PATIENCE)

    def seconds(rows: int, classes: int) -> float:
        return _seconds(impatient, probe(subject, (rows, classes)))

    call = min(seconds(1, 4) for _ in range(_TRIES + 1))
    expensive = _always_above(call + _FEW_ROWS * _EXPENSIVE_ROW_SECONDS, lambda: seconds(_FEW_ROWS, 4))
    slow = expensive or _always_above(call + _ROWS * _SLOW_ROW_SECONDS, lambda: seconds(_ROWS, 4))
    holds = {
        "slow-calls": call > _SLOW_CALL_SECONDS,
        "expensive-rows": expensive,
        "slow-rows": slow and not expensive,
        "expensive-shapes": _pays_for_shapes(seconds),
        "quadratic-classes": _is_quadratic(impatient, call, lambda: seconds(1, _CLASSES)),
    }
    return frozenset(cost for cost, is_so in holds.items() if is_so)


def _seconds(subject: Subject, case: Case) -> float:
    """The worker's own seconds of a call; infinite if it does not end, and 0 if it fails, which the clauses find."""
    want = ("value", "gradient") if "gradient" in subject.offers else ("value",)
    try:
        subject.reply(case, *want)
        return subject.bench.own_seconds()
    except WorkerHung:
        return float("inf")
    except WorkerError:
        return 0.0


def _always_above(limit: float, seconds: Callable[[], float]) -> bool:
    """Whether every try takes longer than a limit, the first of which may compile."""
    for each in range(_TRIES):
        taken = seconds()
        if taken <= limit or (each > 0 and taken > _FAR * limit) or taken == float("inf"):
            return taken > limit
    return True


def _pays_for_shapes(seconds: Callable[[int, int], float]) -> bool:
    """Whether each of several new shapes takes longer in its first call than in its second."""
    for shape in _NEW_SHAPES:
        first, second = seconds(*shape), seconds(*shape)
        if not first - second > max(_NEW_SHAPE_SECONDS, second / 2):
            return False
    return True


def _is_quadratic(subject: Subject, call: float, seconds: Callable[[], float]) -> bool:
    """Whether a row of many classes takes the time, or the memory, of a table of all pairs.

    The first call of the shape may load and compile; what the second one takes counts.
    """
    if seconds() == float("inf"):
        return True
    worker = subject.bench.worker
    worker.forget_peak()
    before = worker.peak_bytes()
    seconds()
    if subject.bench.worker is worker and worker.peak_bytes() - before > _CLASSES_BYTES:
        return True
    return _always_above(call + _CLASSES_SECONDS, seconds)
