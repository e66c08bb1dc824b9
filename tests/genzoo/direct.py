"""A worker's own program in the suite's process, for a framework that the suite's environment has."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, cast

from adapters.contract import Call, Reply, reply_fault
from adapters.description import Description
from adapters.gateway import AdapterFault
from conformance.judging.bench import Bench, Limits

program: Any = importlib.import_module("adapters.worker")


class DirectBench(Bench):
    """Answers as a worker does, by the same functions; what it runs can neither crash nor hang alone."""

    def __init__(self, adapter: Path) -> None:
        super().__init__(adapter, "", adapter.parent)
        self._adapter = program.load_adapter(str(adapter))

    @property
    def worker(self) -> Any:
        """What stands for the worker."""
        return self

    def describe(self) -> Description:
        """What the adapter says of its framework."""
        return cast(Description, self._answer(program.described))

    def load(self, target: str) -> bool:
        """Load a function; whether it can be differentiated."""
        return bool(self._answer(program.look_at, target)["gradient"])

    def evaluate(self, call: Call, limits: Limits, *, compiled: bool) -> Reply:
        """Ask the adapter."""
        del limits, compiled
        reply: Reply = self._answer(program.evaluate, call)
        fault = reply_fault(reply, call)
        if fault:
            raise AdapterFault(fault)
        return reply

    def _answer(self, ask: Any, *given: Any) -> Any:
        said = program.answer(ask, self._adapter, *given)
        if "fault" in said:
            fault = said["fault"]
            raise AdapterFault(f"{fault['type']}: {fault['message']}\n{fault['trace']}")
        return said["answer"]

    def close(self) -> None:
        """Nothing to end."""

    def discard(self) -> None:
        """Nothing to end."""
