"""Nested lists as a person writes them in Python."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

_RUN = 8
"""More equal parts than these are written once, times their number."""


def list_text(values: Any) -> str:
    """An expression that Python reads as these values: ``[[0.0, 1.0]] * 65536`` for as many equal rows."""
    if not isinstance(values, list):
        return repr(values)
    parts: list[str] = [list_text(part) for part in values]  # pyright: ignore[reportUnknownVariableType]
    return " + ".join(_pieces(parts)) or "[]"


def _pieces(parts: list[str]) -> Iterator[str]:
    """Runs of equal parts, and between them lists of others."""
    others: list[str] = []
    for part, run in itertools.groupby(parts):
        count = len(list(run))
        if count <= _RUN:
            others += [part] * count
            continue
        if others:
            yield f"[{', '.join(others)}]"
        others = []
        yield f"[{part}] * {count}"
    if others:
        yield f"[{', '.join(others)}]"
