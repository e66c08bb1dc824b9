"""What every command of the command line shares: examples in the help, how an error is said, styles of output."""

from __future__ import annotations

import sys
from typing import NoReturn

import click

from conformance.running.discover import UsageError

FORMATS = click.Choice(["text", "json", "markdown"])


def fail(error: Exception, status: int = 2) -> NoReturn:
    """Say an error in one line and end."""
    click.echo(f"lossproof: {error}", err=True)
    sys.exit(status)


def named(error: OSError) -> UsageError:
    """What the operating system refused, and of which file."""
    return UsageError(f"{error.filename or 'output'}: {error.strerror}")


class Command(click.Command):
    """A command whose examples keep their lines in the help."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        del ctx
        if self.epilog:
            formatter.write_paragraph()
            formatter.write("Examples:\n")
            formatter.write("".join(f"  {line}\n" for line in self.epilog.splitlines()))
