"""What is answered of a record of the zoo that takes hours: kept as it comes, and not asked again after a stop."""

from __future__ import annotations

from pathlib import Path

import msgspec

from reports.lines import RunFileError
from reports.zoo import Implementation, ZooHeader, read_zoo, write_zoo
from tests.zoo.inhabitants import ZOO, Inhabitant
from tests.zoo.kills import asked_clauses


class Kept:
    """The answers beside a record to be, in ``NAME.partial.jsonl``; without a record to be, nothing is kept.

    An answer counts again where suite, profile, versions and number of plain cases are the
    same, it was a verdict, and no file of the zoo has changed since.
    """

    def __init__(self, out: Path | None, header: ZooHeader) -> None:
        self._path = out.with_suffix(".partial.jsonl") if out else None
        self._header = header
        self._answers = self._read()

    def get(self, who: Inhabitant) -> Implementation | None:
        """What was answered before the stop."""
        return self._answers.get((who.framework, who.operator, who.name, who.entry.words))

    def add(self, found: Implementation) -> None:
        """Keep one more."""
        self._answers[_key(found)] = found
        if self._path:
            header = msgspec.structs.replace(self._header, planned=len(self._answers))
            whole = self._path.with_suffix(".new")
            write_zoo(whole, header, asked_clauses(), list(self._answers.values()))
            whole.replace(self._path)

    def drop(self) -> None:
        """The record is whole: nothing needs to be kept."""
        if self._path:
            self._path.unlink(missing_ok=True)

    def _read(self) -> dict[tuple[str, ...], Implementation]:
        if not self._path or not self._path.exists() or _changed_since(self._path):
            return {}
        try:
            before = read_zoo(self._path)
        except RunFileError:
            return {}
        if _question(before.header) != _question(self._header):
            return {}
        return {_key(each): each for each in before.implementations if each.verdict != "no-verdict"}


def _key(found: Implementation) -> tuple[str, ...]:
    return found.framework, found.operator, found.name, found.words


def _question(header: ZooHeader) -> tuple[object, ...]:
    """What must be the same for an answer to count."""
    return header.suite, header.profile, header.frameworks, header.plain_cases


def _changed_since(path: Path) -> bool:
    return max(file.stat().st_mtime for file in ZOO.glob("*.py")) > path.stat().st_mtime
