"""Asks every clause of every wrong implementation of the zoo, and says what caught it.

    python -m tests.zoo            all of them, some four minutes on two cores
    python -m tests.zoo sum mean   those whose name holds one of the words

Exit status: 0 where each is caught at its level, 1 where one survives.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor

from tests.zoo.kills import Kill, killed_by

FILES = ("numpy_margin.py", "numpy_soft.py")
DECIDING = {"implied": {"documented", "implied"}, "quality": {"documented", "implied", "quality"}}
"""By the level of a fault: the levels of the clauses that may catch it; an open one need not be caught."""


def faults(file: str) -> dict[str, str]:
    """The wrong implementations of a file, with the level at which each must be caught."""
    module = importlib.import_module(f"tests.zoo.{file.removesuffix('.py')}")
    return {name: fault.level for name, fault in module.FAULTS.items()}


def caught(kill: Kill, level: str) -> bool:
    """Whether an implementation was caught at its level, with a verdict for every cell."""
    return not kill.lost and (level == "open" or bool(DECIDING[level] & set(kill.clauses.values())))


def asked(file: str, name: str) -> Kill:
    """What catches one implementation; numerical warnings of wrong code are its own business."""
    warnings.simplefilter("ignore")
    return killed_by(file, name)


def main(words: list[str]) -> int:
    """Ask, print a line for each, and count the survivors."""
    survivors = 0
    with ProcessPoolExecutor(2) as pool:
        for file in FILES:
            chosen = {name: level for name, level in faults(file).items() if not words or any(w in name for w in words)}
            for kill, level in zip(pool.map(asked, [file] * len(chosen), chosen), chosen.values(), strict=True):
                alive = not caught(kill, level)
                survivors += alive
                by = ", ".join(kill.clauses) or "; ".join(kill.lost) or "nothing"
                sys.stdout.write(f"{'SURVIVES' if alive else 'caught'} {file[:-3]}.{kill.name}: {by}\n")
    sys.stdout.write(f"{survivors} survivors\n")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
