"""The margin loss in JAX as people port it, and as people get it wrong.

``multilabel_margin_loss`` is right; every name of :data:`FAULTS` is a wrong one.
"""

# Faults are lambdas, whose parameters have no annotations.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tests.zoo.entry import Fault, attributes, jax, jnp


def check(input: Any, target: Any, reduction: str) -> None:
    """Refuse what the operator does not take."""
    if input.ndim not in (1, 2) or input.shape != target.shape:
        raise ValueError(f"input {input.shape}, target {target.shape}")
    if reduction not in ("none", "sum", "mean"):
        raise ValueError(f"reduction {reduction!r}")


def live_of(target: Any) -> Any:
    """Places before the first negative label; shape (N, C)."""
    return jnp.cumprod(target >= 0, axis=1).astype(bool)


def rows_of(target: Any) -> Any:
    """The row of each place."""
    return jnp.arange(target.shape[0])[:, None]


def named_in(scores: Any, target: Any, live: Any) -> Any:
    """Which classes are labels; what lies behind the block is dropped."""
    index = jnp.where(live, target, scores.shape[1])
    return jnp.zeros(scores.shape, dtype=bool).at[rows_of(target), index].set(True, mode="drop")


def own_of(scores: Any, target: Any, live: Any) -> Any:
    """The score of each label, NaN where it names no class."""
    return jnp.take_along_axis(scores, jnp.where(live, target, 0), axis=1, mode="fill", fill_value=jnp.nan)


def clip(gaps: Any, keep: Any) -> Any:
    """max(0, z) of the pairs that count."""
    return jnp.where(keep, jnp.maximum(gaps, 0), 0)


def divide(sums: Any, scores: Any, keep: Any) -> Any:
    """Divided by C."""
    return sums / scores.shape[1]


def reduce_rows(losses: Any, reduction: str) -> Any:
    """The losses, their sum or their mean."""
    return {"none": lambda: losses, "sum": losses.sum, "mean": losses.mean}[reduction]()


@dataclass(frozen=True)
class Margin:
    """The loss by its steps, each of which a fault may replace."""

    live: Callable[[Any], Any] = live_of
    named: Callable[[Any, Any, Any], Any] = named_in
    own: Callable[[Any, Any, Any], Any] = own_of
    one: Callable[[Any], Any] = lambda scores: 1
    clip: Callable[[Any, Any], Any] = clip
    divide: Callable[[Any, Any, Any], Any] = divide

    def rows(self, scores: Any, target: Any) -> Any:
        """The losses of a batch."""
        live = self.live(target)
        gaps = (self.one(scores) - self.own(scores, target, live))[:, :, None] + scores[:, None, :]
        keep = live[:, :, None] & ~self.named(scores, target, live)[:, None, :]
        return self.divide(self.clip(gaps, keep).sum(axis=(1, 2)), scores, keep)

    def __call__(self, input: Any, target: Any, reduction: str = "mean") -> Any:
        """The loss."""
        return reduced(self.rows, input, target, reduction)


def reduced(rows: Callable[[Any, Any], Any], input: Any, target: Any, reduction: str) -> Any:
    """The losses of a batch as the whole operator."""
    check(input, target, reduction)
    losses = rows(jnp.atleast_2d(input), jnp.atleast_2d(target))
    return reduce_rows(losses if input.ndim == 2 else losses[0], reduction)


RIGHT = Margin()

LEVEL = "implied"
"""What it claims: it holds all pairs of places of a row at once, which is broken quality."""


@functools.cache
def by_hand(pull: Callable[[Any, Any], Any]) -> Any:
    """The losses of rows with a gradient of one's own, from the derivatives and the upstream gradient."""
    rows = jax.custom_vjp(RIGHT.rows)

    def forward(scores: Any, target: Any) -> Any:
        losses, pullback = jax.vjp(lambda scores: RIGHT.rows(scores, target), scores)
        return losses, pullback(jnp.ones_like(losses))[0]

    def backward(slopes: Any, upstream: Any) -> Any:
        return pull(slopes, upstream), None

    rows.defvjp(forward, backward)
    return rows


def _hand_written(pull: Callable[[Any, Any], Any]) -> Any:
    return lambda input, target, reduction="mean": reduced(by_hand(pull), input, target, reduction)


FAULTS: dict[str, Fault] = {}
"""The wrong implementations by name."""


def fault(name: str, words: str, corner: str = "", level: str = "implied", plain: str = "", **steps: Any) -> None:
    """Enter a mistake in some steps, or a ``loss`` that is wrong as a whole."""
    FAULTS[name] = Fault(steps.get("loss") or replace(RIGHT, **steps), words, corner, level, plain)


def _marked_by_all(scores: Any, target: Any, live: Any) -> Any:
    """Every place marks a class; an index of -1 is the last one's."""
    return jnp.zeros(scores.shape, dtype=bool).at[rows_of(target), target].set(True)


def _averaged(sums: Any, scores: Any, keep: Any) -> Any:
    """By way of an average over pairs, guarded by a where that its gradient sees through."""
    pairs = keep.sum(axis=(1, 2)).astype(scores.dtype)
    return jnp.where(pairs > 0, sums / pairs, 0) * pairs / scores.shape[1]


fault(
    "padding_wraps",
    "An index of -1 marks the last class as a label.",
    plain="wrong on most rows with padding",
    named=_marked_by_all,
)
fault(
    "terminator_down_the_batch",
    "The running product goes down the batch instead of along the row.",
    "rows below a shorter one",
    live=lambda target: jnp.cumprod(target >= 0, axis=0).astype(bool),
)
fault(
    "label_beyond_clamps",
    "A label beyond the last class reads the last class, as an index out of range does in JAX.",
    "labels out of range",
    "quality",
    own=lambda scores, target, live: scores[rows_of(target), jnp.where(live, target, 0)],
)
fault(
    "label_beyond_dropped",
    "A label beyond the last class is dropped without a word.",
    "labels out of range",
    "quality",
    live=lambda target: live_of(target) & (target < target.shape[1]),
)
fault(
    "label_beyond_reads_0",
    "A label beyond the last class has score 0.",
    "labels out of range",
    "quality",
    own=lambda scores, target, live: jnp.take_along_axis(
        scores, jnp.where(live, target, 0), axis=1, mode="fill", fill_value=0
    ),
)
fault(
    "average_under_where",
    "The gradient of 0 / 0 comes through the where that hides it.",
    "the gradient of rows without pairs",
    clip=lambda gaps, keep: keep * jnp.maximum(gaps, 0),
    divide=_averaged,
)
fault(
    "promoted_to_float32",
    "The margin is a float32 array, which promotes half precision.",
    "the dtype of half-precision losses",
    "quality",
    one=lambda scores: jnp.ones((), dtype=jnp.float32),
)
fault(
    "mask_times_maximum",
    "The mask is multiplied with the hinge, which is NaN where the hinge is infinite.",
    "infinite scores",
    "quality",
    clip=lambda gaps, keep: keep * jnp.maximum(gaps, 0),
)
fault(
    "softplus_for_small_gaps",
    "Gaps below 1/64 are smoothed.",
    "small gaps",
    clip=lambda gaps, keep: jnp.where(keep, jnp.where(gaps > 1 / 64, gaps, jnp.maximum(gaps, 0) ** 2 * 64), 0),
)
fault(
    "upstream_averaged",
    "The hand-written gradient uses the mean of the upstream gradients for every row.",
    "upstream gradients that differ",
    loss=_hand_written(lambda slopes, upstream: slopes * (upstream.mean() if upstream.size else 0)),
)
fault(
    "upstream_sign_only",
    "The hand-written gradient uses the sign of the upstream gradient.",
    "upstream gradients other than 1 and -1",
    loss=_hand_written(lambda slopes, upstream: slopes * jnp.sign(upstream)[:, None]),
)
fault(
    "labels_in_16_bits",
    "Labels are narrowed to 16 bits without a sign.",
    "labels from 65,536 on",
    loss=lambda input, target, reduction="mean": RIGHT(
        input, jnp.where(target < 0, target, target.astype(jnp.uint16).astype(target.dtype)), reduction
    ),
)
fault(
    "mean_of_one_less",
    "The mean of more than four rows divides by one less.",
    "five rows",
    loss=lambda input, target, reduction="mean": (
        RIGHT(input, target, reduction)
        * (len(input) / (len(input) - 1) if input.ndim == 2 and len(input) > 4 and reduction == "mean" else 1)
    ),
)


def multilabel_margin_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """The right one."""
    return RIGHT(input, target, reduction)


__getattr__ = attributes(FAULTS)
