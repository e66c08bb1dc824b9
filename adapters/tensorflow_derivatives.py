"""What of TensorFlow's losses is wanted beyond value and gradient: beside ``tensorflow_adapter.py``."""

from typing import Any, Callable, Dict, List

Loss = Callable[..., Any]


def wanted(
    tf: Any, call: Dict[str, Any], whole: Loss, arguments: Dict[str, Any], vectors: Dict[str, Any]
) -> Dict[str, Any]:
    """The derivatives to the first argument that are wanted beside the gradients, and what else is wanted."""
    first, *others = arguments.values()

    def loss(tensor: Any) -> Any:
        return whole(tensor, *others)

    ways: Dict[str, Callable[[], Any]] = {
        "forward": lambda: _forward(tf, loss, first, vectors["tangent"]),
        "second": lambda: _second(tf, loss, first, vectors),
        "jacobian": lambda: _jacobian(tf, loss, first),
        "repeated": lambda: _repeated(tf, loss, first, vectors["cotangent"]),
        "recomputed": lambda: _recomputed(tf, loss, first, vectors["cotangent"]),
        "abstract": lambda: _abstract(tf, whole, [first, *others]),
    }
    return {name: way() for name, way in ways.items() if name in call["want"]}


def _forward(tf: Any, loss: Loss, first: Any, tangent: Any) -> Any:
    with tf.autodiff.ForwardAccumulator(first, tangent) as accumulator:
        value = loss(first)
    return accumulator.jvp(value, unconnected_gradients="zero")


def _second(tf: Any, loss: Loss, first: Any, vectors: Dict[str, Any]) -> Any:
    """The gradient's own gradient: the Hessian is symmetric, so the tangent may be the second cotangent."""
    with tf.GradientTape() as outer:
        outer.watch(first)
        with tf.GradientTape() as inner:
            inner.watch(first)
            value = loss(first)
        slope = inner.gradient(value, first, output_gradients=vectors["cotangent"], unconnected_gradients="zero")
    return outer.gradient(slope, first, output_gradients=vectors["tangent"], unconnected_gradients="zero")


def _jacobian(tf: Any, loss: Loss, first: Any) -> Any:
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(first)
        value = loss(first)
    return tape.jacobian(value, first, unconnected_gradients="zero", experimental_use_pfor=False)


def _abstract(tf: Any, loss: Loss, tensors: List[Any]) -> Any:
    """Zeros of the shape and dtype of the loss of symbolic tensors; a size that stays open is what it is with data."""
    specs = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in tensors]
    found = tf.function(lambda *given: loss(*given)).get_concrete_function(*specs).structured_outputs
    shape = loss(*tensors).shape
    return tf.zeros(shape if found.shape.is_compatible_with(shape) else found.shape, found.dtype)


def _repeated(tf: Any, loss: Loss, first: Any, cotangent: Any) -> Any:
    """The gradient of a second pass over a tape that is kept."""
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(first)
        value = loss(first)
    tape.gradient(value, first, output_gradients=cotangent, unconnected_gradients="zero")
    return tape.gradient(value, first, output_gradients=cotangent, unconnected_gradients="zero")


def _recomputed(tf: Any, loss: Loss, first: Any, cotangent: Any) -> Any:
    """The gradient of a call that is made again in the backward pass."""
    return _slope(tf, tf.recompute_grad(loss), first, cotangent)


def _slope(tf: Any, loss: Loss, first: Any, cotangent: Any) -> Any:
    """The gradient to a tensor."""
    with tf.GradientTape() as tape:
        tape.watch(first)
        value = loss(first)
    return tape.gradient(value, first, output_gradients=cotangent, unconnected_gradients="zero")
