"""What was decided about a cell, and what decides about a run, as records of the run file."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import uuid
from collections.abc import Iterable
from typing import Any

from adapters.contract import GRADIENT
from adapters.description import Description
from conformance.cases.case import Case
from conformance.cases.hexadecimal import hexadecimal
from conformance.cases.operator import Operator
from conformance.cases.random_bits import SCHEME as DRAWS
from conformance.judging.answers import Variant
from conformance.judging.clause import Clause
from conformance.judging.compare import Deviation, Measured
from conformance.judging.errors import LEAST_SHARE, LEAST_ULP, MOST_SHARE, MOST_ULP, Errors, labelled
from conformance.running.cell import Cell, Decision
from conformance.running.digest import suite_digest
from conformance.running.machine import this_machine
from conformance.running.reproducer import FURTHER, program, reproducer
from reference.engine.markup import Tree
from reference.engine.mathml import written
from reports.record import (
    Accuracy,
    ArgumentRecord,
    ClauseRecord,
    Counterexample,
    Finding,
    Header,
    LeftOut,
    Number,
    Observed,
    SourceRecord,
    SubjectRecord,
    Suite,
    VariantRecord,
    Worst,
)
from reports.run_files import now


def finding_of(cell: Cell, outcome: Decision, cases: list[Case], seconds: float) -> Finding:
    """What was decided about a cell, as a line of the run file."""
    variant = cell.subject.variant
    digest = hashlib.sha256("".join(case.digest() for case in cases).encode()).hexdigest()
    errors = cell.subject.seen.errors
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
        refusals=sorted(cell.subject.seen.refusals) if outcome.verdict == "conforms" else [],
    )


def variant_record(variant: Variant) -> VariantRecord:
    """A variant without its operator, as a record holds it."""
    return VariantRecord(form=variant.form, mode=variant.mode, device=variant.device, dtype=variant.dtype)


def number(value: float) -> Number:
    """Four digits of a value, as a record holds it."""
    return float(f"{value:.4g}") if value < float("inf") else "inf"


def _counterexample(cell: Cell, outcome: Decision) -> Counterexample | None:
    case, deviation = outcome.case, outcome.deviation
    if case is None or deviation is None:
        return None
    further = cell.clause.needs in FURTHER
    gradient = (
        further or cell.clause.needs == "gradient" or cell.clause.needs.startswith(GRADIENT) or bool(deviation.source)
    )
    return Counterexample(
        arguments=arguments_of(case),
        reduction=case.reduction,
        expected=deviation.expected,
        got=deviation.got,
        reproducer=_reproducer(cell, outcome, case, _source(cell, deviation) if gradient else "", further=further),
        dtype=case.dtype,
        options=dict(case.options),
        cotangent=hexadecimal(case.upstream() if gradient else case.cotangent),
        kind=deviation.kind,
        **_measured(deviation.measured),
    )


def _measured(measured: Measured | None) -> dict[str, Any]:
    """The element that is farthest beyond its bound, in fields of its own."""
    if measured is None:
        return {}
    numbers = {name: getattr(measured, name).hex() for name in ("low", "high", "bound", "value")}
    return {"place": list(measured.place), **numbers}


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


def _reproducer(cell: Cell, outcome: Decision, case: Case, to: str, *, further: bool) -> str:
    """The calls in the framework alone; empty where the adapter's description lacks what it takes."""
    variant, offer = cell.subject.variant, cell.offer
    try:
        if further:
            return reproducer(case, variant, offer, to=to, want=cell.clause.needs)
        return program(case, variant, offer, outcome.calls, to=to)
    except (KeyError, ValueError):
        return ""


def accuracy_of(variant: Variant, quantity: str, errors: Errors) -> Accuracy:
    """All errors of one quantity of a variant."""
    return Accuracy(
        operator=variant.operator,
        variant=variant_record(variant),
        quantity=quantity,
        elements=errors.elements,
        worst=Worst(ulp=number(errors.ulp), share_of_bound=number(errors.share)),
        shares_of_bound=labelled(errors.shares, LEAST_SHARE, MOST_SHARE),
        ulps=labelled(errors.ulps, LEAST_ULP, MOST_ULP),
    )


def clause_record(clause: Clause) -> ClauseRecord:
    """A clause of the plan."""
    sources = [
        SourceRecord(title=source.title, address=source.address, version=source.version, words=source.words)
        for source in clause.sources
    ]
    return ClauseRecord(
        id=clause.id,
        operator=clause.operator.name,
        family=clause.family,
        level=clause.level,
        why=clause.why,
        statement=clause.statement,
        sources=sources,
    )


def suite_version() -> str:
    """The installed version of the suite, or the checkout's."""
    try:
        return importlib.metadata.version("lossproof")
    except importlib.metadata.PackageNotFoundError:
        return "0+checkout"


def _subject(description: Description, python: str) -> SubjectRecord:
    return SubjectRecord(
        framework=description["framework"],
        version=description["version"],
        build=description["build"],
        python=python,
        platform=platform.platform(),
    )


def _formulas(operators: Iterable[Operator]) -> dict[str, dict[str, Tree]]:
    return {each.name: written(each.formula) for each in operators if each.formula is not None}


def header_of(
    description: Description,
    facts: dict[str, object],
    python: str,
    profile: str,
    seed: int,
    planned: list[Clause],
    absent: dict[str, str],
) -> Header:
    """The first line of a run file.

    Args:
        description: Of the subject.
        facts: What was measured, beside the description's own.
        python: Version of the subject's interpreter.
        profile: Name of the profile.
        seed: Of the drawn cases.
        planned: The clause of each cell.
        absent: Operators that the framework does not have, with the adapter's words.
    """
    return Header(
        schema="lossproof-run/2",
        run=uuid.uuid4().hex,
        started=now(),
        suite=Suite(version=suite_version(), digest=suite_digest()),
        subject=_subject(description, python),
        profile=profile,
        seed=seed,
        planned=len(planned),
        machine=this_machine(),
        measured={**description["facts"], **facts},
        left_out=[LeftOut(mode=mode["mode"], words=mode["words"]) for mode in description["left_out"]],
        draws=DRAWS,
        absent=absent,
        formulas=_formulas(dict.fromkeys(clause.operator for clause in planned)),
    )
