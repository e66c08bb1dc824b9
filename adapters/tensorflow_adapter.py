"""TensorFlow: the ports beside this file, eager, in ``tf.function`` and under XLA."""

import functools
import importlib
import os
import sys
from typing import Any, Callable, Dict, List, Tuple

import numpy as np

TITLE = "TensorFlow"
INSTALL = "tensorflow-cpu"
FUNCTIONS = True
NEEDS = [
    {"versions": ">=2.21", "python": ">=3.10,<3.14", "packages": ["tensorflow-cpu=={version}", "numpy"]},
    {"versions": ">=2.20", "python": ">=3.9,<3.14", "packages": ["tensorflow-cpu=={version}", "numpy"]},
    {"versions": ">=2.16", "python": ">=3.9,<3.13", "packages": ["tensorflow-cpu=={version}", "numpy"]},
    {"versions": ">=2.12", "python": ">=3.8,<3.12", "packages": ["tensorflow-cpu=={version}", "numpy<2"]},
    {"python": "<3.11", "packages": ["tensorflow-cpu=={version}", "numpy<2"]},
]
OPERATORS: Dict[str, Dict[str, Any]] = {
    "multilabel_margin_loss": {
        "port": "multilabel_margin_loss",
        "arguments": ["input", "target"],
        "options": ["reduction"],
        "dtypes": {"target": "int64"},
        "gradients": ["input"],
    },
    "multilabel_soft_margin_loss": {
        "port": "multilabel_soft_margin_loss",
        "arguments": ["input", "target", "weight"],
        "options": ["reduction"],
        "dtypes": {},
        "gradients": ["input", "target", "weight"],
    },
    "multi_margin_loss": {"absent": "TensorFlow has no such loss"},
    "soft_margin_loss": {"absent": "TensorFlow has no such loss"},
    "hinge_embedding_loss": {"absent": "TensorFlow has no such loss"},
    "margin_ranking_loss": {"absent": "TensorFlow has no such loss"},
}


@functools.lru_cache(maxsize=None)
def _tf() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    return importlib.import_module("tensorflow")


def describe() -> Dict[str, Any]:
    """What this TensorFlow offers."""
    tf = _tf()
    return {
        "contract": 2,
        "framework": "tensorflow",
        "version": tf.__version__,
        "build": "git " + tf.version.GIT_VERSION,
        "device": "cpu",
        "layouts": ["contiguous"],
        "compiled": ["function", "xla"],
        "costs": _COSTS,
        "left_out": [],
        "facts": {"onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default")},
        "operators": {name: _offer(name, row) for name, row in OPERATORS.items() if "absent" not in row},
    }


def _offer(operator: str, row: Dict[str, Any]) -> Dict[str, Any]:
    usual = ["value", "gradient:input", "after"]
    return {
        "forms": ["port"],
        "modes": ["eager", *_MODES],
        "dtypes": ["float16", "bfloat16", "float32", "float64"],
        "arguments": row["arguments"],
        "options": row["options"],
        "argument_dtypes": row["dtypes"],
        "offers": usual + _further_wants(row),
        "by_mode": {mode: {"offers": usual} for mode in _MODES},
        "reproducer": {
            "prelude": "import numpy as np, tensorflow as tf\n$port_import",
            "port_import": "from lossproof import port\ntensorflow_port = port('tensorflow')\n",
            "array": "tf.constant(np.array($values, dtype='$dtype'))",
            "empty": "tf.zeros($shape, dtype=tf.$dtype)",
            "call": {"port": "tensorflow_port.%s($tensors$options)" % operator},
            "wrap": {
                "eager": "$call",
                "function": "tf.function(lambda $tensors: $call)($tensors)",
                "xla": "tf.function(lambda $tensors: $call, jit_compile=True)($tensors)",
                "any_size": "step($tensors)",
                "saved": "loaded.step($tensors)",
            },
            "define": {"any_size": _ANY_SIZE, "saved": _SAVED},
            "gradient": "tape.gradient(loss, $to, output_gradients=cotangent)",
            "before": "with tf.GradientTape() as tape:\n    tape.watch($to)\n    loss = $loss",
        },
    }


_MODES = ("function", "xla", "any_size", "saved")
_COSTS = {
    "eager": ["cheap"],
    "function": ["expensive-shapes"],
    "xla": ["expensive-shapes"],
    "any_size": ["wrapper"],
    "saved": ["wrapper"],
}
_ANY_SIZE = (
    "specs = [tf.TensorSpec([None] * each.shape.rank, each.dtype) for each in ($tensors,)]\n"
    "step = tf.function(lambda $tensors: $call, input_signature=specs)"
)
_SAVED = _ANY_SIZE + (
    "\nimport tempfile\nmodule, folder = tf.Module(), tempfile.mkdtemp()\nmodule.step = step\n"
    "options = tf.saved_model.SaveOptions(experimental_custom_gradients=True)\n"
    "tf.saved_model.save(module, folder, signatures={}, options=options)\nloaded = tf.saved_model.load(folder)"
)
_EAGER = [
    *("forward", "second", "jacobian", "threads", "kept", "shares", "state"),
    *("repeated", "recomputed", "abstract"),
]


def state() -> Dict[str, Any]:
    """Settings of TensorFlow that a call may leave otherwise."""
    tf = _tf()
    return {
        "default float of Keras": str(tf.keras.backend.floatx()) if "keras" in sys.modules else "",
        "functions of TensorFlow run eagerly": str(tf.config.functions_run_eagerly()),
        "soft placement of TensorFlow": str(tf.config.get_soft_device_placement()),
    }


def _further_wants(row: Dict[str, Any]) -> List[str]:
    """What may be wanted beyond the usual; eager only, because a traced function pays for each derivative anew."""
    return ["gradient:" + name for name in row["gradients"][1:]] + _EAGER


def _by_want(call: Dict[str, Any], slopes: Any) -> Dict[str, Any]:
    return dict(zip(["gradient:" + name for name in _sources(call)], slopes))


def _as_arrays(tensors: Dict[str, Any]) -> Dict[str, Any]:
    return {name: _array(tensor) for name, tensor in tensors.items()}


def evaluate(call: Dict[str, Any]) -> Dict[str, Any]:
    """One evaluation; see the contract."""
    tf = _tf()
    arguments = {given["name"]: _tensor(tf, given["array"]) for given in call["arguments"]}
    vectors = {name: _tensor(tf, plain) for name, plain in call["vectors"].items()}
    if call["operator"] == "echo":
        return {"value": _array(arguments["input"])}
    given = list(arguments.values()) + ([vectors["cotangent"]] if _sources(call) else [])
    try:
        step = _step(tf, call, given)
        value, slopes = step(*given)
        results = dict(_by_want(call, slopes), value=value)
        results.update(_derivatives().wanted(tf, call, _loss(call), arguments, vectors))
    except Exception as error:
        return {"raised": error}
    reply = _as_arrays(results)
    if "after" in call["want"]:
        reply["after"] = _as_arrays(dict(vectors, **arguments))
    if "evidence" in call["want"] and call["mode"] in ("function", "xla"):
        reply["evidence"] = _evidence(call, step, given)
    return reply


def _derivatives() -> Any:
    """The module beside this file, which the worker has made importable."""
    return importlib.import_module("tensorflow_derivatives")


def _sources(call: Dict[str, Any]) -> List[str]:
    """The arguments to which gradients are wanted."""
    return [want.partition(":")[2] for want in call["want"] if want.startswith("gradient:")]


def _evidence(call: Dict[str, Any], step: Any, tensors: List[Any]) -> str:
    """That the function was traced, and for XLA that it was compiled."""
    if call["mode"] == "xla":
        module = step.experimental_get_compiler_ir(*tensors)(stage="optimized_hlo")
        return "%d lines of optimised HLO" % module.count("\n") if "HloModule" in module else ""
    operations = step.get_concrete_function(*tensors).graph.get_operations()
    return "a graph of %d operations" % len(operations) if operations else ""


def _loss(call: Dict[str, Any]) -> Callable[..., Any]:
    """The loss as a function of its tensors, the positional ones first."""
    if call["operator"] == "product":
        return lambda input, weight: input * weight
    function = call.get("function") or getattr(importlib.import_module("tensorflow_port"), call["operator"])
    names = [given["name"] for given in call["arguments"]]
    first = len([given for given in call["arguments"] if given["place"] == "positional"])
    return lambda *tensors: function(*tensors[:first], **dict(zip(names[first:], tensors[first:])), **call["options"])


def _step(tf: Any, call: Dict[str, Any], tensors: List[Any]) -> Any:
    """Loss and, where wanted, gradients in one function, as a training step has them."""
    names = [given["name"] for given in call["arguments"]]
    places = [names.index(name) for name in _sources(call)]
    loss = _loss(call)

    def step(*given: Any) -> Tuple[Any, ...]:
        if not places:
            return loss(*given), ()
        sources = [given[place] for place in places]
        with tf.GradientTape() as tape:
            for source in sources:
                tape.watch(source)
            value = loss(*given[:-1])
        slopes = tape.gradient(value, sources, output_gradients=given[-1], unconnected_gradients="zero")
        return value, tuple(slopes)

    if call["mode"] == "eager":
        return step
    return importlib.import_module("tensorflow_programs").function_of(tf, call, step, tensors)


def _tensor(tf: Any, plain: Dict[str, Any]) -> Any:
    if "list" in plain:
        return plain["list"]
    dtype = tf.bfloat16.as_numpy_dtype if plain["dtype"] == "bfloat16" else np.dtype(plain["dtype"])
    return tf.constant(np.frombuffer(plain["data"], dtype=dtype).reshape(plain["shape"]))


def _array(tensor: Any) -> Any:
    """The values; a bfloat16 scalar is no array until it is made one."""
    return np.asarray(tensor.numpy())
