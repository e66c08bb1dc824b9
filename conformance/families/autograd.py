"""What autograd promises of any function: its gradient, whichever way and however often it is taken."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import drawn
from conformance.judging.answers import Array, Refused, Undecided
from conformance.judging.compare import assert_shape, assert_within
from conformance.judging.shared import shared
from conformance.judging.subject import Subject

_ANY = drawn(("none", "sum", "mean"), scores="plain", sometimes=("weight",), cotangent=True)


@shared(
    "gradients.repeated",
    "implied",
    "formula",
    why="The derivative of one forward call does not depend on how often it is asked for.",
    cases=_ANY,
    needs="repeated",
)
def a_second_backward_pass(subject: Subject, case: Case) -> None:
    """A second backward pass through a graph that is kept gives the formula's gradient, like the first."""
    got = subject.derived(case, "repeated")

    _assert_gradient(subject, case, got)


@shared(
    "gradients.arguments-altered",
    "implied",
    "formula",
    why="The gradient belongs to the arguments of the forward call; where these are gone, an error says so.",
    cases=_ANY,
    needs="altered",
)
def an_argument_is_overwritten(subject: Subject, case: Case) -> None:
    """If an argument is overwritten before the backward pass, this is refused, or the gradient is as before."""
    try:
        got = subject.derived(case, "altered")
    except (Refused, Undecided):
        return
    _assert_gradient(subject, case, got)


@shared(
    "gradients.recomputed",
    "implied",
    "formula",
    why="To save memory, frameworks call a function again for its backward pass; its derivative stays the same.",
    cases=_ANY,
    needs="recomputed",
)
def the_forward_pass_is_recomputed(subject: Subject, case: Case) -> None:
    """Where the forward call is made again for the backward pass (checkpointing), the gradient is the formula's."""
    got = subject.derived(case, "recomputed")

    _assert_gradient(subject, case, got)


@shared(
    "gradients.mapped",
    "implied",
    "formula",
    why="A mapping function computes what a loop over its copies computes: of a gradient, and under one.",
    cases=_ANY,
    needs="mapped-gradient",
)
def the_gradient_is_mapped(subject: Subject, case: Case) -> None:
    """The gradient mapped over copies, and the gradient of the mapped loss, are the formula's for each copy."""
    got = subject.derived(case, "mapped-gradient")

    for values in got.values:
        _assert_gradient(subject, case, Array(np.asarray(values, dtype=np.float64), got.dtype))


def _assert_gradient(subject: Subject, case: Case, got: Array) -> None:
    """Raise unless it is the formula's gradient to the first argument."""
    assert_shape(got, case.first.shape)
    assert_within(subject, case, got, subject.expected(case, as_documented=True).gradient)
