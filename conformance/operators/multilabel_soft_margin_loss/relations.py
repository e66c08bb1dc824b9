"""The soft margin loss is linear in weights and labels; weights have C elements; its further derivatives."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import SOFT, Case
from conformance.cases.strategies import Domain, Fixed, soft_cases
from conformance.families.derivatives import pattern
from conformance.families.sources import SOFT_FORMULA, SOFT_WEIGHT, mindspore_soft
from conformance.judging.clause import clause
from conformance.judging.compare import Deviation, assert_alike, assert_refused, assert_shape, assert_within, numbers
from conformance.judging.subject import Array, Refused, Subject
from reference import soft_derivatives
from reference.enclosure import Enclosure
from reference.formats import Arithmetic, Float64


def _dyadic_weights(case: Case) -> Case:
    """Weights in quarters, so that sums of them are exact."""
    return case.replace(weight=None if case.weight is None else np.rint(case.weight * 4) / 4)


def _weight(case: Case) -> Float64:
    """The case's weight, or ones."""
    return np.ones(case.classes) if case.weight is None else case.weight


def _other(weight: Float64) -> Float64:
    """Weights of either sign beside the case's own."""
    return weight[::-1] - 1.0


def has_weight(case: Case) -> bool:
    """Whether there is a weight, in quarters."""
    return case.weight is not None and bool((case.weight * 4 == np.rint(case.weight * 4)).all())


@clause(
    "soft.weights.linear",
    "implied",
    SOFT_WEIGHT,
    why="A factor of each class's loss: the loss of a sum of weights is the sum of their losses, whatever their signs.",
    cases=soft_cases(("none", "sum", "mean"), weight=True).map(_dyadic_weights),
    within=has_weight,
)
def linear_in_the_weight(subject: Subject, case: Case) -> None:
    """The loss of the sum of two weights is the sum of the losses of each, within the bounds of all three."""
    weight = _weight(case)
    one, other, together = (case.replace(weight=each) for each in (weight, _other(weight), weight + _other(weight)))

    parts = [subject.evaluate(each).value.values for each in (one, other)]
    got = subject.evaluate(together).value

    expected = [subject.expected(each, printed=True).value for each in (one, other, together)]
    _assert_sum(case, got, parts, expected)


def _assert_sum(case: Case, got: Array, parts: list[Float64], expected: list[Enclosure], share: float = 1.0) -> None:
    """Raise unless a loss is the sum of two others, times a share, within the bounds of all three."""
    assert_shape(got, case.result_shape)
    first, second, whole = expected
    total = Array(np.asarray((parts[0] + parts[1]) * share), got.dtype)
    around = Enclosure(
        (first.low + second.low) * share,
        (first.high + second.high) * share,
        (first.bound + second.bound) * share,
        first.reach + second.reach,
        first.depth + second.depth,
        first.middle,
    )
    assert_alike(got, total, whole, around, "the sum of the parts")


def _half_labels(case: Case) -> Case:
    return case.replace(target=np.full(case.target.shape, 0.5))


@clause(
    "soft.labels.linear",
    "quality",
    SOFT_FORMULA,
    why="The formula is linear in its labels; the pages speak of 0 and 1 only.",
    cases=soft_cases().map(_half_labels),
    within=lambda case: bool((case.target == 0.5).all()),
)
def linear_in_the_label(subject: Subject, case: Case) -> None:
    """The loss of labels ½ is half the sum of the losses of labels 0 and 1, within the bounds of all three."""
    ends = [case.replace(target=np.full(case.target.shape, label)) for label in (0.0, 1.0)]

    parts = [subject.evaluate(each).value.values for each in ends]
    got = subject.evaluate(case).value

    expected = [subject.expected(each, printed=True).value for each in (*ends, case)]
    _assert_sum(case, got, parts, expected, share=0.5)


_SIZES = ((3,), (5,), (2, 4), (2, 1), (4, 1), (2,), (0,))
_ONE_ELEMENT = ((), (1,), (1, 1))


def _weights_of(domain: Domain, shapes: tuple[tuple[int, ...], ...]) -> list[Case]:
    """Two rows of four classes, and a weight of each shape."""
    return [
        Case(
            operator=SOFT,
            dtype=domain.dtype,
            input=np.zeros((2, 4)),
            target=np.zeros((2, 4)),
            target_dtype=domain.targets,
            weight=np.full(shape, 2.0),
        )
        for shape in shapes
    ]


@clause(
    "soft.errors.weight-size",
    "quality",
    SOFT_WEIGHT,
    why="The page says what a weight has to be; one of another size, stretched or cut, weighs what nobody asked for.",
    cases=Fixed(lambda domain: _weights_of(domain, _SIZES)),
)
def weights_of_a_wrong_size_are_refused(subject: Subject, case: Case) -> None:
    """A weight of several elements that are not C is refused: too short, too long, along the batch, as the input."""
    shape = () if case.weight is None else case.weight.shape
    assert_refused(subject, case, f"an answer for a weight of shape {shape} and {case.classes} classes")


@clause(
    "soft.weights.of-one-element",
    "open",
    SOFT_WEIGHT,
    mindspore_soft("weight (Union[Tensor, int, float], optional): The manual rescaling weight given to each class."),
    why="One page wants a tensor of size C, the other takes a number as well.",
    cases=Fixed(lambda domain: [] if domain.shapes else _weights_of(domain, _ONE_ELEMENT)),
)
def a_weight_of_one_element(subject: Subject, case: Case) -> str:
    """What a weight of a single element does: it weighs every class, or is refused."""
    shape = () if case.weight is None else case.weight.shape
    try:
        got = subject.evaluate(case).value
    except Refused as refused:
        return f"shape {shape} refused: {refused.signature}"
    whole = subject.expected(case.replace(weight=np.full(case.classes, 2.0)), printed=True).value
    fits = got.shape == case.result_shape and whole.admits(got.values, case.format).all()
    return f"shape {shape} {'weighs every class' if fits else 'does something else'}"


@clause(
    "soft.gradients.zero-weight",
    "implied",
    SOFT_WEIGHT,
    why="A class of weight 0 adds nothing, whatever its score.",
    cases=soft_cases(largest=None, weight=True, cotangent=True),
    needs="gradient",
)
def no_gradient_where_the_weight_is_zero(subject: Subject, case: Case) -> None:
    """A class of weight 0 has a gradient of exactly 0."""
    got = subject.evaluate(case, "gradient").gradient
    assert_shape(got, case.input.shape)

    ignored = np.broadcast_to(np.zeros(case.classes) if case.weight is None else case.weight, got.shape) == 0
    if case.weight is not None and (got.values[ignored] != 0).any():
        raise Deviation("a gradient of 0 where the weight is 0", numbers(got.values[ignored]))


@clause(
    "soft.gradients.of-weight",
    "implied",
    SOFT_WEIGHT,
    why="The derivative by a weight is the loss of its class.",
    cases=soft_cases(("none", "sum", "mean"), weight=True, cotangent=True),
    needs="weight_gradient",
    within=lambda case: case.weight is not None,
)
def gradient_to_the_weight(subject: Subject, case: Case) -> None:
    """The gradient to a weight is the sum over the rows of its class's losses times their cotangents."""
    got = subject.derived(case, "weight_gradient")

    assert_shape(got, (case.classes,))
    labels = case.target.astype(np.float64)
    expected = soft_derivatives.by_weight(case.input, labels, case.reduction or "mean", *_upstream(subject, case))
    assert_within(subject, case, got, expected)


@clause(
    "soft.gradients.of-labels",
    "quality",
    SOFT_FORMULA,
    why="The formula is linear in its labels: the derivative is -x w / C. The pages do not speak of it.",
    cases=soft_cases(("none", "sum", "mean"), weight=True, cotangent=True),
    needs="target_gradient",
)
def gradient_to_the_labels(subject: Subject, case: Case) -> None:
    """The gradient to a label is minus its score, times weight and cotangent, over C."""
    got = subject.derived(case, "target_gradient")

    assert_shape(got, case.input.shape)
    weight = _weight(case)
    upstream = _upstream(subject, case)
    assert_within(
        subject, case, got, soft_derivatives.by_label(case.input, weight, case.reduction or "mean", *upstream)
    )


@clause(
    "soft.gradients.second",
    "quality",
    SOFT_FORMULA,
    why="The second derivative of log(1 + e^x) is the product of two sigmoids; one rounding of each is what it costs.",
    cases=soft_cases(("none", "sum", "mean"), weight=True, cotangent=True),
    needs="second",
)
def second_derivative(subject: Subject, case: Case) -> None:
    """The derivative of the gradient along a direction is sigmoid(x) sigmoid(-x) w / C times both."""
    tangent = pattern(case)
    got = subject.derived(case, "second", tangent=tangent)

    assert_shape(got, case.input.shape)
    weight = _weight(case)
    upstream = _upstream(subject, case)
    expected = soft_derivatives.second(case.input, weight, tangent, case.reduction or "mean", *upstream)
    assert_within(subject, case, got, expected)


def _upstream(subject: Subject, case: Case) -> tuple[Float64, Arithmetic]:
    return case.upstream(), subject.arithmetic
