"""Makes the case that broke a clause smaller, and asks it again where nothing else was asked."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

from adapters.gateway import WorkerCrashed, WorkerError, WorkerHung
from conformance.cases.case import Case
from conformance.cases.drawing import Fixed
from conformance.cases.minimise import minimise
from conformance.cases.trials import Budget
from conformance.judging.answers import Refused, Undecided
from conformance.judging.bench import Bench
from conformance.judging.clause import any_case
from conformance.judging.compare import Deviation
from conformance.judging.errors import Errors
from conformance.judging.subject import Asked, Subject
from conformance.running.cell import Cell, Decision
from reference.arguments import OracleError

_COSTLY_EVALUATIONS = 120
"""Cases that may be asked about for one witness if a call is slow, or each new shape costs a compilation."""


def _smallest(cell: Cell, case: Case, problem: Deviation | Refused) -> tuple[Case, str]:
    """The smallest case that fails, and in which way; the case itself of a draw that is one whole."""
    kind = kind_of_problem(problem)
    if isinstance(cell.clause.draw, Fixed) and cell.clause.draw.whole:
        return case, kind
    row = problem.row if isinstance(problem, Deviation) else None
    keep = cell.clause.keeps if cell.clause.keeps(case) else any_case  # nothing can keep what it never had
    return minimise(case, kind, functools.partial(_kind_of_case, cell, keep), _budget(cell), row)


def deviates(cell: Cell, case: Case, problem: Deviation | Refused) -> Decision:
    """Make the case smaller, then ask it again in the second worker; what was found stands, whatever comes of that."""
    seen = cell.subject.seen
    errors, seen.errors = seen.errors, Errors()
    if isinstance(problem, Deviation) and problem.witness is not None:
        case = problem.witness
    smallest, kind = _smallest(cell, case, problem)
    again, calls = recorded(cell, on_bench(cell.subject, cell.confirming), smallest)
    died = isinstance(again, WorkerCrashed | WorkerHung)
    repeatable = None if isinstance(again, WorkerError) and not died else kind_of_problem(again) == kind
    shown, calls = (again, calls) if repeatable else recorded(cell, cell.subject, smallest)
    seen.errors = errors
    if not isinstance(shown, (Deviation, Refused)):
        smallest, shown, calls = case, problem, []
    found = _as_deviation(shown)
    return Decision("deviates", "", smallest, found, repeatable, problem=kind_of_problem(problem), calls=calls)


def _kind_of_case(cell: Cell, keep: Callable[[Case], bool], case: Case) -> str:
    return kind_of_problem(_quiet(cell, case, keep))


def _budget(cell: Cell) -> Budget:
    """What a witness may cost: few evaluations of what is slow, or pays for each shape."""
    subject = cell.subject
    dear = (
        _COSTLY_EVALUATIONS
        if subject.compiled or subject.expensive_shapes or "slow-calls" in subject.costs
        else cell.minimise
    )
    return Budget(min(dear, cell.minimise), few_shapes=subject.compiled)


def recorded(cell: Cell, subject: Subject, case: Case) -> tuple[Exception | None, list[Asked]]:
    """What breaks on a case, or the failure that kept it from being asked; and every call that the law made."""
    calls: list[Asked] = []
    subject.seen.calls = calls
    try:
        return problem_of(cell, subject, case), calls
    except WorkerError as failure:
        return failure, calls
    finally:
        subject.seen.calls = None


def problem_of(cell: Cell, subject: Subject, case: Case) -> Exception | None:
    """What breaks on a case, asked once more."""
    try:
        cell.clause.law(subject, case)
    except (Deviation, Refused, WorkerCrashed, WorkerHung) as problem:
        return problem
    except Undecided:
        return None
    return None


def kind_of_problem(problem: Exception | None) -> str:
    """What was seen, in a word or two; empty where a case conforms or kills the worker."""
    if isinstance(problem, Deviation):
        return problem.kind
    return f"refused {problem.kind}" if isinstance(problem, Refused) else ""


def _quiet(cell: Cell, case: Case, keeps: Callable[[Case], bool]) -> Exception | None:
    """As what :func:`problem_of` says, for cases of the clause and of the oracle's domain only."""
    try:
        return problem_of(cell, cell.subject, case) if keeps(case) else None
    except (OracleError, WorkerError):
        return None


def _as_deviation(problem: Deviation | Refused) -> Deviation:
    if isinstance(problem, Refused):
        return Deviation("an answer, as to other valid cases", f"raised {problem.words}")
    return problem


def on_bench(subject: Subject, bench: Bench) -> Subject:
    """The same variant on another bench."""
    return dataclasses.replace(
        subject, bench=bench, seen=dataclasses.replace(subject.seen, errors=Errors(), first=None)
    )
