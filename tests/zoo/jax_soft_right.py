"""Right implementations of the soft margin loss in JAX, each in a way of its own."""

# Steps are lambdas, whose parameters have no annotations.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

from tests.zoo.entry import Right, attributes, jax, jnp
from tests.zoo.jax_soft import LEVEL, RIGHT, elements_of


@functools.cache
def _by_hand() -> Any:
    """The elements with a gradient of one's own."""
    elements = jax.custom_vjp(elements_of)

    def backward(kept: Any, upstream: Any) -> Any:
        x, y = kept
        return upstream * ((1 - y) * jax.nn.sigmoid(x) - y * jax.nn.sigmoid(-x)), None

    elements.defvjp(lambda x, y: (elements_of(x, y), (x, y)), backward)
    return elements


def _softplus(x: Any) -> Any:
    """Both branches of the where see only what they can bear."""
    up, down = jnp.where(x > 0, x, 0), jnp.where(x > 0, 0, x)
    return jnp.where(x > 0, up + jnp.log1p(jnp.exp(-up)), jnp.log1p(jnp.exp(down)))


RIGHTS: dict[str, Right] = {
    "by_log_sigmoid": Right(RIGHT, "JAX's log_sigmoid, whose derivative near 34 is off by 17 units of roundoff."),
    "by_logaddexp": Right(
        replace(RIGHT, elements=lambda x, y: y * jnp.logaddexp(-x, 0) + (1 - y) * jnp.logaddexp(x, 0)),
        "logaddexp of the score and 0.",
    ),
    "guarded": Right(
        replace(RIGHT, elements=lambda x, y: y * _softplus(-x) + (1 - y) * _softplus(x)),
        "Two branches, each of which is guarded from the other's scores.",
    ),
    "sharded": Right(RIGHT, "Half of the rows on each of two devices.", LEVEL, "sharded"),
    "donated": Right(RIGHT, "Arguments that are given away.", LEVEL, "donated"),
    "own_gradient": Right(replace(RIGHT, elements=lambda x, y: _by_hand()(x, y)), "A gradient of its own."),
    "dotted": Right(
        replace(
            RIGHT,
            over_classes=lambda elements, weight: (
                (elements @ (jnp.ones(elements.shape[-1], elements.dtype) if weight is None else weight))
                / elements.shape[-1]
            ),
        ),
        "The weighted sum as a product of matrix and vector.",
    ),
}
"""The right implementations by name."""


__getattr__ = attributes(RIGHTS)
