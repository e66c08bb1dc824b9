"""The engine's answers beside those of the hand-written oracles.

    python -m tests.engine.agreement [ROWS]      about so many rows for each operator and format

The two bounds differ where one of them is known to be sharper, and only there:

* A gradient of the margin loss whose counts and cotangent stay on a grid does not round,
  whatever the scores; the hand-written oracle asks for scores on a grid as well.
* Pairs on a grid have no error, even if the division by C rounds or another row is off the grid.
* A product by 0, 1 or a power of two does not round, and a weight 0 adds no term; the
  hand-written soft margin counts a fixed number of roundings.
* A subject that flushes may lose a subnormal label or weight before it is multiplied, and
  each quotient of a sum; the hand-written soft margin grants one flush an operation.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from reference.enclosure import Answer, Enclosure
from reference.engine.oracle import evaluate
from reference.formats import FORMATS, Arithmetic, Float64, Format
from reference.margin import margin_loss
from reference.soft_margin import soft_margin_loss
from tests.engine.cases import DRAWS, FORMULAS
from tests.zoo import families

FOUNDING = ("multilabel_margin_loss", "multilabel_soft_margin_loss")
REDUCTIONS = ("none", "sum", "mean")


@dataclass(frozen=True)
class Compared:
    """One result of both.

    Attributes:
        name: Operator, quantity, format, whether subnormals are flushed, family, reduction, classes.
        engine: The engine's.
        hand: The hand-written oracle's.
        format: Of the subject.
    """

    name: tuple[str, ...]
    engine: Enclosure
    hand: Enclosure
    format: Format

    @property
    def ratios(self) -> Any:
        """The engine's bound over the other's; 1 where both are 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found = self.engine.bound / self.hand.bound
        return np.where((self.engine.bound == 0) & (self.hand.bound == 0), 1.0, found)

    @property
    def apart(self) -> int:
        """How many enclosures do not meet."""
        meet = (self.engine.low <= self.hand.high) & (self.hand.low <= self.engine.high)
        return int(np.count_nonzero(~meet))

    @property
    def rounded_by_engine_only(self) -> int:
        """Where the hand-written oracle says that nothing rounds, and the engine does not."""
        return int(np.count_nonzero((self.hand.bound == 0) & (self.engine.bound > 0)))

    @property
    def otherwise_overflowing(self) -> int:
        """Where one admits an infinity and the other does not, but for sums close to the largest number."""
        ends = ((self.engine.reach, self.hand.reach), (self.engine.depth, self.hand.depth))
        return sum(int(np.count_nonzero(self._apart(engine, hand))) for engine, hand in ends)

    def _apart(self, engine: Float64, hand: Float64) -> Any:
        largest = self.format.largest
        close = (hand > largest / 2) & (hand < largest * 2)
        return ((engine > largest) != (hand > largest)) & ~close


def compared(name: str, dtype: str, family: str, shape: tuple[int, int], seed: int) -> Iterator[Compared]:
    """Both oracles on one batch: each reduction, with flushing and without."""
    format = FORMATS[dtype]
    generator = np.random.default_rng([seed, len(dtype), list(families.FAMILIES).index(family), *shape])
    drawn = DRAWS[name](generator, family, format, shape)
    for reduction in REDUCTIONS:
        size = shape[0] if reduction == "none" else ()
        cotangent = format.round(generator.choice([1.0, -1.0, 0.5, 0.1, 3.0], size))
        for flushes in (False, True):
            own = Arithmetic(format, flushes)
            engine = evaluate(FORMULAS[name], drawn.arguments, drawn.settings, reduction, own, cotangent)
            hand = by_hand(name, drawn.arguments, reduction, own, cotangent)
            place = (dtype, str(flushes), family, reduction, str(shape[1]))
            yield Compared((name, "value", *place), engine.value, hand.value, format)
            yield Compared((name, "gradient", *place), engine.gradient, hand.gradient, format)


def by_hand(name: str, arguments: dict[str, Any], reduction: str, arithmetic: Arithmetic, cotangent: Any) -> Answer:
    """The hand-written oracle's answer."""
    input, target = arguments["input"], arguments["target"]
    if name == "multilabel_margin_loss":
        return margin_loss(input, target, reduction, arithmetic, cotangent)
    return soft_margin_loss(input, target, reduction, arithmetic, cotangent, arguments.get("weight"))


def main(words: list[str]) -> int:
    """Print what differs; the exit status."""
    rows, wrong = int(words[0]) if words else 10_000, 0
    for name in FOUNDING:
        for dtype in FORMATS:
            found = [
                one
                for family in families.FAMILIES
                for shape in ((rows // 40, 4), (rows // 80, 5), (rows // 80, 7))
                for one in compared(name, dtype, family, shape, 0)
            ]
            wrong += _told(f"{name} {dtype}", found)
    return 1 if wrong else 0


def _told(name: str, found: list[Compared]) -> int:
    """Print what differs in one format; how many results do."""
    results = sum(one.hand.low.size for one in found)
    apart, rounded = sum(one.apart for one in found), sum(one.rounded_by_engine_only for one in found)
    overflows = sum(one.otherwise_overflowing for one in found)
    sys.stdout.write(f"{name}: {results} results; {apart} apart, {rounded} rounded by the engine only, ")
    sys.stdout.write(f"{overflows} otherwise overflowing; bound over hand-derived {_ratios(found, 'False')}, ")
    sys.stdout.write(f"flushed {_ratios(found, 'True')}\n")
    sys.stdout.flush()
    return apart + rounded + overflows


def _ratios(found: list[Compared], flushes: str) -> Any:
    """Quantiles of the engine's bound over the other."""
    ratios = np.concatenate([one.ratios.reshape(-1) for one in found if one.name[3] == flushes])
    return np.round(np.quantile(ratios[np.isfinite(ratios)], [0, 0.01, 0.5, 0.99, 1]), 3)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
