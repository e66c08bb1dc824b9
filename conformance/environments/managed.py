"""Managed virtual environments in the user's cache folder: one for each version of a framework that is tested.

An environment's name ends in a digest of what is in it: the requirements, the
interpreter's version and the platform. Its marker file is written last; a folder
without one is unfinished and is made anew.
"""

from __future__ import annotations

import fcntl
import fnmatch
import hashlib
import os
import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import platformdirs

from conformance.environments.installing import Said
from conformance.running.discover import UsageError

MARKER = "lossproof-environment.json"
"""The file that is written last."""


class Marker(msgspec.Struct, frozen=True, kw_only=True):
    """What an environment holds; its file says that the environment is finished."""

    framework: str
    version: str
    python: str
    requirements: list[str]
    installed: dict[str, str]
    installer: str
    made: str


@dataclass(frozen=True)
class Environment:
    """A folder of the cache that is a virtual environment, or was to become one."""

    folder: Path

    @property
    def name(self) -> str:
        """Its name, such as ``torch-2.13.0-py3.11-1b2c3d4e``."""
        return self.folder.name

    @property
    def python(self) -> str:
        """Its interpreter."""
        return str(self.folder / "bin" / "python")

    @property
    def log(self) -> Path:
        """What its installers printed."""
        return cache() / "logs" / f"{self.name}.log"

    @property
    def marker(self) -> Marker | None:
        """What it holds; ``None`` where it is unfinished, or its interpreter is gone."""
        try:
            found = msgspec.json.decode((self.folder / MARKER).read_bytes(), type=Marker)
        except (OSError, msgspec.MsgspecError):
            return None
        return found if Path(self.python).exists() else None

    @property
    def digest(self) -> str:
        """SHA-256 of what is installed, and of the interpreter's version."""
        held = self.marker
        words = [held.python, *sorted(f"{name}=={version}" for name, version in held.installed.items())] if held else []
        return hashlib.sha256("\n".join(words).encode()).hexdigest()

    def size(self) -> int:
        """Bytes of its files."""
        return sum(path.lstat().st_size for path in self.folder.rglob("*") if not path.is_dir())


def cache() -> Path:
    """The cache folder: ``LOSSPROOF_CACHE``, else the user's own."""
    stated = os.environ.get("LOSSPROOF_CACHE")
    return Path(stated).absolute() if stated else platformdirs.user_cache_path("lossproof")


@contextmanager
def locked(name: str, said: Said) -> Generator[int]:
    """Hold the lock of that name in the cache; another process that holds it is waited for."""
    path = cache() / "locks" / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held = os.open(path, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        words = f"{cache()}: cannot be used as cache: {error.strerror}; LOSSPROOF_CACHE names another folder"
        raise UsageError(words) from None
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            said("another process is at it; waiting for its end")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield held
    finally:
        os.close(held)


def environments() -> Path:
    """Where they lie."""
    return cache() / "environments"


def listed() -> list[Environment]:
    """Every environment of the cache, finished or not."""
    root = environments()
    return [Environment(path) for path in sorted(root.iterdir()) if path.is_dir()] if root.is_dir() else []


def chosen(patterns: Sequence[str]) -> list[Environment]:
    """The environments whose names match.

    Raises:
        UsageError: A pattern matches none.
    """
    there = listed()
    for pattern in patterns:
        if not any(fnmatch.fnmatchcase(one.name, pattern) for one in there):
            names = ", ".join(one.name for one in there) or "none"
            raise UsageError(f"{pattern}: no such environment; there are {names}")
    return [one for one in there if any(fnmatch.fnmatchcase(one.name, pattern) for pattern in patterns)]


def remove(environment: Environment, said: Said) -> None:
    """Remove an environment and its log; the marker goes first, so that half a removal leaves an unfinished one."""
    with locked(environment.name, said):
        (environment.folder / MARKER).unlink(missing_ok=True)
        shutil.rmtree(environment.folder)
        environment.log.unlink(missing_ok=True)
