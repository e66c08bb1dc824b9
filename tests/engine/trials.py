"""Right implementations of each formula held against the engine's bounds.

python -m tests.engine.trials [ROWS]        about so many rows for each formula and format
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from reference.enclosure import Enclosure
from reference.engine.oracle import evaluate
from reference.formats import FORMATS, Arithmetic, Float64
from tests.engine.cases import DRAWS, FORMULAS
from tests.engine.rights import rights
from tests.zoo import families

REDUCTIONS = ("none", "sum", "mean")
SHAPES = ((30, 1), (30, 2), (40, 4), (20, 5), (6, 33))


@dataclass(frozen=True)
class Trial:
    """One implementation on one batch.

    Attributes:
        name: Of formula, quantity, format, family, reduction and implementation.
        cases: Results that were compared.
        exceeded: How many are outside their bound.
        share: Largest error as a share of its bound.
    """

    name: tuple[str, ...]
    cases: int
    exceeded: int
    share: float


def trials(name: str, dtype: str, family: str, shape: tuple[int, int], seed: int, reduction: str) -> Iterator[Trial]:
    """Every right implementation on one batch: value and gradients."""
    formula, format = FORMULAS[name], FORMATS[dtype]
    generator = np.random.default_rng([seed, len(dtype), list(families.FAMILIES).index(family), *shape])
    drawn = DRAWS[name](generator, family, format, shape)
    lengths = shape if "d" in formula.arguments[0].pattern or formula.arguments[0].pattern == "..." else shape[:1]
    size = lengths if reduction == "none" else ()
    cotangent = format.round(generator.choice([1.0, -1.0, 0.5, 0.1, 3.0], size))
    answer = evaluate(
        formula, drawn.arguments, drawn.settings, reduction, Arithmetic(format), cotangent, gradients=drawn.gradients
    )
    options = {key: value for key, value in {**formula.options, **drawn.settings}.items() if isinstance(value, float)}
    for way, right in rights(formula, drawn.arguments, drawn.settings, reduction, dtype).items():
        value, slopes = right(drawn.arguments, options, cotangent, drawn.gradients)
        yield _held((name, "value", dtype, family, reduction, way), value, answer.value, dtype)
        for argument, slope in slopes.items():
            yield _held((name, argument, dtype, family, reduction, way), slope, answer.gradients[argument], dtype)


def _held(name: tuple[str, ...], got: Float64, expected: Enclosure, dtype: str) -> Trial:
    judged = expected.judge(got, FORMATS[dtype])
    share = float(np.max(judged.shares, initial=0.0))
    return Trial(name, got.size, int((~judged.admitted).sum()), share)


def main(words: list[str]) -> int:
    """Print what exceeded, and the largest shares; the exit status."""
    rows, exceeded = int(words[0]) if words else 10_000, 0
    for name in FORMULAS:
        for dtype in FORMATS:
            found = [
                trial
                for family in families.FAMILIES
                for reduction in REDUCTIONS
                for count, classes in SHAPES
                for seed in range(max(1, rows // (126 * 30)))
                for trial in trials(name, dtype, family, (count, classes), seed, reduction)
            ]
            exceeded += _told(f"{name} {dtype}", found)
    return 1 if exceeded else 0


def _told(name: str, found: list[Trial]) -> int:
    """Print the largest share and what exceeded; how many did."""
    worst = max(found, key=lambda trial: trial.share)
    outside = [trial for trial in found if trial.exceeded]
    cases = sum(trial.cases for trial in found)
    sys.stdout.write(f"{name}: {len(outside)} of {len(found)} trials exceed, {cases} results; ")
    sys.stdout.write(f"largest share {worst.share:.3f} {worst.name}\n")
    for trial in outside[:5]:
        sys.stdout.write(f"    {trial}\n")
    sys.stdout.flush()
    return len(outside)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
