"""A run: everything found about one subject at one time, in one file."""

from __future__ import annotations

import importlib.metadata
import platform
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from adapters.contract import Description
from conformance.cases.minimise import EVALUATIONS
from conformance.cases.random_bits import SCHEME as DRAWS
from conformance.judging.bench import Bench, Limits
from conformance.judging.clause import Clause
from conformance.judging.errors import LEAST_SHARE, LEAST_ULP, MOST_SHARE, MOST_ULP, Errors, labelled
from conformance.judging.subject import Variant
from conformance.operators.catalogue import OPERATORS, clauses
from conformance.running.calibrate import Arithmetics, Calibrated, calibrate, settle_costs, share_flushing
from conformance.running.cell import Cell, number, run_cell, variant_record
from conformance.running.costs import cost_facts
from conformance.running.describe import absent_operators, describe, with_function
from conformance.running.digest import suite_digest
from conformance.running.discover import Spec, UsageError
from conformance.running.machine import this_machine
from conformance.running.plan import PROFILES, Filters, Profile, asks, cases_for, variants
from reports.record import (
    Accuracy,
    ClauseRecord,
    Finding,
    Header,
    LeftOut,
    RunWriter,
    SourceRecord,
    SubjectRecord,
    Suite,
    Worst,
    now,
)


@dataclass(frozen=True)
class Options:
    """How to run a subject.

    Attributes:
        costs: Cost classes of a user's function; without them, it is measured.
    """

    profile: Profile = PROFILES["standard"]
    filters: Filters = field(default_factory=Filters)
    python: str = ""
    jobs: int = 1
    seed: int = 0
    out: Path = Path("runs")
    limits: Limits = field(default_factory=Limits)
    minimise: int = EVALUATIONS
    costs: tuple[str, ...] = ()


class Progress:
    """What a run tells while it goes on; this one says nothing."""

    def planned(self, subject: str, cells: int, left_out: list[LeftOut]) -> None:
        """The plan is made."""

    def calibrating(self, subject: str, variants: int) -> None:
        """A variant is about to be calibrated."""

    def calibrated(self) -> None:
        """One more variant is calibrated."""

    def found(self, finding: Finding) -> None:
        """A cell has its verdict."""


@dataclass(frozen=True)
class Outcome:
    """Where a run went and what it found.

    Attributes:
        complete: Whether every cell has a verdict.
        answered: Whether a variant answered any plain valid case, or died of one.
    """

    path: Path
    header: Header
    findings: list[Finding]
    complete: bool
    answered: bool = True


def run_subject(spec: Spec, options: Options, progress: Progress) -> Outcome:
    """Test one subject and write its run file.

    Raises:
        UsageError: A filter that matches nothing, a framework or version that is not there.
    """
    asked = asked_clauses(options.filters)
    options = replace(options, profile=options.profile.for_filters(options.filters))
    with tempfile.TemporaryDirectory(prefix="lossproof-") as folder:
        path = spec.function.path if spec.function else ()
        benches = [_Benches(spec.adapter, options.python, Path(folder), path) for _ in range(options.jobs)]
        try:
            return _run(spec, options, progress, asked, benches)
        finally:
            for bench in benches:
                bench.close()


class _Benches:
    """The workers of one thread: one for the plan, one to ask deviations again."""

    def __init__(self, adapter: Path, python: str, folder: Path, path: Sequence[str]) -> None:
        self.first = Bench(adapter, python, folder, path)
        self.second = Bench(adapter, python, folder, path)

    def close(self) -> None:
        self.first.close()
        self.second.close()


def asked_clauses(filters: Filters) -> list[Clause]:
    """The clauses that the filters leave.

    Raises:
        UsageError: There is no such operator, or no such clause.
    """
    for operator in filters.operators:
        if operator not in OPERATORS:
            raise UsageError(f"--operator {operator}: no such operator; there are {', '.join(OPERATORS)}")
    asked = [clause for clause in clauses(filters.clause) if not filters.levels or clause.level in filters.levels]
    if not asked:
        ids = sorted({clause.id.rsplit(".", 1)[0] + ".*" for clause in clauses()})
        raise UsageError(f"--clause {filters.clause}: matches no clause; there are {', '.join(ids)}")
    return asked


def _run(spec: Spec, options: Options, progress: Progress, asked: list[Clause], benches: list[_Benches]) -> Outcome:
    description = with_function(spec, describe(spec, options.python, benches[0].first), benches[0].first)
    absent = absent_operators(description, spec)
    wanted = variants(description, options.profile, options.filters, absent)
    progress.calibrating(f"{description['framework']} {description['version']}", len(wanted))
    function = spec.function.target if spec.function else ""
    calibrated = _calibrated(description, wanted, options, benches, progress, function)
    cells = _cells(description, calibrated, asked, options, benches)
    left_out = [LeftOut(mode=mode["mode"], words=mode["words"]) for mode in description["left_out"]]
    header = _header(description, benches[0].first, options, calibrated, len(cells), left_out, absent)
    progress.planned(f"{description['framework']} {description['version']}", len(cells), left_out)
    path = options.out / f"{description['framework']}-{description['version']}{_suffix(options)}.jsonl"
    with RunWriter(path) as writer:
        writer.write(header)
        for clause in dict.fromkeys(cell.clause for cell, _ in cells):
            writer.write(_clause_record(clause))
        findings: list[Finding] = []
        accuracy: dict[tuple[Variant, str], Errors] = {}
        for (cell, _), (finding, errors) in zip(cells, _in_order(cells, len(benches)), strict=True):
            quantity = "gradient" if cell.clause.needs == "gradient" else "value"
            accuracy.setdefault((cell.subject.variant, quantity), Errors()).merge(errors)
            writer.write(finding)
            findings.append(finding)
            progress.found(finding)
        for (variant, quantity), errors in accuracy.items():
            if errors.elements:
                writer.write(_accuracy(variant, quantity, errors))
        footer = writer.finish()
    answered = any(found.subject.refusal is None for found, _ in calibrated)
    return Outcome(path, header, findings, footer.complete, answered)


def _accuracy(variant: Variant, quantity: str, errors: Errors) -> Accuracy:
    return Accuracy(
        operator=variant.operator,
        variant=variant_record(variant),
        quantity=quantity,
        elements=errors.elements,
        worst=Worst(ulp=number(errors.ulp), share_of_bound=number(errors.share)),
        shares_of_bound=labelled(errors.shares, LEAST_SHARE, MOST_SHARE),
        ulps=labelled(errors.ulps, LEAST_ULP, MOST_ULP),
    )


def _suffix(options: Options) -> str:
    return f"-explore-{options.seed}" if options.profile.name == "explore" else ""


def _calibrated(
    description: Description,
    wanted: list[Variant],
    options: Options,
    benches: list[_Benches],
    progress: Progress,
    function: str,
) -> list[tuple[Calibrated, int]]:
    """Every variant calibrated, with the number of the bench that will run it."""
    done: list[tuple[Calibrated, int]] = []
    measured: Arithmetics = {}
    for variant, bench in zip(wanted, shares(wanted, len(benches)), strict=True):
        done.append((calibrate(benches[bench].first, description, variant, options.limits, measured, function), bench))
        progress.calibrated()
    share_flushing([found.subject for found, _ in done])
    settle_costs([found.subject for found, _ in done], options.costs)
    return done


def shares(wanted: list[Variant], workers: int) -> list[int]:
    """Which worker each variant gets.

    The formats of a form take turns, and each form begins with the next worker: the same
    formats take longest in all of them.
    """
    forms = list(dict.fromkeys((variant.operator, variant.mode, variant.form) for variant in wanted))
    turns = [forms.index((variant.operator, variant.mode, variant.form)) for variant in wanted]
    return [(place + turn) % workers for place, turn in enumerate(turns)]


def _cells(
    description: Description,
    calibrated: list[tuple[Calibrated, int]],
    asked: list[Clause],
    options: Options,
    benches: list[_Benches],
) -> list[tuple[Cell, int]]:
    profile, seed = options.profile, options.seed

    def cell(clause: Clause, found: Calibrated, bench: int) -> Cell:
        offer = description["operators"][found.subject.variant.operator]
        second = benches[bench].second
        return Cell(
            clause,
            found.subject,
            offer,
            lambda: cases_for(clause, found.subject, profile, seed),
            second,
            found.fault,
            options.minimise,
            found.hang,
        )

    cells = [
        (cell(clause, found, bench), bench)
        for clause in asked
        for found, bench in calibrated
        if asks(clause, found.subject, description, profile)
    ]
    if not cells:
        raise UsageError(f"nothing to ask: no clause of {options.filters.clause!r} binds a variant that was asked for")
    return cells


def _in_order(cells: list[tuple[Cell, int]], benches: int) -> Iterator[tuple[Finding, Errors]]:
    """Findings in the order of the plan; each bench runs its cells in a thread of its own."""
    if benches == 1:
        yield from (run_cell(cell) for cell, _ in cells)
        return
    lanes = [ThreadPoolExecutor(max_workers=1) for _ in range(benches)]
    try:
        running = [lanes[bench].submit(run_cell, cell) for cell, bench in cells]
        for future in running:
            yield future.result()
    finally:
        for lane in lanes:
            lane.shutdown(wait=False, cancel_futures=True)


def _header(
    description: Description,
    bench: Bench,
    options: Options,
    calibrated: list[tuple[Calibrated, int]],
    planned: int,
    left_out: list[LeftOut],
    absent: dict[str, str],
) -> Header:
    facts = dict(description["facts"])
    facts["flush_to_zero"] = sorted({found.subject.variant.dtype for found, _ in calibrated if found.subject.flushes})
    costs = {found.subject.variant: found.subject.costs for found, _ in calibrated}
    facts.update(cost_facts(description, costs, options.profile))
    return Header(
        schema="lossproof-run/2",
        run=uuid.uuid4().hex,
        started=now(),
        suite=Suite(version=suite_version(), digest=suite_digest()),
        subject=SubjectRecord(
            framework=description["framework"],
            version=description["version"],
            build=description["build"],
            python=bench.worker.python_version,
            platform=platform.platform(),
        ),
        profile=options.profile.name,
        seed=options.seed,
        planned=planned,
        machine=this_machine(),
        measured=facts,
        left_out=left_out,
        draws=DRAWS,
        absent=absent,
    )


def suite_version() -> str:
    """The installed version of the suite, or the checkout's."""
    try:
        return importlib.metadata.version("lossproof")
    except importlib.metadata.PackageNotFoundError:
        return "0+checkout"


def _clause_record(clause: Clause) -> ClauseRecord:
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
