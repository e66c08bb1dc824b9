"""What of JAX's losses is wanted beyond value and gradient: beside ``jax_adapter.py``."""

from typing import Any, Callable, Dict, List

Loss = Callable[..., Any]


def of_some(loss: Loss, arrays: List[Any], places: List[int]) -> Callable[..., Any]:
    """The loss as a function of some of its arguments."""

    def of(*changed: Any) -> Any:
        given = list(arrays)
        for place, array in zip(places, changed):
            given[place] = array
        return loss(*given)

    return of


def wanted(
    jax: Any, call: Dict[str, Any], loss: Loss, arguments: Dict[str, Any], vectors: Dict[str, Any]
) -> Dict[str, Any]:
    """The derivatives to the first argument that are wanted beside the gradients, and what else is wanted."""
    arrays = list(arguments.values())
    of_input = of_some(loss, arrays, [0])
    input, tangent = next(iter(arguments.values())), vectors.get("tangent")

    def slope(input: Any) -> Any:
        value, pull = jax.vjp(of_input, input)
        return pull(vectors["cotangent"].astype(value.dtype))[0]

    ways: Dict[str, Callable[[], Any]] = {
        "forward": lambda: jax.jvp(of_input, (input,), (tangent,))[1],
        "second": lambda: jax.jvp(slope, (input,), (tangent,))[1],
        "jacobian": lambda: jax.jacrev(of_input)(input),
        "repeated": lambda: _repeated(jax, of_input, input, vectors["cotangent"]),
        "recomputed": lambda: _recomputed(jax, of_input, input, vectors["cotangent"]),
        "mapped-gradient": lambda: _mapped_gradient(jax, loss, arrays, vectors["cotangent"]),
        "mapped": lambda: _mapped(jax, loss, arrays),
        "abstract": lambda: _abstract(jax, loss, arrays),
    }
    return {name: way() for name, way in ways.items() if name in call["want"]}


def _abstract(jax: Any, loss: Loss, arrays: List[Any]) -> Any:
    """Zeros of the shape and dtype of the loss of abstract arrays."""
    found = jax.eval_shape(loss, *arrays)
    return jax.numpy.zeros(found.shape, found.dtype)


def _repeated(jax: Any, loss: Loss, input: Any, cotangent: Any) -> Any:
    """The gradient of a second pull through the same forward call."""
    value, pull = jax.vjp(loss, input)
    pull(cotangent.astype(value.dtype))
    return pull(cotangent.astype(value.dtype))[0]


def _answered(ways: List[Callable[[], Any]]) -> List[Any]:
    """What the ways give; one that is refused is left out.

    Raises:
        Exception: All are refused; the last refusal.
    """
    found, refused = [], None
    for way in ways:
        try:
            found.append(way())
        except Exception as error:  # noqa: PERF203 - each way may be refused
            refused = error
    if refused is not None and not found:
        raise refused
    return found


def _mapped(jax: Any, loss: Loss, arrays: List[Any]) -> Any:
    """Two copies along the last axis; the first argument alone mapped; along the last axis of it alone; nested."""
    jnp, first, others = jax.numpy, arrays[0], arrays[1:]
    decoy = jnp.roll(first, 1, axis=-1) if first.ndim else first
    pair = jnp.stack([first, decoy])
    alone, last = (0,) + (None,) * len(others), (-1,) + (None,) * len(others)
    along = [jnp.stack([first, decoy], -1)] + [jnp.stack([each, each], -1) for each in others]
    ways = [
        lambda: jax.vmap(loss, in_axes=-1)(*along)[0],
        lambda: jax.vmap(loss, in_axes=alone)(pair, *others)[0],
        lambda: jax.vmap(loss, in_axes=last)(along[0], *others)[0],
        lambda: jax.vmap(jax.vmap(loss, in_axes=alone), in_axes=alone)(jnp.stack([pair, pair]), *others)[0, 0],
    ]
    return jnp.stack(_answered(ways))


def _recomputed(jax: Any, loss: Loss, input: Any, cotangent: Any) -> Any:
    """The gradient of a checkpointed call: the forward pass is made again in the backward pass."""
    value, pull = jax.vjp(jax.checkpoint(loss), input)
    return pull(cotangent.astype(value.dtype))[0]


def _mapped_gradient(jax: Any, loss: Loss, arrays: List[Any], cotangent: Any) -> Any:
    """The gradient mapped over two copies, the first argument alone mapped, then all; and of the mapped loss."""
    jnp, first, others = jax.numpy, arrays[0], arrays[1:]
    decoy = jnp.roll(first, 1, axis=-1) if first.ndim else first
    alone = (0,) + (None,) * len(others)

    def slope(input: Any, *rest: Any) -> Any:
        value, pull = jax.vjp(lambda given: loss(given, *rest), input)
        return pull(cotangent.astype(value.dtype))[0]

    pair = jnp.stack([first, decoy])
    along = [jnp.stack([first, decoy], -1)] + [jnp.stack([each, each], -1) for each in others]

    def of_mapped() -> Any:
        value, pull = jax.vjp(lambda given: jax.vmap(loss, in_axes=alone)(given, *others), pair)
        return pull(jnp.stack([cotangent, cotangent]).astype(value.dtype))[0][0]

    ways = [
        lambda: jax.vmap(slope, in_axes=alone)(pair, *others)[0],
        lambda: jax.vmap(slope, in_axes=-1)(*along)[0],
        of_mapped,
    ]
    return jnp.stack(_answered(ways))
