"""The Python interpreters of this machine, and the one that suits a version of a framework."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

_ASK = (
    "import json, platform, sys, sysconfig; "
    "print(json.dumps([sys.executable, platform.python_version(), sysconfig.get_platform()]))"
)
_ASK_SECONDS = 20
_NEWEST, _OLDEST = 20, 8
_OFFERED_BY_UV = 30


class EnvironmentFailed(Exception):
    """An environment that could not be made, in one line."""


@dataclass(frozen=True)
class Interpreter:
    """A Python interpreter that answered: where it is, its version, its platform."""

    path: str
    version: str
    platform: str

    @property
    def minor(self) -> str:
        """Its version without the last number, such as ``3.11``."""
        return ".".join(self.version.split(".")[:2])


def current() -> Interpreter:
    """The interpreter that runs the suite."""
    return Interpreter(sys.executable, sys.version.split()[0], sysconfig.get_platform())


def find_interpreter(suits: SpecifierSet) -> Interpreter:
    """The current interpreter where it suits, else the newest of the machine that does.

    Raises:
        EnvironmentFailed: None does; the words name what would, and what was found.
    """
    if suits.contains(current().version, prereleases=True):
        return current()
    found = sorted(_answering(), key=lambda one: Version(one.version), reverse=True)
    suitable = [one for one in found if suits.contains(one.version, prereleases=True)]
    if not suitable:
        versions = ", ".join(dict.fromkeys(one.version for one in (current(), *found)))
        raise EnvironmentFailed(f"needs Python {_readable(suits)}; this machine has {versions}")
    return suitable[0]


def _readable(suits: SpecifierSet) -> str:
    """A range with its lower end first: ``>=3.8,<3.10``."""
    return ",".join(sorted(map(str, suits), key=lambda part: (not part.startswith(">"), part)))


def _answering() -> Iterator[Interpreter]:
    """Every interpreter of the machine that says its version."""
    for path in dict.fromkeys(_candidates()):
        answer = _answer(path)
        if answer is not None:
            yield answer


@functools.cache
def _answer(path: str) -> Interpreter | None:
    """What an interpreter says about itself; ``None`` where it says nothing, as a shim of pyenv may."""
    try:
        answer = subprocess.run(  # noqa: S603 - interpreters of this machine
            [path, "-c", _ASK], capture_output=True, text=True, check=True, timeout=_ASK_SECONDS
        ).stdout
        return Interpreter(*map(str, json.loads(answer)))
    except (OSError, subprocess.SubprocessError, ValueError, TypeError):
        return None


def _candidates() -> Iterator[str]:
    """Files that may be interpreters: those on the path, of pyenv, of uv."""
    for minor in range(_NEWEST, _OLDEST - 1, -1):
        on_path = shutil.which(f"python3.{minor}")
        if on_path:
            yield on_path
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from map(str, sorted(root.glob("versions/*/bin/python")))
    yield from _of_uv()


def _of_uv() -> list[str]:
    """The interpreters that uv has installed or knows of."""
    uv = shutil.which("uv")
    if uv is None:
        return []
    command = [uv, "python", "list", "--only-installed", "--offline", "--output-format", "json"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - found on the path
    try:
        return [str(one["path"]) for one in json.loads(listed.stdout)[:_OFFERED_BY_UV]]
    except (ValueError, KeyError, TypeError):
        return []
