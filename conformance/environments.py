"""Managed virtual environments in the user's cache folder: one for each version of a framework that is tested.

An environment's name ends in a digest of what is in it: the requirements, the
interpreter's version and the platform. Its marker file is written last; a folder
without one is unfinished and is made anew.
"""

from __future__ import annotations

import fcntl
import fnmatch
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import platformdirs
from packaging.requirements import Requirement
from packaging.utils import InvalidWheelFilename, NormalizedName, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from conformance.discover import Spec, UsageError
from conformance.installing import Installer, Programs, Said
from conformance.interpreters import EnvironmentFailed, Interpreter, find_interpreter
from conformance.needs import Needs, needs_of
from reports.record import now

_MARKER = "lossproof-environment.json"
_LIST_INSTALLED = (
    "import importlib.metadata, json; "
    "print(json.dumps({one.metadata['Name']: one.version for one in importlib.metadata.distributions()}))"
)


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
    def marker(self) -> Marker | None:
        """What it holds; ``None`` where it is unfinished, or its interpreter is gone."""
        try:
            found = msgspec.json.decode((self.folder / _MARKER).read_bytes(), type=Marker)
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
    path.parent.mkdir(parents=True, exist_ok=True)
    held = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            said("another process is at it; waiting for its end")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield held
    finally:
        os.close(held)


def ensure(spec: Spec, find_links: Sequence[str], programs: Programs, said: Said) -> Environment:
    """The environment of a subject's version, made where it is missing or unfinished.

    Raises:
        UsageError: The version is no version, or the adapter's needs cannot be read.
        EnvironmentFailed: No interpreter suits, or the installer failed.
    """
    needs = needs_of(spec)
    interpreter = find_interpreter(needs.python, f"{spec.name} {spec.version}")
    environment = Environment(_environments() / _name(spec, needs, interpreter, find_links))
    if environment.marker is not None:
        return environment
    try:
        with locked(environment.name, said) as held:
            if environment.marker is None:
                _make(spec, needs, environment, interpreter, find_links, programs, said, held)
    except OSError as error:
        raise EnvironmentFailed(f"{error.filename or cache()}: {error.strerror}") from None
    return environment


def _make(
    spec: Spec, needs: Needs, environment: Environment, interpreter: Interpreter, find_links: Sequence[str],
    programs: Programs, said: Said, held: int,
) -> None:  # fmt: skip
    """Make the environment from nothing and mark it as finished."""
    shutil.rmtree(environment.folder, ignore_errors=True)
    log = cache() / "logs" / f"{environment.name}.log"
    for folder in (log.parent, environment.folder.parent):
        folder.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    links = [str(Path(place).absolute()) if Path(place).exists() else place for place in find_links]
    by = Installer(environment.folder, interpreter, needs.packages, links, log, said, held).make(programs)
    installed = _installed(environment, log)
    marker = Marker(
        framework=spec.name,
        version=_public(installed.get(needs.project, spec.version)),
        python=interpreter.version,
        requirements=list(needs.packages),
        installed=installed,
        installer=by,
        made=now(),
    )
    partial = environment.folder / f"{_MARKER}.partial"
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(marker), indent=1))
    partial.replace(environment.folder / _MARKER)


def _installed(environment: Environment, log: Path) -> dict[str, str]:
    """Every distribution of an environment with its version."""
    command = [environment.python, "-c", _LIST_INSTALLED]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - just made
    if listed.returncode:
        raise EnvironmentFailed(f"{environment.python} does not start: {listed.stderr.strip()[-200:]} (log: {log})")
    return {canonicalize_name(name): version for name, version in json.loads(listed.stdout).items()}


def _name(spec: Spec, needs: Needs, interpreter: Interpreter, find_links: Sequence[str]) -> str:
    """Framework, version, Python, and a digest of what is to be in it."""
    held = [*needs.packages, interpreter.version, interpreter.platform, *_wheels(needs, find_links)]
    digest = hashlib.sha256("\n".join(held).encode()).hexdigest()[:8]
    framework = re.sub(r"[^A-Za-z0-9._-]", "-", spec.name)
    return f"{framework}-{spec.version}-py{interpreter.minor}-{digest}"


def _wheels(needs: Needs, find_links: Sequence[str]) -> list[str]:
    """The wheels of find-links folders that are asked for by version: one that was built anew is another one."""
    exact = {canonicalize_name(one.name): one.specifier for one in map(Requirement, needs.packages) if one.specifier}
    found: list[str] = []
    for path, project, version in wheels_in(find_links):
        if project in exact and exact[project].contains(version, prereleases=True):
            stat = path.stat()
            found.append(f"{path.name} {stat.st_size} {stat.st_mtime_ns}")
    return sorted(found)


def wheels_in(places: Sequence[str]) -> Iterator[tuple[Path, NormalizedName, Version]]:
    """The wheels of those places that are folders, with project and version."""
    for place in places:
        for path in sorted(Path(place.removeprefix("file://")).glob("*.whl")):
            try:
                project, version, _, _ = parse_wheel_filename(path.name)
            except InvalidWheelFilename:
                continue
            yield path, project, version


def _environments() -> Path:
    return cache() / "environments"


def _public(version: str) -> str:
    """A version without what a build adds to it: ``2.13.0`` of ``2.13.0+cpu``."""
    return version.partition("+")[0]


def has_version(spec: Spec) -> bool:
    """Whether the current interpreter has the very version that a subject names.

    Raises:
        UsageError: The version is no version.
    """
    needs = needs_of(spec)
    for project in dict.fromkeys((needs.project, spec.name)):
        try:
            return Version(_public(importlib.metadata.version(project))) == Version(spec.version)
        except (importlib.metadata.PackageNotFoundError, InvalidVersion):
            continue
    return False


def listed() -> list[Environment]:
    """Every environment of the cache, finished or not."""
    root = _environments()
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
        (environment.folder / _MARKER).unlink(missing_ok=True)
        shutil.rmtree(environment.folder)
        (cache() / "logs" / f"{environment.name}.log").unlink(missing_ok=True)
