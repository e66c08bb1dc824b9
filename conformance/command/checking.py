"""The command that tests somebody's own function: check."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import click

from conformance.command import show
from conformance.command.console import FORMATS, Command, fail, operators_option
from conformance.command.testing import JOBS
from conformance.judging.clause import Level
from conformance.running.costs import FUNCTION_COSTS
from conformance.running.discover import UsageError, built_in, find_function, with_functions
from conformance.running.plan import PROFILES, Filters, Profile
from conformance.running.run import Options, Outcome, run_subject
from reports.accepted import Accepted, AcceptedError, read_accepted

_EXAMPLES = """\
lossproof check my_losses.py:wrapped --operator soft_margin_loss --framework torch --accept reports/accepted/torch.toml
lossproof check my_losses.py:margin --operator multilabel_margin_loss --adapter my_adapter.py
lossproof check my_losses.py:margin --operator multilabel_margin_loss --framework torch
lossproof check my_package.losses:soft --operator multilabel_soft_margin_loss --framework jax --level quality
lossproof check my_losses.py:remote --operator multilabel_margin_loss --framework numpy --cost slow-calls
"""

_LEVELS: tuple[Level, ...] = ("documented", "implied", "quality")
_PROFILES = [name for name in PROFILES if name != "explore"]


@click.command(cls=Command, epilog=_EXAMPLES)
@click.argument("target")
@operators_option
@click.option("--operator", required=True, help="What it implements, such as multi_margin_loss.")
@click.option("--framework", help=f"Whose tensors it takes: {', '.join(with_functions(built_in()))}.")
@click.option("--adapter", type=click.Path(path_type=Path), metavar="FILE",
              help="Adapter of another framework, whose tensors it takes; instead of --framework.")  # fmt: skip
@click.option("--level", type=click.Choice(["implied", "quality"]), default="implied", show_default=True,
              help="The last level that decides: quality adds what careful numerical software does.")  # fmt: skip
@click.option("--profile", default="quick", show_default=True, help=f"How much to ask: {', '.join(_PROFILES)}.")
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
    that a busy machine does not change it. A mode is asked if it is named, and then all
    that fits it: with compiled modes that takes minutes.

    Exit status: 0 where every clause conforms, or deviates as accepted; 1 where one
    deviates otherwise; 2 for wrong words; 4 where a cell has no verdict, or no variant
    answered a valid case.
    """
    chosen = _profile(profile)
    filters = Filters((operator,), modes, dtypes, clause, _LEVELS[: 2 + (level == "quality")], first_mode=not modes)
    try:
        entries = read_accepted(accepted)
        spec = find_function(target, operator, framework, adapter)
        with tempfile.TemporaryDirectory(prefix="lossproof-check-") as folder, show.progress() as progress:
            kept = out or Path(folder)
            options = Options(profile=chosen, filters=filters, python=python, jobs=JOBS, out=kept, costs=costs)
            found = run_subject(spec, options, progress)
    except (UsageError, AcceptedError) as error:
        fail(error)
    except OSError as error:
        fail(UsageError(f"--out {out}: {error.strerror}"))
    let_pass = _accepted(found, entries)
    click.echo(show.checked(found, target, style, let_pass, written=out is not None))
    sys.exit(_status(found, let_pass))


def _profile(name: str) -> Profile:
    """A profile that asks every format, and of the modes that are asked every clause."""
    if name not in _PROFILES:
        fail(UsageError(f"--profile {name}: no such profile; there are {', '.join(_PROFILES)}"))
    return replace(PROFILES[name], dtypes=(), compiled="all", few="all", wrappers="all", others="all")


def _accepted(found: Outcome, entries: list[Accepted]) -> dict[int, Accepted]:
    """The entries that accept what was found of the framework that a function wraps, by the findings' numbers."""
    return {
        number: entry
        for number, finding in enumerate(found.findings)
        for entry in entries
        if entry.covers_wrapped(found.header, finding)
    }


def _status(found: Outcome, let_pass: Mapping[int, Accepted]) -> int:
    """0 where all is well or accepted, 1 where a clause deviates, 4 where something has no verdict."""
    verdicts = {finding.verdict for number, finding in enumerate(found.findings) if number not in let_pass}
    if not found.complete or not found.answered or verdicts == {"unsupported"}:
        return 4
    return 1 if verdicts & {"deviates", "crashes", "hangs"} else 0
