"""Run files on the disk: written line by line, and read back with every check."""

from __future__ import annotations

import datetime
import functools
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from reports import record_1
from reports.lines import check, digest_before_footer, read_lines, schema_of
from reports.record import SCHEMA, Accuracy, ClauseRecord, Finding, Footer, Header, Line, Run, Verdict

BLAMELESS: frozenset[Verdict] = frozenset({"harness-error", "not-run"})
"""Verdicts that spoil a run and blame nobody."""


@functools.cache
def _decoder() -> msgspec.json.Decoder[Line]:
    return msgspec.json.Decoder(Line)


def json_schema() -> dict[str, Any]:
    """JSON Schema of one line of a run file; ``reports/run.schema.json`` holds it."""
    return schema_of(Line, SCHEMA)


def now() -> str:
    """The present moment in UTC, to the second, in ISO 8601."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


class RunWriter:
    """Writes a run file line by line, and gives it its name once it is whole.

    Until :meth:`finish`, the lines are in ``NAME.partial.jsonl``; an interrupted
    run leaves that file, which has no footer, and an earlier ``NAME.jsonl`` stays
    as it was.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.partial = path.with_suffix(".partial.jsonl")
        self._counts: Counter[str] = Counter()
        self._digest = hashlib.sha256()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.partial.open("wb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, line: Header | ClauseRecord | Finding | Accuracy) -> None:
        """Append one line and hand it to the operating system at once."""
        if isinstance(line, Finding):
            self._counts[line.verdict] += 1
        text = msgspec.json.encode(line) + b"\n"
        self._digest.update(text)
        self._file.write(text)
        self._file.flush()

    def finish(self) -> Footer:
        """Write the footer and give the file its final name."""
        footer = Footer(
            complete=not any(self._counts[verdict] for verdict in BLAMELESS),
            counts=dict(sorted(self._counts.items())),
            ended=now(),
            digest=f"sha256:{self._digest.hexdigest()}",
        )
        self._file.write(msgspec.json.encode(footer) + b"\n")
        self._file.close()
        self.partial.replace(self.path)
        return footer


def read_run(path: Path) -> Run:
    """Read and check one run file, of this schema or of the first.

    Raises:
        RunFileError: The file is missing, cut short, altered, or holds a line
            that the schema does not know; the message names file and line.
    """
    older = record_1.is_older(path)
    decoder: msgspec.json.Decoder[Any] = record_1.decoder() if older else _decoder()
    schema, header_type = (record_1.SCHEMA, record_1.Header) if older else (SCHEMA, Header)
    raw, lines = read_lines(path, decoder, schema, header_type, Footer)
    run = _run_of(path, [record_1.converted(line) for line in lines] if older else lines)
    counts = dict(Counter(str(finding.verdict) for finding in run.findings))
    check(
        path,
        [
            ("digest", run.footer.digest, digest_before_footer(raw)),
            ("counts", run.footer.counts, counts),
            ("number of findings", run.header.planned, len(run.findings)),
        ],
    )
    return run


def _run_of(path: Path, lines: Sequence[Any]) -> Run:
    """The lines of a file, each kind by itself."""
    header, *body, footer = lines
    if not isinstance(header, Header) or not isinstance(footer, Footer):
        raise TypeError("read_lines gives a header first and a footer last")
    return Run(
        path=path,
        header=header,
        clauses=[line for line in body if isinstance(line, ClauseRecord)],
        findings=[line for line in body if isinstance(line, Finding)],
        footer=footer,
        accuracy=[line for line in body if isinstance(line, Accuracy)],
    )


def find_run_files(paths: Iterable[Path]) -> list[Path]:
    """Run files named directly, and every ``.jsonl`` file of the folders named."""
    found: list[Path] = []
    for path in paths:
        found += sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    return found
