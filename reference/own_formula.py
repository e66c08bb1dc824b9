"""A formula of the user's own: a function over named arguments, and a description of each argument."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from .arguments import DomainError, ShapeError
from .engine.expression import Count, Counted, Expression, Renamed
from .engine.formula import ArgumentSpec, Formula, Setting
from .engine.masks import Position, RenamedIntegers
from .engine.node import Node, walk
from .given import setting

KINDS = {"score": "finite", "number": "finite", "sign": "sign", "unit": "unit", "class": "class"}
"""What an argument may hold, by the word that ends its description; only a score has a gradient unless asked."""

RESERVED = ("dtype", "reduction", "cotangent", "documented", "flushes", "gradients")
"""The words of ``expect`` itself."""


def _option(word: str, default: Any, axes: Mapping[str, str]) -> Setting:
    """The default of an option, checked."""
    _check_name(f"option {word!r}", word)
    if word in axes:
        raise DomainError(f"option {word!r}: an argument has that name")
    if default is not None and not isinstance(default, float | int | str):
        raise DomainError(f"option {word!r} is {default!r}; it is a number, a string, True, False or None")
    return setting(f"option {word!r}", default, default)


def formula(
    function: Callable[..., Expression],
    /,
    *,
    options: Mapping[str, Any] | None = None,
    documented: Callable[..., Expression] | None = None,
    mean: Callable[..., Expression] | None = None,
    **axes: str,
) -> Formula:
    """A loss of one's own: ``lossproof.formula`` describes it.

    Raises:
        DomainError: A description that is none, or functions that take other arguments.
    """
    name = getattr(function, "__name__", "formula")
    name = "formula" if name == "<lambda>" else name
    if not axes:
        raise DomainError(f"{name}: no argument; describe each, as in input='N score'")
    specs = tuple(_spec(word, description) for word, description in axes.items())
    _check_classes(specs)
    settings = {word: _option(word, default, axes) for word, default in (options or {}).items()}
    forms = [_form(name, each, [*axes, *settings]) for each in (documented or function, function)]
    own_mean = None if mean is None else _form(name, mean, [*axes, *settings])
    return Formula(name, specs, forms[0], forms[1], settings, own_mean)


def _spec(name: str, description: Any) -> ArgumentSpec:
    _check_name(f"argument {name!r}", name)
    *pattern, kind = description.split() if isinstance(description, str) and description.strip() else [""]
    word = kind.removesuffix("?")
    if word not in KINDS:
        raise DomainError(f"argument {name!r}: {kind!r} is no kind; there are {', '.join(KINDS)}")
    plain = [axis.removesuffix("?") for axis in pattern]
    for axis in plain:
        if not (axis.isidentifier() or axis == "...") or plain.count(axis) > 1:
            raise DomainError(f"argument {name!r}: {description!r} is no description; one is 'N? C {word}'")
    return ArgumentSpec(name, " ".join(pattern), KINDS[word], kind.endswith("?"), word == "score")


def _check_name(words: str, name: str) -> None:
    if name in RESERVED:
        raise DomainError(f"{words}: expect has that word for itself; its own words are {', '.join(RESERVED)}")


def _check_classes(specs: tuple[ArgumentSpec, ...]) -> None:
    """Class indices count along axis C, so that a real argument must have one."""
    counted = any("C" in spec.pattern.split() for spec in specs if not spec.optional)
    for spec in specs:
        if spec.whole and not counted:
            raise DomainError(f"argument {spec.name!r}: classes are places of axis C, which no argument has")


def _form(name: str, function: Any, words: list[str]) -> Callable[..., Expression]:
    """The function, whose arguments are checked now and whose result is checked whenever it is called."""
    if not callable(function):
        raise DomainError(f"{name}: {function!r} is no function")
    try:
        inspect.signature(function).bind(**dict.fromkeys(words))
    except TypeError as error:
        raise DomainError(f"{name}: {error}; the description names {', '.join(words)}") from None

    def form(**given: Any) -> Expression:
        found = function(**given)
        if not isinstance(found, Expression):
            raise DomainError(f"{name}: the function gives a {type(found).__name__}; it must give an expression")
        _check_axes(name, found, {axis for part in given.values() if isinstance(part, Node) for axis in part.axes})
        return found

    return form


def _check_axes(name: str, root: Expression, known: set[str]) -> None:
    """Raise at a count or a position along an axis that no argument of the call has."""
    nodes = walk(root)
    known |= {node.new for node in nodes if isinstance(node, Renamed | RenamedIntegers)}
    for node in nodes:
        over = node.over if isinstance(node, Count | Counted) else (node.axis,) if isinstance(node, Position) else ()
        for axis in over:
            if axis not in known:
                raise ShapeError(f"{name}: no axis {axis!r} in this call; there are {', '.join(sorted(known))}")
