"""A run: everything found about one subject at one time, in one file."""

from __future__ import annotations

import functools
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from adapters.description import Description, costs_of
from conformance.cases.trials import EVALUATIONS
from conformance.judging.answers import Variant
from conformance.judging.bench import Limits
from conformance.judging.clause import Clause
from conformance.judging.errors import Errors
from conformance.operators.catalogue import OPERATORS, clauses
from conformance.running.calibrate import Arithmetics, Calibrated, calibrate, settled
from conformance.running.cell import Cell
from conformance.running.costs import cost_facts
from conformance.running.describe import absent_operators, describe, with_function
from conformance.running.discover import Spec, UsageError
from conformance.running.lanes import Lane, in_lanes, in_order, lanes_of, load_of_a_cell
from conformance.running.left_out import left_out_by_profile
from conformance.running.not_asked import check_can_ask, lines, not_asked
from conformance.running.plan import PROFILES, Filters, Profile, asks, cases_for, variants
from conformance.running.records import accuracy_of, clause_record, header_of
from reports.record import Finding, Header, LeftOut
from reports.run_files import RunWriter


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
        not_asked: Ids of the clauses that were asked of no variant, by the reason.
    """

    path: Path
    header: Header
    findings: list[Finding]
    complete: bool
    answered: bool = True
    not_asked: Mapping[str, list[str]] = field(default_factory=dict[str, list[str]])


def run_subject(spec: Spec, options: Options, progress: Progress) -> Outcome:
    """Test one subject and write its run file.

    Raises:
        UsageError: A filter that matches nothing, a framework or version that is not there.
    """
    asked = asked_clauses(options.filters)
    if spec.function:
        check_can_ask(asked, spec.function, spec.name)
    options = replace(options, profile=options.profile.for_filters(options.filters))
    with tempfile.TemporaryDirectory(prefix="lossproof-") as folder:
        path = spec.function.path if spec.function else ()
        benches = [Lane(spec.adapter, options.python, Path(folder), path) for _ in range(options.jobs)]
        try:
            return _run(spec, options, progress, asked, benches)
        finally:
            for bench in benches:
                bench.close()


def asked_clauses(filters: Filters) -> list[Clause]:
    """The clauses that the filters leave.

    Raises:
        UsageError: There is no such operator, or no such clause.
    """
    for operator in filters.operators:
        if operator not in OPERATORS:
            raise UsageError(f"--operator {operator}: no such operator; there are {', '.join(OPERATORS)}")
    named = clauses(filters.clause)
    if not named:
        ids = sorted({clause.id.rsplit(".", 1)[0] + ".*" for clause in clauses()})
        raise UsageError(f"--clause {filters.clause}: matches no clause; there are {', '.join(ids)}")
    asked = [clause for clause in named if not filters.levels or clause.level in filters.levels]
    if not asked:
        levels = ", ".join(sorted({clause.level for clause in named}))
        raise UsageError(f"--clause {filters.clause}: of level {levels}, which --level does not ask")
    return asked


def _run(spec: Spec, options: Options, progress: Progress, asked: list[Clause], benches: list[Lane]) -> Outcome:
    description = with_function(spec, describe(spec, options.python, benches[0].primary), benches[0].primary)
    absent = absent_operators(description, spec)
    wanted = variants(description, options.profile, options.filters, absent)
    progress.calibrating(f"{description['framework']} {description['version']}", len(wanted))
    function = spec.function.target if spec.function else ""
    calibrated = _calibrated(description, wanted, options, benches, progress, function)
    cells = _cells(description, calibrated, asked, options, benches)
    version = benches[0].primary.worker.python_version
    facts = _facts(description, calibrated, options.profile)
    planned = [cell.clause for cell, _ in cells]
    header = header_of(description, facts, version, options.profile.name, options.seed, planned, absent)
    progress.planned(f"{description['framework']} {description['version']}", len(cells), header.left_out)
    path = options.out / f"{description['framework']}-{description['version']}{_suffix(options)}.jsonl"
    with RunWriter(path) as writer:
        writer.write(header)
        for clause in dict.fromkeys(planned):
            writer.write(clause_record(clause))
        findings: list[Finding] = []
        accuracy: dict[tuple[Variant, str], Errors] = {}
        for (cell, _), (finding, errors) in zip(cells, in_order(cells, len(benches)), strict=True):
            quantity = "gradient" if cell.clause.needs == "gradient" else "value"
            accuracy.setdefault((cell.subject.variant, quantity), Errors()).merge(errors)
            writer.write(finding)
            findings.append(finding)
            progress.found(finding)
        for (variant, quantity), errors in accuracy.items():
            if errors.elements:
                writer.write(accuracy_of(variant, quantity, errors))
        footer = writer.finish()
    answered = any(found.subject.refusal is None for found in calibrated)
    silent = _not_asked(description, calibrated, options.filters, {cell.clause.id for cell, _ in cells})
    return Outcome(path, header, findings, footer.complete, answered, silent)


def _suffix(options: Options) -> str:
    return f"-explore-{options.seed}" if options.profile.name == "explore" else ""


def _calibrated(
    description: Description,
    wanted: list[Variant],
    options: Options,
    benches: list[Lane],
    progress: Progress,
    function: str,
) -> list[Calibrated]:
    """Every variant calibrated."""
    measured: Arithmetics = {}

    def calibrated(variant: Variant, bench: int) -> Calibrated:
        return calibrate(benches[bench].primary, description, variant, options.limits, measured, function)

    loads = [
        load_of_a_cell(
            costs_of(description, variant.operator, variant.mode), compiled=variant.mode in description["compiled"]
        )
        for variant in wanted
    ]
    done: list[Calibrated] = []
    for found in in_lanes(calibrated, list(zip(wanted, lanes_of(loads, len(benches)), strict=True)), len(benches)):
        done.append(found)
        progress.calibrated()
    return settled(done, options.costs)


def _cells(
    description: Description,
    calibrated: list[Calibrated],
    asked: list[Clause],
    options: Options,
    benches: list[Lane],
) -> list[tuple[Cell, int]]:
    """The plan, with the lane of each cell: one worker is asked all cells of a variant."""
    profile, seed = options.profile, options.seed

    def cell(clause: Clause, found: Calibrated, lane: int) -> Cell:
        offer = description["operators"][found.subject.variant.operator]
        cases = functools.partial(cases_for, clause, found.subject, profile, seed)
        confirming = benches[lane].confirming
        return Cell(clause, found.subject, offer, cases, confirming, found.fault, options.minimise, found.hang)

    planned = [
        (clause, place)
        for clause in asked
        for place, found in enumerate(calibrated)
        if asks(clause, found.subject, description, profile)
    ]
    if not planned:
        silent = _not_asked(description, calibrated, options.filters, set())
        why = "; ".join(lines(silent)) or "none binds a variant that was asked for"
        raise UsageError(f"nothing to ask of {options.filters.clause!r}: {why}")
    placed = _placed(calibrated, Counter(place for _, place in planned), benches)
    return [(cell(clause, *placed[place]), placed[place][1]) for clause, place in planned]


def _placed(calibrated: list[Calibrated], cells: Counter[int], benches: list[Lane]) -> list[tuple[Calibrated, int]]:
    """Every variant with the lane that asks it, by how many cells it has and what they take."""
    each = [load_of_a_cell(found.subject.costs, compiled=found.subject.compiled) for found in calibrated]
    lanes = lanes_of([load * cells[place] for place, load in enumerate(each)], len(benches))
    return [
        (replace(found, subject=replace(found.subject, bench=benches[lane].primary)), lane)
        for found, lane in zip(calibrated, lanes, strict=True)
    ]


def _not_asked(
    description: Description, calibrated: list[Calibrated], filters: Filters, asked: set[str]
) -> dict[str, list[str]]:
    subjects = [found.subject for found in calibrated]
    return not_asked(description, clauses(filters.clause), subjects, asked, filters.levels)


def _facts(description: Description, calibrated: list[Calibrated], profile: Profile) -> dict[str, object]:
    """What calibration measured, for the header: which formats flush, and what each cost class left out."""
    flushing = sorted({found.subject.variant.dtype for found in calibrated if found.subject.flushes})
    costs = {found.subject.variant: found.subject.costs for found in calibrated}
    left_out = {"left_out_by_profile": left_out_by_profile(profile)}
    return {"flush_to_zero": flushing, **cost_facts(description, costs, profile), **left_out}
