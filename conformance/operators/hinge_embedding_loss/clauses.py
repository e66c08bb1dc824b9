"""What is special to the hinge embedding loss: its two branches and its kink, and what MindSpore's page promises."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import Drawn, Fixed, drawn
from conformance.families.value import first_example
from conformance.judging.answers import Array
from conformance.judging.clause import MINDSPORE_NATIVE, Clause, clauses_of
from conformance.judging.compare import assert_refused, assert_same_bits, assert_shape
from conformance.judging.subject import Subject
from conformance.operators.hinge_embedding_loss import OPERATOR
from conformance.operators.hinge_embedding_loss.pages import FORMULA, mindspore

CLAUSES: dict[str, Clause] = {}
clause = clauses_of(OPERATOR, CLAUSES)


@clause(
    "hinge.value.of-the-label-one",
    "documented",
    FORMULA,
    cases=drawn().map(lambda case: case.replace(target=np.ones(case["target"].shape))),
)
def the_label_one_gives_the_input(subject: Subject, case: Case) -> None:
    """The loss of the label 1 is the input itself, bit for bit, below 0 too, whatever the margin."""
    got = subject.evaluate(case).value

    assert_same_bits(got, Array(case["input"], got.dtype), "the input")


def _ties() -> Drawn:
    """The label -1, and an input that is the margin."""

    def change(case: Case) -> Case:
        margin = float(case.option("margin"))
        return case.replace(input=np.full(case["input"].shape, margin), target=-np.ones(case["target"].shape))

    return drawn().map(change)


@clause(
    "hinge.gradients.subgradient-at-tie",
    "open",
    FORMULA,
    why="At the kink every value from -1 to 0 is a subgradient.",
    cases=_ties(),
    needs="gradient",
)
def subgradient_at_a_tie(subject: Subject, case: Case) -> str:
    """Which subgradient comes back for the label -1 if the input is the margin."""
    gradient = subject.evaluate(case, "gradient").gradient
    assert_shape(gradient, case["input"].shape)
    return f"derivative: {', '.join(map(str, sorted(set(np.round(gradient.values, 3).reshape(-1).tolist()))))}"


@clause(
    "hinge.errors.not-a-tensor",
    "documented",
    mindspore("TypeError: If inputs is not a Tensor."),
    mindspore("TypeError: If targets is not a Tensor."),
    cases=Fixed(lambda domain: [first_example(domain).replace(no_tensors=(each,)) for each in ("input", "target")]),
    binding=MINDSPORE_NATIVE,
    needs="nothing",
)
def lists_are_refused(subject: Subject, case: Case) -> None:
    """TypeError if an argument is a list."""
    assert_refused(subject, case, f"an answer for a list as {case.no_tensors[0]}", ("TypeError",))
