"""What a version of a framework needs beside itself: data in the adapter's file, read without importing it.

A constant ``NEEDS`` at the top level of an adapter is a list of dictionaries; the first
whose ``versions`` hold the version decides. ``python`` is the range of interpreters that
the version has packages for, ``packages`` is what is installed, with ``{name}`` and
``{version}`` filled in. Without a match it is ``{name}=={version}`` and NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NotRequired, TypedDict

import msgspec
from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from adapters.constants import constant
from conformance.running.discover import Spec, UsageError

OLDEST_PYTHON = SpecifierSet(">=3.8")
"""What the worker and the adapters run under: the range of a row that has no lower end."""

_USUAL = ("{name}=={version}", "numpy")


class Need(TypedDict):
    """One row of the table: what the versions of a range need."""

    versions: NotRequired[str]
    python: NotRequired[str]
    packages: NotRequired[list[str]]


@dataclass(frozen=True)
class Needs:
    """What one version needs.

    Attributes:
        packages: What is installed, as pip takes it.
        python: The interpreters that suit.
        project: The distribution that the version is one of, such as ``tensorflow-cpu``.
    """

    packages: tuple[str, ...]
    python: SpecifierSet
    project: str


def parse_version(word: str) -> Version:
    """A version from the command line.

    Raises:
        UsageError: It is none.
    """
    try:
        return Version(word)
    except InvalidVersion:
        raise UsageError(f"version {word}: this is no version; write it as 2.13.0") from None


def needs_of(spec: Spec) -> Needs:
    """What the version of a subject needs.

    Raises:
        UsageError: The version is no version, or the adapter's table cannot be read.
    """
    version = parse_version(spec.version)
    for need in _table(spec.adapter):
        try:
            if SpecifierSet(need.get("versions", "")).contains(version, prereleases=True):
                return _filled(need, spec)
        except (InvalidSpecifier, ValueError) as error:
            raise UsageError(f"{spec.adapter}: NEEDS: {error}") from None
    return _filled({}, spec)


def _filled(need: Need, spec: Spec) -> Needs:
    """A row with the name and the version in their places."""
    rows = need.get("packages", _USUAL)
    packages = tuple(row.replace("{name}", spec.name).replace("{version}", spec.version) for row in rows)
    versioned = next((row for row, text in zip(packages, rows, strict=True) if "{version}" in text), spec.name)
    project = canonicalize_name(Requirement(versioned).name)
    stated = need.get("python", "")
    return Needs(packages, SpecifierSet(stated) if ">" in stated else OLDEST_PYTHON & SpecifierSet(stated), project)


def _table(adapter: Path) -> list[Need]:
    """The adapter's ``NEEDS``; empty where it has none."""
    try:
        return msgspec.convert(constant(adapter, "NEEDS") or [], list[Need])
    except (SyntaxError, ValueError, msgspec.ValidationError) as error:
        raise UsageError(f"{adapter}: NEEDS cannot be read: {error}") from None
