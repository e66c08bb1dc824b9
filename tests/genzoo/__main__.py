"""Asks the suite about every wrong and right implementation that is derived from the formulas of the losses.

    python -m tests.genzoo --python numpy=env/bin/python --framework numpy --every 10
    python -m tests.genzoo --operator multi_margin_loss --framework torch --python torch=env/bin/python --jobs 2
    python -m tests.genzoo --out genzoo.jsonl --docs docs/zoo-generated.md      everything, resumable
    python -m tests.genzoo --list --operator soft_margin_loss

With ``--out`` the answers are kept as they come, and the same command goes on where it stopped.
``--whole`` asks every clause of everyone; without it, a mutant is dismissed at the first clause it breaks.

Exit status: 0 where no mutant survives and no right variant is accused; 1 else.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from conformance.operators.catalogue import OPERATORS
from tests.genzoo.asking import Asked, ask
from tests.genzoo.functions import formula_of
from tests.genzoo.mutants import of_framework
from tests.genzoo.page import markdown, table
from tests.genzoo.record import Entry, Record
from tests.genzoo.variants import variants

FRAMEWORKS = ("numpy", "torch")
_SHOWN = ("survives", "rounding", "unreached", "equivalent", "accused", "lost")


@dataclass(frozen=True)
class Typed:
    """What was typed."""

    operators: list[str]
    frameworks: list[str]
    pythons: dict[str, str]
    words: list[str]
    every: int
    jobs: int
    whole: bool
    right: bool
    show: bool
    out: Path | None
    docs: Path | None


def arguments() -> Typed:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.genzoo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("words", nargs="*", help="only those whose name holds one of them")
    parser.add_argument("--operator", action="append", choices=list(OPERATORS), help="only this loss")
    parser.add_argument("--framework", action="append", choices=FRAMEWORKS, help="only this framework")
    parser.add_argument(
        "--python", action="append", default=[], metavar="FRAMEWORK=PATH", help="its interpreter; default: this process"
    )
    parser.add_argument("--every", type=int, default=1, metavar="N", help="one mutant in N, and every variant")
    parser.add_argument("--jobs", type=int, default=2, help="workers; default: 2")
    parser.add_argument("--whole", action="store_true", help="ask every clause of everyone")
    parser.add_argument("--right", action="store_true", help="only the right variants")
    parser.add_argument("--list", action="store_true", help="print the names and sentences, and ask nothing")
    parser.add_argument("--out", type=Path, metavar="FILE", help="keep the answers there; go on where it stopped")
    parser.add_argument("--docs", type=Path, metavar="FILE", help="write a Markdown page there")
    typed = parser.parse_args()
    given: list[str] = typed.python
    pythons = dict.fromkeys(FRAMEWORKS, "") | {pair.partition("=")[0]: pair.partition("=")[2] for pair in given}
    return Typed(typed.operator or list(OPERATORS), typed.framework or list(FRAMEWORKS), pythons, typed.words,
                 typed.every, typed.jobs, typed.whole, typed.right, typed.list, typed.out, typed.docs)  # fmt: skip


def everyone(typed: Typed) -> Iterator[Asked]:
    """Whom to ask, the losses in turn."""
    for framework in typed.frameworks:
        for operator in typed.operators:
            formula = formula_of(operator)
            wrong = [] if typed.right else of_framework(formula, framework)[typed.every // 2 :: typed.every]
            found = [Asked(framework, operator, each.name, each.kind, each.words) for each in wrong]
            found += [Asked(framework, operator, each.name, "right", each.words) for each in variants(formula)]
            yield from (who for who in found if not typed.words or any(word in who.name for word in typed.words))


def asked(typed: Typed, record: Record) -> Iterator[Entry]:
    """The answers as they come; those kept before first."""
    waiting: dict[tuple[str, str], list[Asked]] = {}
    for who in everyone(typed):
        before = record.get(who.framework, who.operator, who.name)
        if before is None:
            waiting.setdefault((who.framework, who.operator), []).append(who)
        else:
            yield before
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(typed.jobs) as pool:
        running = [
            pool.submit(ask, tuple(some), typed.pythons[framework], whole=typed.whole)
            for (framework, _), group in waiting.items()
            for some in _shares(group)
        ]
        try:
            for future in as_completed(running):
                for entry in future.result():
                    record.add(entry)
                    yield entry
        finally:
            pool.shutdown(cancel_futures=True)


def _shares(group: list[Asked], most: int = 4) -> Iterator[list[Asked]]:
    """Some at a time: what one process is told to ask."""
    yield from (group[start : start + most] for start in range(0, len(group), most))


def _line(entry: Entry) -> str:
    by = ", ".join(f"{each.id} ({each.dtype})" for each in entry.broken) or entry.reason
    return f"{entry.verdict:10} {entry.framework} {entry.operator}__{entry.name}: {entry.words}; {by}\n"


def main() -> int:
    """Ask, print, write."""
    typed = arguments()
    if typed.show:
        for who in everyone(typed):
            sys.stdout.write(f"{who.framework} {who.operator}__{who.name}: {who.words} ({who.kind})\n")
        return 0
    record, found = Record(typed.out, "quick", whole=typed.whole), list[Entry]()
    total = sum(1 for _ in everyone(typed))
    for entry in asked(typed, record):
        found.append(entry)
        if entry.verdict in _SHOWN:
            sys.stdout.write(_line(entry))
        if len(found) % 20 == 0:
            sys.stdout.write(f"{len(found)} of {total}\n")
        sys.stdout.flush()
    sys.stdout.write(table(found))
    if typed.docs:
        typed.docs.write_text(markdown(found), encoding="utf-8")
    return 1 if {entry.verdict for entry in found} & {"survives", "accused", "lost"} else 0


if __name__ == "__main__":
    sys.exit(main())
