"""What the ports of the margin loss cost, against torch's own kernel and the broadcast form.

Every framework runs in its own interpreter, all take turns in one run. By default the interpreters
are those of the tox environments::

    tox run -e torch,jax,tensorflow,mindspore --notest
    python -m benchmarks.ports --write
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import statistics
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import execnet

from benchmarks import port_calls
from benchmarks.accuracy import replace

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "ports.md"
PICTURE = ROOT / "docs" / "ports.svg"
FRAMEWORKS = ("torch", "jax", "tensorflow", "mindspore")
SHAPES = ((1024, 10, 3), (256, 1000, 10), (64, 1000, 500), (8, 10**4, 10**3), (1, 10**5, 10**4))
COLUMNS = (
    ("torch", "native"),
    ("torch", "port"),
    ("jax", "port"),
    ("tensorflow", "port"),
    ("mindspore", "port"),
    ("torch", "broadcast"),
    ("jax", "broadcast"),
    ("tensorflow", "broadcast"),
    ("mindspore", "broadcast"),
)
TITLES = {"native": "{}'s own", "port": "{} port", "broadcast": "{}, broadcast"}
NAMES = {"torch": "torch", "jax": "JAX", "tensorflow": "TensorFlow", "mindspore": "MindSpore"}
ROUNDS, FEWEST, SECONDS = 15, 3, 20.0
"""Calls of each form: that many, or fewer, but not below a few, once they took that long."""

BYTES = 4e9
"""What the broadcast form may take: four arrays of N x C x C numbers."""

Column = tuple[str, str]
Times = dict[Column, list[float]]


@contextmanager
def channels(pythons: dict[str, str]) -> Generator[dict[str, Any]]:
    """A process of each framework that answers with seconds."""
    group = execnet.Group()
    try:
        found: dict[str, Any] = {}
        for name, python in pythons.items():
            found[name] = group.makegateway(f"popen//python={python}").remote_exec(port_calls)
            found[name].send((name, str(ROOT / "adapters")))
        yield found
    finally:
        group.terminate(timeout=5)


def _fits(form: str, shape: port_calls.Shape) -> bool:
    """Whether a form's memory is enough for a shape: a broadcast one has a table of all pairs."""
    rows, classes, _ = shape
    return form != "broadcast" or rows * classes**2 * 16 <= BYTES


def measured(processes: dict[str, Any], shape: port_calls.Shape, *, gradient: bool) -> Times:
    """Seconds of every form at a shape, the forms taking turns."""
    taken: Times = {column: [] for column in COLUMNS if column[0] in processes and _fits(column[1], shape)}
    for _ in range(ROUNDS):
        for (framework, form), values in taken.items():
            if len(values) >= FEWEST and sum(values) > SECONDS:
                continue
            processes[framework].send((shape, form, gradient))
            values.append(processes[framework].receive())
    return taken


def cell(values: list[float], native: list[float]) -> str:
    """Median, quartiles and how many times as fast as torch's own."""
    low, middle, high = (1e3 * value for value in statistics.quantiles(values, n=4, method="inclusive"))
    times = 1e3 * statistics.median(native) / middle
    return f"{middle:.3g} ({low:.3g} to {high:.3g}), **{times:.{1 if times < 10 else 0}f}×**"


def table(results: dict[port_calls.Shape, Times]) -> str:
    """A row for each shape, a column for each form."""
    columns = [column for column in COLUMNS if any(column in taken for taken in results.values())]
    heads = [TITLES[form].format(NAMES[framework]) for framework, form in columns]
    lines = ["| N × C × labels | " + " | ".join(heads) + " |", "| --- |" + " ---: |" * len(heads)]
    for shape, taken in results.items():
        native = taken["torch", "native"]
        cells = [cell(taken[column], native) if column in taken else "too large" for column in columns]
        lines.append("| " + " × ".join(f"{size:,}" for size in shape) + " | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw(results: dict[port_calls.Shape, Times], path: Path) -> None:
    """Times as fast as torch's own, a line for each form."""
    pyplot: Any = importlib.import_module("matplotlib.pyplot")
    pyplot.rcParams["svg.hashsalt"] = "lossproof"
    figure, axes = pyplot.subplots(figsize=(10, 5), layout="constrained")
    places = range(len(results))
    for marker, (framework, form) in zip("os^Dv<>PX", COLUMNS, strict=True):
        ratios = [
            statistics.median(taken["torch", "native"]) / statistics.median(taken[framework, form])
            if (framework, form) in taken
            else float("nan")
            for taken in results.values()
        ]
        line = {"native": "-", "port": "-", "broadcast": ":"}[form]
        axes.plot(places, ratios, line, marker=marker, label=TITLES[form].format(NAMES[framework]))
    axes.set_yscale("log")
    axes.set_xticks(list(places), [" × ".join(f"{size:,}" for size in shape) for shape in results])
    axes.set_xlabel("N × C × labels")
    axes.set_ylabel("times as fast as torch's own kernel, forward and backward")
    axes.grid(visible=True, axis="y", alpha=0.4)
    figure.legend(loc="outside right upper")
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Measure, print, and write the page and the picture if that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in FRAMEWORKS:
        parser.add_argument(f"--{name}", default=str(ROOT / ".tox" / name / "bin" / "python"), metavar="PYTHON")
    parser.add_argument("--write", action="store_true", help=f"replace the tables of docs/{PAGE.name} and its picture")
    arguments = parser.parse_args()
    pythons = {name: getattr(arguments, name) for name in FRAMEWORKS}
    missing = [python for python in pythons.values() if not Path(python).exists()]
    if missing:
        parser.error(f"no such interpreter: {', '.join(missing)}")
    page = PAGE.read_text(encoding="utf-8")
    with channels(pythons) as processes:
        for marker, gradient in (("forward", False), ("both", True)):
            results = {shape: measured(processes, shape, gradient=gradient) for shape in SHAPES}
            print(f"{marker}, ms\n{table(results)}\n", flush=True)
            page = replace(page, marker, table(results))
    words = (
        f"{datetime.now(UTC):%Y-%m-%d}: {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}; load at the end {os.getloadavg()[0]:.1f}."
    )
    if arguments.write:
        PAGE.write_text(replace(page, "machine", words), encoding="utf-8")
        draw(results, PICTURE)


if __name__ == "__main__":
    main()
