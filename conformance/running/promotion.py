"""Adds the counterexamples of a run to the corpus."""

from __future__ import annotations

import fnmatch
from pathlib import Path

import msgspec

from conformance.cases.corpus import PATH, Entry, as_case, read, write
from conformance.cases.drawing import Domain
from conformance.judging.expectation import expectation
from conformance.operators.catalogue import OPERATORS
from reference.arguments import OracleError
from reference.formats import FORMATS, Arithmetic
from reports.record import Finding, Run

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
        entry = _entry(finding, showed, corpus.entries)
        if entry is not None and _key(entry) not in known:
            known.add(_key(entry))
            corpus.entries.append(entry)
            added.append(entry)
    if added:
        write(corpus, path)
    return added


def _key(entry: Entry) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(entry, id="", showed=""))


def _entry(finding: Finding, showed: str, entries: list[Entry]) -> Entry | None:
    """A counterexample under the next id; ``None`` for what the oracle does not take."""
    shown, operator = finding.counterexample, OPERATORS.get(finding.operator)
    if shown is None or operator is None or shown.reduction not in _REDUCTIONS:
        return None
    if any(0 in argument.shape for argument in shown.arguments.values()):
        return None
    number = 1 + sum(entry.operator == operator.name for entry in entries)
    entry = Entry(
        id=f"{operator.word}-{number:04d}",
        showed=showed,
        operator=operator.name,
        arguments=shown.arguments,
        reduction=shown.reduction,
        options=shown.options,
        cotangent=shown.cotangent,
    )
    dtypes = tuple((name, argument.dtype) for name, argument in shown.arguments.items())
    try:
        expectation(as_case(entry, Domain(operator, shown.dtype, dtypes)), Arithmetic(FORMATS[shown.dtype]))
    except (OracleError, ValueError):
        return None
    return entry
