"""What was found about every mutant and variant, kept line by line, so that a long record goes on where it stopped."""

from __future__ import annotations

from pathlib import Path

import msgspec

from conformance.running.digest import suite_digest


class Clause(msgspec.Struct, frozen=True):
    """A clause that was broken."""

    id: str
    level: str
    dtype: str
    first: int


class Entry(msgspec.Struct, frozen=True):
    """One mutant or variant.

    Attributes:
        framework: In which it was asked.
        operator: Of which loss.
        name: Its name.
        kind: What sort of mistake; ``right`` for a variant.
        words: What it does.
        verdict: ``killed``, ``equivalent``, ``rounding``, ``unreached`` or ``survives``; of a variant ``conforms``
            or ``accused``; ``lost`` without one.
        asked: Number of cells.
        broken: Clauses that it breaks, as far as it was asked.
        reason: Of an equivalent one; where a survivor differs; what was lost.
    """

    framework: str
    operator: str
    name: str
    kind: str
    words: str
    verdict: str
    asked: int
    broken: list[Clause] = []
    reason: str = ""

    @property
    def right(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.kind == "right"


class Head(msgspec.Struct, frozen=True, tag="head"):
    """The first line: what must be the same for an answer to count."""

    suite: str
    profile: str
    whole: bool


class Record:
    """The answers in a file, one a line; without a file nothing is kept."""

    def __init__(self, path: Path | None, profile: str, *, whole: bool) -> None:
        self._path = path
        self._head = Head(suite_digest(), profile, whole)
        self.entries: dict[tuple[str, str, str], Entry] = self._read()

    def get(self, framework: str, operator: str, name: str) -> Entry | None:
        """What was answered before."""
        return self.entries.get((framework, operator, name))

    def add(self, entry: Entry) -> None:
        """Keep one more."""
        self.entries[entry.framework, entry.operator, entry.name] = entry
        if self._path is None:
            return
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(entry) + b"\n")

    def _read(self) -> dict[tuple[str, str, str], Entry]:
        if self._path is None:
            return {}
        lines = self._path.read_bytes().splitlines() if self._path.exists() else []
        if not lines or msgspec.json.decode(lines[0], type=Head) != self._head:
            self._path.write_bytes(msgspec.json.encode(self._head) + b"\n")
            return {}
        found = [msgspec.json.decode(line, type=Entry) for line in lines[1:] if line.endswith(b"}")]
        return {(entry.framework, entry.operator, entry.name): entry for entry in found}
