"""What a formula of :mod:`reference.formulas` expects of a case."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.operator import Operator
from reference.enclosure import Answer
from reference.engine.formula import Formula, trace
from reference.engine.oracle import evaluate
from reference.engine.plain import Plain
from reference.engine.shapes import bind
from reference.formats import Arithmetic
from reference.nonfinite import Class, class_of


def expected_of(
    formula: Formula, case: Case, arithmetic: Arithmetic, *, as_documented: bool, gradients: bool = True
) -> Answer:
    """The engine's answer: the loss, and the gradient to every differentiable argument, with their bounds.

    Args:
        formula: Of the case's operator.
        case: A valid call.
        arithmetic: Of the subject.
        as_documented: Grant the rounding of the page's form.
        gradients: Whether the gradients are wanted; the loss alone takes about two thirds of the time.
    """
    return evaluate(
        formula,
        {argument.name: case[argument.name] for argument in case.given},
        {option.name: case.options[option.name] for option in case.operator.options if option.name in case.options},
        case.reduction or case.operator.default_reduction,
        arithmetic,
        case.cotangent,
        documented=as_documented,
        gradients=[argument.name for argument in case.given if argument.differentiable and gradients],
    )


def has_limits(operator: Operator) -> bool:
    """Whether it is known what infinities and NaN make of a loss."""
    return operator.formula is not None or operator.limits is not None


def limits_of(case: Case) -> list[Class]:
    """What infinities and NaN make of each loss of a case.

    As its operator says by hand, else by the careful formula in float64, in the arithmetic of IEEE 754.
    """
    if case.operator.limits is not None:
        return case.operator.limits(case)
    return [] if case.operator.formula is None else _by_formula(case.operator.formula, case)


def _by_formula(formula: Formula, case: Case) -> list[Class]:
    arrays = {argument.name: case[argument.name] for argument in case.given}
    patterns = {spec.name: spec.pattern for spec in formula.arguments}
    binding = bind(patterns, {name: array.shape for name, array in arrays.items()})
    settings = {name: case.options.get(name, default) for name, default in formula.options.items()}
    plain = Plain(trace(formula, binding, settings, "none", documented=False), np, np.float64)
    numbers = {name: float(value) for name, value in settings.items() if value is not None}
    with np.errstate(all="ignore"):
        losses = plain.value(arrays, numbers)
    return [Class(class_of(value)) for value in np.reshape(losses, -1).tolist()]
