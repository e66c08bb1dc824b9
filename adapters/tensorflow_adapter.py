"""TensorFlow: the ports beside this file, eager, in ``tf.function`` and under XLA."""

import functools
import importlib
import os
from typing import Any, Callable, Dict, List, Tuple

import numpy as np

NEEDS = [
    {"versions": ">=2.21", "python": ">=3.10,<3.14", "packages": ["tensorflow-cpu=={version}", "numpy"]},
    {"versions": ">=2.20", "python": ">=3.9,<3.14", "packages": ["tensorflow-cpu=={version}", "numpy"]},
    {"versions": ">=2.16", "python": ">=3.9,<3.13", "packages": ["tensorflow-cpu=={version}", "numpy"]},
    {"versions": ">=2.12", "python": ">=3.8,<3.12", "packages": ["tensorflow-cpu=={version}", "numpy<2"]},
    {"python": "<3.11", "packages": ["tensorflow-cpu=={version}", "numpy<2"]},
]
_OPERATORS = {"multilabel_margin_loss": "int64", "multilabel_soft_margin_loss": "same"}

_functions: Dict[Tuple[str, ...], Any] = {}


@functools.lru_cache(maxsize=None)
def _tf() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    return importlib.import_module("tensorflow")


def describe() -> Dict[str, Any]:
    """What this TensorFlow offers."""
    tf = _tf()
    return {
        "framework": "tensorflow",
        "version": tf.__version__,
        "build": "git " + tf.version.GIT_VERSION,
        "device": "cpu",
        "layouts": ["contiguous"],
        "compiled": ["function", "xla"],
        "costs": {"eager": ["cheap"], "function": ["expensive-shapes"], "xla": ["expensive-shapes"]},
        "left_out": [],
        "facts": {"onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default")},
        "operators": {name: _offer(name, target) for name, target in _OPERATORS.items()},
    }


def _offer(operator: str, target_dtype: str) -> Dict[str, Any]:
    return {
        "forms": ["port"],
        "modes": ["eager", "function", "xla"],
        "dtypes": ["float16", "bfloat16", "float32", "float64"],
        "target_dtype": target_dtype,
        "offers": ["value", "gradient", "after"] + _further_wants(operator),
        "by_mode": {mode: {"offers": ["value", "gradient", "after"]} for mode in ("function", "xla")},
        "legacy": [],
        "reproducer": {
            "prelude": "import tensorflow as tf\nfrom lossproof import port\ntensorflow_port = port('tensorflow')\n",
            "array": "tf.constant($values, dtype=tf.$dtype)",
            "empty": "tf.zeros($shape, dtype=tf.$dtype)",
            "call": {"port": "tensorflow_port.%s(input, target$options)" % operator},
            "wrap": {
                "eager": "$call",
                "function": "tf.function(lambda input, target: $call)(input, target)",
                "xla": "tf.function(lambda input, target: $call, jit_compile=True)(input, target)",
            },
            "gradient": "tape.gradient(loss, input, output_gradients=cotangent)",
            "before": "with tf.GradientTape() as tape:\n    tape.watch(input)\n    loss = $loss",
        },
    }


def _further_wants(operator: str) -> List[str]:
    """What may be wanted beyond the usual; eager only, because a traced function pays for each derivative anew."""
    labels = ["weight_gradient", "target_gradient"] if operator == "multilabel_soft_margin_loss" else []
    return labels + ["forward", "second", "jacobian", "threads"]


def evaluate(call: Dict[str, Any]) -> Dict[str, Any]:
    """One evaluation; see the contract."""
    tf = _tf()
    arrays = {name: _tensor(tf, plain) for name, plain in call["arrays"].items()}
    if call["operator"] == "echo":
        return {"value": _array(arrays["input"])}
    given = [name for name in ("input", "target", "weight", "cotangent") if name in arrays]
    step = _step(tf, call, given)
    try:
        results = dict(zip(("value", "gradient"), step(*(arrays[name] for name in given))))
        results.update(_further(tf, call, arrays))
    except Exception as error:
        return {"raised": error}
    reply: Dict[str, Any] = {name: _array(tensor) for name, tensor in results.items()}
    if "after" in call["want"]:
        reply["after"] = {name: _array(tensor) for name, tensor in arrays.items()}
    if "evidence" in call["want"] and call["mode"] != "eager":
        reply["evidence"] = _evidence(call, step, [arrays[name] for name in given])
    return reply


def _evidence(call: Dict[str, Any], step: Any, tensors: List[Any]) -> str:
    """That the function was traced, and for XLA that it was compiled."""
    if call["mode"] == "xla":
        module = step.experimental_get_compiler_ir(*tensors)(stage="optimized_hlo")
        return "%d lines of optimised HLO" % module.count("\n") if "HloModule" in module else ""
    operations = step.get_concrete_function(*tensors).graph.get_operations()
    return "a graph of %d operations" % len(operations) if operations else ""


def _loss(call: Dict[str, Any], names: List[str]) -> Callable[..., Any]:
    if call["operator"] == "product":
        return lambda input, weight: input * weight
    function = call.get("function") or getattr(importlib.import_module("tensorflow_port"), call["operator"])
    return lambda *tensors: function(**dict(zip(names, tensors)), **call["options"])


def _step(tf: Any, call: Dict[str, Any], given: List[str]) -> Any:
    """Loss and, where wanted, gradient in one function, as a training step has them."""
    names = [name for name in given if name != "cotangent"]
    loss = _loss(call, names)

    def step(*tensors: Any) -> Tuple[Any, ...]:
        if "gradient" not in call["want"]:
            return (loss(*tensors[: len(names)]),)
        with tf.GradientTape() as tape:
            tape.watch(tensors[0])
            value = loss(*tensors[: len(names)])
        gradient = tape.gradient(value, tensors[0], output_gradients=tensors[-1], unconnected_gradients="zero")
        return value, gradient

    if call["mode"] == "eager":
        return step
    key: Tuple[str, ...] = (
        call["operator"],
        call["mode"],
        call["dtype"],
        repr(sorted(call["options"].items())),
        ",".join(given),
        repr(call.get("function")),
    )
    key += ("gradient" if "gradient" in call["want"] else "value",)
    if key not in _functions:
        _functions[key] = tf.function(step, jit_compile=call["mode"] == "xla", reduce_retracing=False)
    return _functions[key]


def _further(tf: Any, call: Dict[str, Any], arrays: Dict[str, Any]) -> Dict[str, Any]:
    """The derivatives that are wanted beside the gradient to the input."""
    names: List[str] = [name for name in ("input", "target", "weight") if name in arrays]
    loss = functools.partial(_loss_of, _loss(call, names), [arrays[name] for name in names])
    ways: Dict[str, Callable[[], Any]] = {
        "weight_gradient": lambda: _gradient_to(tf, loss, names.index("weight"), arrays),
        "target_gradient": lambda: _gradient_to(tf, loss, names.index("target"), arrays),
        "forward": lambda: _forward(tf, loss, arrays),
        "second": lambda: _second(tf, loss, arrays),
        "jacobian": lambda: _jacobian(tf, loss, arrays),
    }
    return {name: way() for name, way in ways.items() if name in call["want"]}


def _loss_of(loss: Callable[..., Any], tensors: List[Any], place: int, tensor: Any) -> Any:
    """The loss with one of its tensors replaced."""
    return loss(*tensors[:place], tensor, *tensors[place + 1 :])


def _gradient_to(tf: Any, loss: Callable[..., Any], place: int, arrays: Dict[str, Any]) -> Any:
    """The gradient for the cotangent to one of the arguments."""
    tensor = arrays[("input", "target", "weight")[place]]
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        value = loss(place, tensor)
    return tape.gradient(value, tensor, output_gradients=arrays["cotangent"], unconnected_gradients="zero")


def _forward(tf: Any, loss: Callable[..., Any], arrays: Dict[str, Any]) -> Any:
    with tf.autodiff.ForwardAccumulator(arrays["input"], arrays["tangent"]) as accumulator:
        value = loss(0, arrays["input"])
    return accumulator.jvp(value, unconnected_gradients="zero")


def _second(tf: Any, loss: Callable[..., Any], arrays: Dict[str, Any]) -> Any:
    """The gradient's own gradient: the Hessian is symmetric, so the tangent may be the second cotangent."""
    with tf.GradientTape() as tape:
        tape.watch(arrays["input"])
        slope = _gradient_to(tf, loss, 0, arrays)
    return tape.gradient(slope, arrays["input"], output_gradients=arrays["tangent"], unconnected_gradients="zero")


def _jacobian(tf: Any, loss: Callable[..., Any], arrays: Dict[str, Any]) -> Any:
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(arrays["input"])
        value = loss(0, arrays["input"])
    return tape.jacobian(value, arrays["input"], unconnected_gradients="zero", experimental_use_pfor=False)


def _tensor(tf: Any, plain: Dict[str, Any]) -> Any:
    if "list" in plain:
        return plain["list"]
    dtype = tf.bfloat16.as_numpy_dtype if plain["dtype"] == "bfloat16" else np.dtype(plain["dtype"])
    return tf.constant(np.frombuffer(plain["data"], dtype=dtype).reshape(plain["shape"]))


def _array(tensor: Any) -> Any:
    """The values; a bfloat16 scalar is no array until it is made one."""
    return np.asarray(tensor.numpy())
