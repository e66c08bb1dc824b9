"""Workers side by side: each lane has its own, and runs its cells in the order of the plan."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

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


def lanes_of(loads: Sequence[float], lanes: int) -> list[int]:
    """Which lane gets what: the largest load first, each to the lane that has least so far.

    What a variant is asked, and in which order, follows from the plan alone, never from who is done first.
    """
    sums, found = [0.0] * lanes, [0] * len(loads)
    for place in sorted(range(len(loads)), key=lambda place: -loads[place]):
        found[place] = sums.index(min(sums))
        sums[found[place]] += loads[place]
    return found


def load_of_a_cell(costs: Collection[str], *, compiled: bool) -> float:
    """Roughly how much longer a cell takes than one of a cheap mode: torch 2.13.0 and MindSpore 2.10 on two cores.

    A mode that wraps the first one compiles no kernels of its own.
    """
    wraps = "wrapper" in costs
    if "expensive-programs" in costs:
        return 6.0 if wraps else 20.0
    if compiled and "expensive-shapes" in costs:
        return 3.0 if wraps else 10.0
    return 1.0


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
