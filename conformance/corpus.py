"""The corpus: cases that once showed a fault, frozen in hexadecimal floats and never changed.

``corpus.json`` holds them; ``lossproof promote`` adds to it. An id is never reused, and a
case that turns out to be no evidence is not taken out but superseded by another.
"""

from __future__ import annotations

import fnmatch
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from conformance.case import MARGIN, OPERATORS, Case
from conformance.expectation import expectation
from conformance.reproducer import hexadecimal
from conformance.strategies import Domain
from reference.arguments import OracleError
from reference.formats import FORMATS, Arithmetic, Float64, Int64
from reports.record import Counterexample, Hexadecimal, Run

PATH = Path(__file__).with_name("corpus.json")
VERSION = 1
_REDUCTIONS = (None, "none", "sum", "mean")


class Entry(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One frozen case.

    Attributes:
        id: ``margin-0001``, ``soft-0001`` and so on.
        showed: The fault that it showed.
        operator: Whose case it is.
        input: Scores.
        target: Class indices, or labels.
        reduction: As of a call; absent where it was left out.
        weight: A factor for each class.
        cotangent: Upstream gradient.
    """

    id: str
    showed: str
    operator: str
    input: Hexadecimal
    target: Any
    reduction: str | None = None
    weight: Hexadecimal | None = None
    cotangent: Hexadecimal | None = None


class Corpus(msgspec.Struct, forbid_unknown_fields=True):
    """All of them, in the order in which they were found."""

    version: int
    entries: list[Entry]


def read(path: Path = PATH) -> Corpus:
    """The corpus of a file; an empty one where there is none.

    Raises:
        ValueError: The file is no corpus, or of another version.
    """
    if not path.exists():
        return Corpus(VERSION, [])
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Corpus)
    except msgspec.DecodeError as error:
        raise ValueError(f"{path}: no corpus: {error}") from None
    if found.version != VERSION:
        raise ValueError(f"{path}: a corpus of version {found.version}; this suite reads {VERSION}")
    return found


def cases(operator: str, domain: Domain) -> list[Case]:
    """The cases of an operator whose numbers are values of the domain's format."""
    found = [as_case(entry, domain.dtype, domain.targets) for entry in read().entries if entry.operator == operator]
    shapes = set(domain.shapes)
    return [case for case in found if _representable(case) and (not domain.shapes or case.input.shape in shapes)]


def as_case(entry: Entry, dtype: str, target_dtype: str) -> Case:
    """An entry as a case of a format."""
    target: Int64 | Float64 = np.array(entry.target, dtype=np.float64)
    if entry.operator == MARGIN:
        target = np.array(entry.target, dtype=np.int64)
    return Case(
        operator=entry.operator,
        dtype=dtype,
        input=numbers_of(entry.input),
        target=target,
        target_dtype=target_dtype,
        reduction=entry.reduction,
        weight=None if entry.weight is None else numbers_of(entry.weight),
        cotangent=None if entry.cotangent is None else numbers_of(entry.cotangent),
    )


def numbers_of(values: Hexadecimal) -> Float64:
    """An array from nested lists of hexadecimal floats."""

    def decoded(part: Hexadecimal) -> Any:
        return float.fromhex(part) if isinstance(part, str) else [decoded(one) for one in part]

    return np.array(decoded(values), dtype=np.float64)


def _representable(case: Case) -> bool:
    arrays = (case.input, case.weight, case.cotangent, None if case.operator == MARGIN else case.target)
    return all(array is None or np.array_equal(case.format.round(array), array) for array in arrays)


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
        _write(corpus, path)
    return added


def _write(corpus: Corpus, path: Path) -> None:
    """An entry on each line, so that a change shows as a line."""
    lines = ",\n".join(msgspec.json.encode(entry).decode() for entry in corpus.entries)
    path.write_text(f'{{"version":{corpus.version},"entries":[\n{lines}\n]}}\n', encoding="utf-8")


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
