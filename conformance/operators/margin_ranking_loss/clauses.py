"""What is special to the margin ranking loss: its symmetry and its kink, and what MindSpore's page promises."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import Domain, Drawn, Fixed, drawn
from conformance.families.value import first_example
from conformance.judging.clause import MINDSPORE_NATIVE, Clause, clauses_of
from conformance.judging.compare import assert_refused, assert_same_bits, assert_shape
from conformance.judging.subject import Subject
from conformance.operators.margin_ranking_loss import OPERATOR
from conformance.operators.margin_ranking_loss.pages import FORMULA, mindspore

CLAUSES: dict[str, Clause] = {}
clause = clauses_of(OPERATOR, CLAUSES)


@clause(
    "ranking.value.inputs-change-places",
    "implied",
    FORMULA,
    why="The formula holds the difference of the inputs times the label.",
    cases=drawn(),
)
def inputs_change_places_with_the_label(subject: Subject, case: Case) -> None:
    """The inputs in each other's place, with the labels turned, have the same losses, bit for bit."""
    turned = case.replace(input1=case["input2"], input2=case["input1"], target=-case["target"])

    got, other = subject.evaluate(turned).value, subject.evaluate(case).value

    assert_same_bits(got, other, "as with the inputs as they were")


def _ties() -> Drawn:
    """Equal inputs and no margin: every element exactly at its kink."""
    return drawn(options="none").map(lambda case: case.replace(input2=case["input1"]))


@clause(
    "ranking.gradients.subgradient-at-tie",
    "open",
    FORMULA,
    why="At a kink every value between the one-sided derivatives is a subgradient. Equal inputs are one by default.",
    cases=_ties(),
    needs="gradient",
)
def subgradient_at_a_tie(subject: Subject, case: Case) -> str:
    """Which subgradient comes back for equal inputs and the default margin."""
    gradient = subject.evaluate(case, "gradient").gradient
    assert_shape(gradient, case["input1"].shape)
    seen = sorted(set(np.round(gradient.values * case["target"], 3).reshape(-1).tolist()))
    return f"derivative by the first input times the label: {', '.join(map(str, seen))}"


def _mismatches(domain: Domain) -> list[Case]:
    case = first_example(domain)
    short = {name: case[name][:1] for name in ("input2", "target")}
    return [case.replace(**{name: array}) for name, array in short.items()]


@clause(
    "ranking.errors.shape-mismatch",
    "documented",
    mindspore("ValueError: If the shape of input1 and input2 are inconsistent."),
    mindspore("ValueError: If the shape of input1 and target are inconsistent."),
    cases=Fixed(_mismatches),
    binding=MINDSPORE_NATIVE,
    needs="nothing",
)
def different_shapes_are_refused(subject: Subject, case: Case) -> None:
    """ValueError if an argument has another shape than the first input."""
    shapes = ", ".join(f"{argument.name} {case[argument.name].shape}" for argument in case.given)
    assert_refused(subject, case, f"an answer for {shapes}", ("ValueError",))


@clause(
    "ranking.errors.not-a-tensor",
    "documented",
    mindspore("TypeError: If input1, input2 or target is not a Tensor."),
    cases=Fixed(lambda domain: [first_example(domain).replace(no_tensors=(each,)) for each in ("input1", "target")]),
    binding=MINDSPORE_NATIVE,
    needs="nothing",
)
def lists_are_refused(subject: Subject, case: Case) -> None:
    """TypeError if an argument is a list."""
    assert_refused(subject, case, f"an answer for a list as {case.no_tensors[0]}", ("TypeError",))
