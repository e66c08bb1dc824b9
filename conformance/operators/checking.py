"""What is wrong with the description of an operator, told before anything is asked."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import get_args

from conformance.cases.operator import Argument, Operator, Property, Role
from conformance.judging.shared import TOPICS
from reference.engine.formula import ArgumentSpec, Formula


def faults(operator: Operator) -> Iterator[str]:
    """One line for each word that nothing knows, and for each place where description and formula differ."""
    yield from _unknown("properties", operator.properties, get_args(Property))
    yield from _unknown("pages", operator.pages, TOPICS)
    for argument in operator.arguments:
        yield from _unknown(f"the role of {argument.name}", [argument.role], get_args(Role))
    if operator.formula is not None:
        yield from _apart(operator, operator.formula)
    elif operator.oracle is None:
        yield "neither a formula nor an oracle, so nothing says what is expected"


def _unknown(where: str, words: Collection[str], known: Collection[str]) -> Iterator[str]:
    wrong = sorted(set(words) - set(known))
    if wrong:
        yield f"{where}: no {', '.join(map(repr, wrong))}; there are {', '.join(sorted(known))}"


def _apart(operator: Operator, formula: Formula) -> Iterator[str]:
    own, others = ([each.name for each in arguments] for arguments in (operator.arguments, formula.arguments))
    if own != others:
        yield f"arguments {', '.join(own)}, those of the formula are {', '.join(others)}"
        return
    for argument, spec in zip(operator.arguments, formula.arguments, strict=True):
        yield from _otherwise(argument, spec)
    defaults = {option.name: option.default for option in operator.options}
    if defaults != dict(formula.options):
        yield f"options and defaults {defaults}, those of the formula are {dict(formula.options)}"


def _otherwise(argument: Argument, spec: ArgumentSpec) -> Iterator[str]:
    """A gradient to scores must be promised in both files or in neither; one to labels need not be asked."""
    if argument.optional is not spec.optional:
        yield f"{argument.name} is optional in one of Argument and ArgumentSpec only"
    promised = argument.differentiable or argument.role == "scores"
    if promised and argument.differentiable is not spec.differentiable:
        yield f"{argument.name} is differentiable in one of Argument and ArgumentSpec only"
