"""Trees of MathML elements, and the few that a formula is put together of.

A tree is a list: a tag, then texts and trees. It is data, like all of a run file: who shows
it looks at the tags and escapes the texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Tree = list[Any]
"""A tag, then texts and trees."""


def row(*parts: Tree) -> Tree:
    """Parts side by side."""
    return ["mrow", *parts]


def sign(text: str) -> Tree:
    """An operator, a relation or a bracket."""
    return ["mo", text]


def fenced(inside: Tree, left: str = "(", right: str = ")") -> Tree:
    """In brackets."""
    return row(sign(left), inside, sign(right))


def between(parts: Sequence[Tree], text: str) -> list[Tree]:
    """Parts with a sign between each and the next."""
    return [each for part in parts for each in (sign(text), part)][1:]


def listed(parts: Sequence[Tree]) -> Tree:
    """Parts with commas between them."""
    return row(*between(parts, ","))


def called(name: str, *arguments: Tree) -> Tree:
    """A function of arguments."""
    return row(["mi", name], fenced(listed(arguments)))
