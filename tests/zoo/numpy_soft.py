"""The soft margin loss in NumPy as people write it, and as people get it wrong.

``multilabel_soft_margin_loss`` is right. Every other name that the module answers to is
a wrong one from :data:`FAULTS`, which changes one step of it; ``NAME_gradient`` is its
gradient.
"""
# Faults are lambdas, whose parameters have no annotations.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def check(input: Array, target: Array, weight: Array | None, reduction: str) -> None:
    """Refuse what the operator does not take."""
    if np.ndim(input) not in (1, 2) or np.shape(input) != np.shape(target):
        raise ValueError(f"input {np.shape(input)}, target {np.shape(target)}")
    if weight is not None and np.shape(weight) != np.shape(input)[-1:]:
        raise ValueError(f"weight {np.shape(weight)}, input {np.shape(input)}")
    if reduction not in ("none", "sum", "mean"):
        raise ValueError(f"reduction {reduction!r}")


def elements_of(x: Array, y: Array) -> Array:
    """(1 - y) max(x, 0) + y max(-x, 0) + log1p(e^-|x|) in the scores' own dtype."""
    one = x.dtype.type(1)
    kink = (one - y) * np.maximum(x, 0) + y * np.maximum(-x, 0)
    return np.asarray(kink + np.log1p(np.exp(-np.abs(x))))


def slopes_of(x: Array, y: Array) -> Array:
    """(1 - y) σ(x) - y σ(-x)."""
    one, decay = x.dtype.type(1), np.exp(-np.abs(x))
    up = np.where(x >= 0, one, decay) / (one + decay)
    down = np.where(x >= 0, decay, one) / (one + decay)
    return np.asarray((one - y) * up - y * down)


def weigh(elements: Array, weight: Array | None, reduction: str) -> Array:
    """Times the weight of each class."""
    return elements if weight is None else elements * weight


def divisor_of(x: Array, weight: Array | None) -> float:
    """C."""
    return float(x.shape[1])


def row_sums(elements: Array) -> Array:
    """The sum over the classes in the elements' own dtype."""
    return np.asarray(elements.sum(axis=1, dtype=elements.dtype))


def reduce_rows(losses: Array, reduction: str) -> Any:
    """The losses, their sum or their mean."""
    if reduction == "none":
        return losses
    total = losses.sum(dtype=losses.dtype)
    return total if reduction == "sum" else total / losses.dtype.type(len(losses))


def spread_of(cotangent: Array, rows: int) -> Array:
    """The cotangent of each row."""
    return np.broadcast_to(np.reshape(cotangent, -1), (rows,))


@dataclass(frozen=True)
class Soft:
    """The loss by its steps, each of which a fault may replace."""

    check: Callable[[Array, Array, Array | None, str], None] = check
    labels: Callable[[Array], Array] = np.asarray
    elements: Callable[[Array, Array], Array] = elements_of
    slopes: Callable[[Array, Array], Array] = slopes_of
    weigh: Callable[[Array, Array | None, str], Array] = weigh
    weigh_slopes: Callable[[Array, Array | None, str], Array] = weigh
    divisor: Callable[[Array, Array | None], float] = divisor_of
    add: Callable[[Array], Array] = row_sums
    reduce: Callable[[Array, str], Any] = reduce_rows
    spread: Callable[[Array, int], Array] = spread_of
    mean_factor: Callable[[int], float] = float
    finish: Callable[[Any, Array], Any] = lambda result, input: result
    default: str = "mean"

    def __call__(self, input: Array, target: Array, weight: Array | None = None, reduction: str | None = None) -> Any:
        """The loss."""
        reduction = self.default if reduction is None else reduction
        self.check(input, target, weight, reduction)
        x, y = np.atleast_2d(input), self.labels(np.atleast_2d(target))
        elements = self.weigh(self.elements(x, y), weight, reduction)
        losses = self.add(elements) / x.dtype.type(self.divisor(x, weight))
        result = self.reduce(losses, reduction)
        flat = np.ndim(input) == 1 and np.ndim(result) == 1
        return self.finish(result[0] if flat else result, input)

    def gradient(
        self,
        input: Array,
        target: Array,
        cotangent: Array,
        weight: Array | None = None,
        reduction: str | None = None,
    ) -> Array:
        """The gradient to the input."""
        reduction = self.default if reduction is None else reduction
        self.check(input, target, weight, reduction)
        x, y = np.atleast_2d(input), self.labels(np.atleast_2d(target))
        slopes = self.weigh_slopes(self.slopes(x, y), weight, reduction)
        factors = self.spread(np.asarray(cotangent), len(x)) / x.dtype.type(self.divisor(x, weight))
        if reduction == "mean":
            factors = factors / x.dtype.type(self.mean_factor(len(x)))
        return np.asarray(slopes * factors[:, np.newaxis], dtype=x.dtype).reshape(np.shape(input))


RIGHT = Soft()


@dataclass(frozen=True)
class Fault:
    """One realistic mistake.

    Attributes:
        loss: The implementation with the mistake.
        corner: Where alone it differs, where it agrees with most plain cases.
        level: The last level of clause that must catch it.
    """

    loss: Soft
    corner: str = ""
    level: str = "implied"


FAULTS: dict[str, Fault] = {}
"""The wrong implementations by name."""


def fault(name: str, corner: str = "", level: str = "implied", **steps: Any) -> None:
    """Enter a mistake."""
    FAULTS[name] = Fault(replace(RIGHT, **steps), corner, level)


def _two_logarithms(
    first: Callable[[Array], Array], second: Callable[[Array], Array]
) -> Callable[[Array, Array], Array]:
    """-(y log σ(x) + (1 - y) log σ(-x)), the two logarithms as given."""

    def elements(x: Array, y: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(-(y * first(x) + (x.dtype.type(1) - y) * second(x)))

    return elements


def _with_epsilon(x: Array) -> Array:
    return np.asarray(np.log(1 / (1 + np.exp(-x)) + x.dtype.type(1e-3)))


def _clamped(x: Array) -> Array:
    return np.asarray(np.maximum(-np.log1p(np.exp(-np.clip(x, -11, 80))), x.dtype.type(-5)))


def _log_sigmoid(x: Array) -> Array:
    return np.asarray(np.log(1 / (1 + np.exp(-x))))


def _switching(x: Array, y: Array) -> Array:
    """Softplus that is x above 20, as some frameworks have it."""
    with np.errstate(over="ignore"):
        up = np.where(x > 20, x, np.log1p(np.exp(np.minimum(x, 20))))
        down = np.where(-x > 20, -x, np.log1p(np.exp(np.minimum(-x, 20))))
    return np.asarray(y * down + (x.dtype.type(1) - y) * up)


def _half_everywhere(x: Array, y: Array) -> Array:
    with np.errstate(over="ignore"):
        return elements_of(x.astype(np.float16), y.astype(np.float16)).astype(x.dtype)


def _along_batch(elements: Array, weight: Array | None, reduction: str) -> Array:
    """The weight as a column where the batch is as long as the classes are many."""
    if weight is None or elements.shape[0] != elements.shape[1]:
        return weigh(elements, weight, reduction)
    return elements * weight[:, np.newaxis]


def _sum_of_weights(x: Array, weight: Array | None) -> float:
    return x.shape[1] if weight is None else float(weight.sum()) or 1.0


def _naive_slopes(x: Array, y: Array) -> Array:
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-x)) - y)


def _overflowing_slopes(x: Array, y: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(np.exp(x) / (1 + np.exp(x)) - y)


def _empty_sum(losses: Array, reduction: str) -> Any:
    if len(losses) == 0 and reduction != "none":
        return np.full(1, 1.3125, dtype=losses.dtype)[0]
    return reduce_rows(losses, reduction)


def _reduce_as(**names: str) -> Callable[[Array, str], Any]:
    return lambda losses, reduction: reduce_rows(losses, names.get(reduction, reduction))


# The element.
fault(
    "exponential_overflows",
    "scores beyond the exponential's range",
    elements=lambda x, y: np.where(y == 1, 0, x) + np.log(1 + np.exp(-x)),
)
fault(
    "lost_tail",
    "small losses",
    "quality",
    elements=lambda x, y: (1 - y) * np.maximum(x, 0) + y * np.maximum(-x, 0) + np.log(1 + np.exp(-np.abs(x))),
)
fault("log_of_sigmoid", "large scores", elements=_two_logarithms(_log_sigmoid, lambda x: _log_sigmoid(-x)))
fault("epsilon_inside", elements=_two_logarithms(_with_epsilon, lambda x: _with_epsilon(-x)))
fault("clamped_logarithm", "losses above 5", elements=_two_logarithms(_clamped, lambda x: _clamped(-x)))
fault("switches_at_20", "float64, scores above 20", elements=_switching)
fault("half_inside", elements=_half_everywhere)
fault(
    "single_inside",
    "float64",
    elements=lambda x, y: elements_of(x.astype(np.float32), y.astype(np.float32)).astype(x.dtype),
)
fault(
    "max_form",
    "fractional labels near 1",
    "quality",
    elements=lambda x, y: np.maximum(x, 0) - x * y + np.log1p(np.exp(-np.abs(x))),
)
fault(
    "negative_term_wrong_sign",
    elements=lambda x, y: y * elements_of(x, np.ones_like(y)) - (1 - y) * elements_of(x, np.zeros_like(y)),
)
fault("negative_term_missing", elements=lambda x, y: y * elements_of(x, np.ones_like(y)))
fault("positive_term_missing", elements=lambda x, y: (1 - y) * elements_of(x, np.zeros_like(y)))
fault("sign_of_scores_reversed", elements=lambda x, y: elements_of(-x, y))
fault("logarithm_to_base_2", elements=lambda x, y: elements_of(x, y) / x.dtype.type(np.log(2)))
fault("logarithm_missing", elements=lambda x, y: np.exp(-elements_of(x, y)))
fault(
    "probabilities_expected",
    elements=lambda x, y: (
        -(y * np.log(np.clip(x, 1e-4, 1)) + (1 - y) * np.log(np.clip(1 - x, 1e-4, 1))).astype(x.dtype)
    ),
)
fault("hinge_instead", elements=lambda x, y: np.maximum(0, 1 - (2 * y - 1) * x).astype(x.dtype))
fault("focal", elements=lambda x, y: elements_of(x, y) * np.abs(slopes_of(x, y)))
# The labels.
fault("labels_thresholded", "fractional labels", "quality", labels=lambda y: (y > 0.5).astype(y.dtype))
fault("labels_plus_minus_one", labels=lambda y: 2 * y - 1)
fault("labels_inverted", labels=lambda y: 1 - y)
fault("labels_smoothed", labels=lambda y: y * y.dtype.type(0.98) + y.dtype.type(0.01))
# The weight.
fault("weight_ignored", weigh=lambda elements, weight, reduction: elements)
fault(
    "weight_squared",
    weigh=lambda elements, weight, reduction: weigh(elements, weight, "") * weigh(np.ones_like(elements), weight, ""),
)
fault(
    "weight_ignored_in_sum",
    "weights with the sum",
    weigh=lambda elements, weight, reduction: elements if reduction == "sum" else weigh(elements, weight, reduction),
)
fault("weight_along_batch", "N = C", weigh=_along_batch)
fault(
    "weight_magnitude",
    "negative weights",
    weigh=lambda elements, weight, reduction: elements if weight is None else elements * np.abs(weight),
)
fault("divided_by_weights", "weights", divisor=_sum_of_weights)
fault(
    "weight_normalised",
    "weights",
    weigh=lambda elements, weight, reduction: (
        elements if weight is None else (elements * (weight / (weight.max() or 1))).astype(elements.dtype)
    ),
)
# Sums and divisions.
fault("not_divided", divisor=lambda x, weight: 1)
fault("divided_by_rows", divisor=lambda x, weight: max(1, x.shape[0]))
fault("divided_twice", divisor=lambda x, weight: x.shape[1] ** 2)
fault(
    "half_accumulator",
    "losses that float16 does not hold",
    add=lambda elements: elements.sum(axis=1, dtype=np.float16).astype(elements.dtype),
)
fault("sum_is_mean", reduce=_reduce_as(sum="mean"))
fault("mean_is_sum", reduce=_reduce_as(mean="sum"))
fault("none_is_mean", reduce=_reduce_as(none="mean"))
fault("default_is_sum", "the reduction left out", default="sum")
fault("empty_batch_unwritten", "empty batches", reduce=_empty_sum)
fault("result_in_float64", "the dtype", "quality", finish=lambda result, input: np.asarray(result, dtype=np.float64))
fault(
    "any_reduction",
    "wrong reductions",
    "quality",
    check=lambda input, target, weight, reduction: check(input, target, weight, "mean"),
)
# The gradient.
fault("gradient_naive", "small derivatives", "quality", slopes=_naive_slopes)
fault("gradient_overflows", "large scores", slopes=_overflowing_slopes)
fault(
    "gradient_of_kink_at_zero",
    "scores of exactly 0",
    slopes=lambda x, y: np.where(x == 0, 1 - y, slopes_of(x, y)).astype(x.dtype),
)
fault("gradient_without_weight", "weights", weigh_slopes=lambda slopes, weight, reduction: slopes)
fault("gradient_mean_not_divided", mean_factor=lambda rows: 1.0)
fault("gradient_cotangent_ignored", spread=lambda cotangent, rows: np.ones(rows, dtype=cotangent.dtype))
fault(
    "gradient_cotangent_of_first_row",
    spread=lambda cotangent, rows: np.full(rows, np.reshape(cotangent, -1)[:1] if rows else 0, dtype=cotangent.dtype),
)
fault(
    "gradient_nan_when_saturated",
    "large scores",
    slopes=lambda x, y: np.where(np.abs(x) > 60, x.dtype.type(np.nan), slopes_of(x, y)),
)
fault(
    "gradient_zero_when_saturated",
    "small derivatives",
    "quality",
    slopes=lambda x, y: np.where(np.abs(slopes_of(x, y)) < 1e-7, x.dtype.type(0), slopes_of(x, y)),
)


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
