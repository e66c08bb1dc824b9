"""What the formula engine costs beside the hand-written oracles, and what the other formulas cost.

    python -m benchmarks.engine [ROWS]

Value, gradient and bound of ROWS rows (100,000) of 4 classes, in turns of one run.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable

import numpy as np

from benchmarks.timing import seconds, spread, table, timed
from reference.engine.oracle import evaluate
from reference.formats import FORMATS, Arithmetic
from reference.formulas import (
    hinge_embedding_loss,
    margin_ranking_loss,
    multi_margin_loss,
    multilabel_margin_loss,
    multilabel_soft_margin_loss,
    soft_margin_loss,
)
from reference.margin import margin_loss
from reference.soft_margin import soft_margin_loss as soft_by_hand

ROWS = 100_000

Job = Callable[[], object]


def jobs(rows: int) -> dict[str, Job]:
    """What is timed, by name."""
    generator, own = np.random.default_rng(0), Arithmetic(FORMATS["float32"])
    lattice = generator.integers(-8, 9, (rows, 4)) / 4
    usual = FORMATS["float32"].round(generator.normal(size=(rows, 4)))
    target = np.where(generator.integers(0, 2, (rows, 4)) == 1, generator.integers(0, 4, (rows, 4)), -1)
    binary = generator.integers(0, 2, (rows, 4)).astype(np.float64)
    labels, signs = generator.integers(0, 4, rows), 2 * binary - 1

    def of(module: object, **arguments: object) -> Job:
        return lambda: evaluate(module.FORMULA, arguments, arithmetic=own)  # type: ignore[attr-defined]

    return {
        "margin by hand, lattice": lambda: margin_loss(lattice, target, "none", own),
        "margin, lattice": of(multilabel_margin_loss, input=lattice, target=target),
        "margin by hand, usual": lambda: margin_loss(usual, target, "none", own),
        "margin, usual": of(multilabel_margin_loss, input=usual, target=target),
        "soft margin by hand, lattice": lambda: soft_by_hand(lattice, binary, "none", own),
        "soft margin, lattice": of(multilabel_soft_margin_loss, input=lattice, target=binary),
        "multi_margin_loss": of(multi_margin_loss, input=usual, target=labels),
        "soft_margin_loss": of(soft_margin_loss, input=usual, target=signs),
        "hinge_embedding_loss": of(hinge_embedding_loss, input=usual, target=signs),
        "margin_ranking_loss": of(margin_ranking_loss, input1=usual, input2=lattice, target=signs),
    }


def rates(rows: int = ROWS) -> str:
    """A table: rows a second of each job, and the engine's time over the hand-written oracle's."""
    taken = timed({name: functools.partial(seconds, job) for name, job in jobs(rows).items()})
    lines: dict[str, str] = {}
    for name, times in taken.items():
        lines[f"{name}, rows a second"] = spread([rows / time for time in times], digits=",.0f")
        formula, _, by = name.partition(", ")
        if hand := taken.get(f"{formula} by hand, {by}"):
            ratios = [time / other for time, other in zip(times, hand, strict=True)]
            lines[f"{name}, times the oracle by hand"] = spread(ratios)
    return table(f"{rows:,} rows of 4 classes", lines)


if __name__ == "__main__":
    print(rates(int(sys.argv[1]) if sys.argv[1:] else ROWS))
