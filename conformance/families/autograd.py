"""What autograd promises of any function: a graph serves again, and sees that an argument was overwritten."""

from __future__ import annotations

from conformance.cases.case import Case
from conformance.cases.drawing import drawn
from conformance.judging.answers import Refused, Undecided
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
