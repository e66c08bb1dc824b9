"""A node as people write it, for the sentences about mutants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reference.engine import expression as e
from reference.engine import masks as m
from reference.engine.node import Node

_LONGEST = 70


def short(node: Node) -> str:
    """The node's formula; cut where it is long."""
    full = text(node)
    return full if len(full) <= _LONGEST else f"{full[: _LONGEST - 2]}…"


def text(node: Node) -> str:
    """The node's formula in one line."""
    write = _WRITE.get(type(node))
    parts = [text(parent) for parent in node.parents]
    return write(node, parts) if write else f"{type(node).__name__}({', '.join(parts)})"


def _sum(node: e.Sum, parts: list[str]) -> str:
    signed = [("-" if sign < 0 else "+", part) for sign, part in zip(node.signs, parts, strict=True)]
    joined = " ".join(f"{sign} {part}" for sign, part in signed)
    return "(" + joined.removeprefix("+ ").replace("- ", "-", 1 if joined.startswith("-") else 0) + ")"


def _number(value: float) -> str:
    return f"{value:g}"


_WRITE: dict[type[Node], Callable[[Any, list[str]], str]] = {
    e.Argument: lambda node, parts: str(node.name),
    e.Option: lambda node, parts: str(node.name),
    m.IntegerArgument: lambda node, parts: str(node.name),
    e.Constant: lambda node, parts: _number(node.value),
    m.IntegerConstant: lambda node, parts: str(node.value),
    e.Count: lambda node, parts: "·".join(node.over) or "1",
    e.Counted: lambda node, parts: f"#[{parts[0]}]",
    e.Sum: _sum,
    e.Product: lambda node, parts: " · ".join(parts),
    e.Quotient: lambda node, parts: " / ".join(parts),
    e.Power: lambda node, parts: f"{parts[0]}^{node.exponent}",
    e.Absolute: lambda node, parts: f"|{parts[0]}|",
    e.Positive: lambda node, parts: f"max(0, {parts[0].removeprefix('(').removesuffix(')')})",
    e.Larger: lambda node, parts: f"max({', '.join(parts)})",
    e.Where: lambda node, parts: f"[{parts[0]} ? {parts[1]} : {parts[2]}]",
    e.Gather: lambda node, parts: f"{parts[0]}[{parts[1]}]",
    e.Renamed: lambda node, parts: parts[0],
    e.Total: lambda node, parts: f"Σ_{''.join(node.over)} {parts[0]}",
    e.Elementary: lambda node, parts: f"{node.function}({parts[0].removeprefix('(').removesuffix(')')})",
    e.LogSumExp: lambda node, parts: f"logsumexp_{node.axis}({parts[0]})",
    e.Stored: lambda node, parts: parts[0],
    m.Position: lambda node, parts: f"place on {node.axis}",
    m.RenamedIntegers: lambda node, parts: parts[0],
    m.Related: lambda node, parts: f"{parts[0]} {node.relation} {parts[1]}",
    m.Compared: lambda node, parts: f"{parts[0]} {node.relation} {parts[1]}",
    m.And: lambda node, parts: " and ".join(parts),
    m.Or: lambda node, parts: " or ".join(parts),
    m.Not: lambda node, parts: f"not({parts[0]})",
    m.AnyOf: lambda node, parts: f"any_{node.axis}({parts[0]})",
    m.Leading: lambda node, parts: f"leading({parts[0]})",
}
