"""What an entry of the zoo is, and the frameworks that entries are written in."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Fault:
    """One realistic mistake.

    Attributes:
        loss: The implementation with the mistake.
        words: What is wrong, in one sentence.
        corner: Where alone it differs, where it agrees with most plain cases.
        level: The last level of clause that must catch it; nothing need catch an ``open`` one.
        plain: Why its kind cannot agree with half of all plain cases, where it does not.
        mode: The mode that is asked; empty for the framework's first.
        clause: Glob of the clauses of which one must catch it, where the right implementation that it changes breaks
            others of that level.
    """

    loss: Any
    words: str
    corner: str = ""
    level: str = "implied"
    plain: str = ""
    mode: str = ""
    clause: str = "*"


@dataclass(frozen=True)
class Right:
    """One right implementation.

    Attributes:
        loss: The implementation.
        words: What it does in a way of its own, in one sentence.
        level: The last level whose clauses it keeps: ``implied`` or ``quality``.
        mode: The mode that is asked; empty for the framework's first.
    """

    loss: Any
    words: str
    level: str = "implied"
    mode: str = ""


@dataclass(frozen=True)
class Made:
    """An implementation that is made where it is asked for: no compiler looks through a :class:`Late` module."""

    make: Callable[[], Any]


def loss_of(entry: Fault | Right) -> Any:
    """The implementation itself."""
    return entry.loss.make() if isinstance(entry.loss, Made) else entry.loss


def attributes(entries: Mapping[str, Fault] | Mapping[str, Right]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a module whose attributes are the implementations of its entries."""

    def of(name: str) -> Any:
        if name not in entries:
            raise AttributeError(name)
        return loss_of(entries[name])

    return of


class Late:
    """A module that is imported where it is first used: the suite's own environment has no framework."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self._name), name)


torch: Any = Late("torch")
jax: Any = Late("jax")
jnp: Any = Late("jax.numpy")
tf: Any = Late("tensorflow")
mindspore: Any = Late("mindspore")
ops: Any = Late("mindspore.ops")
