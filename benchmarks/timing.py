"""Seconds of tasks that take turns, and how a table shows them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

REPETITIONS = 9


def seconds(task: Callable[[], object]) -> float:
    """How long it takes."""
    started = time.perf_counter()
    task()
    return time.perf_counter() - started


def timed(tasks: dict[str, Callable[[], float]], repetitions: int = REPETITIONS) -> dict[str, list[float]]:
    """Seconds of each task, the tasks taking turns."""
    taken: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(repetitions):
        for name, task in tasks.items():
            taken[name].append(task())
    return taken


def spread(values: list[float], scale: float = 1.0, digits: str = ".3g") -> str:
    """Median and quartiles, as cells of a table."""
    low, middle, high = (scale * value for value in statistics.quantiles(values, n=4, method="inclusive"))
    return f"{middle:{digits}} | {low:{digits}} to {high:{digits}}"


def table(head: str, lines: dict[str, str]) -> str:
    """A table of medians and quartiles."""
    rows = "\n".join(f"| {name} | {cells} |" for name, cells in lines.items())
    return f"| {head} | median | quartiles |\n| --- | ---: | --- |\n{rows}"
