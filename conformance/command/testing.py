"""The command that tests frameworks: run."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import click

from conformance.command import show
from conformance.command.console import FORMATS, Command, fail, operators_option
from conformance.command.upgrade import Order
from conformance.command.upgrading import find_links_option, fresh_option, run_managed
from conformance.environments.making import has_version
from conformance.running.discover import Spec, UsageError, built_in, find_subject
from conformance.running.plan import PROFILES, Filters
from conformance.running.run import Options, Outcome, asked_clauses, run_subject

_RUN_EXAMPLES = """\
lossproof run torch
lossproof run numpy --profile quick --out runs
lossproof run torch==2.13.0 --python env/bin/python --mode eager --clause 'margin.labels.*'
lossproof run my_adapter.py --dtype float32
lossproof run torch --form port
lossproof run torch==1.8.0 torch==2.13.0 --profile quick
"""


JOBS = min(2, os.cpu_count() or 1)


@click.command(cls=Command, epilog=_RUN_EXAMPLES)
@click.argument("subjects", nargs=-1, metavar="[SUBJECT]...")
@click.option("--profile", default="standard", show_default=True, help=f"How much to ask: {', '.join(PROFILES)} "
              "(new cases until it is stopped).")  # fmt: skip
@operators_option
@click.option(
    "--operator",
    "operators",
    multiple=True,
    help="Only this operator, such as multi_margin_loss.",
)
@click.option("--form", "forms", multiple=True, help="Only this form: native, module, port.")
@click.option("--mode", "modes", multiple=True, help="Only this mode, such as eager or jit.")
@click.option("--dtype", "dtypes", multiple=True, help="Only this dtype, such as float32.")
@click.option("--clause", default="*", metavar="GLOB", help="Only clauses whose id matches.")
@click.option("--python", metavar="PATH", help="Interpreter of the subject's environment; default: the current one; "
              "for a version that it does not have, that of a managed environment (see lossproof envs).")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1), default=JOBS, show_default=True, help="Workers.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the drawn cases.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Folder of run files."
)
@find_links_option
@fresh_option
@click.option("--format", "style", type=FORMATS, default="text", show_default=True, help="How to print the results.")
def run(
    subjects: tuple[str, ...], profile: str, operators: tuple[str, ...], forms: tuple[str, ...],
    modes: tuple[str, ...], dtypes: tuple[str, ...], clause: str, python: str | None, jobs: int, seed: int,
    out: Path, find_links: tuple[str, ...], fresh: bool, style: str,
) -> None:  # fmt: skip
    """Test subjects and write one run file for each.

    SUBJECT is a framework (lossproof doctor lists them), a framework with its version
    (torch==2.13.0), or the path of an adapter. Without one, every framework that the
    interpreter has is tested. A version that the current interpreter does not have is
    tested in a managed environment, made where it is missing; what was run there before
    with the same suite and cases is not run again.

    Exit status: 0 where every planned cell has a verdict, whatever it is; 2 for
    wrong words on the command line; 4 where a cell has none, or an environment
    could not be made.
    """
    if profile not in PROFILES:
        fail(UsageError(f"--profile {profile}: no such profile; there are {', '.join(PROFILES)}"))
    filters = Filters(operators, modes, dtypes, clause, forms=forms)
    options = Options(
        profile=PROFILES[profile], filters=filters, python=python or sys.executable, jobs=jobs, seed=seed, out=out
    )
    order = Order(options, find_links, fresh, show.progress)
    try:
        asked_clauses(filters)
        specs = list(map(find_subject, dict.fromkeys(subjects) or _present(options.python)))
        managed = [] if python else _not_here(specs)
        outcomes = (_explore if profile == "explore" else _run_all)(specs, managed, order, style)
    except UsageError as error:
        fail(error)
    except OSError as error:
        fail(UsageError(f"--out {out}: {error.strerror}"))
    except KeyboardInterrupt:
        fail(
            RuntimeError("interrupted; finished runs are kept, an unfinished one ends in .partial.jsonl and is no run"),
            130,
        )
    sys.exit(0 if all(map(_is_complete, outcomes)) else 4)


def _not_here(specs: list[Spec]) -> list[Spec]:
    """Those of a version that the current interpreter does not have."""
    return [spec for spec in specs if spec.version and not has_version(spec)]


def _is_complete(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.complete


def _run_all(specs: list[Spec], managed: list[Spec], order: Order, style: str) -> list[Outcome | None]:
    in_environments = run_managed(managed, order)
    outcomes: list[Outcome | None] = []
    for spec in specs:
        outcome = next(in_environments) if spec in managed else _run_here(spec, order)
        if outcome is not None:
            click.echo(show.outcome(outcome, style))
        outcomes.append(outcome)
    return outcomes


def _run_here(spec: Spec, order: Order) -> Outcome:
    with order.watch() as progress:
        return run_subject(spec, order.options, progress)


def _explore(specs: list[Spec], managed: list[Spec], order: Order, style: str) -> list[Outcome | None]:
    """Fresh seeds until it is stopped; each round is a run file of its own."""
    while True:
        options = replace(order.options, seed=time.time_ns() % 2**31)
        _run_all(specs, managed, replace(order, options=options), style)


def _present(python: str) -> list[str]:
    """The frameworks that an interpreter can find, without importing them."""
    present = [name for name in built_in() if show.can_find(python, name)]
    if not present:
        raise UsageError(f"{python} has none of {', '.join(built_in())}; name a subject")
    return present
