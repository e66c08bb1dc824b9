"""What every command of the command line shares: examples in the help, how an error is said, styles of output."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click

from conformance.operators.catalogue import OperatorError, add_folder
from conformance.running.discover import UsageError

FORMATS = click.Choice(["text", "json", "markdown"])


def fail(error: Exception, status: int = 2) -> NoReturn:
    """Say an error in one line and end."""
    click.echo(f"lossproof: {error}", err=True)
    sys.exit(status)


def named(error: OSError) -> UsageError:
    """What the operating system refused, and of which file."""
    return UsageError(f"{error.filename or 'output'}: {error.strerror}")


def operators_option(command: Callable[..., object]) -> Callable[..., object]:
    """``--operators-from FOLDER``, several times: operators of a user's own, taken into the catalogue at once."""
    return click.option(
        "--operators-from",
        "folders",
        multiple=True,
        type=click.Path(path_type=Path),
        is_eager=True,
        expose_value=False,
        callback=_added,
        help="Folder of operators of your own (docs/operators.md).",
    )(command)


def _added(context: click.Context, parameter: click.Parameter, folders: tuple[Path, ...]) -> None:
    del context, parameter
    try:
        for folder in folders:
            add_folder(folder)
    except OperatorError as error:
        fail(UsageError(f"--operators-from {error}"))


class Command(click.Command):
    """A command whose examples keep their lines in the help."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        del ctx
        if self.epilog:
            formatter.write_paragraph()
            formatter.write("Examples:\n")
            formatter.write("".join(f"  {line}\n" for line in self.epilog.splitlines()))
