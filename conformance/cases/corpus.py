"""The corpus: cases that once showed a fault, frozen in hexadecimal floats and never changed.

``corpus.json`` holds them; ``lossproof promote`` adds to it. An id is never reused, and a
case that turns out to be no evidence is not taken out but superseded by another.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from conformance.cases.case import MARGIN, Case
from conformance.cases.strategies import Domain
from reference.formats import Float64, Int64
from reports.record import Hexadecimal

PATH = Path(__file__).with_name("corpus.json")
VERSION = 1


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


def write(corpus: Corpus, path: Path) -> None:
    """An entry on each line, so that a change shows as a line."""
    lines = ",\n".join(msgspec.json.encode(entry).decode() for entry in corpus.entries)
    path.write_text(f'{{"version":{corpus.version},"entries":[\n{lines}\n]}}\n', encoding="utf-8")
