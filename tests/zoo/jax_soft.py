"""The soft margin loss in JAX as people port it, and as people get it wrong.

``multilabel_soft_margin_loss`` is right; every name of :data:`FAULTS` is a wrong one.
"""

# Faults are lambdas, whose parameters have no annotations.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tests.zoo.entry import Fault, attributes, jax, jnp
from tests.zoo.soft_steps import check, over_classes


def elements_of(x: Any, y: Any) -> Any:
    """-(y log σ(x) + (1 - y) log σ(-x))."""
    return -(y * jax.nn.log_sigmoid(x) + (1 - y) * jax.nn.log_sigmoid(-x))


def reduce_rows(losses: Any, reduction: str) -> Any:
    """The losses, their sum or their mean."""
    return {"none": lambda: losses, "sum": losses.sum, "mean": losses.mean}[reduction]()


@dataclass(frozen=True)
class Soft:
    """The loss by its steps, each of which a fault may replace."""

    elements: Callable[[Any, Any], Any] = elements_of
    over_classes: Callable[[Any, Any], Any] = over_classes

    def __call__(self, input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
        """The loss."""
        check(input, target, weight, reduction)
        return reduce_rows(self.over_classes(self.elements(input, target), weight), reduction)


RIGHT = Soft()

LEVEL = "implied"
"""What it claims: the derivative of JAX's log_sigmoid near 34 is off by 17 units of roundoff."""

FAULTS: dict[str, Fault] = {}
"""The wrong implementations by name."""


def fault(name: str, words: str, corner: str = "", level: str = "implied", plain: str = "", **steps: Any) -> None:
    """Enter a mistake in some steps."""
    FAULTS[name] = Fault(replace(RIGHT, **steps), words, corner, level, plain)


def _softplus_twice(x: Any) -> Any:
    """Both branches of a where, one of which overflows."""
    return jnp.where(x > 0, x + jnp.log1p(jnp.exp(-x)), jnp.log1p(jnp.exp(x)))


def _of_probabilities(x: Any, y: Any) -> Any:
    """Probabilities kept off 0 and 1, as people keep them."""
    p = jnp.clip(jax.nn.sigmoid(x), 1e-7, 1 - 1e-7)
    return -(y * jnp.log(p) + (1 - y) * jnp.log(1 - p))


@functools.cache
def _half_differentiated() -> Any:
    """The elements with a gradient of one's own that knows label 1 only."""
    elements = jax.custom_vjp(elements_of)

    def backward(kept: Any, upstream: Any) -> Any:
        x, y = kept
        return upstream * jnp.where(y > 0, -jax.nn.sigmoid(-x), 0), None

    elements.defvjp(lambda x, y: (elements_of(x, y), (x, y)), backward)
    return elements


def _broadcast(elements: Any, weight: Any) -> Any:
    """The weight as a column where it fits."""
    if weight is not None and elements.ndim == 2 and elements.shape[0] == elements.shape[1]:
        return over_classes(elements * weight[:, None], None)
    return over_classes(elements, weight)


def _normalised(elements: Any, weight: Any) -> Any:
    return over_classes(elements, None) if weight is None else jnp.average(elements, axis=-1, weights=weight)


fault(
    "both_branches_differentiated",
    "The branch that where does not take overflows, and its gradient is NaN.",
    "large scores",
    elements=lambda x, y: y * _softplus_twice(-x) + (1 - y) * _softplus_twice(x),
)
fault("probabilities_clipped", "Probabilities are clipped at 1e-7.", "losses above 16", elements=_of_probabilities)
fault(
    "logarithm_of_sigmoid",
    "The logarithm of the sigmoid is infinite where the sigmoid is 0.",
    "large scores",
    elements=lambda x, y: -(y * jnp.log(jax.nn.sigmoid(x)) + (1 - y) * jnp.log(jax.nn.sigmoid(-x))),
)
fault(
    "max_form",
    "The gradient at a score of 0 is that of |x| taken as 1, and of max(x, 0) taken as a half.",
    "scores of exactly 0",
    elements=lambda x, y: jnp.maximum(x, 0) - x * y + jnp.log1p(jnp.exp(-jnp.abs(x))),
)
fault(
    "backward_of_label_1_only",
    "The hand-written gradient has the term of label 1 only.",
    plain="wrong on every row with a label 0",
    elements=lambda x, y: _half_differentiated()(x, y),
)
fault(
    "averaged_by_weights", "The weighted sum is divided by the sum of the weights.", "weights", over_classes=_normalised
)
fault(
    "weight_broadcast_as_column", "The weight is a column where N = C.", "weights where N = C", over_classes=_broadcast
)
fault(
    "computed_in_float32",
    "The loss is computed in float32.",
    "float64",
    elements=lambda x, y: elements_of(x.astype(jnp.float32), y.astype(jnp.float32)).astype(x.dtype),
)


def _mean(losses: Any) -> Any:
    return losses.mean()


@functools.cache
def _mean_of_a_shard() -> Any:
    """The mean of losses, for which each device divides what it holds by its own number of rows."""
    partitioning = importlib.import_module("jax.experimental.custom_partitioning")
    whole = partitioning.custom_partitioning(_mean)

    def partition(mesh: Any, given: Any, result: Any) -> Any:
        alone = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
        return mesh, _mean, alone, (given[0].sharding,)

    whole.def_partition(partition, sharding_rule="rows -> ")
    mean = jax.custom_vjp(whole)
    mean.defvjp(
        lambda losses: (whole(losses), losses),
        lambda losses, upstream: (jnp.full_like(losses, upstream / max(len(losses), 1)),),
    )
    return mean


def _in_shards(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
    if reduction != "mean" or input.ndim == 1:
        return RIGHT(input, target, weight, reduction)
    return _mean_of_a_shard()(RIGHT(input, target, weight, "none"))


FAULTS["mean_of_a_shard"] = Fault(
    _in_shards,
    "A mean over rows on several devices is that of one device's rows.",
    "means of rows on two devices",
    mode="sharded",
)


def multilabel_soft_margin_loss(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
    """The right one."""
    return RIGHT(input, target, weight, reduction)


__getattr__ = attributes(FAULTS)
