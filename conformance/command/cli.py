"""The command line: report, promote, list, explain, doctor; the files beside this one hold the other commands."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from conformance.cases import corpus
from conformance.command import show
from conformance.command.checking import check
from conformance.command.console import FORMATS, Command, fail, operators_option
from conformance.command.gating import accept, gate
from conformance.command.testing import run
from conformance.command.upgrading import envs, upgrade
from conformance.operators.catalogue import OPERATORS, clauses
from conformance.running import promotion
from conformance.running.discover import UsageError, built_in, find_subject
from conformance.running.records import suite_version
from reports.lines import RunFileError
from reports.record import Run
from reports.run_files import find_run_files, read_run
from reports.site import write_site
from reports.zoo import Zoo, is_zoo, read_zoo

_REPORT_EXAMPLES = """\
lossproof report runs --site site
lossproof report runs/torch-2.13.0.jsonl runs/jax-0.10.2.jsonl --site site
"""
_FEW = 6


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(suite_version(), prog_name="lossproof")
def cli() -> None:
    """Conformance suite for loss functions across machine-learning frameworks.

    Tests whether implementations of six margin losses, and of losses that you
    add, keep their documented contract, and says with which smallest input
    where they do not. `lossproof list` names the losses and their clauses.
    """


@cli.command(
    cls=Command,
    epilog=_REPORT_EXAMPLES,
)
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option(
    "--site", type=click.Path(path_type=Path), default=Path("site"), show_default=True, help="Folder of the site."
)
def report(runs: tuple[Path, ...], site: Path) -> None:
    """Write the compatibility site from run files, or from folders of them.

    A record of the zoo among them (python -m tests.zoo --out) gives the page of what
    the suite itself catches; of several the latest.

    Exit status: 0; 2 where nothing was found; 4 where a run file was refused (the
    site is written from the others and names it).
    """
    paths = list({path.resolve(): path for path in find_run_files(runs)}.values())
    if not any(path.exists() for path in paths):
        fail(UsageError(f"{', '.join(map(str, runs))}: no run files there; make one with: lossproof run torch"))
    zoos, unread = _read_zoos(paths)
    accepted, refused = _read_all(paths)
    refused += unread
    for message in refused:
        click.echo(f"lossproof: {message}", err=True)
    if not accepted and not zoos:
        fail(UsageError("no run was left to report on; the site was not written"), 4)
    try:
        latest = max(zoos, key=lambda zoo: zoo.header.started, default=None)
        index = write_site(accepted, site, refused=refused, zoo=latest)
    except OSError as error:
        fail(UsageError(f"--site {site}: {error.strerror}"))
    click.echo(f"site of {len(accepted)} run{'s' * (len(accepted) != 1)}: {index.resolve()}")
    sys.exit(4 if refused else 0)


def _read_all(paths: list[Path]) -> tuple[list[Run], list[str]]:
    accepted: list[Run] = []
    refused: list[str] = []
    for path in paths:
        try:
            accepted += [] if is_zoo(path) else [read_run(path)]
        except RunFileError as error:
            refused.append(str(error))
    return accepted, refused


def _read_zoos(paths: list[Path]) -> tuple[list[Zoo], list[str]]:
    accepted: list[Zoo] = []
    refused: list[str] = []
    for path in filter(is_zoo, paths):
        try:
            accepted.append(read_zoo(path))
        except RunFileError as error:
            refused.append(str(error))
    return accepted, refused


@cli.command(
    cls=Command,
    epilog="lossproof promote runs/torch-2.13.0.jsonl --clause 'margin.labels.*' --showed 'labels behind a -1 count'",
)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--clause", default="*", metavar="GLOB", help="Only counterexamples of clauses whose id matches.")
@click.option("--showed", required=True, metavar="WORDS", help="What the cases showed, in a few words.")
@click.option(
    "--to", "path", type=click.Path(path_type=Path), default=corpus.PATH, help="The corpus; default: the suite's own."
)
def promote(run: Path, clause: str, showed: str, path: Path) -> None:
    """Freeze the counterexamples of a run: add them to the corpus, under ids that never change.

    What the oracle does not take (infinities, wrong shapes, labels of no class) and what is
    in the corpus already is left out.
    """
    try:
        found = promotion.promote(read_run(run), clause, showed, path)
    except (RunFileError, OSError, ValueError) as error:
        fail(error)
    for entry in found:
        click.echo(f"{entry.id}: {entry.operator}, {show.frozen(entry.arguments)}")
    click.echo(f"{len(found)} cases added to {path}")


@cli.command(
    name="list", cls=Command, epilog="lossproof list\nlossproof list --clause 'margin.labels.*' --format markdown"
)
@operators_option
@click.option("--operator", default="*", help="Only this operator, such as multi_margin_loss.")
@click.option("--clause", default="*", metavar="GLOB", help="Only clauses whose id matches.")
@click.option("--format", "style", type=FORMATS, default="text", show_default=True, help="How to print the clauses.")
def list_clauses(operator: str, clause: str, style: str) -> None:
    """List the clauses with their level and statement."""
    if operator != "*" and operator not in OPERATORS:
        fail(UsageError(f"--operator {operator}: no such operator; there are {', '.join(OPERATORS)}"))
    found = clauses(clause, operator)
    if not found:
        fail(UsageError(f"--clause {clause}: matches no clause; see lossproof list"))
    click.echo(show.catalogue(found, style))


@cli.command(cls=Command, epilog="lossproof explain margin.labels.block-ends-at-first-negative")
@click.argument("clause")
@operators_option
@click.option(
    "--runs", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Known run files."
)
def explain(clause: str, runs: Path) -> None:
    """Explain one clause: its sources, and what each known run said."""
    found = {known.id: known for known in clauses()}.get(clause)
    if found is None:
        near = [known.id for known in clauses(f"*{clause.split('.')[-1].strip('*') or '?'}*")]
        hint = f"there is {', '.join(near)}" if 0 < len(near) < _FEW else "see lossproof list"
        fail(UsageError(f"clause {clause}: no such clause; {hint}"))
    accepted, refused = _read_all(find_run_files([runs]) if runs.exists() else [])
    for message in refused:
        click.echo(f"lossproof: {message}", err=True)
    click.echo(show.explanation(found, accepted))


@cli.command(cls=Command, epilog="lossproof doctor\nlossproof doctor --python env/bin/python")
@click.option("--python", default=sys.executable, metavar="PATH", help="Interpreter to look at.")
def doctor(python: str) -> None:
    """Say which subjects an interpreter has, and what to type where one is missing."""
    try:
        present = {name: show.can_find(python, name) for name in built_in()}
    except UsageError as error:
        fail(error)
    for name, found in present.items():
        hint = find_subject(name).install_command(python)
        click.echo(f"{name:12} {'found' if found else f'missing; install it: {hint}'}{show.ways(python, name)}")


cli.add_command(run)
cli.add_command(check)
cli.add_command(gate)
cli.add_command(accept)
cli.add_command(upgrade)
cli.add_command(envs)
