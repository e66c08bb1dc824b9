"""The soft margin loss in NumPy as people write it, and as people get it wrong.

``multilabel_soft_margin_loss`` is right. Every other name that the module answers to is
a wrong one from :data:`FAULTS`, which changes one step of it; ``NAME_gradient`` is its
gradient.
"""

# Faults are lambdas, whose parameters have no annotations.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tests.zoo import numpy_soft_results
from tests.zoo.entry import Fault
from tests.zoo.numpy_soft_forms import (
    along_batch,
    clamped,
    half_everywhere,
    log_sigmoid,
    sum_of_weights,
    switching,
    two_logarithms,
    with_epsilon,
)
from tests.zoo.numpy_soft_steps import RIGHT, Array, elements_of, slopes_of, weigh

FAULTS: dict[str, Fault] = {}
"""The wrong implementations by name."""


def fault(name: str, words: str, corner: str = "", level: str = "implied", plain: str = "", **steps: Any) -> None:
    """Enter a mistake."""
    FAULTS[name] = Fault(replace(RIGHT, **steps), words, corner, level, plain)


# The element.
fault(
    "exponential_overflows",
    "log(1 + exp(-x)) is taken as it stands and overflows.",
    "scores beyond the exponential's range",
    elements=lambda x, y: np.where(y == 1, 0, x) + np.log(1 + np.exp(-x)),
)
fault(
    "lost_tail",
    "log(1 + e) is taken for log1p(e), which loses small losses.",
    "small losses",
    "quality",
    elements=lambda x, y: (1 - y) * np.maximum(x, 0) + y * np.maximum(-x, 0) + np.log(1 + np.exp(-np.abs(x))),
)
fault(
    "log_of_sigmoid",
    "The loss is -log(sigmoid(x)), which is infinite where the sigmoid is 0.",
    "large scores",
    elements=two_logarithms(log_sigmoid, lambda x: log_sigmoid(-x)),
)
fault(
    "epsilon_inside",
    "A thousandth is added inside each logarithm.",
    plain="wrong on every element",
    elements=two_logarithms(with_epsilon, lambda x: with_epsilon(-x)),
)
fault(
    "clamped_logarithm",
    "Each logarithm is clamped at -5.",
    "losses above 5",
    elements=two_logarithms(clamped, lambda x: clamped(-x)),
)
fault(
    "switches_at_20",
    "Softplus is x above 20, which float64 tells from the truth.",
    "float64, scores above 20",
    elements=switching,
)
fault("half_inside", "The elements are computed in float16.", plain="wrong on every element", elements=half_everywhere)
fault(
    "single_inside",
    "The elements are computed in float32, whatever the scores' dtype.",
    "float64",
    elements=lambda x, y: elements_of(x.astype(np.float32), y.astype(np.float32)).astype(x.dtype),
)
fault(
    "max_form",
    "max(x, 0) - x y + log1p(exp(-|x|)) cancels for labels near 1.",
    "fractional labels near 1",
    "quality",
    elements=lambda x, y: np.maximum(x, 0) - x * y + np.log1p(np.exp(-np.abs(x))),
)
fault(
    "negative_term_wrong_sign",
    "The term of label 0 has the wrong sign.",
    plain="wrong wherever a label is 0",
    elements=lambda x, y: y * elements_of(x, np.ones_like(y)) - (1 - y) * elements_of(x, np.zeros_like(y)),
)
fault(
    "negative_term_missing",
    "The term of label 0 is missing.",
    plain="wrong wherever a label is 0",
    elements=lambda x, y: y * elements_of(x, np.ones_like(y)),
)
fault(
    "positive_term_missing",
    "The term of label 1 is missing.",
    plain="wrong wherever a label is 1",
    elements=lambda x, y: (1 - y) * elements_of(x, np.zeros_like(y)),
)
fault(
    "sign_of_scores_reversed",
    "The scores have the wrong sign.",
    plain="wrong on every element",
    elements=lambda x, y: elements_of(-x, y),
)
fault(
    "logarithm_to_base_2",
    "The logarithm is to base 2.",
    plain="wrong on every element",
    elements=lambda x, y: elements_of(x, y) / x.dtype.type(np.log(2)),
)
fault(
    "logarithm_missing",
    "The probability is taken for its logarithm.",
    plain="wrong on every element",
    elements=lambda x, y: np.exp(-elements_of(x, y)),
)
fault(
    "probabilities_expected",
    "The scores are taken for probabilities.",
    plain="wrong on every element",
    elements=lambda x, y: (
        -(y * np.log(np.clip(x, 1e-4, 1)) + (1 - y) * np.log(np.clip(1 - x, 1e-4, 1))).astype(x.dtype)
    ),
)
fault(
    "hinge_instead",
    "The loss is a hinge.",
    plain="wrong on every element",
    elements=lambda x, y: np.maximum(0, 1 - (2 * y - 1) * x).astype(x.dtype),
)
fault(
    "focal",
    "Each element is weighed by how wrong it is.",
    plain="wrong on every element",
    elements=lambda x, y: elements_of(x, y) * np.abs(slopes_of(x, y)),
)
# The labels.
fault(
    "labels_thresholded",
    "Labels are rounded to 0 and 1.",
    "fractional labels",
    "quality",
    labels=lambda y: (y > 0.5).astype(y.dtype),
)
fault(
    "labels_plus_minus_one",
    "Labels are taken for -1 and 1.",
    plain="wrong wherever a label is 0",
    labels=lambda y: 2 * y - 1,
)
fault("labels_inverted", "Labels 0 and 1 are exchanged.", plain="wrong on every element", labels=lambda y: 1 - y)
fault(
    "labels_smoothed",
    "Labels are smoothed by a hundredth.",
    plain="wrong on every element",
    labels=lambda y: y * y.dtype.type(0.98) + y.dtype.type(0.01),
)
# The weight.
fault("weight_ignored", "The weight is ignored.", weigh=lambda elements, weight, reduction: elements)
fault(
    "weight_squared",
    "The weight is applied twice.",
    weigh=lambda elements, weight, reduction: weigh(elements, weight, "") * weigh(np.ones_like(elements), weight, ""),
)
fault(
    "weight_ignored_in_sum",
    "The weight is ignored where the reduction is sum.",
    "weights with the sum",
    weigh=lambda elements, weight, reduction: elements if reduction == "sum" else weigh(elements, weight, reduction),
)
fault("weight_along_batch", "The weight lies along the batch where N = C.", "N = C", weigh=along_batch)
fault(
    "weight_magnitude",
    "The magnitude of the weight is used.",
    "negative weights",
    weigh=lambda elements, weight, reduction: elements if weight is None else elements * np.abs(weight),
)
fault(
    "divided_by_weights",
    "The sum is divided by the sum of the weights instead of C.",
    "weights",
    divisor=sum_of_weights,
)
fault(
    "weight_normalised",
    "The weight is scaled so that its largest is 1.",
    "weights",
    weigh=lambda elements, weight, reduction: (
        elements if weight is None else (elements * (weight / (weight.max() or 1))).astype(elements.dtype)
    ),
)
FAULTS.update(numpy_soft_results.FAULTS)


def __getattr__(name: str) -> Any:
    gradient = name.endswith("_gradient") and name not in FAULTS
    known = FAULTS.get(name.removesuffix("_gradient") if gradient else name)
    if known is None and name.removesuffix("_gradient") != "multilabel_soft_margin_loss":
        raise AttributeError(name)
    loss = known.loss if known else RIGHT

    def function(input: Array, target: Array, weight: Array | None = None, reduction: str | None = None) -> Any:
        return loss(input, target, weight, reduction)

    def slope(
        input: Array, target: Array, cotangent: Array, weight: Array | None = None, reduction: str | None = None
    ) -> Array:
        return loss.gradient(input, target, cotangent, weight, reduction)

    chosen: Any = slope if gradient else function
    chosen.__name__ = name
    return chosen
