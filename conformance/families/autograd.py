"""What autograd promises of any function: its gradient, whichever way and however often it is taken."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import drawn
from conformance.judging.answers import Array, Refused, Undecided
from conformance.judging.compare import assert_shape, assert_within
from conformance.judging.shared import shared
from conformance.judging.subject import Subject

_REDUCTIONS = ("none", "sum", "mean")


@shared(
    "gradients.repeated",
    "implied",
    "formula",
    why="The derivative of one forward call does not depend on how often it is asked for.",
    cases=drawn(_REDUCTIONS, scores="plain", sometimes=("weight",), cotangent=True),
    needs="repeated",
)
def a_second_backward_pass(subject: Subject, case: Case) -> None:
    """A second backward pass through a graph that is kept gives the formula's gradient, like the first."""
    got = subject.derived(case, "repeated")

    assert_shape(got, case.first.shape)
    assert_within(subject, case, got, subject.expected(case, as_documented=True).gradient)


@shared(
    "gradients.arguments-altered",
    "implied",
    "formula",
    why="The gradient belongs to the arguments of the forward call; where these are gone, an error says so.",
    cases=drawn(_REDUCTIONS, scores="plain", sometimes=("weight",), cotangent=True),
    needs="altered",
)
def an_argument_is_overwritten(subject: Subject, case: Case) -> None:
    """If an argument is overwritten before the backward pass, this is refused, or the gradient is as before."""
    try:
        got = subject.derived(case, "altered")
    except (Refused, Undecided):
        return
    assert_shape(got, case.first.shape)
    assert_within(subject, case, got, subject.expected(case, as_documented=True).gradient)


@shared(
    "gradients.recomputed",
    "implied",
    "formula",
    why="To save memory, frameworks call a function again for its backward pass; its derivative stays the same.",
    cases=drawn(_REDUCTIONS, scores="plain", sometimes=("weight",), cotangent=True),
    needs="recomputed",
)
def the_forward_pass_is_recomputed(subject: Subject, case: Case) -> None:
    """Where the forward call is made again for the backward pass (checkpointing), the gradient is the formula's."""
    got = subject.derived(case, "recomputed")

    assert_shape(got, case.first.shape)
    assert_within(subject, case, got, subject.expected(case, as_documented=True).gradient)


@shared(
    "gradients.mapped",
    "implied",
    "formula",
    why="A mapping function computes what a loop over its copies computes: of a gradient, and under one.",
    cases=drawn(_REDUCTIONS, scores="plain", sometimes=("weight",), cotangent=True),
    needs="mapped-gradient",
)
def the_gradient_is_mapped(subject: Subject, case: Case) -> None:
    """The gradient mapped over copies, and the gradient of the mapped loss, are the formula's for each copy."""
    got = subject.derived(case, "mapped-gradient")
    expected = subject.expected(case, as_documented=True).gradient

    for values in got.values:
        one = Array(np.asarray(values, dtype=np.float64), got.dtype)
        assert_shape(one, case.first.shape)
        assert_within(subject, case, one, expected)
