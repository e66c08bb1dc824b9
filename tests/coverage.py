"""Regime coverage: which branches and limits of the oracles the cases of the clauses meet.

    python -m tests.coverage            how often each predicate held and did not, in the standard profile

The engine names the regimes of each operator's formula, the hand-written oracles those of their own.

Exit status: 0 if each was met on both sides or cannot be, 1 if one was not.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence

from conformance.cases.case import Case
from conformance.cases.drawing import Domain
from conformance.cases.operator import Operator, Oracle
from conformance.judging.formulas import expected_of
from conformance.operators.catalogue import OPERATORS, clauses
from conformance.running.plan import PROFILES, Profile, drawn
from reference.arguments import OracleError
from reference.enclosure import Answer
from reference.formats import FORMATS, Arithmetic
from reference.regimes import Counts, watched
from tests.engine.cases import FORMULAS
from tests.laws import plain_dtypes

_ALL_WAYS = ((False, False), (False, True), (True, False), (True, True))
_ENGINE_WAYS = ((False, False), (True, True))
"""Whether subnormal numbers may be flushed, and whether the rounding of the page's own form is granted."""

_MOST_CLASSES = 64
"""Of a case that the engine takes: of 65,539 classes, all pairs of a row at once would be gigabytes."""

_SIGN = "minus a label or a finite score is exact and finite"
_NO_GRID = "a value of exp or log is in it, and those lie on no grid"

IMPOSSIBLE: Mapping[str, str] = {
    "hinge_embedding_loss: argument target 1: 0": "the labels are 1 and -1",
    "margin_ranking_loss: argument target 1: 0": "the labels are 1 and -1",
    "margin_ranking_loss: sum 1: may overflow": _SIGN,
    "margin_ranking_loss: sum 1: nothing rounds": _SIGN,
    "multilabel_soft_margin_loss: argument target 1: negative": "the labels are 0 to 1",
    "multilabel_soft_margin_loss: quotient 1: nothing rounds": _NO_GRID,
    "multilabel_soft_margin_loss: quotient 2: nothing rounds": _NO_GRID,
    "multilabel_soft_margin_loss: quotient 3: nothing rounds": _NO_GRID,
    "multilabel_soft_margin_loss: sum 1: may overflow": _SIGN,
    "multilabel_soft_margin_loss: sum 4: nothing rounds": _NO_GRID,
    "multilabel_soft_margin_loss: sum 5: may overflow": "logarithms of two numbers of float64 are below 1500 together",
    "multilabel_soft_margin_loss: sum 5: nothing rounds": _NO_GRID,
    "multilabel_soft_margin_loss: sum 6: nothing rounds": _NO_GRID,
    "multilabel_soft_margin_loss: sum over axes 1: nothing rounds": _NO_GRID,
    "soft_margin_loss: argument target 1: 0": "the labels are 1 and -1",
    "soft_margin_loss: log 1: vanishes": "float64 encloses log(1 + v) from above by 2^-53; only float16 loses that",
    "soft_margin_loss: sum 1: may overflow": _SIGN,
    "soft_margin_loss: sum 1: nothing rounds": _SIGN,
    "soft_margin_loss: sum 2: nothing rounds": _NO_GRID,
}
"""Regimes that are on one side in every case of the quick profile's formats, each with the reason.

Nodes are numbered in each form of a formula by itself: of the page's own form are ``log``, ``quotient 2`` and 3,
and of the sums those from 4 on, and ``sum 2`` of the two-class loss.
"""

UNMET: Mapping[str, str] = {}
"""Regimes that a case could meet on both sides and none does, each with what is missing."""


def domains(operator: Operator, profile: Profile) -> list[Domain]:
    """What a variant to which every shape is cheap is asked in, for each format of a profile."""
    dtypes = plain_dtypes(operator)
    return [Domain(operator, dtype, dtypes, lattice=min(profile.lattice, 3)) for dtype in profile.dtypes or FORMATS]


def cases(profile: Profile, operators: Collection[str]) -> Iterator[tuple[Case, str, bool]]:
    """Every case of a profile, the format of its scores, and whether its clause asks for the gradient."""
    for clause in (each for each in clauses() if each.operator.name in operators):
        for domain in domains(clause.operator, profile):
            found = drawn(clause, domain, profile.cases, 0)
            yield from ((case, domain.dtype, clause.needs == "gradient") for case in found)


def _ask(oracle: Oracle, case: Case, dtype: str, ways: Sequence[tuple[bool, bool]]) -> None:
    """An oracle's answers to a case; one that it does not take meets nothing."""
    for flushes, as_documented in ways:
        try:
            oracle(case, Arithmetic(FORMATS[dtype], flushes), as_documented)
        except OracleError:
            break


def _of_formula(case: Case, arithmetic: Arithmetic, as_documented: bool, *, gradients: bool) -> Answer:
    formula = FORMULAS[case.operator.name]
    return expected_of(formula, case, arithmetic, as_documented=as_documented, gradients=gradients)


def covered(profile: Profile, operators: Collection[str] = tuple(OPERATORS)) -> Counts:
    """How often each predicate did not hold and held, over the cases of all clauses of some operators."""
    with watched() as seen:
        for case, dtype, gradients in cases(profile, operators):
            if case.operator.oracle is not None:
                _ask(case.operator.oracle, case, dtype, _ALL_WAYS)
            if case.classes <= _MOST_CLASSES:
                _ask(functools.partial(_of_formula, gradients=gradients), case, dtype, _ENGINE_WAYS)
    return dict(sorted(seen.counts.items()))


def missed(counts: Counts) -> list[str]:
    """Regimes that were met on one side only, though they can be met on both."""
    return [name for name, sides in counts.items() if not all(sides) and name not in IMPOSSIBLE]


def main(words: list[str]) -> int:
    """Print the table; the exit status."""
    counts = covered(PROFILES[words[0] if words else "standard"])
    open_ones = missed(counts)
    for name, (without, held) in counts.items():
        sys.stdout.write(f"{'MISSED ' if name in open_ones else ''}{name}: {held} held, {without} did not\n")
    sys.stdout.write(f"{len(counts) - len(open_ones)} of {len(counts)} predicates are settled\n")
    return 1 if open_ones else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
