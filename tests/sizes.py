"""How long and how branched the code is: lines of files and functions, and McCabe's complexity as radon counts it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

Function = ast.FunctionDef | ast.AsyncFunctionDef
_BRANCHES = (ast.If, ast.IfExp, ast.ExceptHandler)


class Size(NamedTuple):
    """A function's place, its lines with its docstring but without its decorators, and its complexity."""

    name: str
    lines: int
    complexity: int


def functions(tree: ast.AST) -> Iterator[Size]:
    """Every function of a file, methods and functions inside others included."""
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield Size(node.name, 1 + (node.end_lineno or node.lineno) - node.lineno, complexity(node))


def complexity(function: Function) -> int:
    """1, and 1 for each branch, loop, condition of a comprehension, further operand of and or or, and assertion.

    What an assertion says is not looked into; a function inside is one of its own.
    """
    return 1 + sum(map(_inside, function.body))


def _inside(node: ast.AST) -> int:
    if isinstance(node, Function | ast.Assert):
        return int(isinstance(node, ast.Assert))
    return _weight(node) + sum(map(_inside, ast.iter_child_nodes(node)))


def _weight(node: ast.AST) -> int:
    if isinstance(node, ast.BoolOp):
        return len(node.values) - 1
    if isinstance(node, ast.comprehension):
        return 1 + len(node.ifs)
    if isinstance(node, ast.Match):
        return sum(not _is_wildcard(case.pattern) for case in node.cases)
    if isinstance(node, ast.For | ast.AsyncFor | ast.While):
        return 1 + bool(node.orelse)
    if isinstance(node, ast.Try):
        return int(bool(node.orelse))
    return int(isinstance(node, _BRANCHES))


def _is_wildcard(pattern: ast.pattern) -> bool:
    return isinstance(pattern, ast.MatchAs) and pattern.pattern is None


def parsed(path: Path) -> ast.Module:
    """A file's tree."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))
