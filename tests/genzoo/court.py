"""What the suite says of a mutant or a variant: the cells of ``lossproof check --level quality``, asked of one worker.

A court keeps its worker from one function to the next. The plan, the calibration and the verdict
of a cell are those of a run. Unless everything is wanted, a function is dismissed at the first
clause that it breaks: the lattice first, which is one call, then the catalogue in its order, and
of the formats float32 first.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from adapters.contract import Description
from conformance.judging.bench import Bench, Limits
from conformance.judging.clause import Clause, Level
from conformance.operators.catalogue import OPERATORS, clauses
from conformance.running.calibrate import Arithmetics, Calibrated, calibrate, settle_costs, share_flushing
from conformance.running.cell import Cell, run_cell
from conformance.running.describe import describe, with_function
from conformance.running.discover import find_function
from conformance.running.plan import PROFILES, Filters, Profile, asks, cases_for, variants
from reports.record import Finding

CHECKOUT = Path(__file__).resolve().parents[2]
LEVELS: tuple[Level, ...] = ("documented", "implied", "quality")
BROKEN = ("deviates", "crashes", "hangs")
LOST = ("harness-error", "not-run")
_FORMATS = ("float32", "float64", "float16", "bfloat16")


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


@dataclass
class Court:
    """One worker of a framework, and a second one for what deviates.

    Attributes:
        framework: Whose tensors.
        python: Interpreter that has it.
        profile: How much is asked.
        costs: Cost classes of the functions: they are evaluated pair by pair of classes.
    """

    framework: str
    python: str
    profile: Profile = field(default_factory=lambda: replace(PROFILES["quick"], dtypes=()))
    costs: tuple[str, ...] = ("quadratic-classes",)

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="lossproof-genzoo-")
        spec = find_function("tests.genzoo:nothing", next(iter(OPERATORS)), self.framework)
        self._first, self._second = (
            Bench(spec.adapter, self.python, Path(self._folder.name), (str(CHECKOUT),)) for _ in range(2)
        )
        self._described = describe(spec, self.python, self._first)
        self._measured: Arithmetics = {}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._first.close()
        self._second.close()
        self._folder.cleanup()

    def judge(self, operator: str, name: str, *, whole: bool = False) -> Judgement:
        """Ask a function; all clauses if the whole is wanted, else until one is broken.

        Args:
            operator: What it implements, or fails to.
            name: Of the mutant or variant.
            whole: Every clause.
        """
        broken: list[Broken] = []
        lost: list[str] = []
        count = 0
        for count, cell in enumerate(self._cells(operator, name), start=1):
            finding = run_cell(cell)[0]
            if finding.verdict in LOST:
                lost.append(f"{finding.clause}: {finding.words.splitlines()[0]}")
            if finding.verdict in BROKEN:
                broken.append(_broken(finding))
                if not whole:
                    break
        return Judgement(count, tuple(broken), tuple(lost))

    def _cells(self, operator: str, name: str) -> Iterator[Cell]:
        target = f"tests.genzoo.{self.framework}_made:{operator}__{name}"
        description = with_function(find_function(target, operator, self.framework), self._described, self._first)
        found = self._calibrated(description, operator, target)
        offer = description["operators"][operator]
        for clause, dtype in _order(operator):
            one = found.get(dtype)
            if one is not None and asks(clause, one.subject, description, self.profile):
                cases = functools.partial(cases_for, clause, one.subject, self.profile, 0)
                yield Cell(clause, one.subject, offer, cases, self._second, one.fault, 0, one.hang)

    def _calibrated(self, description: Description, operator: str, target: str) -> dict[str, Calibrated]:
        wanted = variants(description, self.profile, Filters((operator,), ("eager",)))
        found = [calibrate(self._first, description, each, Limits(), self._measured, target) for each in wanted]
        share_flushing([one.subject for one in found])
        settle_costs([one.subject for one in found], self.costs if "C" in OPERATORS[operator].sizes else ("cheap",))
        return {one.subject.variant.dtype: one for one in found}


def _broken(finding: Finding) -> Broken:
    return Broken(finding.clause, finding.level, finding.variant.dtype, finding.first or 1)


@functools.cache
def _order(operator: str) -> tuple[tuple[Clause, str], ...]:
    """Every clause and format, in the order of asking."""
    asked = [clause for clause in clauses("*", operator) if clause.level in LEVELS]
    asked.sort(key=lambda clause: not clause.id.endswith(".lattice"))
    return tuple((clause, dtype) for dtype in _FORMATS for clause in asked)
