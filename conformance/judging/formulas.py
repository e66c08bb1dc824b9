"""What a formula of :mod:`reference.formulas` expects of a case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from conformance.cases.case import Case
from conformance.cases.operator import Oracle
from reference.enclosure import Answer
from reference.engine.formula import Formula, trace
from reference.engine.oracle import evaluate
from reference.engine.plain import Plain
from reference.engine.shapes import bind
from reference.formats import Arithmetic
from reference.nonfinite import Class, class_of


def oracle_of(formula: Formula) -> Oracle:
    """The engine's answer for an operator's cases: the loss, and the gradient to every differentiable argument."""
    return FormulaOracle(formula)


@dataclass(frozen=True, eq=False)
class FormulaOracle:
    """What a formula says of a case."""

    formula: Formula

    def __call__(self, case: Case, arithmetic: Arithmetic, as_documented: bool) -> Answer:
        """Loss and gradients with their bounds; the flag grants the rounding of the page's form."""
        return evaluate(
            self.formula,
            {argument.name: case[argument.name] for argument in case.given},
            {option.name: case.options[option.name] for option in case.operator.options if option.name in case.options},
            case.reduction or case.operator.default_reduction,
            arithmetic,
            case.cotangent,
            documented=as_documented,
            gradients=[argument.name for argument in case.given if argument.differentiable],
        )


def limits_of(formula: Formula) -> Callable[[Case], list[Class]]:
    """What infinities and NaN make of each loss: the careful formula in float64, in the arithmetic of IEEE 754."""

    def limits(case: Case) -> list[Class]:
        arrays = {argument.name: case[argument.name] for argument in case.given}
        binding = bind(
            {spec.name: spec.pattern for spec in formula.arguments},
            {name: array.shape for name, array in arrays.items()},
        )
        settings = {name: case.options.get(name, default) for name, default in formula.options.items()}
        plain = Plain(trace(formula, binding, settings, "none", documented=False), np, np.float64)
        numbers = {name: float(value) for name, value in settings.items() if value is not None}
        with np.errstate(all="ignore"):
            losses = plain.value(arrays, numbers)
        return [Class(class_of(value)) for value in np.reshape(losses, -1).tolist()]

    return limits
