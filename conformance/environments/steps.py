"""What is told while environments are made side by side: a line each on a terminal, a line a step in a pipe."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

_FURTHER_COLUMNS = 13
"""Width of the spinner, of the time and of what is between them."""


class Steps:
    """Tells what begins and what ends; in a pipe this is all."""

    def __init__(self) -> None:
        self._began: dict[str, float] = {}
        self._lock = threading.Lock()

    def begin(self, subject: str, words: str) -> None:
        """Something begins."""
        self._began[subject] = time.monotonic()
        self.tell(f"{subject}: {words}")

    def said(self, subject: str, line: str) -> None:
        """What is under way printed a line."""

    def end(self, subject: str, words: str) -> None:
        """It is over, well or not."""
        began = self._began.pop(subject, None)
        self.tell(f"{subject}: {words}" + (f" ({time.monotonic() - began:.0f} s)" if began is not None else ""))

    def tell(self, line: str) -> None:
        """Print a line that stays."""
        with self._lock:
            click.echo(line, err=True)


class _TerminalSteps(Steps):
    """A line for each subject with its time and what its installer said last."""

    def __init__(self, lines: Progress) -> None:
        super().__init__()
        self._lines = lines
        self._tasks: dict[str, TaskID] = {}
        self._room = 0

    def begin(self, subject: str, words: str) -> None:
        self._began[subject] = time.monotonic()
        self._room = self._lines.console.width - _FURTHER_COLUMNS - len(f"{subject}: {words}")
        self._tasks[subject] = self._lines.add_task(f"{subject}: {words}", line="", total=None)

    def said(self, subject: str, line: str) -> None:
        self._lines.update(self._tasks[subject], line=escape(line[: max(self._room, 0)]))

    def end(self, subject: str, words: str) -> None:
        if subject in self._tasks:
            self._lines.remove_task(self._tasks.pop(subject))
        super().end(subject, words)

    def tell(self, line: str) -> None:
        self._lines.console.print(line, highlight=False, markup=False)


@contextmanager
def steps() -> Generator[Steps]:
    """Lines that move on a terminal, lines that stay in a pipe; both on standard error."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Steps()
        return
    columns = (TextColumn("{task.description}"), TimeElapsedColumn(), TextColumn("{task.fields[line]}"))
    with Progress(SpinnerColumn(), *columns, console=console, transient=True) as lines:
        yield _TerminalSteps(lines)
