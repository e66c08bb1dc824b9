"""What is special to the multi-class margin loss: its kink and its power, and what MindSpore's pages promise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import Domain, Drawn, Fixed, drawn
from conformance.families.value import first_example
from conformance.judging.clause import MINDSPORE_NATIVE, Binding, Clause, clauses_of
from conformance.judging.compare import Deviation, assert_refused, assert_shape, assert_value, numbers
from conformance.judging.subject import Subject
from conformance.operators.multi_margin_loss import OPERATOR
from conformance.operators.multi_margin_loss.pages import (
    EXCLUSION,
    FORMULA,
    POWERS,
    WEIGHTED_MODULE,
    mindspore,
)

CLAUSES: dict[str, Clause] = {}
clause = clauses_of(OPERATOR, CLAUSES)

_MINDSPORE_MODULE = Binding("mindspore", ("module",), ">=2.0")


def _all_equal(case: Case) -> Case:
    """Every score of a row the same."""
    return case.replace(input=np.repeat(case["input"][:, :1], case.classes, axis=1))


@clause(
    "multi.value.target-class-excluded",
    "documented",
    EXCLUSION,
    cases=drawn(scores="grid").map(_all_equal),
)
def the_target_is_not_paired_with_itself(subject: Subject, case: Case) -> None:
    """If all scores of a row are equal, each class but the target adds the margin to its power."""
    assert_value(subject, case)


def _ties(power: int) -> Drawn:
    """The score of the target 1, all others 0: every pair exactly at its kink."""

    def change(case: Case) -> Case:
        input = np.zeros(case["input"].shape)
        input[np.arange(case.rows), case["target"]] = 1.0
        return case.replace(input=input, options={"p": power} if power != 1 else {})

    return drawn(options="none", least={"C": 2}).map(change)


@clause(
    "multi.gradients.subgradient-at-tie",
    "open",
    FORMULA,
    why="At a kink every value between the one-sided derivatives is a subgradient.",
    cases=_ties(1),
    needs="gradient",
)
def subgradient_at_a_tie(subject: Subject, case: Case) -> str:
    """Which subgradient comes back if every pair is exactly at its kink."""
    gradient = subject.evaluate(case, "gradient").gradient
    assert_shape(gradient, case["input"].shape)
    others = np.arange(case.classes) != case["target"][:, np.newaxis]
    seen = sorted(set(np.round(gradient.values[others] * case.classes, 3).tolist()))
    return f"derivative by another class's score times C: {', '.join(map(str, seen))}"


@clause(
    "multi.gradients.smooth-for-the-power-two",
    "implied",
    FORMULA,
    why="The square of max(0, z) has the derivative 0 at z = 0.",
    cases=_ties(2),
    needs="gradient",
)
def no_kink_with_the_power_two(subject: Subject, case: Case) -> None:
    """With the power 2 the gradient is exactly 0 if every pair is exactly at its kink."""
    got = subject.evaluate(case, "gradient").gradient
    assert_shape(got, case["input"].shape)

    if (got.values != 0).any():
        raise Deviation("0 throughout", numbers(got.values[got.values != 0]))


def _powers(domain: Domain) -> list[Case]:
    return [first_example(domain).replace(options={"p": power}) for power in (0, 3, -1)]


@clause(
    "multi.options.power-refused",
    "documented",
    POWERS,
    mindspore("ValueError: If p is not 1 or 2."),
    cases=Fixed(_powers),
    needs="nothing",
    also=("narrow",),
)
def powers_other_than_one_and_two_are_refused(subject: Subject, case: Case) -> None:
    """A power other than 1 and 2 is refused."""
    assert_refused(subject, case, f"an answer for p={case.options['p']}")


def _positive_weight(case: Case) -> Case:
    """The power 2 and a weight of 2 for every class: inside the power it counts twice."""
    return case.replace(weight=np.full(case.classes, 2.0), options={"p": 2})


@clause(
    "multi.weights.inside-the-power",
    "documented",
    WEIGHTED_MODULE,
    cases=drawn(scores="grid", options="none").map(_positive_weight),
    binding=_MINDSPORE_MODULE,
    keeps=lambda case: bool((case.get("weight") is not None) and case.options.get("p") == 2),
)
def the_module_has_the_weight_within_the_power(subject: Subject, case: Case) -> None:
    """With a weight of 2 and the power 2 the module's loss is four times the loss without a weight."""
    got = subject.evaluate(case).value
    without = subject.expected_loss(case.replace(weight=None))
    assert_shape(got, case.result_shape)

    allowed = 4 * (without.bound + (without.high - without.low)) * (1 + 2.0**-40)
    wrong = ~(np.abs(got.values - 4 * without.middle) <= allowed)
    if wrong.any():
        row = int(np.argwhere(wrong)[0, 0])
        raise Deviation(
            f"four times the loss, {numbers(4 * without.middle[wrong])}", numbers(got.values[wrong]), row=row
        )


def _broken(change: Callable[[Case], list[Case]]) -> Fixed:
    """Wrong arguments beside scores of a dtype that MindSpore's page allows."""

    def build(domain: Domain) -> list[Case]:
        return [] if domain.dtype == "bfloat16" else change(first_example(domain).replace(reduction="mean"))

    return Fixed(build)


def _target_dtypes(case: Case) -> list[Case]:
    return [case.replace(dtypes={**case.dtypes, "target": name}) for name in ("int32", "int8", "float32")]


@clause(
    "multi.errors.target-dtype",
    "documented",
    mindspore("TypeError: If dtype of p or target is not int."),
    mindspore("Ground truth labels, with shape (N,). Data type only support int64."),
    cases=_broken(_target_dtypes),
    binding=MINDSPORE_NATIVE,
    needs="nothing",
)
def other_target_dtypes_are_refused(subject: Subject, case: Case) -> None:
    """TypeError if the target is not int64."""
    assert_refused(subject, case, f"an answer for a target of dtype {case.dtype_of('target')}", ("TypeError",))


def _mismatches(case: Case) -> list[Case]:
    return [case.replace(target=np.zeros(2, dtype=np.int64)), case.replace(input=np.repeat(case["input"], 2, axis=0))]


@clause(
    "multi.errors.shape-mismatch",
    "documented",
    mindspore("ValueError: If shape[0] of input is not equal to shape[0] of target."),
    cases=_broken(_mismatches),
    binding=MINDSPORE_NATIVE,
    needs="nothing",
)
def different_numbers_of_rows_are_refused(subject: Subject, case: Case) -> None:
    """ValueError if input and target have different numbers of rows."""
    shapes = f"an answer for input of shape {case['input'].shape} and target of shape {case['target'].shape}"
    assert_refused(subject, case, shapes, ("ValueError",))


@clause(
    "multi.errors.rank",
    "documented",
    mindspore("ValueError: If rank of weight is not 1 or rank of target is not 1 or input is not 2."),
    cases=_broken(lambda case: [case.some_rows(slice(0, 1)).unbatched()]),
    binding=MINDSPORE_NATIVE,
    needs="nothing",
)
def other_ranks_are_refused(subject: Subject, case: Case) -> None:
    """ValueError if the input is a single row without a batch."""
    assert_refused(subject, case, f"an answer for input of shape {case['input'].shape}", ("ValueError",))
