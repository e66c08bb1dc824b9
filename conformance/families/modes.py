"""Modes and forms are ways of running one function: they are held against each other."""

from __future__ import annotations

from conformance.cases.case import Case
from conformance.cases.drawing import Domain, Drawn, drawn
from conformance.cases.random_bits import RandomBits
from conformance.judging.answers import Refused, Result
from conformance.judging.compare import Deviation, assert_alike, assert_dtype, assert_each_loss, assert_shape
from conformance.judging.shared import shared
from conformance.judging.subject import Subject


def _with_and_without_batch(case: Case, bits: RandomBits, domain: Domain) -> Case:
    """Every fourth case as its first row alone, without the batch axis; none where that is another program."""
    del bits
    whole = domain.programs or int(case.digest(), 16) % 4
    return case if whole else case.some_rows(slice(0, 1)).unbatched()


def _cases(*reductions: str | None) -> Drawn:
    """Plain cases, some of them of a row without the batch axis."""
    return drawn(reductions, scores="plain", sometimes=("weight",), cotangent=True).then(_with_and_without_batch)


@shared(
    "modes.agree-with-the-first",
    "quality",
    why="Compiling, exporting or mapping a function does not make it another one.",
    cases=_cases("none", "sum", "mean"),
    needs="another-mode",
    also=("narrow", "wide", "wrapped"),
)
def every_mode_agrees_with_the_first(subject: Subject, case: Case) -> None:
    """A mode answers wherever the framework's first mode does, with its shape, dtype, loss and gradient."""
    first = _tried(subject.beside(mode=subject.first_mode), case)
    if not isinstance(first, Refused):
        _assert_agrees(subject, first, case, f"as in mode {subject.first_mode}")


@shared(
    "modes.module-same-as-function",
    "quality",
    why="The two forms of one page are one function.",
    cases=_cases(None, "none", "sum", "mean"),
    needs="another-form",
    also=("narrow", "wrapped"),
)
def the_module_agrees_with_the_function(subject: Subject, case: Case) -> None:
    """The module refuses what the function refuses, and gives its shape, dtype, loss and gradient."""
    _assert_agrees(subject, _tried(subject.beside(form="native"), case), case, "as the function")


@shared(
    "modes.mapped-along-any-axis",
    "implied",
    why="A mapping function computes what a loop over its copies computes, along whichever axis they lie.",
    cases=drawn(("none", "sum", "mean"), scores="plain", sometimes=("weight",)).then(_with_and_without_batch),
    needs="mapped",
)
def mapped_along_any_axis(subject: Subject, case: Case) -> None:
    """Mapped along the last axis, over the first argument alone, or twice, each copy has the formula's loss."""
    assert_each_loss(subject, case, subject.derived(case, "mapped"))


@shared(
    "modes.gradients-on-and-off",
    "implied",
    why="Whether a framework records a call for a backward pass is no argument of the loss.",
    cases=drawn(("none", "sum", "mean"), scores="plain", sometimes=("weight",)),
    needs="grad-modes",
)
def gradients_on_and_off(subject: Subject, case: Case) -> None:
    """Where nothing is recorded for a backward pass, or a gradient to every argument, the loss is the formula's."""
    assert_each_loss(subject, case, subject.derived(case, "grad-modes"))


@shared(
    "modes.without-data",
    "quality",
    why="Compilers and exporters go by the shape and dtype that are found without data.",
    cases=drawn((None, "none", "sum", "mean"), scores="plain", sometimes=("weight",)).at_most(16),
    needs="abstract",
)
def shape_and_dtype_without_data(subject: Subject, case: Case) -> None:
    """Arguments without data give the shape and dtype of the loss that they have with data; one row alone as well."""
    alone = [case.some_rows(slice(0, 1)).unbatched()] if case.operator.unbatched else []
    for asked in (case, *alone):
        got, without = subject.both(asked, "abstract")
        try:
            assert_shape(without, got.shape)
            assert_dtype(without, got.dtype)
        except Deviation as deviation:
            shown = deviation.beside("of arguments without data")
            shown.witness = asked if asked.first.shape != case.first.shape else None
            raise shown from None


def _assert_agrees(subject: Subject, wanted: Result | Refused, case: Case, what: str) -> None:
    got = _tried(subject, case)
    if isinstance(wanted, Refused) or isinstance(got, Refused):
        if type(wanted) is not type(got):
            raise Deviation(f"{_said(wanted)}, {what}", _said(got))
        return
    expected = subject.expected(case, as_documented=True)
    assert_shape(got.value, wanted.value.shape)
    assert_dtype(got.value, wanted.value.dtype)
    assert_alike(got.value, wanted.value, expected.value, expected.value, what)
    for name, gradient in got.gradients.items():
        bound = expected.gradients[name]
        assert_alike(gradient, wanted.gradients[name], bound, bound, f"the gradient {what}")


def _tried(subject: Subject, case: Case) -> Result | Refused:
    try:
        return subject.evaluate(case, *(["gradient"] if "gradient" in subject.offers else []))
    except Refused as refused:
        return refused


def _said(found: Result | Refused) -> str:
    return f"refused: {found.words}" if isinstance(found, Refused) else "an answer"
