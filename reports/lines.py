"""Files of JSON lines with a header, a body and a footer: how they are read, and refused by name and line."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec

Line = TypeVar("Line")
Fact = tuple[str, object, object]


class RunFileError(ValueError):
    """A file that is cut short, tampered with or not of its schema."""


def read_lines(
    path: Path, decoder: msgspec.json.Decoder[Line], schema: str, header: type, footer: type
) -> tuple[bytes, list[Line]]:
    """The bytes of a file and its lines, a header first, a footer last and neither between.

    Raises:
        RunFileError: The file is missing, cut short, or holds a line that the schema does not know.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise RunFileError(f"{path}: cannot be read: {error.strerror}; it was not used") from None
    lines = [
        _line(path, number, text, decoder, schema) for number, text in enumerate(raw.splitlines(keepends=True), start=1)
    ]
    if not lines or not isinstance(lines[0], header):
        raise RunFileError(f"{path}: line 1 is not a header of {schema}; the file was not used")
    if not isinstance(lines[-1], footer):
        raise RunFileError(f"{path}: there is no footer after line {len(lines)}; it is incomplete and was not used")
    for number, line in enumerate(lines[1:-1], start=2):
        if isinstance(line, (header, footer)):
            name = "header" if isinstance(line, header) else "footer"
            raise RunFileError(f"{path}: line {number} is a second {name}; the file was not used")
    return raw, lines


def _line(path: Path, number: int, text: bytes, decoder: msgspec.json.Decoder[Line], schema: str) -> Line:
    if not text.endswith(b"\n"):
        raise RunFileError(f"{path}: line {number} is cut short; it is incomplete and was not used")
    try:
        return decoder.decode(text)
    except msgspec.MsgspecError as error:
        raise RunFileError(f"{path}: line {number} is not of {schema}: {error}; the file was not used") from None


def schema_of(lines: object, title: str) -> dict[str, Any]:
    """JSON Schema of a line, the same by every version of msgspec.

    Versions indent a description as its docstring is, or do not, and name the choices of a field in their own order.

    Args:
        lines: The union of what a line may be.
        title: The name of the schema.
    """
    schema = cast("dict[str, Any]", _uniform(msgspec.json.schema(lines)))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **schema}


def _uniform(part: object) -> object:
    """A part of a schema, its descriptions without indentation, its choices sorted."""
    if isinstance(part, list):
        return [_uniform(each) for each in cast("list[object]", part)]
    if not isinstance(part, dict):
        return part
    found = {key: _uniform(value) for key, value in cast("dict[str, object]", part).items()}
    words = found.get("description")
    if isinstance(words, str):
        found["description"] = inspect.cleandoc(words)
    if "anyOf" in found:
        choices = cast("list[object]", found["anyOf"])
        found["anyOf"] = sorted(choices, key=lambda choice: msgspec.json.encode(choice, order="sorted"))
    return found


def digest(text: bytes) -> str:
    """How a footer names what stands before it."""
    return f"sha256:{hashlib.sha256(text).hexdigest()}"


def digest_before_footer(raw: bytes) -> str:
    """The digest of every line but the last."""
    return digest(raw[: raw.rindex(b"\n", 0, -1) + 1])


def check(path: Path, facts: Sequence[Fact]) -> None:
    """Refuse a file in which something is not what its header or footer says.

    Args:
        path: The file.
        facts: What, as it is said, as it was found.
    """
    for what, said, found in facts:
        if said != found:
            raise RunFileError(f"{path}: the {what} is given as {said}, found {found}; the file was not used")
