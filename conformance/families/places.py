"""A loss is a function of its arguments: not of where they lie, of neighbours, of calls before or of the thread."""

from __future__ import annotations

import dataclasses

import numpy as np

from conformance.cases.case import MARGIN, SOFT, Case
from conformance.cases.strategies import margin_cases, on_grid, soft_cases
from conformance.families.sources import MARGIN_SHAPES, SOFT_SHAPES
from conformance.judging.clause import both
from conformance.judging.compare import (
    Deviation,
    assert_alike,
    assert_same_bits,
    assert_shape,
    assert_value,
    assert_within,
)
from conformance.judging.subject import Array, Refused, Subject

_PURE = "A loss is a function of the values of its arguments."
_ROWS = {MARGIN: (MARGIN_SHAPES,), SOFT: (SOFT_SHAPES,)}


def _some_rows_equal(case: Case) -> Case:
    """Every other case with all its rows equal, so that a layout can share one row among them."""
    if int(case.digest(), 16) % 2:
        return case
    return case.replace(
        input=np.repeat(case.input[:1], len(case.input), axis=0),
        target=np.repeat(case.target[:1], len(case.target), axis=0),
    )


_ON_GRID = {
    MARGIN: margin_cases(cotangent=True).map(on_grid).map(_some_rows_equal),
    SOFT: soft_cases(weight=True, cotangent=True).map(on_grid).map(_some_rows_equal),
}
_ANY = {MARGIN: margin_cases(), SOFT: soft_cases(weight=True)}


@both("layout.same-result", "implied", why=_PURE, cases=_ON_GRID, needs="layouts")
def same_result_in_every_layout(subject: Subject, case: Case) -> None:
    """Strided, reversed, transposed, shared, read-only and misaligned arguments give the same loss and gradient.

    The scores are dyadic: where nothing rounds, the comparison is of bits.
    """
    differentiates = "gradient" in subject.offers
    expected = subject.expected(case, printed=True)
    for layout in subject.layouts:
        got = subject.evaluate(case.replace(layout=layout), *(["gradient"] if differentiates else []))
        try:
            assert_shape(got.value, case.result_shape)
            assert_within(subject, case, got.value, expected.value)
            if differentiates:
                assert_shape(got.gradient, case.input.shape)
                assert_within(subject, case, got.gradient, expected.gradient)
        except Deviation as deviation:
            raise _laid_out(deviation, layout) from None


def _laid_out(deviation: Deviation, layout: str) -> Deviation:
    """The same with the layout named."""
    return Deviation(
        deviation.expected, f"{deviation.got}, with arguments {layout}", deviation.kind, deviation.share, deviation.row
    )


@both(
    "layout.bits",
    "open",
    why="A sum may be taken in another order for another layout; whether its bits change is recorded.",
    cases=_ANY,
    needs="layouts",
)
def bits_in_every_layout(subject: Subject, case: Case) -> str:
    """Whether the bits of the loss are the same in every layout."""
    got = {name: subject.evaluate(case.replace(layout=name)).value.values for name in subject.layouts}
    first = got[subject.layouts[0]]
    other = [name for name, values in got.items() if not np.array_equal(values, first, equal_nan=True)]
    return f"other bits where arguments are {', '.join(other)}" if other else "the same bits in every layout"


@both("layout.same-call-twice", "implied", why=_PURE, cases=_ANY)
def the_same_call_gives_the_same_bits(subject: Subject, case: Case) -> None:
    """The same call gives the same bits after calls with other values, which leave other numbers in freed memory."""
    first = subject.evaluate(case).value

    large = case.replace(input=np.full(case.input.shape, case.format.round(case.format.largest / 1024)))
    for other in (large, large.replace(input=-large.input)):
        subject.evaluate(other)
    again = subject.evaluate(case).value

    assert_same_bits(again, first, "as at the first call")


@both(
    "layout.two-threads",
    "implied",
    why=_PURE,
    cases=_ANY,
    needs="threads",
)
def from_two_threads_at_once(subject: Subject, case: Case) -> None:
    """Called from two threads at once, each call gives the loss of its arguments."""
    expected = subject.expected(case, printed=True).value
    got = subject.derived(case, "threads")

    for values in got.values:
        one = Array(np.asarray(values, dtype=np.float64), got.dtype)
        assert_shape(one, case.result_shape)
        assert_within(subject, case, one, expected)


@both(
    "shapes.special-neighbours",
    "implied",
    sources=_ROWS,
    why="The formula of a row holds no other row.",
    cases={MARGIN: margin_cases(), SOFT: soft_cases()},
)
def special_neighbours_change_no_bit(subject: Subject, case: Case) -> None:
    """NaN, infinite and very large scores in other rows change no bit of a row's loss at the same place and shape."""
    first = _first_row(subject.evaluate(case).value, case)
    for score in (np.nan, np.inf, -np.inf, case.format.largest):
        input = case.input.copy()
        input[1:] = score
        try:
            got = subject.evaluate(case.replace(input=input)).value
        except Refused:
            continue
        assert_same_bits(_first_row(got, case), first, f"row 0 as beside other scores than {score}")


def _first_row(got: Array, case: Case) -> Array:
    assert_shape(got, case.result_shape)
    return dataclasses.replace(got, values=got.values[:1])


@both(
    "shapes.another-place",
    "implied",
    sources=_ROWS,
    why="The formula of a row knows neither its place nor the number of rows.",
    cases={MARGIN: margin_cases(), SOFT: soft_cases()},
)
def another_place_in_the_batch(subject: Subject, case: Case) -> None:
    """Rows in reverse order have the same losses, and the first row alone too, within the bounds of both."""
    expected, got = subject.expected(case, printed=True).value, subject.evaluate(case).value
    assert_shape(got, case.result_shape)

    turned = subject.evaluate(case.rows(slice(None, None, -1))).value
    assert_shape(turned, case.result_shape)
    assert_alike(dataclasses.replace(turned, values=turned.values[::-1]), got, expected, expected, "as before")

    if not subject.dear:
        assert_value(subject, case.rows(slice(0, 1)), printed=True)
