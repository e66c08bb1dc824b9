"""The soft margin loss in MindSpore as people port it, and as people get it wrong.

``multilabel_soft_margin_loss`` is right; every name of :data:`FAULTS` is a wrong one.
"""

# Faults are lambdas, whose parameters have no annotations.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tests.zoo.entry import Fault, attributes, mindspore, ops
from tests.zoo.soft_steps import check, over_classes


def softplus(x: Any) -> Any:
    """log(1 + e^x) by two branches, each of which sees only what it can bear; so do its derivatives."""
    zero = ops.zeros_like(x)
    up, down = ops.where(x > 0, x, zero), ops.where(x > 0, zero, x)
    return ops.where(x > 0, up + ops.log1p(ops.exp(-up)), ops.log1p(ops.exp(down)))


def elements_of(x: Any, y: Any) -> Any:
    """-(y log σ(x) + (1 - y) log σ(-x))."""
    return y * softplus(-x) + (1 - y) * softplus(x)


def reduce_rows(losses: Any, reduction: str) -> Any:
    """The losses, their sum or their mean."""
    if reduction == "none" or not losses.ndim:
        return losses
    if not len(losses):  # MindSpore 2.10's sum of nothing on the CPU is not initialised
        return ops.full((), 0.0 if reduction == "sum" else float("nan"), dtype=losses.dtype)
    return losses.sum() if reduction == "sum" else losses.sum() / len(losses)


def in_float32(loss: Callable[..., Any]) -> Callable[..., Any]:
    """A loss that computes half precision in float32, and rounds once."""

    def widened(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
        half = input.dtype in (mindspore.float16, mindspore.bfloat16)
        given = (input, target, weight)
        wide = [each.astype("float32") if half and each is not None else each for each in given]
        return loss(*wide, reduction).astype(input.dtype)

    return widened


@dataclass(frozen=True)
class Soft:
    """The loss by its steps, each of which a fault may replace."""

    elements: Callable[[Any, Any], Any] = elements_of
    over_classes: Callable[[Any, Any], Any] = over_classes
    reduce: Callable[[Any, str], Any] = reduce_rows
    finish: Callable[[Any], Any] = lambda loss: loss

    def __call__(self, input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
        """The loss."""
        check(input, target, weight, reduction)
        return in_float32(self._loss)(input, target, weight, reduction)

    def _loss(self, input: Any, target: Any, weight: Any, reduction: str) -> Any:
        return self.finish(self.reduce(self.over_classes(self.elements(input, target), weight), reduction))


RIGHT = Soft()

LEVEL = "implied"
"""What it claims: the float32 exponential of MindSpore 2.10 on a CPU is off by up to 44 ulp."""


def slopes_of(x: Any, y: Any) -> Any:
    """The derivatives of the elements."""
    return (1 - y) * ops.sigmoid(x) - y * ops.sigmoid(-x)


def by_hand(pull: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The elements with a gradient of one's own, from the slopes to the scores and the upstream gradient."""
    return lambda x, y: _cell(pull)(x, y)


@functools.cache
def _cell(pull: Callable[[Any, Any], Any]) -> Any:
    """A Cell whose ``bprop`` is written by hand; its class is made where MindSpore is there."""

    class Elements(mindspore.nn.Cell):  # type: ignore[misc]
        def construct(self, x: Any, y: Any) -> Any:
            return elements_of(x, y)

        def bprop(self, x: Any, y: Any, out: Any, upstream: Any) -> Any:
            del out
            return pull(slopes_of(x, y), upstream), (softplus(-x) - softplus(x)) * upstream

    return Elements()


FAULTS: dict[str, Fault] = {}
"""The wrong implementations by name."""


def fault(name: str, words: str, corner: str = "", level: str = "implied", **steps: Any) -> None:
    """Enter a mistake in some steps."""
    more = {key: steps.pop(key) for key in ("plain", "clause") if key in steps}
    FAULTS[name] = Fault(replace(RIGHT, **steps), words, corner, level, **more)


def _one_less(losses: Any, reduction: str) -> Any:
    if reduction != "mean" or not losses.ndim or len(losses) < 5:
        return reduce_rows(losses, reduction)
    return losses.sum() / (len(losses) - 1)


def _normalised(elements: Any, weight: Any) -> Any:
    if weight is None:
        return over_classes(elements, None)
    return (elements * weight).sum(-1) / weight.sum()


def _clipped(x: Any, y: Any) -> Any:
    probability = ops.clamp(ops.sigmoid(x), 1e-7, 1 - 1e-7)
    return -(y * ops.log(probability) + (1 - y) * ops.log(1 - probability))


_buffers: dict[Any, Any] = {}


def _into_one_buffer(loss: Any) -> Any:
    """The loss in a buffer that is kept for all results of its shape and dtype."""
    key = (loss.shape, loss.dtype)
    if key in _buffers:
        _buffers[key].assign_value(loss)
    else:
        _buffers[key] = loss
    return _buffers[key]


def _seeded(loss: Any) -> Any:
    mindspore.set_seed(0)
    return loss


fault("mean_of_one_less", "The mean of more than four rows divides by one less.", "five rows", reduce=_one_less)
fault(
    "averaged_by_weights", "The weighted sum is divided by the sum of the weights.", "weights", over_classes=_normalised
)
fault("probabilities_clipped", "Probabilities are clipped at 1e-7.", "losses above 16", elements=_clipped)
fault(
    "exponentials_overflow",
    "log(1 + e^x) is computed as it stands.",
    "scores above 88",
    elements=lambda x, y: y * ops.log(1 + ops.exp(-x)) + (1 - y) * ops.log(1 + ops.exp(x)),
)
fault(
    "computed_in_float32",
    "The loss is computed in float32.",
    "float64",
    elements=lambda x, y: elements_of(x.astype("float32"), y.astype("float32")).astype(x.dtype),
)
fault(
    "upstream_averaged",
    "The hand-written gradient uses the mean of the upstream gradients for every element.",
    "upstream gradients that differ",
    elements=by_hand(lambda slopes, upstream: slopes * upstream.mean()),
)
fault(
    "second_derivative_cut_off",
    "The hand-written gradient is a constant to a second one.",
    "second derivatives",
    "quality",
    elements=by_hand(lambda slopes, upstream: ops.stop_gradient(slopes) * upstream),
    clause="soft.gradients.second*",
)
fault(
    "one_buffer", "Every result of a shape is written into the same tensor.", "a second call", finish=_into_one_buffer
)
fault("seeded", "Each call sets the seed of random numbers.", "settings", finish=_seeded)
fault(
    "numpy_number",
    "The loss goes through NumPy, which has no gradient.",
    "",
    finish=lambda loss: mindspore.Tensor(loss.asnumpy()),
    plain="no gradient at all",
)


def multilabel_soft_margin_loss(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
    """The right one."""
    return RIGHT(input, target, weight, reduction)


__getattr__ = attributes(FAULTS)
