"""Adds the counterexamples of a run to the corpus."""

from __future__ import annotations

import fnmatch
from pathlib import Path

import msgspec

from conformance.cases.case import OPERATORS
from conformance.cases.corpus import PATH, Entry, as_case, read, write
from conformance.cases.hexadecimal import hexadecimal
from conformance.judging.expectation import expectation
from reference.arguments import OracleError
from reference.formats import FORMATS, Arithmetic
from reports.record import Counterexample, Run

_REDUCTIONS = (None, "none", "sum", "mean")


def promote(run: Run, pattern: str, showed: str, path: Path = PATH) -> list[Entry]:
    """Add the counterexamples of a run's broken clauses, and write the corpus.

    Args:
        run: Where they are.
        pattern: Of the clauses' ids.
        showed: The fault that they show.
        path: The corpus.

    Returns:
        What was added: each valid case that was not there.
    """
    corpus = read(path)
    known = {_key(entry) for entry in corpus.entries}
    added: list[Entry] = []
    for finding in run.findings:
        if finding.verdict != "deviates" or not fnmatch.fnmatchcase(finding.clause, pattern):
            continue
        entry = _entry(finding.operator, finding.counterexample, showed, corpus.entries)
        if entry is not None and _key(entry) not in known:
            known.add(_key(entry))
            corpus.entries.append(entry)
            added.append(entry)
    if added:
        write(corpus, path)
    return added


def _key(entry: Entry) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(entry, id="", showed=""))


def _entry(operator: str, shown: Counterexample | None, showed: str, entries: list[Entry]) -> Entry | None:
    """A counterexample under the next id; ``None`` for what the oracle does not take."""
    if shown is None or shown.options or shown.reduction not in _REDUCTIONS or 0 in shown.shape:
        return None
    word = OPERATORS[operator]
    number = 1 + sum(entry.operator == operator for entry in entries)
    entry = Entry(
        id=f"{word}-{number:04d}",
        showed=showed,
        operator=operator,
        input=shown.input,
        target=shown.target,
        reduction=shown.reduction,
        weight=shown.weight,
        cotangent=shown.cotangent,
    )
    try:
        case = as_case(entry, shown.dtype, shown.target_dtype)
        expectation(case, Arithmetic(FORMATS[shown.dtype]))
    except (OracleError, ValueError):
        return None
    return msgspec.structs.replace(entry, input=hexadecimal(case.input))
