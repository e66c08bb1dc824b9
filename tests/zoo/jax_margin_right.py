"""Right implementations of the margin loss in JAX, each in a way of its own."""

# Steps are lambdas, whose parameters have no annotations.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.zoo.entry import Right, attributes, jax, jnp
from tests.zoo.jax_margin import RIGHT, by_hand, live_of, named_in, own_of, reduced


def _scanned(scores: Any, target: Any) -> Any:
    """Place after place of the target, a column of labels at a time."""
    live = live_of(target)
    own, others = own_of(scores, target, live), ~named_in(scores, target, live)

    def step(total: Any, column: Any) -> Any:
        label, counts = column
        gaps = 1 - (label[:, None] - scores)
        kept = others & counts[:, None]
        return total + jnp.where(kept, jax.nn.relu(jnp.where(kept, gaps, 0)), 0).sum(axis=1), None

    total, _ = jax.lax.scan(step, jnp.zeros(len(scores), scores.dtype), (own.T, live.T))
    return total / scores.shape[1]


def _mapped(scores: Any, target: Any) -> Any:
    """One row's loss, mapped over the batch."""

    def row(x: Any, y: Any) -> Any:
        return RIGHT.rows(x[None], y[None])[0]

    return jax.vmap(row)(scores, target)


RIGHTS: dict[str, Right] = {
    "vectorised": Right(RIGHT, "take_along_axis, a scatter that drops and where."),
    "scanned": Right(
        lambda input, target, reduction="mean": reduced(_scanned, input, target, reduction),
        "A scan over the places of the target, relu with subgradient 0.",
    ),
    "mapped": Right(
        lambda input, target, reduction="mean": reduced(_mapped, input, target, reduction), "A row under vmap."
    ),
    "own_gradient": Right(
        lambda input, target, reduction="mean": reduced(
            by_hand(lambda slopes, upstream: slopes * upstream[:, None]), input, target, reduction
        ),
        "A gradient of its own.",
    ),
    "times_inverse": Right(
        replace(RIGHT, divide=lambda sums, scores, keep: sums * jnp.asarray(1 / scores.shape[1], sums.dtype)),
        "Times 1/C.",
    ),
}
"""The right implementations by name."""


__getattr__ = attributes(RIGHTS)
