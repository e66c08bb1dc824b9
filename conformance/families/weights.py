"""Weights: a factor for each class, of any sign, and of the right size."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import Domain, Fixed, drawn
from conformance.cases.operator import Operator
from conformance.cases.random_bits import RandomBits
from conformance.families.numbers import large
from conformance.families.shapes_at_the_edge import zeros
from conformance.judging.answers import Refused
from conformance.judging.compare import (
    Deviation,
    assert_gradient,
    assert_refused,
    assert_shape,
    assert_sum,
    assert_value,
    assert_within,
    numbers,
)
from conformance.judging.shared import shared
from conformance.judging.subject import Subject
from reference.formats import Float64

_REDUCTIONS = ("none", "sum", "mean", None)
_WEIGHTED = ("weight",)
_SIZES = ((3,), (5,), (2, 4), (2, 1), (4, 1), (2,), (0,))
_ONE_ELEMENT = ((), (1,), (1, 1))


def weighs_classes(operator: Operator) -> bool:
    """Whether there is a weight for each class."""
    return any(argument.axes == ("C",) for argument in operator.weights)


def weight_of(case: Case) -> Float64:
    """The case's weight, or ones."""
    weight = case.get(case.operator.weights[0].name)
    return np.ones(case.classes) if weight is None else np.asarray(weight, dtype=np.float64)


def _weighing(case: Case, weight: Float64) -> Case:
    return case.replace(**{case.operator.weights[0].name: weight})


def has_weight(case: Case) -> bool:
    """Whether there is a weight."""
    return case.get(case.operator.weights[0].name) is not None


@shared(
    "weights.each-class",
    "documented",
    "weight",
    cases=drawn(_REDUCTIONS, scores="plain", given=_WEIGHTED, options="many"),
    also=("wrapped",),
    applies=weighs_classes,
)
def weight_multiplies_each_class(subject: Subject, case: Case) -> None:
    """A weight of size C multiplies the loss of each class, whatever the reduction."""
    assert_value(subject, case, as_documented=True)


@shared("weights.absent-is-ones", "documented", "weight", cases=drawn(scores="plain"), applies=weighs_classes)
def no_weight_is_a_weight_of_ones(subject: Subject, case: Case) -> None:
    """A weight of ones gives the loss that is given without a weight."""
    got = subject.evaluate(_weighing(case, np.ones(case.classes)))

    assert_within(subject, case, got.value, subject.expected_loss(case, as_documented=True))


@shared(
    "weights.any-sign",
    "implied",
    "weight",
    why="A rescaling weight is a factor of the loss of its class; the page gives it no sign.",
    cases=drawn(_REDUCTIONS, scores="plain", weights=("signed",), given=_WEIGHTED, cotangent=True),
    keeps=lambda case: has_weight(case) and bool((weight_of(case) < 0).any()),
    applies=weighs_classes,
)
def negative_weights_multiply_too(subject: Subject, case: Case) -> None:
    """A weight below 0 multiplies the loss of its class like any other."""
    assert_value(subject, case, as_documented=True)


def _with_large_weights(case: Case, bits: RandomBits, domain: Domain) -> Case:
    """Half of the weights as large as can be."""
    del domain
    weight = weight_of(case)
    return _weighing(case, np.where(bits.fractions(weight.shape) < 0.5, large(bits, case, weight.shape), weight))


@shared(
    "weights.up-to-the-largest",
    "implied",
    "weight",
    why="A factor of any size; infinity may come only where a product or a sum of the formula overflows.",
    cases=drawn(scores="plain", given=_WEIGHTED, options="none").then(_with_large_weights),
    keeps=has_weight,
    also=("narrow",),
    applies=weighs_classes,
)
def weights_up_to_the_largest(subject: Subject, case: Case) -> None:
    """Weights up to the largest finite number have the formula's loss, or infinity where it is larger than that."""
    assert_value(subject, case, as_documented=True)


@shared(
    "gradients.weights-of-any-sign",
    "implied",
    "weight",
    why="The derivative of the weighted formula; the page gives weights no sign.",
    cases=drawn(_REDUCTIONS, scores="plain", weights=("signed",), given=_WEIGHTED, cotangent=True),
    keeps=lambda case: has_weight(case) and bool((weight_of(case) < 0).any()),
    needs="gradient",
    applies=weighs_classes,
)
def negative_weights_multiply_derivatives(subject: Subject, case: Case) -> None:
    """A weight below 0 multiplies the derivatives of its class like any other."""
    assert_gradient(subject, case, as_documented=True)


@shared(
    "weights.linear",
    "implied",
    "weight",
    why="A factor of each class's loss: the loss of a sum of weights is the sum of their losses, whatever their signs.",
    cases=drawn(_REDUCTIONS, scores="plain", weights=("grid",), given=_WEIGHTED),
    keeps=lambda case: has_weight(case) and bool((weight_of(case) * 4 == np.rint(weight_of(case) * 4)).all()),
    applies=weighs_classes,
)
def linear_in_the_weight(subject: Subject, case: Case) -> None:
    """The loss of the sum of two weights is the sum of the losses of each, within the bounds of all three."""
    weight = weight_of(case)
    other = weight[::-1] - 1.0
    three = [_weighing(case, each) for each in (weight, other, weight + other)]

    parts = [subject.evaluate(each).value.values for each in three[:2]]
    got = subject.evaluate(three[2]).value

    assert_sum(case, got, parts, [subject.expected_loss(each, as_documented=True) for each in three])


@shared(
    "gradients.weighted",
    "implied",
    "weight",
    why="The derivative of the weighted formula: each class's derivative times its weight.",
    cases=drawn(_REDUCTIONS, scores="plain", given=_WEIGHTED, cotangent=True),
    needs="gradient",
    applies=weighs_classes,
)
def gradient_with_weights(subject: Subject, case: Case) -> None:
    """The gradient of each class is multiplied by the weight of its class, whatever the reduction."""
    assert_gradient(subject, case, as_documented=True)


@shared(
    "gradients.zero-weight",
    "implied",
    "weight",
    why="What is multiplied by a weight of 0 adds nothing, whatever the scores.",
    cases=drawn(given=_WEIGHTED, cotangent=True),
    needs="gradient",
    applies=weighs_classes,
)
def no_gradient_where_the_weight_is_zero(subject: Subject, case: Case) -> None:
    """Scores that count with a weight of 0 alone have a gradient of exactly 0."""
    got = subject.evaluate(case, "gradient").gradient
    assert_shape(got, case.first.shape)

    ignored = _weights_of_scores(case) == 0
    if has_weight(case) and (got.values[ignored] != 0).any():
        raise Deviation("a gradient of 0 where the weight is 0", numbers(got.values[ignored]))


def _weights_of_scores(case: Case) -> Float64:
    """The weight with which each score counts: of its class, or of the class that the target names."""
    weight = weight_of(case)
    for argument in case.given:
        if argument.role == "indices" and argument.axes == (case.operator.batch,):
            return np.broadcast_to(weight[case[argument.name].astype(np.int64)][..., np.newaxis], case.first.shape)
    return np.broadcast_to(weight, case.first.shape)


def _weights(domain: Domain, shapes: tuple[tuple[int, ...], ...]) -> list[Case]:
    """Two rows of four classes, and a weight of each shape."""
    case = domain.case(arrays=zeros(domain.operator, (2, 4)))
    return [_weighing(case, np.full(shape, 2.0)) for shape in shapes]


@shared(
    "errors.weight-size",
    "quality",
    "weight",
    why="The page says what a weight has to be; one of another size, stretched or cut, weighs what nobody asked for.",
    cases=Fixed(lambda domain: _weights(domain, _SIZES)),
    applies=weighs_classes,
)
def weights_of_a_wrong_size_are_refused(subject: Subject, case: Case) -> None:
    """A weight of several elements that are not C is refused: too short, too long, along the batch, as the input."""
    shape = weight_of(case).shape
    assert_refused(subject, case, f"an answer for a weight of shape {shape} and {case.classes} classes")


@shared(
    "weights.of-one-element",
    "open",
    "weight",
    "weight-as-a-number",
    why="The page wants a tensor of size C; what a weight of a single element does is recorded.",
    cases=Fixed(lambda domain: [] if domain.shapes else _weights(domain, _ONE_ELEMENT)),
    applies=weighs_classes,
)
def a_weight_of_one_element(subject: Subject, case: Case) -> str:
    """What a weight of a single element does: it weighs every class, or is refused."""
    shape = weight_of(case).shape
    try:
        got = subject.evaluate(case).value
    except Refused as refused:
        return f"shape {shape} refused: {refused.signature}"
    whole = subject.expected_loss(_weighing(case, np.full(case.classes, 2.0)), as_documented=True)
    fits = got.shape == case.result_shape and whole.admits(got.values, case.format).all()
    return f"shape {shape} {'weighs every class' if fits else 'does something else'}"
