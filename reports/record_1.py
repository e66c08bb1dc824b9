"""The first schema of run files, ``lossproof-run/1``: read, and never written any more."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Literal

import msgspec

from reports import record

SCHEMA = "lossproof-run/1"
_ARGUMENTS = ("input", "target", "weight")


class Header(record.Closed, tag_field="kind", tag="header"):
    """First line of such a file."""

    schema: Literal["lossproof-run/1"]
    run: str
    started: str
    suite: record.Suite
    subject: record.SubjectRecord
    profile: str
    seed: int
    planned: int
    machine: record.Machine
    measured: dict[str, Any]
    left_out: list[record.LeftOut] = []  # noqa: RUF012 (msgspec copies it)


class Counterexample(record.Closed):
    """The smallest input found: of two arguments and a weight."""

    input: record.Hexadecimal
    target: Any
    reduction: str | None
    expected: str
    got: str
    reproducer: str
    shape: list[int]
    dtype: str
    target_dtype: str
    weight: record.Hexadecimal | None = None
    cotangent: record.Hexadecimal | None = None
    options: dict[str, Any] = {}  # noqa: RUF012 (msgspec copies it)


class Finding(record.Closed, tag_field="kind", tag="finding"):
    """Clause × variant → verdict, with its evidence."""

    operator: str
    clause: str
    level: record.Level
    variant: record.VariantRecord
    verdict: record.Verdict
    cases: int
    seconds: float
    cases_digest: str = ""
    worst: record.Worst | None = None
    words: str = ""
    counterexample: Counterexample | None = None
    observed: record.Observed | None = None
    repeatable: bool | None = None
    first: int | None = None
    problem: str = ""
    failures: list[record.Failure] = []  # noqa: RUF012 (msgspec copies it)
    refusals: list[str] = []  # noqa: RUF012 (msgspec copies it)


Line = Header | record.ClauseRecord | Finding | record.Accuracy | record.Footer


@functools.cache
def decoder() -> msgspec.json.Decoder[Line]:
    """Reads a line."""
    return msgspec.json.Decoder(Line)


def is_older(path: Path) -> bool:
    """Whether a file says in its first line that it is of this schema."""
    try:
        with path.open("rb") as file:
            return f'"schema":"{SCHEMA}"'.encode() in file.readline(4096)
    except OSError:
        return False


def converted(line: Line) -> record.Line:
    """A line as the present schema has it."""
    if isinstance(line, Header):
        fields = _fields(line)
        fields["schema"] = record.SCHEMA
        return record.Header(**fields)
    if not isinstance(line, Finding):
        return line
    fields, shown = _fields(line), line.counterexample
    fields["counterexample"] = None if shown is None else _by_name(shown, line.problem)
    return record.Finding(**fields)


def _fields(line: Header | Finding) -> dict[str, Any]:
    return {name: getattr(line, name) for name in line.__struct_fields__}


def _by_name(shown: Counterexample, problem: str) -> record.Counterexample:
    """A counterexample with its arguments by name."""
    arguments: dict[str, record.ArgumentRecord] = {}
    for name in _ARGUMENTS:
        values = getattr(shown, name)
        if values is not None:
            dtype = shown.target_dtype if name == "target" else shown.dtype
            shape = shown.shape if name == "input" else _shape(values, shown.shape)
            arguments[name] = record.ArgumentRecord(dtype=dtype, shape=shape, values=_exact(values))
    return record.Counterexample(
        arguments=arguments,
        reduction=shown.reduction,
        expected=shown.expected,
        got=shown.got,
        reproducer=shown.reproducer,
        dtype=shown.dtype,
        options=shown.options,
        cotangent=shown.cotangent,
        kind=problem,
    )


def _shape(values: Any, of_input: list[int]) -> list[int]:
    """The shape of nested lists; where they hold nothing, that of the input's if it holds as many."""
    shape: list[int] = []
    while not _is_number(values):
        shape.append(len(values))
        values = values[0] if values else None
    return of_input if 0 in shape and of_input[: len(shape)] == shape else shape


def _exact(values: Any) -> Any:
    """Labels, which this schema has as decimal numbers, as hexadecimal floats; integers as they are."""
    if not _is_number(values):
        return [_exact(part) for part in values]
    if not isinstance(values, float):
        return values
    significand, _, exponent = values.hex().partition("p")
    return f"{significand.rstrip('0').rstrip('.')}p{exponent}"


def _is_number(values: Any) -> bool:
    """Whether it is no list: a number, or a hexadecimal float."""
    return values is None or isinstance(values, str | int | float)
