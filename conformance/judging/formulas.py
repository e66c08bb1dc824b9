"""What a formula of :mod:`reference.formulas` expects of a case."""

from __future__ import annotations

from conformance.cases.case import Case
from conformance.cases.operator import Oracle
from reference.enclosure import Answer
from reference.engine.formula import Formula
from reference.engine.oracle import evaluate
from reference.formats import Arithmetic


def oracle_of(formula: Formula) -> Oracle:
    """The engine's answer for an operator's cases: the loss, and the gradient to every array of scores."""

    def oracle(case: Case, arithmetic: Arithmetic, as_documented: bool) -> Answer:
        return evaluate(
            formula,
            {argument.name: case[argument.name] for argument in case.given},
            {option.name: case.options[option.name] for option in case.operator.options if option.name in case.options},
            case.reduction or case.operator.default_reduction,
            arithmetic,
            case.cotangent,
            documented=as_documented,
            gradients=[argument.name for argument in case.operator.scores if argument.differentiable],
        )

    return oracle
