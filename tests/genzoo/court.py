"""What the suite says of a mutant or a variant: the cells of ``lossproof check --level quality``, asked of one worker.

A court keeps its worker from one function to the next. The plan, the calibration and the verdict
of a cell are those of a run: the lattices first, which are few calls, then the catalogue in its
order, and of the formats float32 first.
"""

from __future__ import annotations

import functools
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from adapters.description import Description
from conformance.cases.operator import Operator
from conformance.judging.answers import Variant
from conformance.judging.bench import Bench, Limits
from conformance.judging.clause import Clause, Level
from conformance.operators.catalogue import OPERATORS, clauses
from conformance.running.calibrate import Arithmetics, Calibrated, calibrate, settle_costs
from conformance.running.cell import Cell
from conformance.running.describe import describe, with_function
from conformance.running.discover import find_function
from conformance.running.judge import run_cell
from conformance.running.plan import PROFILES, Filters, Profile, asks, cases_for, variants
from reports.record import Finding
from tests.genzoo.rehearsal import Rehearsed, RehearsingBench

CHECKOUT = Path(__file__).resolve().parents[2]
LEVELS: tuple[Level, ...] = ("documented", "implied", "quality")
BROKEN = ("deviates", "crashes", "hangs")
LOST = ("harness-error", "not-run")
_FORMATS = ("float32", "float64", "float16", "bfloat16")
"""In the order of asking."""


@dataclass(frozen=True)
class Broken:
    """A clause that a function breaks.

    Attributes:
        clause: Its id.
        level: Its level.
        dtype: Of the scores.
        first: Number of the first case that shows it.
    """

    clause: str
    level: str
    dtype: str
    first: int


@dataclass(frozen=True)
class Judgement:
    """What came of a function.

    Attributes:
        asked: How many clauses in how many formats were asked.
        broken: What it breaks, as far as it was asked.
        lost: What had no verdict, in words.
    """

    asked: int
    broken: tuple[Broken, ...] = ()
    lost: tuple[str, ...] = ()

    def __add__(self, other: Judgement) -> Judgement:
        """Both together."""
        return Judgement(self.asked + other.asked, self.broken + other.broken, self.lost + other.lost)


@dataclass
class Court:
    """One worker of a framework, and a second one for what deviates.

    Attributes:
        framework: Whose tensors.
        python: Interpreter that has it; empty for this very process, if it has the framework.
        profile: How much is asked.
    """

    framework: str
    python: str
    profile: Profile = field(default_factory=lambda: replace(PROFILES["quick"], dtypes=()))

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="lossproof-genzoo-")
        spec = find_function("tests.genzoo:nothing", next(iter(OPERATORS)), self.framework)
        self._first, self._second = (self._bench(spec.adapter) for _ in range(2))
        self._described = describe(spec, self.python or sys.executable, self._first)
        self._measured: Arithmetics = {}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._first.close()
        self._second.close()
        self._folder.cleanup()

    def _bench(self, adapter: Path) -> Bench:
        if not self.python:
            return RehearsingBench(adapter)
        return Bench(adapter, self.python, Path(self._folder.name), (str(CHECKOUT),))

    def judge(self, operator: str, name: str) -> Judgement:
        """Ask a function every clause in every format.

        Args:
            operator: What it implements, or fails to.
            name: Of the mutant or variant.
        """
        return _together(run_cell(cell)[0] for cell in self._cells(operator, name))

    def first_kill(self, operator: str, name: str, suspects: Iterable[tuple[str, str]]) -> Judgement:
        """Ask a function the suspected clauses until it breaks one, as pairs of clause and format."""
        cells = self._lazily(operator, name)
        found = Judgement(0)
        for clause, dtype in suspects:
            cell = cells(clause, dtype)
            if cell is not None:
                found += _together([run_cell(cell)[0]])
            if found.broken or found.lost:
                break
        return found

    def rehearse(self, operator: str, name: str) -> list[Rehearsed]:
        """Every call that a run makes of a right implementation."""
        bench = self._first
        assert isinstance(bench, RehearsingBench)
        bench.kept = []
        for cell in self._cells(operator, name):
            bench.clause = cell.clause.id
            run_cell(cell)
        bench.clause = ""
        return bench.kept

    @property
    def bench(self) -> Bench:
        """That answers first."""
        return self._first

    def _cells(self, operator: str, name: str) -> Iterator[Cell]:
        cells = self._lazily(operator, name)
        for dtype in _FORMATS:
            for clause in asked(operator):
                cell = cells(clause.id, dtype)
                if cell is not None:
                    yield cell

    def _lazily(self, operator: str, name: str) -> Callable[[str, str], Cell | None]:
        """The cells of a function by clause and format; a format is calibrated when it is first asked for."""
        target = target_of(self.framework, operator, name)
        description = with_function(find_function(target, operator, self.framework), self._described, self._first)
        wanted = {each.dtype: each for each in variants(description, self.profile, Filters((operator,), ("eager",)))}
        offer, ids = description["operators"][operator], {clause.id: clause for clause in asked(operator)}

        @functools.cache
        def calibrated(dtype: str) -> Calibrated:
            return self._calibrated(description, wanted[dtype], target)

        def cell(clause_id: str, dtype: str) -> Cell | None:
            clause = ids.get(clause_id)
            if clause is None or dtype not in wanted:
                return None
            found = calibrated(dtype)
            if not asks(clause, found.subject, description, self.profile):
                return None
            cases = functools.partial(cases_for, clause, found.subject, self.profile, 0)
            return Cell(clause, found.subject, offer, cases, self._second, found.fault, 0, found.hang)

        return cell

    def _calibrated(self, description: Description, variant: Variant, target: str) -> Calibrated:
        found = calibrate(self._first, description, variant, Limits(), self._measured, target)
        (settled,) = settle_costs([found.subject], _costs(OPERATORS[variant.operator]))
        return replace(found, subject=settled)


def target_of(framework: str, operator: str, name: str) -> str:
    """As ``lossproof check`` is told."""
    return f"tests.genzoo.{framework}_made:{operator}__{name}"


def _together(findings: Iterable[Finding]) -> Judgement:
    """What some cells say."""
    found = Judgement(0)
    for finding in findings:
        broken = finding.verdict in BROKEN
        lost = (f"{finding.clause}: {finding.words.splitlines()[0]}",) if finding.verdict in LOST else ()
        own = Broken(finding.clause, finding.level, finding.variant.dtype, finding.first or 1)
        found += Judgement(1, (own,) if broken else (), lost)
    return found


def _costs(operator: Operator) -> tuple[str, ...]:
    """What a formula costs that is evaluated step by step: a list of labels is paired with the classes."""
    return ("quadratic-classes",) if _pairs_classes(operator) else ("cheap",)


def _pairs_classes(operator: Operator) -> bool:
    return any(argument.indexes in argument.axes for argument in operator.arguments)


@functools.cache
def asked(operator: str) -> tuple[Clause, ...]:
    """Every clause that decides, the lattices first, but those that the evaluation step by step never meets.

    It adds in the scores' own format, so that its mean of half precision overflows with its sum, changed or not.
    Where the formula pairs labels with classes, it holds all pairs at once.
    """
    unfit = (".numbers.mean-beyond-its-sum", *((".cost.memory",) if _pairs_classes(OPERATORS[operator]) else ()))
    deciding = [clause for clause in clauses("*", operator) if clause.level in LEVELS]
    found = [clause for clause in deciding if not clause.id.endswith(unfit)]
    return tuple(sorted(found, key=lambda clause: not clause.id.endswith(".lattice")))
