"""A loss is a function of its arguments: not of where they lie, of calls before or of the thread."""

from __future__ import annotations

from typing import cast

import numpy as np

from adapters.arrays import PlainArray
from conformance.cases.case import Case
from conformance.cases.drawing import FIRST, Fixed, drawn, plain_case
from conformance.judging.answers import Array
from conformance.judging.compare import (
    Deviation,
    assert_each_loss,
    assert_gradients_within,
    assert_same_bits,
    assert_shape,
    assert_within,
)
from conformance.judging.shared import shared
from conformance.judging.subject import Subject

_PURE = "A loss is a function of the values of its arguments."
_ANY = drawn(scores="plain", given=("weight",))


def _some_rows_equal(case: Case) -> Case:
    """Every other case with all its rows and cotangents equal, so that a layout can share one among them."""
    if int(case.digest(), 16) % 2:
        return case
    batch = case.operator.batch
    rows = {
        argument.name: np.repeat(case[argument.name][:1], case.rows, axis=0)
        for argument in case.given
        if batch in argument.axes
    }
    upstream = case.upstream()
    return case.replace(**rows, cotangent=np.full(upstream.shape, upstream.reshape(-1)[0] if upstream.size else 1.0))


@shared(
    "layout.arguments-not-written",
    "implied",
    why="A loss is a function of its arguments.",
    cases=drawn(scores="plain", given=("weight",), cotangent=True),
    needs="after",
)
def arguments_are_not_written_to(subject: Subject, case: Case) -> None:
    """Every argument and the cotangent hold the same values after loss and gradient as before."""
    wants = ("gradient", "after") if "gradient" in subject.offers else ("after",)
    after = subject.evaluate(case, *wants).after

    given = {each["name"]: each["array"] for each in case.call_arguments()}
    for name, plain in {**given, "cotangent": case.plain_cotangent()}.items():
        if name in after:
            assert_same_bits(Array.of(after[name]), Array.of(cast(PlainArray, plain)), f"{name} as given")


@shared(
    "layout.same-result",
    "implied",
    why=_PURE,
    cases=drawn(scores="grid", given=("weight",), cotangent=True).map(_some_rows_equal).fewer(2),
    needs="layouts",
)
def same_result_in_every_layout(subject: Subject, case: Case) -> None:
    """Strided, reversed, transposed, shared, read-only and misaligned arguments give the same loss and gradient.

    The scores are dyadic: where nothing rounds, the comparison is of bits.
    """
    differentiates = "gradient" in subject.offers
    expected = subject.expected(case, as_documented=True)
    for layout in subject.layouts:
        got = subject.evaluate(case.replace(layout=layout), *(["gradient"] if differentiates else []))
        try:
            assert_shape(got.value, case.result_shape)
            assert_within(subject, case, got.value, expected.value)
            assert_gradients_within(subject, case, got.gradients, expected)
        except Deviation as deviation:
            raise deviation.beside(f"with arguments {layout}") from None


@shared(
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


@shared(
    "layout.first-call",
    "implied",
    why=_PURE,
    cases=Fixed(lambda domain: [plain_case(domain, FIRST)]),
    also=("brief", "narrow", "wide", "wrapped"),
)
def the_first_call_is_as_good_as_later_ones(subject: Subject, case: Case) -> None:
    """The first call in a process gives the loss of its arguments, or what later calls give."""
    got = subject.seen.first
    if got is None:
        subject.bench.discard()
        got = subject.evaluate(case).value
    later = subject.evaluate(case).value
    if np.array_equal(got.values, later.values, equal_nan=True):
        return  # what every call gives is for the clauses about values

    assert_shape(got, case.result_shape)
    assert_within(subject, case, got, subject.expected_loss(case, as_documented=True))


@shared("layout.same-call-twice", "implied", why=_PURE, cases=_ANY)
def the_same_call_gives_the_same_bits(subject: Subject, case: Case) -> None:
    """The same call gives the same bits after calls with other values, which leave other numbers in freed memory."""
    first = subject.evaluate(case).value

    for share in (1.0, -1.0):
        subject.evaluate(_filled(case, share * float(case.format.round(case.format.largest / 1024))))
    again = subject.evaluate(case).value

    assert_same_bits(again, first, "as at the first call")


def _filled(case: Case, score: float) -> Case:
    return case.replace(**{each.name: np.full(case[each.name].shape, score) for each in case.operator.scores})


@shared("layout.result-kept", "implied", why=_PURE, cases=_ANY, needs="kept")
def a_result_outlives_the_next_call(subject: Subject, case: Case) -> None:
    """A result that is kept holds the same bits after a second call with other scores."""
    other = case.format.round(-0.5 * case.first + 1.0)
    value, kept = subject.both(case, "kept", other=other)

    assert_same_bits(kept, value, "as before the second call")


def _one_label(case: Case) -> Case:
    """With the first label everywhere: where the loss is an argument itself, it is tempting to return that one."""
    labels = [argument.name for argument in case.given if argument.role == "labels"]
    return case.replace(**{name: np.full(case[name].shape, case[name].reshape(-1)[0]) for name in labels})


@shared(
    "layout.result-apart",
    "implied",
    why=_PURE,
    cases=drawn(scores="plain", sometimes=("weight",)).map(_one_label),
    needs="shares",
)
def a_result_has_memory_of_its_own(subject: Subject, case: Case) -> None:
    """The result lies in the memory of no argument, so that who writes to one changes nothing of the other."""
    shared_with = subject.told(case, "shares")
    if shared_with:
        raise Deviation("memory of its own", f"the memory of {', '.join(shared_with)}")


@shared("layout.settings-as-before", "implied", why=_PURE, cases=_ANY, needs="state")
def nothing_else_changes(subject: Subject, case: Case) -> None:
    """A call leaves the settings of framework, NumPy, Python and processor, and marks on arguments, as they were."""
    changed = subject.told(case, "state")
    if changed:
        raise Deviation("everything else as before", "; ".join(changed))


@shared("layout.two-threads", "implied", why=_PURE, cases=_ANY, needs="threads")
def from_two_threads_at_once(subject: Subject, case: Case) -> None:
    """Called from two threads at once, each call gives the loss of its arguments."""
    assert_each_loss(subject, case, subject.derived(case, "threads"))
