"""The zoo's own record: which clause caught which wrong implementation, and that right ones were left alone.

A file is JSON Lines in UTF-8: one header, one line for each clause that was asked,
one for each implementation, one footer with the counts by verdict and the SHA-256
digest of every byte before it.
"""

from __future__ import annotations

import functools
import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from reports.record import Closed, Footer, Level, Machine, RunFileError, Suite, now

SCHEMA = "lossproof-zoo/1"

Evidence = Literal["lattice", "property", "example"]
Outcome = Literal["caught", "survives", "conforms", "false-alarm", "no-verdict"]

SPOILT: frozenset[Outcome] = frozenset({"no-verdict"})
"""Verdicts that say nothing about an implementation."""


class ZooHeader(Closed, tag_field="kind", tag="header"):
    """First line: the suite, the frameworks and how much was asked.

    ``planned`` is the number of implementations, ``plain_cases`` of plain cases asked of each.
    """

    schema: Literal["lossproof-zoo/1"]
    started: str
    suite: Suite
    profile: str
    frameworks: dict[str, str]
    planned: int
    plain_cases: int
    machine: Machine


class AskedClause(Closed, tag_field="kind", tag="clause"):
    """A clause that was asked, and what kind of cases it brings."""

    id: str
    level: Level
    evidence: Evidence
    statement: str


class Death(Closed):
    """A clause that an implementation broke, and the number of the first of its cases that did."""

    clause: str
    first: int


class Implementation(Closed, tag_field="kind", tag="implementation"):
    """One implementation and what became of it.

    Attributes:
        words: What is wrong with it, or what a right one does in its own way.
        right: Whether it is right.
        level: The last level of clause that must catch it, or that it must keep.
        corner: Where alone it differs.
        agreement: Its share of plain random cases with the right value and gradient.
        why_not: Why it cannot agree with half of them, where it does not.
        broken: The clauses that it broke.
        lost: What has no verdict, in words.
    """

    framework: str
    operator: str
    name: str
    words: str
    right: bool
    level: Level
    verdict: Outcome
    corner: str = ""
    agreement: float | None = None
    why_not: str = ""
    broken: list[Death] = msgspec.field(default_factory=list[Death])
    lost: list[str] = msgspec.field(default_factory=list[str])


Line = ZooHeader | AskedClause | Implementation | Footer


class Zoo(msgspec.Struct):
    """One file, read and checked."""

    path: Path
    header: ZooHeader
    clauses: list[AskedClause]
    implementations: list[Implementation]
    footer: Footer


@functools.cache
def _decoder() -> msgspec.json.Decoder[Line]:
    return msgspec.json.Decoder(Line)


def json_schema() -> dict[str, Any]:
    """JSON Schema of one line; ``reports/zoo.schema.json`` holds it."""
    schema = msgspec.json.schema(Line)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": SCHEMA, **schema}


def write_zoo(
    path: Path, header: ZooHeader, clauses: Sequence[AskedClause], implementations: Sequence[Implementation]
) -> Zoo:
    """Write a file whole, and give back what it holds."""
    lines = [header, *clauses, *implementations]
    text = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
    counts = Counter(str(each.verdict) for each in implementations)
    footer = Footer(
        complete=not any(counts[verdict] for verdict in SPOILT),
        counts=dict(sorted(counts.items())),
        ended=now(),
        digest=f"sha256:{hashlib.sha256(text).hexdigest()}",
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text + msgspec.json.encode(footer) + b"\n")
    return Zoo(path, header, list(clauses), list(implementations), footer)


def is_zoo(path: Path) -> bool:
    """Whether a file begins as one of the zoo's does."""
    try:
        with path.open("rb") as file:
            return f'"schema":"{SCHEMA}"'.encode() in file.readline().replace(b" ", b"")
    except OSError:
        return False


def read_zoo(path: Path) -> Zoo:
    """Read and check one file.

    Raises:
        RunFileError: It is missing, cut short, altered, or holds a line that the schema
            does not know; the message names file and line.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise RunFileError(f"{path}: cannot be read: {error.strerror}; it was not used") from None
    lines = [_line(path, number, text) for number, text in enumerate(raw.splitlines(keepends=True), start=1)]
    if not lines or not isinstance(lines[0], ZooHeader):
        raise RunFileError(f"{path}: line 1 is not a header of {SCHEMA}; the file was not used")
    if not isinstance(lines[-1], Footer):
        raise RunFileError(f"{path}: there is no footer after line {len(lines)}; the file was not used")
    implementations = [line for line in lines if isinstance(line, Implementation)]
    clauses = [line for line in lines if isinstance(line, AskedClause)]
    zoo = Zoo(path, lines[0], clauses, implementations, lines[-1])
    _check(zoo, len(lines), raw)
    return zoo


def _line(path: Path, number: int, text: bytes) -> Line:
    if not text.endswith(b"\n"):
        raise RunFileError(f"{path}: line {number} is cut short; the file was not used")
    try:
        return _decoder().decode(text)
    except msgspec.MsgspecError as error:
        raise RunFileError(f"{path}: line {number} is not of {SCHEMA}: {error}; the file was not used") from None


def _check(zoo: Zoo, lines: int, raw: bytes) -> None:
    before = raw[: raw.rindex(b"\n", 0, -1) + 1]
    facts: tuple[tuple[str, object, object], ...] = (
        ("digest", zoo.footer.digest, f"sha256:{hashlib.sha256(before).hexdigest()}"),
        ("counts", zoo.footer.counts, dict(Counter(str(each.verdict) for each in zoo.implementations))),
        ("number of implementations", zoo.header.planned, len(zoo.implementations)),
        ("number of lines", lines, 2 + len(zoo.clauses) + len(zoo.implementations)),
        ("clauses broken", set[str](), {d.clause for i in zoo.implementations for d in i.broken} - _ids(zoo)),
    )
    for what, said, found in facts:
        if said != found:
            raise RunFileError(f"{zoo.path}: the {what} is given as {said}, found {found}; the file was not used")


def _ids(zoo: Zoo) -> set[str]:
    return {clause.id for clause in zoo.clauses}
