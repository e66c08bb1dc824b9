"""One cell of the plan: a clause asked of a variant, until it has a verdict."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from traceback import format_exc

from adapters.contract import GRADIENT, OperatorOffer
from adapters.gateway import AdapterFault, WorkerCrashed, WorkerError, WorkerHung
from conformance.cases.case import Case
from conformance.cases.drawing import Fixed
from conformance.cases.hexadecimal import hexadecimal
from conformance.cases.minimise import EVALUATIONS, Budget, minimise
from conformance.judging.bench import Bench
from conformance.judging.clause import Clause, any_case
from conformance.judging.compare import Deviation
from conformance.judging.errors import Errors
from conformance.judging.subject import NeverAnswered, Refused, Subject, Undecided, Variant
from conformance.running.reproducer import reproducer
from reference.arguments import OracleError
from reports.record import (
    FAILURES_KEPT,
    ArgumentRecord,
    Counterexample,
    Failure,
    Finding,
    Number,
    Observed,
    VariantRecord,
    Verdict,
    Worst,
)

_COSTLY_EVALUATIONS = 120
"""The same if a call is slow, or each new shape costs a compilation."""


@dataclass(frozen=True)
class Cell:
    """A clause, a variant and the cases to ask.

    Attributes:
        second: The bench that deviations are asked again on; it sees nothing else.
        fault: Why the variant cannot be tested, if calibration said so.
        minimise: Cases that may be asked about to make one witness smaller.
        hang: How it hung on a plain valid case, if calibration saw that twice.
    """

    clause: Clause
    subject: Subject
    offer: OperatorOffer
    cases: Callable[[], list[Case]]
    second: Bench
    fault: str = ""
    minimise: int = EVALUATIONS
    hang: str = ""

    def __str__(self) -> str:
        return f"{self.clause.id} · {self.subject.variant}"


@dataclass
class _Outcome:
    verdict: Verdict
    words: str = ""
    case: Case | None = None
    deviation: Deviation | None = None
    repeatable: bool | None = None
    behaviours: Counter[str] | None = None
    first: int | None = None
    problem: str = ""
    failures: list[Failure] = dataclasses.field(default_factory=list[Failure])


def run_cell(cell: Cell) -> tuple[Finding, Errors]:
    """Ask every case; say what was found and how large the errors were; a worker that dies ends the cell."""
    started = time.perf_counter()
    cell.subject.errors = Errors()
    cell.subject.refusals = set()
    cases: list[Case] = []
    try:
        cases = cell.cases()
        outcome = _decide(cell, cases)
    except AdapterFault as fault:
        outcome = _Outcome("harness-error", f"{fault.headline}\n{fault}")
    except WorkerError as error:
        outcome = _Outcome("harness-error", str(error))
    except Exception as error:  # a fault of the suite: this cell has no verdict, and the others keep theirs
        outcome = _Outcome("harness-error", f"the suite failed: {type(error).__name__}: {error}\n{format_exc()}")
    seconds = time.perf_counter() - started
    return _finding(cell, outcome, cases, seconds), cell.subject.errors


def _decide(cell: Cell, cases: list[Case]) -> _Outcome:
    if cell.fault:
        return _Outcome("harness-error", cell.fault)
    if cell.subject.refusal is not None and not _decided_before_the_kernel(cell):
        return _Outcome("unsupported", cell.subject.refusal.words)
    if cell.hang and cases and cell.clause.needs != "nothing":
        return _Outcome("hangs", cell.hang, cases[0], Deviation("an answer", cell.hang), repeatable=True)
    if cell.clause.level == "open":
        return _observe(cell, cases)
    return _judge(cell, cases)


def _judge(cell: Cell, cases: list[Case]) -> _Outcome:
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
        return _unsupported(undecided[0][2]) if undecided else _Outcome("conforms")
    found.sort(key=lambda each: each[0])
    _, case, gravest = max(found, key=lambda each: _gravity(each[2]))
    failures = [_failure(place, problem) for place, _, problem in found[:FAILURES_KEPT]]
    return dataclasses.replace(_deviates(cell, case, gravest), first=found[0][0], failures=failures)


class _HungTwice(WorkerHung):
    """No answer in the first try, nor in a longer one of another worker."""


def _law(cell: Cell, case: Case) -> str | None:
    """The law on a case. A first answer that takes too long decides nothing: a longer try in a fresh worker does."""
    try:
        return cell.clause.law(cell.subject, case)
    except WorkerHung as hung:
        cell.second.discard()
        patient = dataclasses.replace(cell.subject, bench=cell.second, limits=cell.subject.limits.longer())
        try:
            return cell.clause.law(patient, case)
        except WorkerHung:
            raise _HungTwice(str(hung)) from None


def _answered_elsewhere(cell: Cell, undecided: list[tuple[int, Case, Undecided]]) -> list[tuple[int, Case, Refused]]:
    """The refusals of something that is answered for another case: they deviate."""
    return [
        (place, case, each.refused)
        for place, case, each in undecided
        if isinstance(each, NeverAnswered) and each.want in cell.subject.answered
    ]


def _unsupported(undecided: Undecided) -> _Outcome:
    return _Outcome("unsupported", f"every valid case is refused with the same words: {undecided}")


def _failure(place: int, problem: Deviation | Refused) -> Failure:
    share = problem.share if isinstance(problem, Deviation) else 0.0
    return Failure(case=place, problem=_kind(problem), share_of_bound=number(share) if share else None)


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


def _problem(cell: Cell, subject: Subject, case: Case) -> Exception | None:
    """What breaks on a case, asked once more."""
    try:
        cell.clause.law(subject, case)
    except (Deviation, Refused, WorkerCrashed, WorkerHung) as problem:
        return problem
    except Undecided:
        return None
    return None


def _deviates(cell: Cell, case: Case, problem: Deviation | Refused) -> _Outcome:
    """Make the case smaller, then ask it again in the second worker; what was found stands, whatever comes of that."""
    errors, cell.subject.errors = cell.subject.errors, Errors()
    if isinstance(problem, Deviation) and problem.witness is not None:
        case = problem.witness
    smallest, kind = case, _kind(problem)
    if not isinstance(cell.clause.draw, Fixed) or not cell.clause.draw.whole:
        row = problem.row if isinstance(problem, Deviation) else None
        keep = cell.clause.keeps if cell.clause.keeps(case) else any_case  # nothing can keep what it never had
        smallest, kind = minimise(case, kind, lambda other: _kind(_quiet(cell, other, keep)), _budget(cell), row)
    again = _told(cell, _on(cell.subject, cell.second), smallest)
    died = isinstance(again, WorkerCrashed | WorkerHung)
    repeatable = None if isinstance(again, WorkerError) and not died else _kind(again) == kind
    shown = again if repeatable else _told(cell, cell.subject, smallest)
    cell.subject.errors = errors
    if not isinstance(shown, (Deviation, Refused)):
        smallest, shown = case, problem
    return _Outcome("deviates", "", smallest, _as_deviation(shown), repeatable, problem=_kind(problem))


def _budget(cell: Cell) -> Budget:
    """What a witness may cost: few evaluations of what is slow, or pays for each shape."""
    subject = cell.subject
    dear = (
        _COSTLY_EVALUATIONS
        if subject.compiled or subject.expensive_shapes or "slow-calls" in subject.costs
        else cell.minimise
    )
    return Budget(min(dear, cell.minimise), few_shapes=subject.compiled)


def _told(cell: Cell, subject: Subject, case: Case) -> Exception | None:
    """What breaks on a case, or the failure that kept it from being asked."""
    try:
        return _problem(cell, subject, case)
    except WorkerError as failure:
        return failure


def _kind(problem: Exception | None) -> str:
    """What was seen, in a word or two; empty where a case conforms or kills the worker."""
    if isinstance(problem, Deviation):
        return problem.kind
    return f"refused {problem.kind}" if isinstance(problem, Refused) else ""


def _quiet(cell: Cell, case: Case, keeps: Callable[[Case], bool]) -> Exception | None:
    """As :func:`_problem`, for cases of the clause and of the oracle's domain only."""
    try:
        return _problem(cell, cell.subject, case) if keeps(case) else None
    except (OracleError, WorkerError):
        return None


def _as_deviation(problem: Deviation | Refused) -> Deviation:
    if isinstance(problem, Refused):
        return Deviation("an answer, as to other valid cases", f"raised {problem.words}")
    return problem


def _on(subject: Subject, bench: Bench) -> Subject:
    """The same variant on another bench."""
    return dataclasses.replace(subject, bench=bench, errors=Errors())


def _dies(cell: Cell, case: Case, death: WorkerError) -> _Outcome:
    """A worker that died: the same case is asked once more in a fresh one, unless it hung in two already."""
    expected = Deviation("an answer", str(death))
    if isinstance(death, _HungTwice):
        return _Outcome("hangs", str(death), case, expected, repeatable=True)
    cell.second.discard()
    again = _problem(cell, _on(cell.subject, cell.second), case)
    return _Outcome("crashes", str(death), case, expected, isinstance(again, WorkerCrashed))


def _observe(cell: Cell, cases: list[Case]) -> _Outcome:
    """Count what an open clause sees; the first case of the rarest behaviour is the witness."""
    seen: dict[str, list[Case]] = {}
    undecided: list[tuple[Case, Undecided]] = []
    for case in cases:
        try:
            words = _law(cell, case) or ""
        except Refused as refused:
            words = f"refused: {refused.signature}"
        except Deviation as deviation:  # of shape or dtype: there is nothing to observe
            words = deviation.kind
        except Undecided as unknown:
            undecided.append((case, unknown))
            continue
        except (WorkerCrashed, WorkerHung) as death:
            return _dies(cell, case, death)
        seen.setdefault(words, []).append(case)
    if undecided and not seen:
        return _unsupported(undecided[0][1])
    for case, each in undecided:
        said = each.refused.signature if isinstance(each, NeverAnswered) else str(each)
        seen.setdefault(f"refused: {said}", []).append(case)
    counts = Counter({words: len(found) for words, found in seen.items()})
    rarest = min(seen, key=lambda words: len(seen[words])) if seen else ""
    witness = min(seen[rarest], key=lambda case: case.first.size) if seen else None
    outcome = _Outcome("observed", "", witness, behaviours=counts)
    outcome.deviation = Deviation("recorded, not demanded", rarest)
    return outcome


def _finding(cell: Cell, outcome: _Outcome, cases: list[Case], seconds: float) -> Finding:
    variant = cell.subject.variant
    digest = hashlib.sha256("".join(case.digest() for case in cases).encode()).hexdigest()
    errors = cell.subject.errors
    return Finding(
        operator=variant.operator,
        clause=cell.clause.id,
        level=cell.clause.level,
        variant=variant_record(variant),
        verdict=outcome.verdict,
        cases=0 if outcome.verdict in ("unsupported", "harness-error") else len(cases),
        seconds=round(seconds, 4),
        cases_digest=digest[:16],
        worst=Worst(ulp=number(errors.ulp), share_of_bound=number(errors.share)) if errors.elements else None,
        words=outcome.words,
        counterexample=_counterexample(cell, outcome),
        observed=Observed(behaviours=dict(outcome.behaviours)) if outcome.behaviours is not None else None,
        repeatable=outcome.repeatable,
        first=outcome.first,
        problem=outcome.problem,
        failures=outcome.failures,
        refusals=sorted(cell.subject.refusals) if outcome.verdict == "conforms" else [],
    )


def variant_record(variant: Variant) -> VariantRecord:
    """A variant without its operator, as a record holds it."""
    return VariantRecord(form=variant.form, mode=variant.mode, device=variant.device, dtype=variant.dtype)


def number(value: float) -> Number:
    """Four digits of a value, as a record holds it."""
    return float(f"{value:.4g}") if value < float("inf") else "inf"


def _counterexample(cell: Cell, outcome: _Outcome) -> Counterexample | None:
    case, deviation = outcome.case, outcome.deviation
    if case is None or deviation is None:
        return None
    gradient = cell.clause.needs == "gradient" or cell.clause.needs.startswith(GRADIENT) or bool(deviation.source)
    measured = deviation.measured
    return Counterexample(
        arguments=arguments_of(case),
        reduction=case.reduction,
        expected=deviation.expected,
        got=deviation.got,
        reproducer=_reproducer(cell, case, _source(cell, deviation) if gradient else ""),
        dtype=case.dtype,
        options=dict(case.options),
        cotangent=hexadecimal(case.upstream() if gradient else case.cotangent),
        kind=deviation.kind,
        place=None if measured is None else list(measured.place),
        low=None if measured is None else measured.low.hex(),
        high=None if measured is None else measured.high.hex(),
        bound=None if measured is None else measured.bound.hex(),
        value=None if measured is None else measured.value.hex(),
    )


def arguments_of(case: Case) -> dict[str, ArgumentRecord]:
    """The arguments of a case as a record holds them."""
    return {
        argument.name: ArgumentRecord(
            dtype=case.dtype_of(argument.name),
            shape=list(case[argument.name].shape),
            values=case[argument.name].tolist() if argument.whole_numbers else hexadecimal(case[argument.name]),
        )
        for argument in case.given
    }


def _source(cell: Cell, deviation: Deviation) -> str:
    """The argument whose gradient deviates; the first array of scores if the clause does not say."""
    return deviation.source or cell.clause.needs.partition(":")[2] or cell.clause.operator.arguments[0].name


def _reproducer(cell: Cell, case: Case, to: str) -> str:
    """The case in the framework alone; empty where the adapter's description lacks what it takes."""
    try:
        return reproducer(case, cell.subject.variant, cell.offer, to=to)
    except (KeyError, ValueError):
        return ""
