"""A worker that is there when it is needed, whatever happened to the one before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.contract import Call, Reply
from adapters.gateway import AdapterFault, Worker, WorkerCrashed, WorkerEnded, WorkerError, WorkerHung

_SECOND_TRY = 3.0
"""Times as long as the first try."""


@dataclass(frozen=True)
class Limits:
    """Seconds after which a call counts as hung, without those in which the worker waited for a processor."""

    call: float = 60.0
    first_compiled_call: float = 300.0

    def longer(self) -> Limits:
        """The limits of the second try: only what hangs then as well is a hang."""
        return Limits(_SECOND_TRY * self.call, _SECOND_TRY * self.first_compiled_call)


class Bench:
    """A worker that is started when it is needed and again after it died."""

    def __init__(self, adapter: Path, python: str, temporary: Path, path: Sequence[str] = ()) -> None:
        self._make: Callable[[], Worker] = lambda: Worker(adapter, python, temporary, path)
        self._worker: Worker | None = None
        self._closed = False
        self._seen: set[tuple[Any, ...]] = set()

    @property
    def worker(self) -> Worker:
        """The worker, alive; a new one has imported its framework, which no call's limit has to cover.

        Raises:
            WorkerError: The bench is closed, or the worker does not start.
        """
        if self._closed:
            raise WorkerError("the run was ended")
        if self._worker is None:
            worker = self._make()
            try:
                worker.describe()
            except WorkerError as error:
                worker.close()
                raise error if isinstance(error, AdapterFault) else WorkerError(str(error)) from None
            self._worker = worker
            self._seen.clear()
        return self._worker

    def evaluate(self, call: Call, limits: Limits, *, compiled: bool) -> Reply:
        """Ask the worker; a worker that dies of it is replaced at the next call."""
        key = _program_of(call) if compiled else ()
        first = compiled and key not in self._seen
        try:
            reply = self.worker.evaluate(call, limits.first_compiled_call if first else limits.call)
        except (WorkerCrashed, WorkerHung, WorkerEnded):
            self.discard()
            raise
        self._seen.add(key)
        return reply

    def own_seconds(self) -> float:
        """What the last call took, without the worker's waits for a processor."""
        return self.worker.own_seconds()

    def close(self) -> None:
        """End the worker for good: a cell that still asks gets an error at once."""
        self._closed = True
        self.discard()

    def discard(self) -> None:
        """End the worker; the next call starts a fresh one."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None


def _program_of(call: Call) -> tuple[str, ...]:
    """What a compiler makes a program for."""
    shapes = [(given["name"], given["array"].get("shape")) for given in call["arguments"]]
    variant = (call["operator"], call["form"], call["mode"], call["dtype"])
    return (*variant, call["layout"], *call["want"], repr(call["options"]), repr(shapes))
