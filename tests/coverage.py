"""Regime coverage: which branches and limits of the oracles the cases of the clauses meet.

    python -m tests.coverage            how often each predicate held and did not, in the standard profile

Exit status: 0 where each was met on both sides, 1 where one was not.
"""

from __future__ import annotations

import ast
import itertools
import sys
from pathlib import Path

from conformance.cases.drawing import Domain
from conformance.cases.operator import Operator
from conformance.judging.clause import Clause
from conformance.judging.expectation import compute
from conformance.operators.catalogue import clauses
from conformance.running.plan import PROFILES, Profile, drawn
from reference.arguments import OracleError
from reference.formats import FORMATS, Arithmetic
from reference.regimes import Counts, watched
from tests.laws import plain_dtypes

REFERENCE = Path(__file__).resolve().parent.parent / "reference"


def regimes() -> set[str]:
    """Every predicate that an oracle names, read from its source."""
    found: set[str] = set()
    for path in sorted(REFERENCE.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "regime":
                name = node.args[0]
                assert isinstance(name, ast.Constant), f"{path}: a regime is named by a string"
                found.add(str(name.value))
    return found


def domains(operator: Operator, profile: Profile) -> list[Domain]:
    """What a variant to which every shape is cheap is asked in, for each format of a profile."""
    dtypes = plain_dtypes(operator)
    return [Domain(operator, dtype, dtypes, lattice=min(profile.lattice, 3)) for dtype in profile.dtypes or FORMATS]


def _ask(clause: Clause, domain: Domain, profile: Profile) -> None:
    """The oracle's answers to a clause's cases, whether or not subnormal numbers are flushed."""
    for case in drawn(clause, domain, profile.cases, 0):
        for flushes, as_documented in itertools.product((False, True), repeat=2):
            try:
                compute(case, Arithmetic(FORMATS[domain.dtype], flushes), as_documented=as_documented)
            except OracleError:
                break


def covered(profile: Profile) -> Counts:
    """How often each predicate did not hold and held, over all clauses that compare with the oracle."""
    with watched() as seen:
        for clause in clauses():
            for domain in domains(clause.operator, profile):
                _ask(clause, domain, profile)
    return {name: seen.counts.get(name, [0, 0]) for name in sorted(regimes())}


def main(words: list[str]) -> int:
    """Print the table; the exit status."""
    counts = covered(PROFILES[words[0] if words else "standard"])
    missed = [name for name, (without, held) in counts.items() if not (without and held)]
    for name, (without, held) in counts.items():
        sys.stdout.write(f"{'MISSED ' if name in missed else ''}{name}: {held} held, {without} did not\n")
    sys.stdout.write(f"{len(counts) - len(missed)} of {len(counts)} predicates met on both sides\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
