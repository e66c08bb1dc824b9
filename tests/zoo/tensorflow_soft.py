"""The soft margin loss in TensorFlow as people port it, and as people get it wrong.

``multilabel_soft_margin_loss`` is right; every name of :data:`FAULTS` is a wrong one.
"""

# Faults are lambdas, whose parameters have no annotations.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tests.zoo.entry import Fault, attributes, tf


def check(input: Any, target: Any, weight: Any, reduction: str) -> None:
    """Refuse what the operator does not take."""
    if input.shape.rank not in (1, 2) or not input.shape.is_compatible_with(target.shape):
        raise ValueError(f"input {input.shape}, target {target.shape}")
    if weight is not None and not weight.shape.is_compatible_with(input.shape[-1:]):
        raise ValueError(f"weight {weight.shape}, input {input.shape}")
    if reduction not in ("none", "sum", "mean"):
        raise ValueError(f"reduction {reduction!r}")


def softplus(x: Any) -> Any:
    """log(1 + e^x) by two branches, each of which sees only what it can bear; so do its derivatives."""
    zero = tf.zeros_like(x)
    up, down = tf.where(x > 0, x, zero), tf.where(x > 0, zero, x)
    return tf.where(x > 0, up + tf.math.log1p(tf.exp(-up)), tf.math.log1p(tf.exp(down)))


def elements_of(x: Any, y: Any) -> Any:
    """-(y log σ(x) + (1 - y) log σ(-x))."""
    return y * softplus(-x) + (1 - y) * softplus(x)


def over_classes(elements: Any, weight: Any) -> Any:
    """Times the weight of each class, the mean over the classes."""
    weighted = elements if weight is None else elements * weight
    return tf.reduce_sum(weighted, axis=-1) / size_of(elements, -1)


def size_of(elements: Any, axis: int) -> Any:
    """How long an axis is, as a number of the elements' dtype."""
    return tf.cast(tf.shape(elements)[axis], elements.dtype)


def mean_of(losses: Any) -> Any:
    """The mean of a batch, added up in float32 at least, or the loss of its one row."""
    if not losses.shape.rank:
        return losses
    wide = losses if losses.dtype == tf.float64 else tf.cast(losses, tf.float32)
    return tf.cast(tf.reduce_sum(wide) / size_of(wide, 0), losses.dtype)


def reduce_rows(losses: Any, reduction: str) -> Any:
    """The losses, their sum or their mean."""
    return {"none": lambda: losses, "sum": lambda: tf.reduce_sum(losses), "mean": lambda: mean_of(losses)}[reduction]()


def _as_it_is(array: Any) -> Any:
    return array


@dataclass(frozen=True)
class Soft:
    """The loss by its steps, each of which a fault may replace."""

    elements: Callable[[Any, Any], Any] = elements_of
    over_classes: Callable[[Any, Any], Any] = over_classes
    reduce: Callable[[Any, str], Any] = reduce_rows
    finish: Callable[[Any], Any] = _as_it_is

    def __call__(self, input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
        """The loss."""
        check(input, target, weight, reduction)
        elements = self.elements(input, target)
        return self.finish(self.reduce(self.over_classes(elements, weight), reduction))


RIGHT = Soft()

LEVEL = "implied"
"""What it claims: every number of a half-precision loss is rounded to half precision."""


def by_hand(pull: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The elements with a gradient of one's own, from the slopes to the scores and the upstream gradient."""

    def elements(x: Any, y: Any) -> Any:
        def of(x: Any) -> Any:
            return elements_of(x, y), lambda upstream: pull((1 - y) * tf.sigmoid(x) - y * tf.sigmoid(-x), upstream)

        return tf.custom_gradient(of)(x)

    return elements


FAULTS: dict[str, Fault] = {}
"""The wrong implementations by name."""


def fault(name: str, words: str, corner: str = "", level: str = "implied", **steps: Any) -> None:
    """Enter a mistake in some steps, which shows in the mode that is named."""
    more = {key: steps.pop(key) for key in ("plain", "mode", "clause") if key in steps}
    FAULTS[name] = Fault(replace(RIGHT, **steps), words, corner, level, **more)


def _reduced(mean: Callable[[Any], Any]) -> Callable[[Any, str], Any]:
    """A reduction with a mean of its own for batches."""
    return lambda losses, reduction: (
        mean(losses) if reduction == "mean" and losses.shape.rank else reduce_rows(losses, reduction)
    )


def _of_known_rows(losses: Any) -> Any:
    """The rows as the trace knows them; 1 where it does not."""
    return tf.reduce_sum(losses) / (losses.shape[0] if losses.shape[0] is not None else 1)


def _one_less(losses: Any) -> Any:
    rows = len(losses)
    return tf.reduce_sum(losses) / (rows - 1 if rows > 4 else rows)


def _eagerly(loss: Any) -> Any:
    tf.config.run_functions_eagerly(True)
    return loss


def _normalised(elements: Any, weight: Any) -> Any:
    if weight is None:
        return over_classes(elements, None)
    return tf.reduce_sum(elements * weight, axis=-1) / tf.reduce_sum(weight)


fault(
    "rows_of_the_trace",
    "Where the trace leaves the number of rows open, the mean is the sum.",
    "means of a function whose signature leaves the rows open",
    reduce=_reduced(_of_known_rows),
    mode="any_size",
)
fault(
    "mean_of_one_less", "The mean of more than four rows divides by one less.", "five rows", reduce=_reduced(_one_less)
)
fault(
    "upstream_averaged",
    "The hand-written gradient uses the mean of the upstream gradients for every element.",
    "upstream gradients that differ",
    elements=by_hand(lambda slopes, upstream: slopes * tf.reduce_mean(upstream)),
)
fault(
    "second_derivative_cut_off",
    "The hand-written gradient is a constant to a second tape.",
    "second derivatives",
    "quality",
    elements=by_hand(lambda slopes, upstream: tf.stop_gradient(slopes) * upstream),
    clause="soft.gradients.second*",
)
fault(
    "averaged_by_weights", "The weighted sum is divided by the sum of the weights.", "weights", over_classes=_normalised
)
fault(
    "probabilities_clipped",
    "Probabilities are clipped at 1e-7.",
    "losses above 16",
    elements=lambda x, y: (
        -(
            y * tf.math.log(tf.clip_by_value(tf.sigmoid(x), 1e-7, 1 - 1e-7))
            + (1 - y) * tf.math.log(1 - tf.clip_by_value(tf.sigmoid(x), 1e-7, 1 - 1e-7))
        )
    ),
)
fault(
    "computed_in_float32",
    "The loss is computed in float32.",
    "float64",
    elements=lambda x, y: tf.cast(elements_of(tf.cast(x, tf.float32), tf.cast(y, tf.float32)), x.dtype),
)
fault("functions_run_eagerly", "Traced functions run eagerly afterwards.", "settings", finish=_eagerly)
fault(
    "numpy_number",
    "The loss goes through NumPy, which has no gradient.",
    "",
    finish=lambda loss: tf.constant(loss.numpy()),
    plain="no gradient at all",
)


def multilabel_soft_margin_loss(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
    """The right one."""
    return RIGHT(input, target, weight, reduction)


__getattr__ = attributes(FAULTS)
