"""Asks every case of a cell and decides on a verdict."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from traceback import format_exc

from adapters.gateway import AdapterFault, WorkerCrashed, WorkerError, WorkerHung
from conformance.cases.case import Case
from conformance.judging.answers import NeverAnswered, Refused, Undecided
from conformance.judging.compare import Deviation
from conformance.judging.errors import Errors
from conformance.running.cell import Cell, Decision
from conformance.running.records import finding_of, number
from conformance.running.witness import deviates, kind_of_problem, on_bench, problem_of, recorded
from reports.record import FAILURES_KEPT, Failure, Finding


def run_cell(cell: Cell) -> tuple[Finding, Errors]:
    """Ask every case; say what was found and how large the errors were; a worker that dies ends the cell."""
    started = time.perf_counter()
    seen = cell.subject.seen
    seen.errors, seen.refusals = Errors(), set()
    cases: list[Case] = []
    try:
        cases = cell.cases()
        outcome = _decide(cell, cases)
    except AdapterFault as fault:
        outcome = Decision("harness-error", f"{fault.headline}\n{fault}")
    except WorkerError as error:
        outcome = Decision("harness-error", str(error))
    except Exception as error:  # a fault of the suite: this cell has no verdict, and the others keep theirs
        outcome = Decision("harness-error", f"the suite failed: {type(error).__name__}: {error}\n{format_exc()}")
    seconds = time.perf_counter() - started
    return finding_of(cell, outcome, cases, seconds), cell.subject.seen.errors


def _decide(cell: Cell, cases: list[Case]) -> Decision:
    if cell.fault:
        return Decision("harness-error", cell.fault)
    if cell.subject.refusal is not None and not _decided_before_the_kernel(cell):
        return Decision("unsupported", cell.subject.refusal.words)
    if cell.hang and cases and cell.clause.needs != "nothing":
        return Decision("hangs", cell.hang, cases[0], Deviation("an answer", cell.hang), repeatable=True)
    if cell.clause.level == "open":
        return _observe(cell, cases)
    return _judge(cell, cases)


def _judge(cell: Cell, cases: list[Case]) -> Decision:
    """Every case against the law; what says most is shown, and which failed first is counted."""
    found: list[tuple[int, Case, Deviation | Refused]] = []
    undecided: list[tuple[int, Case, Undecided]] = []
    for place, case in enumerate(cases, start=1):
        try:
            _law(cell, case)
        except Undecided as unknown:
            undecided.append((place, case, unknown))
        except (Deviation, Refused) as problem:
            found.append((place, case, problem))
        except (WorkerCrashed, WorkerHung) as death:
            return dataclasses.replace(_dies(cell, case, death), first=found[0][0] if found else place)
    found += _answered_elsewhere(cell, undecided)
    if not found:
        return _unsupported(undecided[0][2]) if undecided else Decision("conforms")
    found.sort(key=lambda each: each[0])
    _, case, gravest = max(found, key=lambda each: _gravity(each[2]))
    failures = [_failure(place, problem) for place, _, problem in found[:FAILURES_KEPT]]
    return dataclasses.replace(deviates(cell, case, gravest), first=found[0][0], failures=failures)


class _HungTwice(WorkerHung):
    """No answer in the first try, nor in a longer one of another worker."""


def _law(cell: Cell, case: Case) -> str | None:
    """The law on a case. A first answer that takes too long decides nothing: a longer try in a fresh worker does."""
    try:
        return cell.clause.law(cell.subject, case)
    except WorkerHung as hung:
        cell.confirming.discard()
        patient = dataclasses.replace(cell.subject, bench=cell.confirming, limits=cell.subject.limits.longer())
        try:
            return cell.clause.law(patient, case)
        except WorkerHung:
            raise _HungTwice(str(hung)) from None


def _answered_elsewhere(cell: Cell, undecided: list[tuple[int, Case, Undecided]]) -> list[tuple[int, Case, Refused]]:
    """The refusals of something that is answered for another case: they deviate."""
    return [
        (place, case, each.refused)
        for place, case, each in undecided
        if isinstance(each, NeverAnswered) and each.want in cell.subject.seen.answered
    ]


def _unsupported(undecided: Undecided) -> Decision:
    return Decision("unsupported", f"every valid case is refused with the same words: {undecided}")


def _failure(place: int, problem: Deviation | Refused) -> Failure:
    share = problem.share if isinstance(problem, Deviation) else 0.0
    return Failure(case=place, problem=kind_of_problem(problem), share_of_bound=number(share) if share else None)


def _decided_before_the_kernel(cell: Cell) -> bool:
    """Whether a variant that answers no valid case can still be asked this clause."""
    needs = cell.clause.needs
    return needs == "nothing" or (needs == "inferred" and _infers(cell))


def _infers(cell: Cell) -> bool:
    cases = cell.cases()[:1]
    try:
        return "inferred" in cell.subject.offers and all(cell.subject.evaluate(case, "inferred") for case in cases)
    except Refused:
        return False
    except (WorkerCrashed, WorkerHung):
        return True  # the clause asks the same, and says what became of it


def _gravity(problem: Deviation | Refused) -> tuple[int, float]:
    """How much a problem says: a value of another class before a large error before a small one."""
    if isinstance(problem, Refused):
        return 3, 0.0
    return {"nan": 2, "infinite": 2, "finite": 0}.get(problem.kind, 1), problem.share


def _dies(cell: Cell, case: Case, death: WorkerError) -> Decision:
    """A worker that died: the same case is asked once more in a fresh one, unless it hung in two already."""
    expected = Deviation("an answer", str(death))
    if isinstance(death, _HungTwice):
        return Decision("hangs", str(death), case, expected, repeatable=True)
    cell.confirming.discard()
    again = problem_of(cell, on_bench(cell.subject, cell.confirming), case)
    return Decision("crashes", str(death), case, expected, isinstance(again, WorkerCrashed))


def _observe(cell: Cell, cases: list[Case]) -> Decision:
    """Count what an open clause sees; the first case of the rarest behaviour is the witness."""
    seen: dict[str, list[Case]] = {}
    undecided: list[tuple[Case, Undecided]] = []
    for case in cases:
        try:
            seen.setdefault(_behaviour(cell, case), []).append(case)
        except Undecided as unknown:
            undecided.append((case, unknown))
        except (WorkerCrashed, WorkerHung) as death:
            return _dies(cell, case, death)
    if undecided and not seen:
        return _unsupported(undecided[0][1])
    for case, each in undecided:
        said = each.refused.signature if isinstance(each, NeverAnswered) else str(each)
        seen.setdefault(f"refused: {said}", []).append(case)
    return _observed(cell, seen)


def _behaviour(cell: Cell, case: Case) -> str:
    """What an open clause sees of a case, in words."""
    try:
        return _law(cell, case) or ""
    except Refused as refused:
        return f"refused: {refused.signature}"
    except Deviation as deviation:  # of shape or dtype: there is nothing to observe
        return deviation.kind


def _observed(cell: Cell, seen: dict[str, list[Case]]) -> Decision:
    """The behaviours counted, with a case of the rarest."""
    counts = Counter({words: len(found) for words, found in seen.items()})
    rarest = min(seen, key=lambda words: len(seen[words])) if seen else ""
    witness = min(seen[rarest], key=lambda case: case.first.size) if seen else None
    outcome = Decision("observed", "", witness, behaviours=counts)
    outcome.deviation = Deviation("recorded, not demanded", rarest)
    if witness is not None:
        outcome.calls = recorded(cell, cell.subject, witness)[1]
    return outcome
