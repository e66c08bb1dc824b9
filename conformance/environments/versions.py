"""The released versions of a framework: what pip's index lists, and the wheels of find-links folders."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace

from packaging.version import InvalidVersion, Version

from conformance.environments.installing import pip_settings
from conformance.environments.interpreters import EnvironmentFailed, find_interpreter
from conformance.environments.making import wheels_in
from conformance.environments.needs import needs_of, parse_version
from conformance.running.discover import Spec


def _all_releases(project: str, minors: Iterable[str], find_links: Sequence[str]) -> set[Version]:
    """Of a project, as far as the wheels at hand and the index have them for these versions of Python."""
    found = {version for _, name, version in wheels_in((*find_links, *_configured())) if name == project}
    for minor in minors:
        found |= _indexed(project, minor, find_links)
    return found


def releases_between(spec: Spec, first: str, last: str, find_links: Sequence[str]) -> list[str]:
    """The final releases between two versions, without both, the oldest first.

    Raises:
        UsageError: One is no version.
    """
    one, other = sorted((parse_version(first), parse_version(last)))
    specs = [replace(spec, version=version) for version in (first, last)]
    found = _all_releases(needs_of(specs[0]).project, set(map(_minor, specs)), find_links)
    public = {Version(version.public) for version in found if not version.is_prerelease}
    between = sorted(version for version in public if one < version < other)
    return [str(version) for version in (between if parse_version(first) == one else reversed(between))]


def _configured() -> list[str]:
    return pip_settings().get("find-links", [])


def _minor(spec: Spec) -> str:
    """The Python under which a version would run here; the current one where none suits."""
    try:
        return find_interpreter(needs_of(spec).python).minor
    except EnvironmentFailed:
        return ".".join(map(str, sys.version_info[:2]))


def _indexed(project: str, minor: str, find_links: Sequence[str]) -> set[Version]:
    """What ``pip index versions`` lists for a Python; nothing where it does not know the project."""
    links = [word for place in find_links for word in ("--find-links", place)]
    command = [sys.executable, "-m", "pip", "index", "versions", project, "--python-version", minor]
    listed = subprocess.run(  # noqa: S603 - our own pip
        [*command, "--only-binary", ":all:", *links], capture_output=True, text=True, check=False
    )
    line = re.search(r"^Available versions: (.*)$", listed.stdout, re.MULTILINE)
    found: set[Version] = set()
    for word in line[1].split(", ") if line else []:
        try:
            found.add(Version(word))
        except InvalidVersion:
            continue
    return found
