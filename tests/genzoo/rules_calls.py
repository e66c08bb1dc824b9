"""Mistakes in what a call means: reductions, options and their defaults, memory, sizes, and corners of calls."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from reference.engine.formula import Formula, Setting
from reference.engine.steps import Array
from tests.genzoo import tools
from tests.genzoo.evaluation import Altered
from tests.genzoo.mutation import Call, Mutation
from tests.genzoo.sites import REDUCTIONS, scores

When = Callable[[Call], bool]
_ROWS = (128, 1024, 65_535)


def everywhere(formula: Formula) -> Iterator[Mutation]:
    """Every mistake in what a call means."""
    yield from _reductions()
    for name, default in formula.options.items():
        yield from _options(name, default)
    for spec in formula.arguments:
        yield Mutation(f"contiguous_{spec.name}", "strides not looked at", f"{spec.name} read as if contiguous",
                       call=partial(_read, spec.name))  # fmt: skip
        if spec.optional:
            yield Mutation(f"without_{spec.name}", "an option ignored", f"{spec.name} ignored",
                           call=partial(_without, spec.name))  # fmt: skip
    yield from _results()
    yield from _corners(formula)


def _reductions() -> Iterator[Mutation]:
    for asked, other in itertools.product((None, *REDUCTIONS), REDUCTIONS):
        if asked != other and not (asked is None and other == "mean"):
            words = "a reduction that is left out" if asked is None else f"reduction {asked}"
            yield Mutation(f"reduction_{asked or 'default'}_as_{other}", "another reduction", f"{words} as {other}",
                           when=partial(_asks, asked), call=partial(_reduced, other))  # fmt: skip


def _asks(reduction: str | None, call: Call) -> bool:
    return call.reduction == reduction


def _reduced(reduction: str, call: Call) -> Call:
    return replace(call, reduction=reduction)


def _options(name: str, default: Setting) -> Iterator[Mutation]:
    if isinstance(default, bool | str) or default is None:
        return
    yield Mutation(f"without_{name}", "an option ignored", f"{name} ignored", call=partial(_defaulted, name))
    yield Mutation(f"default_{name}", "another default", f"{name} as {default + 1:g} if it is left out",
                   when=lambda call: name not in call.settings,
                   call=partial(_set, name, default + 1))  # fmt: skip


def _defaulted(name: str, call: Call) -> Call:
    return replace(call, settings={key: value for key, value in call.settings.items() if key != name})


def _set(name: str, value: Setting, call: Call) -> Call:
    return replace(call, settings={**call.settings, name: value})


def _without(name: str, call: Call) -> Call:
    return replace(call, arrays={key: array for key, array in call.arrays.items() if key != name})


def _read(name: str, call: Call) -> Call:
    if name not in call.arrays:
        return call
    xp = tools.namespace("torch" if hasattr(call.arrays[name], "untyped_storage") else "numpy")
    return replace(call, arrays={**call.arrays, name: tools.as_if_contiguous(xp, call.arrays[name])})


def _results() -> Iterator[Mutation]:
    for limit in _ROWS:
        yield Mutation(f"rows_to_{limit}", "places past a limit", f"0 in every place past the first {limit}",
                       outcome=partial(_cut, limit))  # fmt: skip
    yield Mutation("last_row_missing", "a row too few", "0 in the last row", outcome=_last_missing)
    yield Mutation("rows_reversed", "a row for another", "the rows in reverse order",
                   outcome=lambda plain, found: plain.xp.flip(found, (0,)) if len(found.shape) else found)  # fmt: skip
    yield Mutation("in_half", "an intermediate in half precision", "the result in half the width",
                   outcome=lambda plain, found: tools.halved(plain.xp, found))  # fmt: skip
    yield Mutation("nearly", "another constant", "the result times 1.001", outcome=lambda plain, found: found * 1.001)
    yield Mutation("wide", "another dtype", "the result in float64",
                   outcome=lambda plain, found: tools.cast(found, plain.xp.float64))  # fmt: skip


def _cut(limit: int, plain: Altered, found: Array) -> Array:
    if not len(found.shape) or found.shape[0] <= limit:
        return found
    places = plain.xp.arange(found.shape[0]).reshape((-1,) + (1,) * (len(found.shape) - 1))
    return plain.xp.where(places < limit, found, plain.xp.zeros_like(found))


def _last_missing(plain: Altered, found: Array) -> Array:
    return _cut(found.shape[0] - 1, plain, found) if len(found.shape) and found.shape[0] else found


def _corners(formula: Formula) -> Iterator[Mutation]:
    """Results that are double in some calls alone: is every pair of circumstances asked for?"""
    corners = {name: when for group in _groups(formula) for name, when in group.items()}
    for name, when in corners.items():
        yield _doubled(name, when)
    for one, other in itertools.combinations(_groups(formula), 2):
        for (first, is_first), (second, is_second) in itertools.product(one.items(), other.items()):
            yield _doubled(f"{first}_and_{second}", partial(_both, is_first, is_second))


def _doubled(name: str, when: When) -> Mutation:
    words = name.replace("_and_", " and ").replace("_", " ")
    return Mutation(f"double_{name}", "wrong in a corner of calls", f"double the result for calls with {words}",
                    when=when, outcome=lambda plain, found: found * 2)  # fmt: skip


def _both(one: When, other: When, call: Call) -> bool:
    return one(call) and other(call)


def _groups(formula: Formula) -> Iterator[Mapping[str, When]]:
    """Circumstances of calls; those of one group exclude each other."""
    yield {
        "reduction_left_out": partial(_asks, None),
        **{f"reduction_{each}": partial(_asks, each) for each in REDUCTIONS},
    }
    if "?" in "".join(spec.pattern for spec in formula.arguments):
        yield {"no_batch": _unbatched}
    yield from ({spec.name: partial(_has, spec.name)} for spec in formula.arguments if spec.optional)
    yield from ({f"another_{name}": partial(_differs, name, default)} for name, default in formula.options.items())
    yield {f"precision_{bits}": partial(_precise, bits) for bits in (11, 24, 53)}
    first = next(filter(scores, formula.arguments))
    if "..." in first.pattern:
        yield {f"rank_{rank}": partial(_ranked, first.name, rank) for rank in (1, 2, 3)}


def _unbatched(call: Call) -> bool:
    first = call.formula.arguments[0]
    return len(call.arrays[first.name].shape) < len(first.pattern.split())


def _has(name: str, call: Call) -> bool:
    return name in call.arrays


def _differs(name: str, default: Setting, call: Call) -> bool:
    return call.settings.get(name, default) != default


def _precise(bits: int, call: Call) -> bool:
    return call.precision == bits


def _ranked(name: str, rank: int, call: Call) -> bool:
    return len(call.arrays[name].shape) == rank
