"""Options: each of their values, their defaults, and values that the pages rule out."""

from __future__ import annotations

from conformance.cases.case import Case
from conformance.cases.drawing import Domain, Setting, drawn
from conformance.cases.operator import Operator
from conformance.judging.compare import assert_gradient, assert_same_bits, assert_value
from conformance.judging.shared import shared
from conformance.judging.subject import Subject

_REDUCTIONS = ("none", "sum", "mean")


def has_options(operator: Operator) -> bool:
    """Whether it takes more settings than the reduction."""
    return bool(operator.options)


def has_an_option(case: Case) -> bool:
    """Whether an option is given."""
    return any(option.name in case.options for option in case.operator.options)


@shared(
    "options.each-value",
    "documented",
    "options",
    cases=drawn(_REDUCTIONS, scores="plain", labels="plain", options="one"),
    unquoted="implied",
    why="The option stands in the formula.",
    keeps=has_an_option,
    applies=has_options,
    also=("wide",),  # a compiler may keep an option in single precision
)
def an_option_has_its_meaning(subject: Subject, case: Case) -> None:
    """The loss with an option at another value than its default is the formula's with that value."""
    assert_value(subject, case, as_documented=True)


@shared(
    "options.together",
    "implied",
    "options",
    why="Each option stands in the formula, whatever the others are.",
    cases=drawn(_REDUCTIONS, scores="plain", labels="plain", options="all"),
    keeps=has_an_option,
    applies=lambda operator: len(operator.options) > 1,
)
def options_do_not_touch_each_other(subject: Subject, case: Case) -> None:
    """The loss with every option at another value than its default is the formula's with those values."""
    assert_value(subject, case, as_documented=True)


@shared(
    "options.defaults",
    "documented",
    "options",
    cases=drawn(_REDUCTIONS, scores="plain", labels="plain", options="none"),
    applies=has_options,
)
def an_option_that_is_left_out_has_its_default(subject: Subject, case: Case) -> None:
    """A call that leaves the options out gives the bits of a call with their defaults."""
    given = case.replace(options={option.name: option.default for option in case.operator.options})

    got, other = subject.evaluate(case).value, subject.evaluate(given).value

    assert_same_bits(got, other, "as with the defaults given")


def _far(domain: Domain) -> list[Setting]:
    """Each value far from those that people use; one of each option where every one is another program."""
    most = 1 if domain.programs else None
    return [{option.name: value} for option in domain.operator.options for value in option.far[:most]]


def has_far_values(operator: Operator) -> bool:
    """Whether values of an option are known that are far from those that people use."""
    return any(option.far for option in operator.options)


@shared(
    "options.far-values",
    "implied",
    "options",
    why="The option stands in the formula, whatever its size.",
    cases=drawn(_REDUCTIONS, scores="plain", labels="plain", options="none", further=_far).fewer(2).at_most(12),
    keeps=has_an_option,
    applies=has_far_values,
)
def a_far_value_has_the_same_meaning(subject: Subject, case: Case) -> None:
    """The loss with a large, a tiny or a negative value of an option is the formula's with that value."""
    assert_value(subject, case, as_documented=True)


@shared(
    "gradients.of-far-options",
    "implied",
    "options",
    why="The derivative of the formula with the option's value.",
    cases=drawn(("none", "mean"), scores="plain", options="none", further=_far, cotangent=True).fewer(2).at_most(8),
    keeps=has_an_option,
    needs="gradient",
    applies=has_far_values,
)
def the_gradient_knows_far_values(subject: Subject, case: Case) -> None:
    """The gradient with a large, a tiny or a negative value of an option is the formula's with that value."""
    assert_gradient(subject, case, as_documented=True)


@shared(
    "gradients.of-options",
    "implied",
    "options",
    why="The derivative of the formula with the option's value.",
    cases=drawn(("none", "mean"), scores="plain", options="one", cotangent=True),
    keeps=has_an_option,
    needs="gradient",
    applies=has_options,
)
def the_gradient_knows_the_options(subject: Subject, case: Case) -> None:
    """The gradient with an option at another value than its default is the formula's with that value."""
    assert_gradient(subject, case, as_documented=True)
