"""Fills a virtual environment: with uv where it is installed and finds everything, else with venv and pip."""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.environments.interpreters import EnvironmentFailed, Interpreter, current

Said = Callable[[str], None]
"""Told each line that an installer prints."""

_SETTINGS = ("find-links", "index-url", "extra-index-url", "no-index", "cert")
_PRECEDENCE = ("global", "install", ":env:")
_LONGEST_WORDS = 300


class ProgramFailed(Exception):
    """A program that ended with another status than 0; its words are the last line that says why."""


class Programs:
    """The installers that run now; they are ended together."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._ended = False

    def end(self) -> None:
        """End what runs, and start nothing more."""
        with self._lock:
            self._ended = True
            for running in self._running:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(running.pid, signal.SIGTERM)

    def run(
        self, command: Sequence[str], log: Path, said: Said, held: int, environ: Mapping[str, str] | None = None
    ) -> None:
        """Run a program to its end.

        Args:
            command: What to run.
            log: Where its output is added.
            said: Told each line.
            held: The lock that it keeps as long as it lives, should this process be killed.
            environ: Environment variables beside the present ones.

        Raises:
            ProgramFailed: It failed, or was ended.
        """
        quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "NO_COLOR": "1"}
        with log.open("a", encoding="utf-8", buffering=1) as file:
            file.write(f"$ {' '.join(command)}\n")
            with self._started(command, {**os.environ, **quiet, **(environ or {})}, held) as running:
                lines = self._read(running, file.write, said)
        with self._lock:
            self._running.discard(running)
        if running.returncode:
            raise ProgramFailed(_last(lines) or f"{command[0]} ended with status {running.returncode}")

    def _started(self, command: Sequence[str], environ: dict[str, str], held: int) -> subprocess.Popen[str]:
        with self._lock:
            if self._ended:
                raise ProgramFailed("interrupted")
            running = subprocess.Popen(  # noqa: S603 - uv, pip and interpreters of this machine
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                text=True, errors="replace", env=environ, pass_fds=(held,), start_new_session=True,
            )  # fmt: skip
            self._running.add(running)
            return running

    @staticmethod
    def _read(running: subprocess.Popen[str], keep: Callable[[str], object], said: Said) -> list[str]:
        lines: list[str] = []
        for line in running.stdout or ():
            keep(line)
            if line.strip():
                lines.append(line.strip())
                said(lines[-1])
        return lines


def _last(lines: list[str]) -> str:
    """The last line that is an error, else the last line."""
    errors = [line for line in lines if line.lower().startswith("error")]
    last = [*lines[-1:], *errors[-1:]]
    return last[-1][:_LONGEST_WORDS] if last else ""


@dataclass(frozen=True)
class Installer:
    """Makes one environment.

    Attributes:
        folder: Where it is made.
        interpreter: Whose environment it is.
        packages: What is installed, as pip takes it.
        find_links: Folders and pages of wheels, beside what pip is configured to use.
        log: What the installers print.
        said: Told each line of it.
        held: The environment's lock.
    """

    folder: Path
    interpreter: Interpreter
    packages: Sequence[str]
    find_links: Sequence[str]
    log: Path
    said: Said
    held: int

    @property
    def python(self) -> str:
        """The environment's own interpreter."""
        return str(self.folder / "bin" / "python")

    def make(self, programs: Programs) -> str:
        """Make the environment and fill it.

        Returns:
            What filled it: ``uv`` or ``pip``.

        Raises:
            EnvironmentFailed: Both failed, or pip where there is no uv.
        """
        uv = shutil.which("uv")
        if uv is not None:
            try:
                self._by_uv(uv, programs)
            except ProgramFailed as failed:
                self.said(f"uv: {failed}; now with pip")
            else:
                return "uv"
        try:
            self._by_pip(programs)
        except ProgramFailed as failed:
            raise EnvironmentFailed(f"{failed} (log: {self.log})") from None
        return "pip"

    def _run(self, programs: Programs, *command: str) -> None:
        programs.run(command, self.log, self.said, self.held)

    def _by_uv(self, uv: str, programs: Programs) -> None:
        settings = pip_settings()
        trusted = {"SSL_CERT_FILE": os.environ.get("SSL_CERT_FILE", settings["cert"][0])} if "cert" in settings else {}
        self._run(programs, uv, "venv", "--python", self.interpreter.path, "--no-project", str(self.folder))
        words = ("pip", "install", "--python", self.python, *uv_options(settings, self.find_links), *self.packages)
        programs.run((uv, *words), self.log, self.said, self.held, trusted)

    def _by_pip(self, programs: Programs) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        links = [word for place in self.find_links for word in ("--find-links", place)]
        options = ["install", "--progress-bar", "off", *links, *self.packages]
        if self._pip_of_the_suite_suits():
            self._run(programs, self.interpreter.path, "-m", "venv", "--without-pip", str(self.folder))
            self._run(programs, sys.executable, "-m", "pip", "--python", self.python, *options)
        else:
            self._run(programs, self.interpreter.path, "-m", "venv", str(self.folder))
            self._run(programs, self.python, "-m", "pip", *options)

    def _pip_of_the_suite_suits(self) -> bool:
        """Whether the suite's own pip can fill the environment: it runs under the environment's interpreter."""
        return self.interpreter.minor == current().minor and importlib.util.find_spec("pip") is not None


def pip_settings() -> dict[str, list[str]]:
    """Where pip is configured to look for packages: its files, and its environment variables above them."""
    found: dict[str, list[str]] = {}
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603 - our own pip
    rows = [line.partition("=") for line in listed.splitlines()]
    for section in _PRECEDENCE:
        for name, _, value in rows:
            place, _, key = name.rpartition(".")
            if place == section and key in _SETTINGS:
                found[key] = _words(value)
    for key in _SETTINGS:
        stated = os.environ.get(f"PIP_{key.upper().replace('-', '_')}")
        found.update({key: stated.split()} if stated else {})
    return found


def _words(value: str) -> list[str]:
    try:
        return str(ast.literal_eval(value)).split()
    except (SyntaxError, ValueError):
        return value.split()


def uv_options(settings: dict[str, list[str]], find_links: Sequence[str]) -> list[str]:
    """Pip's settings as options of uv, which does not read them; every index is asked, as pip does."""
    options = [word for place in (*find_links, *settings.get("find-links", ())) for word in ("--find-links", place)]
    options += [word for place in settings.get("index-url", ())[:1] for word in ("--default-index", place)]
    options += [word for place in settings.get("extra-index-url", ()) for word in ("--index", place)]
    options += ["--no-index"] if settings.get("no-index", ["0"])[0].lower() in ("1", "true", "yes", "on") else []
    return [*options, "--index-strategy", "unsafe-best-match"]
