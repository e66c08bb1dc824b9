"""Workers side by side: each lane has its own, and runs its cells in the order of the plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from conformance.judging.answers import Variant
from conformance.judging.bench import Bench
from conformance.judging.errors import Errors
from conformance.running.cell import Cell
from conformance.running.judge import run_cell
from reports.record import Finding

Item = TypeVar("Item")
Done = TypeVar("Done")


class Lane:
    """The workers of one thread: one for the plan, one to ask deviations again."""

    def __init__(self, adapter: Path, python: str, folder: Path, path: Sequence[str]) -> None:
        self.primary = Bench(adapter, python, folder, path)
        self.confirming = Bench(adapter, python, folder, path)

    def close(self) -> None:
        """End both for good."""
        self.primary.close()
        self.confirming.close()


def shares(wanted: list[Variant], workers: int) -> list[int]:
    """Which worker each variant gets.

    The formats of a form take turns, and each form begins with the next worker: the same
    formats take longest in all of them.
    """
    forms = list(dict.fromkeys((variant.operator, variant.mode, variant.form) for variant in wanted))
    turns = [forms.index((variant.operator, variant.mode, variant.form)) for variant in wanted]
    return [(place + turn) % workers for place, turn in enumerate(turns)]


def in_order(cells: list[tuple[Cell, int]], lanes: int) -> Iterator[tuple[Finding, Errors]]:
    """Findings in the order of the plan; each lane runs its cells in a thread of its own.

    Args:
        cells: The plan, with the number of the lane of each cell.
        lanes: How many lanes there are.
    """
    return in_lanes(lambda cell, _: run_cell(cell), cells, lanes)


def in_lanes(work: Callable[[Item, int], Done], items: Sequence[tuple[Item, int]], lanes: int) -> Iterator[Done]:
    """What comes of items, in their order; each lane does its own in a thread of its own.

    Args:
        work: Does one item in a lane.
        items: What is to be done, with the number of its lane.
        lanes: How many lanes there are.
    """
    if lanes == 1:
        yield from (work(*each) for each in items)
        return
    pools = [ThreadPoolExecutor(max_workers=1) for _ in range(lanes)]
    try:
        running = [pools[lane].submit(work, item, lane) for item, lane in items]
        for future in running:
            yield future.result()
    finally:
        for pool in pools:
            pool.shutdown(wait=False, cancel_futures=True)
