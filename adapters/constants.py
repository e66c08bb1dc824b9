"""Constants of an adapter's file, read without importing it: its framework may be missing here."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any


def constant(adapter: Path, name: str) -> Any:
    """What a literal at the top level of an adapter's file says.

    Args:
        adapter: The file.
        name: Of the constant.

    Returns:
        Its value; ``None`` where there is no such constant.

    Raises:
        SyntaxError: The file is no Python.
        ValueError: The constant is no literal.
    """
    tree = ast.parse(adapter.read_bytes(), str(adapter))
    stated = [node.value for node in tree.body if isinstance(node, (ast.Assign, ast.AnnAssign)) and _names(node, name)]
    return ast.literal_eval(stated[-1]) if stated and stated[-1] else None


def _names(node: ast.Assign | ast.AnnAssign, name: str) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)
