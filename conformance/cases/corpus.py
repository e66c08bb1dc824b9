"""The corpus: cases that once showed a fault, frozen in hexadecimal floats and never changed.

``corpus.json`` holds them; ``lossproof promote`` adds to it. An id is never reused, and a
case that turns out to be no evidence is not taken out but superseded by another.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import Domain
from reference.formats import Float64
from reports.record import ArgumentRecord, Hexadecimal

PATH = Path(__file__).with_name("corpus.json")
VERSION = 2


class Entry(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One frozen case.

    Attributes:
        id: ``margin-0001``, ``soft-0001`` and so on.
        showed: The fault that it showed.
        operator: Whose case it is.
        arguments: By name; their dtypes are those in which they once showed the fault.
        reduction: As of a call; absent if it was left out.
        options: Further keyword arguments.
        cotangent: Upstream gradient.
    """

    id: str
    showed: str
    operator: str
    arguments: dict[str, ArgumentRecord]
    reduction: str | None = None
    options: dict[str, Any] = {}
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


def cases(domain: Domain) -> list[Case]:
    """The cases of the domain's operator whose numbers are values of its format."""
    found = [as_case(entry, domain) for entry in read().entries if entry.operator == domain.operator.name]
    shapes = set(domain.shapes)
    return [case for case in found if _representable(case) and (not domain.shapes or case.first.shape in shapes)]


def as_case(entry: Entry, domain: Domain) -> Case:
    """An entry as a case of a domain."""
    arrays = {name: numbers_of(argument.values, argument.shape) for name, argument in entry.arguments.items()}
    whole = {argument.name for argument in domain.operator.arguments if argument.whole_numbers}
    return domain.case(
        arrays={name: array.astype(np.int64) if name in whole else array for name, array in arrays.items()},
        reduction=entry.reduction,
        options=dict(entry.options),
        cotangent=None if entry.cotangent is None else numbers_of(entry.cotangent),
    )


def numbers_of(values: Any, shape: list[int] | None = None) -> Float64:
    """An array from nested lists of hexadecimal floats or integers."""

    def decoded(part: Any) -> Any:
        if isinstance(part, (str, int, float)):
            return float.fromhex(part) if isinstance(part, str) else float(part)
        return [decoded(one) for one in part]

    array = np.array(decoded(values), dtype=np.float64)
    return array if shape is None else array.reshape(shape)


def _representable(case: Case) -> bool:
    arrays = [case[argument.name] for argument in case.given if not argument.whole_numbers]
    arrays += [] if case.cotangent is None else [case.cotangent]
    return all(np.array_equal(case.format.round(array), array) for array in arrays)


def write(corpus: Corpus, path: Path) -> None:
    """An entry on each line, so that a change shows as a line."""
    lines = ",\n".join(msgspec.json.encode(entry).decode() for entry in corpus.entries)
    path.write_text(f'{{"version":{corpus.version},"entries":[\n{lines}\n]}}\n', encoding="utf-8")
