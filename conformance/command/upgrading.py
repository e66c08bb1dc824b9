"""The commands of managed environments: upgrade and envs."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import click
from packaging.specifiers import SpecifierSet

from conformance.command import show
from conformance.command.bisection import Bisection, answer_in, differences
from conformance.command.console import FORMATS, Command, fail, named
from conformance.command.gating import ACCEPTED, FAIL_ON_HELP, Classes, known_deviations, report
from conformance.command.upgrade import Order, made_of, make_all, run_version, shared_python
from conformance.environments.interpreters import EnvironmentFailed
from conformance.environments.kept import copied, runs
from conformance.environments.managed import Environment, cache, chosen, listed, remove
from conformance.environments.needs import parse_version
from conformance.environments.versions import releases_between
from conformance.operators.catalogue import OPERATORS, clauses
from conformance.running.discover import Spec, SubjectFailed, UsageError, find_subject
from conformance.running.plan import PROFILES, Filters
from conformance.running.run import Options, Outcome, asked_clauses
from reports.classes import Class
from reports.gate import FAIL_ON, NotComparable, compare
from reports.lines import RunFileError
from reports.run_files import read_run

_UPGRADE_EXAMPLES = """\
lossproof upgrade torch 2.13.0 2.14.1
lossproof upgrade jax 0.9.2 0.10.2 --profile standard --out upgrade-jax
lossproof upgrade my_adapter.py 1.0 1.1 --find-links dist
lossproof upgrade torch 1.8.0 2.13.0 --bisect soft.numbers.infinite-scores
"""
_ENVS_EXAMPLES = """\
lossproof envs
lossproof envs --remove torch-2.13.0-py3.11-1b2c3d4e
lossproof envs --remove 'torch-*'
lossproof envs --remove-all
"""
_JOBS = min(2, os.cpu_count() or 1)
_KEPT_PROFILES = [name for name in PROFILES if name != "explore"]
_UNITS = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))

find_links_option = click.option(
    "--find-links", multiple=True, metavar="PATH", help="Folder or page of wheels, beside what pip is configured for."
)
fresh_option = click.option(
    "--fresh", is_flag=True, help="Run again what was run before with the same suite, cases and environment."
)


@click.command(cls=Command, epilog=_UPGRADE_EXAMPLES)
@click.argument("subject")
@click.argument("first", metavar="FROM")
@click.argument("last", metavar="TO")
@click.option("--profile", default="quick", show_default=True, help=f"How much to ask: {', '.join(_KEPT_PROFILES)}.")
@click.option("--operator", "operators", multiple=True, help=f"Only this operator ({', '.join(OPERATORS)}).")
@click.option("--mode", "modes", multiple=True, help="Only this mode, such as eager or jit.")
@click.option("--dtype", "dtypes", multiple=True, help="Only this dtype, such as float32.")
@click.option("--clause", default="*", metavar="GLOB", help="Only clauses whose id matches.")
@click.option("--bisect", metavar="CLAUSE", help="Find the first version between that differs on this clause, "
              "instead of comparing both ends; accepted deviations count.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1), default=_JOBS, show_default=True, help="Workers.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the drawn cases.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("upgrade"), show_default=True,
              help="Folder of both run files and of the comparison page.")  # fmt: skip
@find_links_option
@fresh_option
@click.option("--accepted", multiple=True, type=click.Path(path_type=Path),
              help=f"Accepted deviations, a .toml file or a folder of them; default: {ACCEPTED}.")  # fmt: skip
@click.option("--fail-on", type=Classes(), default=FAIL_ON, help=FAIL_ON_HELP)
@click.option("--summary", type=click.Path(path_type=Path), envvar="GITHUB_STEP_SUMMARY",
              help="File to which the Markdown is added; default: what GITHUB_STEP_SUMMARY names.")  # fmt: skip
@click.option("--format", "style", type=FORMATS, default="text", show_default=True, help="How to print the outcome.")
def upgrade(
    subject: str, first: str, last: str, profile: str, operators: tuple[str, ...], modes: tuple[str, ...],
    dtypes: tuple[str, ...], clause: str, bisect: str | None, jobs: int, seed: int, out: Path,
    find_links: tuple[str, ...], fresh: bool, accepted: tuple[Path, ...], fail_on: frozenset[Class],
    summary: Path | None, style: str,
) -> None:  # fmt: skip
    """Say whether a framework may go from one version to another.

    Makes an environment for each version in the user's cache folder (LOSSPROOF_CACHE),
    runs both with the same cases, compares the runs as `lossproof gate` does, and
    writes the comparison page. What is there already is not made again, so that the
    same command goes on where an interrupted one was.

    SUBJECT is a framework (torch, jax, tensorflow, mindspore, cupy, numpy) or the path
    of an adapter, whose constant NEEDS says what a version needs beside itself.

    Exit status: as `lossproof gate`; 2 for wrong words; 4 where an environment or a run
    could not be made.
    """
    if profile not in _KEPT_PROFILES:
        fail(UsageError(f"--profile {profile}: no such profile; there are {', '.join(_KEPT_PROFILES)}"))
    filters = Filters(operators, modes, dtypes, bisect or clause)
    options = Options(profile=PROFILES[profile], filters=filters, jobs=jobs, seed=seed, out=out)
    order = Order(options, find_links, fresh, show.progress)
    try:
        specs = _versions(subject, first, last)
        _check_words(find_links, bisect, filters)
        if bisect:
            sys.exit(_bisect(specs, order, bisect, fail_on, style))
        entries = known_deviations(accepted)
        before, after = _run_both(specs, order)
        found = compare(read_run(before.path), read_run(after.path), entries)
    except (EnvironmentFailed, SubjectFailed, NotComparable, RunFileError) as error:
        fail(error, 4)
    except UsageError as error:
        fail(error)
    except OSError as error:
        fail(named(error))
    except KeyboardInterrupt:
        fail(RuntimeError("interrupted; the same command goes on from here"), 130)
    sys.exit(report(found, style, fail_on, out / "comparison.html", summary))


def _versions(subject: str, first: str, last: str) -> list[Spec]:
    """Both versions of a subject that was named without one."""
    spec = find_subject(subject)
    if spec.version:
        raise UsageError(f"subject {subject}: name the framework alone; the versions stand behind it")
    return [replace(spec, version=str(parse_version(version))) for version in (first, last)]


def _check_words(find_links: Sequence[str], bisect: str | None, filters: Filters) -> None:
    """Raise for words that mean nothing, before anything is made; addresses are the installer's business."""
    if bisect and not clauses(bisect):
        raise UsageError(f"--bisect {bisect}: matches no clause; see lossproof list")
    asked_clauses(filters)
    for place in find_links:
        if "://" not in place and not Path(place).exists():
            raise UsageError(f"--find-links {place}: no such file or folder")


def _run_both(specs: Sequence[Spec], order: Order) -> list[Outcome]:
    """Both versions run, their run files in the folder that was named."""
    out = order.options.out
    out.mkdir(parents=True, exist_ok=True)
    environments = make_all(specs, order.find_links, shared_python(specs))
    first, last = (made_of(environments[spec]) for spec in specs)
    before = run_version(specs[0], first, order)
    outcomes = [copied(before, out)]
    same = specs[0] == specs[1]
    after = run_version(specs[1], last, replace(order, fresh=order.fresh or same))
    path = after.outcome.path
    return [*outcomes, copied(after, out, f"{path.stem}-again.jsonl" if same else path.name)]


def _bisect(specs: Sequence[Spec], order: Order, clause: str, fail_on: frozenset[Class], style: str) -> int:
    """Print the first version that differs on a clause, and give back the gate's status of it."""
    first, last = (spec.version for spec in specs)
    if first == last:
        raise UsageError(f"--bisect: there is nothing between {first} and {last}")
    between = releases_between(specs[0], first, last, order.find_links)
    versions = [first, *between, last]
    releases = f"{len(between)} release{'s' * (len(between) != 1)}"
    click.echo(f"{specs[0].name}: {releases} between {first} and {last}", err=True)
    bisection = Bisection(specs[0], versions, order, lambda line: click.echo(line, err=style != "text"))
    answer = bisection.search()
    found = bisection.comparisons[answer.first or last]
    click.echo(answer_in(style, clause, versions, answer, differences(found)))
    return found.status(fail_on)


@click.command(cls=Command, epilog=_ENVS_EXAMPLES)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--remove", "removing", is_flag=True, help="Remove the environments named; patterns such as 'torch-*'.")
@click.option("--remove-all", is_flag=True, help="Remove all of them, and the runs that were kept.")
@click.option("--format", "style", type=FORMATS, default="text", show_default=True, help="How to print the list.")
def envs(names: tuple[str, ...], removing: bool, remove_all: bool, style: str) -> None:
    """List, size and remove the environments that upgrade and run have made.

    They lie in the user's cache folder, or in the folder that LOSSPROOF_CACHE names.
    """
    try:
        if removing and not names:
            raise UsageError("--remove: name an environment; see lossproof envs")
        if remove_all and (names or removing):
            raise UsageError("--remove-all removes every environment: it takes no names, and stands alone")
        if remove_all:
            _remove(listed())
            shutil.rmtree(runs(), ignore_errors=True)
        elif removing:
            _remove(chosen(names))
        else:
            click.echo(_table(chosen(names) if names else listed(), style))
    except UsageError as error:
        fail(error)
    except OSError as error:
        fail(named(error))


def _remove(environments: Sequence[Environment]) -> None:
    for one in environments:
        size = _readable(one.size())
        remove(one, lambda line: click.echo(line, err=True))
        click.echo(f"{one.name}: removed, {size}")


def _aligned(table: Sequence[Sequence[str]]) -> list[str]:
    """Rows of words as lines, each column as wide as its longest word."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["  ".join(f"{word:{width}}" for word, width in zip(row, widths, strict=True)).rstrip() for row in table]


def _table(environments: Sequence[Environment], style: str) -> str:
    """The environments, one a line."""
    rows = [_row(one) for one in environments]
    if style == "json":
        return json.dumps([{**row, "bytes": one.size()} for row, one in zip(rows, environments, strict=True)], indent=1)
    if not rows:
        return f"no environments in {cache()}"
    table = [["name", "version", "python", "size", "made"]]
    table += [
        [row["name"], row["version"], row["python"], _readable(one.size()), row["made"] or "unfinished"]
        for row, one in zip(rows, environments, strict=True)
    ]
    if style == "markdown":
        return "\n".join(f"| {' | '.join(row)} |" for row in [table[0], ["---"] * len(table[0]), *table[1:]])
    lines = _aligned(table)
    total = f"{_readable(sum(one.size() for one in environments))} in {cache()}"
    return "\n".join([*lines, f"{total}, and {_readable(Environment(runs()).size())} of kept runs"])


def _row(environment: Environment) -> dict[str, str]:
    held = environment.marker
    words = (held.framework, held.version, held.python, held.made) if held else ("", "", "", "")
    return {"name": environment.name, **dict(zip(("framework", "version", "python", "made"), words, strict=True))}


def _readable(size: int) -> str:
    """A size in the largest unit of which it has one."""
    unit, name = next(((unit, name) for unit, name in _UNITS if size >= unit), (1, "bytes"))
    return f"{size / unit:.1f} {name}" if unit > 1 else f"{size} {name}"


def run_managed(specs: Sequence[Spec], order: Order) -> Iterator[Outcome | None]:
    """Run versions in managed environments, all made before the first run; ``None`` where one could not be made.

    Raises:
        UsageError: As for a run.
    """
    environments = make_all(specs, order.find_links, SpecifierSet())
    for spec in specs:
        try:
            yield copied(run_version(spec, made_of(environments[spec]), order), order.options.out)
        except (EnvironmentFailed, SubjectFailed) as failed:
            click.echo(f"lossproof: {failed}", err=True)
            yield None
