"""Makes a managed environment: what a version needs, an interpreter that suits, an installer, and the marker last."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidWheelFilename, NormalizedName, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from conformance.environments.installing import Installer, Programs, Said
from conformance.environments.interpreters import EnvironmentFailed, Interpreter, find_interpreter
from conformance.environments.managed import MARKER, Environment, Marker, cache, environments, locked
from conformance.environments.needs import Needs, needs_of
from conformance.running.discover import Spec
from reports.run_files import now

_LIST_INSTALLED = (
    "import importlib.metadata, json; "
    "print(json.dumps({one.metadata['Name']: one.version for one in importlib.metadata.distributions()}))"
)


@dataclass(frozen=True)
class Plan:
    """What the environment of a version is to be."""

    spec: Spec
    needs: Needs
    interpreter: Interpreter
    find_links: tuple[str, ...]

    @property
    def environment(self) -> Environment:
        """Where it is, or will be."""
        held = [*self.needs.packages, self.interpreter.version, self.interpreter.platform]
        digest = hashlib.sha256("\n".join([*held, *_wheels(self.needs, self.find_links)]).encode()).hexdigest()[:8]
        framework = re.sub(r"[^A-Za-z0-9._-]", "-", self.spec.name)
        return Environment(environments() / f"{framework}-{self.spec.version}-py{self.interpreter.minor}-{digest}")


def plan(spec: Spec, find_links: Sequence[str], liked: SpecifierSet) -> Plan:
    """What the environment of a subject's version is to be.

    Args:
        spec: The subject, with its version.
        find_links: Folders and pages of wheels.
        liked: The range of interpreters from which one is taken if one of it suits.

    Raises:
        UsageError: The version is no version, or the adapter's needs cannot be read.
        EnvironmentFailed: No interpreter suits.
    """
    needs = needs_of(spec)
    links = tuple(str(Path(place).absolute()) if Path(place).exists() else place for place in find_links)
    try:
        interpreter = find_interpreter(needs.python & liked)
    except EnvironmentFailed:
        interpreter = find_interpreter(needs.python)
    return Plan(spec, needs, interpreter, links)


def make(planned: Plan, programs: Programs, said: Said) -> Environment:
    """Make an environment, unless another process makes it meanwhile.

    Raises:
        EnvironmentFailed: The installer failed.
    """
    environment = planned.environment
    try:
        with locked(environment.name, said) as held:
            if environment.marker is None:
                _make(planned, environment, programs, said, held)
    except OSError as error:
        raise EnvironmentFailed(f"{error.filename or cache()}: {error.strerror}") from None
    return environment


def _make(planned: Plan, environment: Environment, programs: Programs, said: Said, held: int) -> None:
    """Make it from nothing and mark it as finished."""
    shutil.rmtree(environment.folder, ignore_errors=True)
    log = environment.log
    for folder in (log.parent, environment.folder.parent):
        folder.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    needs, interpreter = planned.needs, planned.interpreter
    installer = Installer(environment.folder, interpreter, needs.packages, planned.find_links, log, said, held)
    by = installer.make(programs)
    installed = _installed(environment)
    marker = Marker(
        framework=planned.spec.name,
        version=_public(installed.get(needs.project, planned.spec.version)),
        python=interpreter.version,
        requirements=list(needs.packages),
        installed=installed,
        installer=by,
        made=now(),
    )
    partial = environment.folder / f"{MARKER}.partial"
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(marker), indent=1))
    partial.replace(environment.folder / MARKER)


def _installed(environment: Environment) -> dict[str, str]:
    """Every distribution of an environment with its version."""
    command = [environment.python, "-c", _LIST_INSTALLED]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - just made
    if listed.returncode:
        raise EnvironmentFailed(
            f"{environment.python} does not start: {listed.stderr.strip()[-200:]} (log: {environment.log})"
        )
    return {canonicalize_name(name): version for name, version in json.loads(listed.stdout).items()}


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
