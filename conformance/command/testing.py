"""The commands that test something: run and check."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import click

from conformance.command import show
from conformance.command.console import FORMATS, Command, fail, operators_option
from conformance.command.upgrade import Order
from conformance.command.upgrading import find_links_option, fresh_option, run_managed
from conformance.environments.making import has_version
from conformance.judging.clause import Level
from conformance.running.costs import FUNCTION_COSTS
from conformance.running.discover import Spec, UsageError, built_in, find_function, find_subject, with_functions
from conformance.running.plan import PROFILES, Filters
from conformance.running.run import Options, Outcome, asked_clauses, run_subject
from reports.accepted import Accepted, AcceptedError, read_accepted

_RUN_EXAMPLES = """\
lossproof run torch
lossproof run numpy --profile quick --out runs
lossproof run torch==2.13.0 --python env/bin/python --mode eager --clause 'margin.labels.*'
lossproof run my_adapter.py --dtype float32
lossproof run torch --form port
lossproof run torch==1.8.0 torch==2.13.0 --profile quick
"""


_CHECK_EXAMPLES = """\
lossproof check my_losses.py:wrapped --operator soft_margin_loss --framework torch --accept reports/accepted/torch.toml
lossproof check my_losses.py:margin --operator multilabel_margin_loss --adapter my_adapter.py
lossproof check my_losses.py:margin --operator multilabel_margin_loss --framework torch
lossproof check my_package.losses:soft --operator multilabel_soft_margin_loss --framework jax --level quality
lossproof check my_losses.py:remote --operator multilabel_margin_loss --framework numpy --cost slow-calls
"""


_JOBS = min(2, os.cpu_count() or 1)


_CHECK_PROFILES = [name for name in PROFILES if name != "explore"]


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
@click.option("--jobs", type=click.IntRange(1), default=_JOBS, show_default=True, help="Workers.")
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


@click.command(cls=Command, epilog=_CHECK_EXAMPLES)
@click.argument("target")
@operators_option
@click.option("--operator", required=True, help="What it implements, such as multi_margin_loss.")
@click.option("--framework", help=f"Whose tensors it takes: {', '.join(with_functions(built_in()))}.")
@click.option("--adapter", type=click.Path(path_type=Path), metavar="FILE",
              help="Adapter of another framework, whose tensors it takes; instead of --framework.")  # fmt: skip
@click.option("--level", type=click.Choice(["implied", "quality"]), default="implied", show_default=True,
              help="The last level that decides: quality adds what careful numerical software does.")  # fmt: skip
@click.option("--profile", default="quick", show_default=True, help=f"How much to ask: {', '.join(_CHECK_PROFILES)}.")
@click.option("--mode", "modes", multiple=True, help="Only this mode, such as inductor; default: the first, as a "
              "rule eager.")  # fmt: skip
@click.option("--dtype", "dtypes", multiple=True, help="Only this dtype, such as float32; default: all.")
@click.option("--clause", default="*", metavar="GLOB", help="Only clauses whose id matches.")
@click.option("--cost", "costs", multiple=True, type=click.Choice(FUNCTION_COSTS),
              help="What the function costs, which decides how much is asked; default: measured.")  # fmt: skip
@click.option("--accept", "accepted", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
              help="Accepted deviations of what it wraps, such as reports/accepted/torch.toml: they do not fail it, "
              "whichever form they were seen in.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), help="Folder in which the run file is kept; default: it is "
              "not.")  # fmt: skip
@click.option("--python", default=sys.executable, metavar="PATH", help="Interpreter of the function's environment.")
@click.option("--format", "style", type=FORMATS, default="text", show_default=True, help="How to print the results.")
def check(
    target: str, operator: str, framework: str | None, adapter: Path | None, level: str, profile: str,
    modes: tuple[str, ...], dtypes: tuple[str, ...], clause: str, costs: tuple[str, ...],
    accepted: tuple[Path, ...], out: Path | None, python: str, style: str,
) -> None:  # fmt: skip
    """Test one function: file.py:name or package.module:name.

    It is called with the operator's arguments in their order, such as
    name(input, target, reduction=…); options and a weight for each class come as
    keywords. All of them are the framework's own tensors (of CuPy, NumPy's where there is
    no GPU). Gradients are the framework's; with NumPy and CuPy they are tested if
    name_gradient(input, target, cotangent, reduction=…) stands beside the function. For
    a loss of several inputs it also takes to=NAME, the input whose gradient is wanted.

    What the function costs decides how much is asked; the output names its cost class
    and what that leaves out. Without --cost, the class is measured in steps so coarse
    that a busy machine does not change it.

    Exit status: 0 where every clause conforms, or deviates as accepted; 1 where one
    deviates otherwise; 2 for wrong
    words; 4 where a cell has no verdict, or no variant answered a valid case.
    """
    if profile not in _CHECK_PROFILES:
        fail(UsageError(f"--profile {profile}: no such profile; there are {', '.join(_CHECK_PROFILES)}"))
    levels: tuple[Level, ...] = ("documented", "implied", "quality")
    chosen = replace(PROFILES[profile], dtypes=())
    asked = levels[: 2 + (level == "quality")]
    filters = Filters((operator,), modes, dtypes, clause, asked, first_mode=not modes)
    try:
        entries = read_accepted(accepted)
        spec = find_function(target, operator, framework, adapter)
        with tempfile.TemporaryDirectory(prefix="lossproof-check-") as folder, show.progress() as progress:
            kept = out or Path(folder)
            options = Options(profile=chosen, filters=filters, python=python, jobs=_JOBS, out=kept, costs=costs)
            found = run_subject(spec, options, progress)
    except (UsageError, AcceptedError) as error:
        fail(error)
    except OSError as error:
        fail(UsageError(f"--out {out}: {error.strerror}"))
    let_pass = {
        number: entry
        for number, finding in enumerate(found.findings)
        for entry in entries
        if entry.covers_wrapped(found.header, finding)
    }
    click.echo(show.checked(found, target, style, let_pass))
    if out:
        click.echo(f"written to {found.path}", err=style != "text")
    sys.exit(_check_status(found, let_pass))


def _check_status(found: Outcome, let_pass: Mapping[int, Accepted]) -> int:
    """0 where all is well or accepted, 1 where a clause deviates, 4 where something has no verdict."""
    verdicts = {finding.verdict for number, finding in enumerate(found.findings) if number not in let_pass}
    if not found.complete or not found.answered or verdicts == {"unsupported"}:
        return 4
    return 1 if verdicts & {"deviates", "crashes", "hangs"} else 0
