"""Whether a mutant that no clause catches differs from the formula at all.

It is held against the right implementation, bit for bit, in NumPy: on every row of the
exhaustive lattice and on drawn cases with scores of every size, in every format, with and
without batch, weights and other options, contiguous and not, and on rows and classes by the
thousand. Where bits differ, the engine's bound decides whether that is rounding.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import Domain, drawn
from conformance.cases.lattice import lattice
from conformance.cases.operator import Operator
from conformance.cases.random_bits import RandomBits
from conformance.judging.expectation import expectation
from conformance.operators.catalogue import OPERATORS
from reference.formats import Arithmetic
from tests.genzoo.functions import Loss, formula_of, named
from tests.genzoo.mutation import Mutation
from tests.genzoo.reasons import reason

CALLS = 10_000
"""Drawn calls, of one to four rows each."""

_SOME = 11
"""One call in so many is looked at for the reason."""

_FORMATS = ("float32", "float64", "float16")
_REDUCTIONS = ("none", "sum", "mean", None)
_MANY = (300, 2100, 66_000)
_PAIRS = 3_000_000


@dataclass(frozen=True)
class Difference:
    """What is known of a mutant beside the formula.

    Attributes:
        verdict: ``equivalent``, ``rounding``, ``unreached`` or ``survives``.
        words: The numbers of cases, or where it differs.
    """

    verdict: str
    words: str


@dataclass(frozen=True)
class Answered:
    """A call, and what the right implementation answers."""

    case: Case
    loss: Any
    gradient: Any


def difference(operator: str, name: str) -> Difference:
    """Hold a mutant against the formula."""
    mutant = named(operator)[name]
    assert isinstance(mutant, Mutation)
    wrong = Loss(formula_of(operator), mutant, np)
    rows, calls, otherwise = 0, 0, 0
    for right in answered(operator):
        rows, calls = rows + right.case.rows, calls + 1
        for got, want, gradient in _pairs(wrong, right):
            if got.dtype == want.dtype and np.array_equal(got, want, equal_nan=got.dtype.kind == "f"):
                continue
            if not _admitted(right.case, got, gradient=gradient):
                return Difference("survives", f"differs: {_shown(right.case, got, want, gradient=gradient)}")
            otherwise += 1
    if otherwise:
        return Difference("rounding", f"other bits in {otherwise} of {calls} calls, all within the bound")
    if _out_of_reach(OPERATORS[operator], mutant):
        return Difference("unreached", f"differs, if at all, beyond the classes that are paired here; {calls} calls")
    some = [arguments(right.case) for right in answered(operator)[::_SOME]]
    why = reason(formula_of(operator), mutant, some)
    return Difference("equivalent", f"{why}; the same bits in {calls} calls of {rows} rows")


def _out_of_reach(operator: Operator, mutation: Mutation) -> bool:
    """Whether a mistake shows with many classes alone, of a formula that pairs them."""
    paired = any(argument.indexes in argument.axes for argument in operator.arguments)
    return paired and mutation.kind in ("places past a limit", "a label narrowed")


@functools.cache
def answered(operator: str) -> tuple[Answered, ...]:
    """The calls of a loss with their right answers."""
    right = Loss(formula_of(operator), None, np)
    found: list[Answered] = []
    for case in _cases(OPERATORS[operator]):
        positional, keywords, cotangent = arguments(case)
        loss, slope = right.value(*positional, **keywords), right.gradient(*positional, cotangent, **keywords)
        found.append(Answered(case, np.asarray(loss), np.asarray(slope)))
    return tuple(found)


def _pairs(wrong: Loss, right: Answered) -> Iterator[tuple[Any, Any, bool]]:
    positional, keywords, cotangent = arguments(right.case)
    part = wrong.mutation.part if wrong.mutation else "both"
    if part != "gradient":
        yield _tried(wrong.value, positional, keywords), right.loss, False
    if part != "value":
        yield _tried(wrong.gradient, [*positional, cotangent], keywords), right.gradient, True


def _tried(loss: Any, positional: list[Any], keywords: dict[str, Any]) -> Any:
    try:
        return np.asarray(loss(*positional, **keywords))
    except (ValueError, IndexError, TypeError):
        return np.asarray("refused")


def arguments(case: Case) -> tuple[list[Any], dict[str, Any], Any]:
    """A case as NumPy arrays: positional and keyword arguments, and the cotangent; every other one is strided."""
    apart = int(case.digest(), 16) % 2 == 1

    def array(values: Any, dtype: str) -> Any:
        made = np.asarray(values).astype(dtype)
        return np.repeat(made, 2, axis=-1)[..., ::2] if apart and made.ndim else made

    arrays = {each.name: array(case[each.name], case.dtype_of(each.name)) for each in case.given}
    positional = [arrays[each.name] for each in case.given if each.place == "positional"]
    keywords = {each.name: arrays[each.name] for each in case.given if each.place == "keyword"}
    return positional, {**keywords, **case.keywords}, array(case.upstream(), case.dtype)


def _admitted(case: Case, got: Any, *, gradient: bool) -> bool:
    """Whether a result has its shape and dtype and is within the bound of the careful form."""
    answer = expectation(case, Arithmetic(case.format))
    expected = answer.gradient if gradient else answer.value
    if got.shape != expected.low.shape or str(got.dtype) != case.dtype:
        return False
    return bool(expected.admits(got.astype(np.float64), case.format).all())


def _shown(case: Case, got: Any, want: Any, *, gradient: bool) -> str:
    what = "gradient" if gradient else "loss"
    shapes = ", ".join(f"{each.name} {case[each.name].shape}" for each in case.given)
    said = f"{what} of {case.dtype} {shapes}, {case.keywords}"
    if got.shape != want.shape or got.dtype != want.dtype:
        return f"{said}: {got.dtype} {got.shape} for {want.dtype} {want.shape}"
    place = np.argmax(~((got == want) | (np.isnan(got) & np.isnan(want))).reshape(-1))
    return f"{said}: {got.reshape(-1)[place]!r} for {want.reshape(-1)[place]!r}"


def _drawn(domain: Domain, count: int) -> Iterator[Case]:
    """Drawn cases; about one in five has no batch, if the operator allows that."""
    for bits in itertools.islice(RandomBits.streams("genzoo", 0), count):
        case = _with_other_numbers(_DRAW.build(bits, domain), bits)
        alone = bits.integer(0, 5) == 0 and domain.operator.unbatched
        yield case.some_rows(slice(0, 1)).unbatched() if alone else case


def _cases(operator: Operator) -> Iterator[Case]:
    whole = {argument.name: "int64" for argument in operator.arguments if argument.whole_numbers}
    domains = [Domain(operator, dtype, tuple(whole.items())) for dtype in _FORMATS]
    for domain in domains:
        yield from _drawn(domain, CALLS // len(domains))
    for domain, reduction in itertools.product(domains, _REDUCTIONS):
        for case in lattice(domain):
            yield case.replace(reduction=reduction, cotangent=None if reduction != "none" else case.cotangent)
    for domain, size in itertools.product(domains[:1], _MANY):
        yield from _large(domain, size)


def _with_other_numbers(case: Case, bits: RandomBits) -> Case:
    """In about every third call the options that are numbers of the formula take values that no list has."""
    free = [option.name for option in case.operator.options if isinstance(option.default, float)]
    if bits.integer(0, 3) or not free:
        return case
    return case.replace(options={**case.options, **dict.fromkeys(free, bits.one_of(_NUMBERS))})


_NUMBERS = (0.3, -0.5, 7.0, 0.1)
_DRAW = drawn(_REDUCTIONS, sometimes=("weight",), weights=("every", "signed"), cotangent=True)


def _as_arrays(case: Case) -> Case:
    return replace(case, arrays={name: np.asarray(array) for name, array in case.arrays.items()})


def _is_paired(operator: Operator, axis: str) -> bool:
    """Whether the formula pairs the places of an axis: an argument along the axis names them."""
    return any(argument.indexes == axis and axis in argument.axes for argument in operator.arguments)


def _large(domain: Domain, size: int) -> Iterator[Case]:
    """Many places of each axis, unless the formula pairs them."""
    operator = domain.operator
    for axis in operator.sizes:
        sizes = {each: size if each == axis else 3 for each in operator.sizes}
        if axis in operator.free or (_is_paired(operator, axis) and size * size * 3 > _PAIRS):
            continue
        for reduction in _REDUCTIONS[:3] if size < _MANY[-1] or axis == operator.batch else _REDUCTIONS[:1]:
            build = drawn((reduction,), scores="grid", sizes=sizes, given=("weight",), cotangent=True).build
            yield _as_arrays(build(RandomBits(size), domain))
