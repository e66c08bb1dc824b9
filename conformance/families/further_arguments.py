"""Derivatives to labels and weights, of an operator whose description says that there are some."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from adapters.contract import GRADIENT
from conformance.cases.case import Case
from conformance.cases.drawing import drawn
from conformance.cases.operator import Argument, Operator
from conformance.judging.clause import Clause, Law, Needs, clauses_of
from conformance.judging.compare import Deviation, assert_dtype, assert_shape, assert_within
from conformance.judging.shared import generated
from conformance.judging.subject import Subject

_WORDS = {"labels": "of-labels", "weight": "of-weight"}


@generated
def derivatives_to_labels_and_weights(operator: Operator, register: dict[str, Clause]) -> None:
    """A clause for each argument beside the scores that has a derivative."""
    for argument in operator.arguments:
        if not argument.differentiable or argument.role not in _WORDS:
            continue
        id = f"{operator.word}.gradients.{_WORDS[argument.role]}"
        name = argument.name
        clauses_of(operator, register)(
            f"{operator.word}.gradients.of-{name}" if id in register else id,
            "implied",
            *operator.quoted("weight" if argument.role == "weight" else "formula"),
            why=f"The derivative of the formula to {name}.",
            cases=drawn(("none", "sum", "mean"), scores="plain", given=(name,), cotangent=True),
            needs=cast(Needs, GRADIENT + name),
            keeps=_keeping(name),
            statement=f"The gradient to {name} is the formula's derivative, times the cotangent.",
        )(_law(argument))


def _keeping(name: str) -> Callable[[Case], bool]:
    """Whether a case has an argument."""

    def keeps(case: Case) -> bool:
        return case.get(name) is not None

    return keeps


def _law(argument: Argument) -> Law:
    def law(subject: Subject, case: Case) -> None:
        got = subject.derived(case, GRADIENT + argument.name)
        try:
            assert_shape(got, case[argument.name].shape)
            assert_dtype(got, case.dtype)
            assert_within(subject, case, got, subject.expected(case, as_documented=True).gradients[argument.name])
        except Deviation as deviation:
            deviation.source = argument.name
            raise

    return law
