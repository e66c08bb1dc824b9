"""TensorFlow's losses traced, compiled, traced for any size, saved and loaded: beside ``tensorflow_adapter.py``."""

import os
import tempfile
from typing import Any, Callable, Dict, List, Tuple

Step = Callable[..., Any]
"""Loss and gradients of tensors."""

OF_ANY_SIZE = ("any_size", "saved")
"""Modes whose signature leaves every size open, so that one graph serves all shapes of a rank."""

_functions: Dict[Tuple[str, ...], Any] = {}


def function_of(tf: Any, call: Dict[str, Any], step: Step, tensors: List[Any]) -> Any:
    """The step as the mode runs it: made once for a set of options, and for ranks and dtypes if the sizes are open."""
    key = _key(call, tensors)
    if key not in _functions:
        _functions[key] = _made(tf, call["mode"], step, tensors)
    return _functions[key]


def _key(call: Dict[str, Any], tensors: List[Any]) -> Tuple[str, ...]:
    signature = [(tensor.shape.rank, tensor.dtype.name) for tensor in tensors if call["mode"] in OF_ANY_SIZE]
    return (
        call["operator"],
        call["mode"],
        call["dtype"],
        repr(sorted(call["options"].items())),
        ",".join(given["name"] for given in call["arguments"]),
        repr(call.get("function")),
        ",".join(want for want in call["want"] if want.startswith("gradient:")),
        repr(signature),
    )


def _made(tf: Any, mode: str, step: Step, tensors: List[Any]) -> Any:
    if mode not in OF_ANY_SIZE:
        return tf.function(step, jit_compile=mode == "xla", reduce_retracing=False)
    signature = [tf.TensorSpec([None] * tensor.shape.rank, tensor.dtype) for tensor in tensors]
    traced = tf.function(step, input_signature=signature)
    return traced if mode == "any_size" else _loaded(tf, traced)


def _loaded(tf: Any, traced: Any) -> Any:
    """A function that was saved and loaded; its object keeps what the graph refers to."""
    module = tf.Module()
    module.step = traced
    with tempfile.TemporaryDirectory(dir=os.environ.get("LOSSPROOF_SCRATCH")) as folder:
        tf.saved_model.save(module, folder, signatures={})
        loaded = tf.saved_model.load(folder)

    def run(*given: Any) -> Any:
        return loaded.step(*given)

    return run
