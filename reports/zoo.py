"""The zoo's own record: which clause caught which wrong implementation, and that right ones were left alone.

A file is JSON Lines in UTF-8: one header, one line for each clause that was asked,
one for each implementation, one footer with the counts by verdict and the SHA-256
digest of every byte before it.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from reports.lines import check, digest, digest_before_footer, read_lines, schema_of
from reports.record import Closed, Footer, Level, Machine, Suite
from reports.run_files import now

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
    return schema_of(Line, SCHEMA)


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
        digest=digest(text),
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


def _broken(implementations: Iterable[Implementation]) -> set[str]:
    """The clauses that some implementation breaks."""
    return {death.clause for each in implementations for death in each.broken}


def read_zoo(path: Path) -> Zoo:
    """Read and check one file.

    Raises:
        RunFileError: It is missing, cut short, altered, or holds a line that the schema
            does not know; the message names file and line.
    """
    raw, lines = read_lines(path, _decoder(), SCHEMA, ZooHeader, Footer)
    header, footer = lines[0], lines[-1]
    if not isinstance(header, ZooHeader) or not isinstance(footer, Footer):
        raise TypeError("read_lines gives a header first and a footer last")
    implementations = [line for line in lines if isinstance(line, Implementation)]
    clauses = [line for line in lines if isinstance(line, AskedClause)]
    zoo = Zoo(path, header, clauses, implementations, footer)
    unknown = _broken(implementations) - {clause.id for clause in clauses}
    check(
        path,
        [
            ("digest", footer.digest, digest_before_footer(raw)),
            ("counts", footer.counts, dict(Counter(str(each.verdict) for each in implementations))),
            ("number of implementations", header.planned, len(implementations)),
            ("clauses broken", set[str](), unknown),
        ],
    )
    return zoo
