"""JAX: the ports beside this file, eager, under ``jit`` and under ``vmap``."""

import functools
import importlib
import os
import warnings
from typing import Any, Callable, Dict, List, Tuple

import numpy as np

NEEDS = [
    {"versions": ">=0.11", "python": ">=3.12"},
    {"versions": ">=0.7", "python": ">=3.11"},
    {"versions": ">=0.4.31", "python": ">=3.10"},
    {"python": "<3.13", "packages": ["jax[cpu]=={version}", "numpy<2"]},
]
_OPERATORS = {"multilabel_margin_loss": "int64", "multilabel_soft_margin_loss": "same"}

_jitted: Dict[Tuple[str, ...], Callable[..., Any]] = {}


@functools.lru_cache(maxsize=None)
def _jax() -> Any:
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    warnings.filterwarnings("ignore")
    return importlib.import_module("jax")


def _x64(jax: Any, dtype: str) -> Any:
    """64-bit types for a float64 variant; JAX's default, without them, for the others."""
    holder = jax if hasattr(jax, "enable_x64") else importlib.import_module("jax.experimental")
    return holder.enable_x64(dtype == "float64")


def describe() -> Dict[str, Any]:
    """What this JAX offers."""
    jax = _jax()
    return {
        "framework": "jax",
        "version": jax.__version__,
        "build": "jaxlib " + importlib.import_module("jaxlib").__version__,
        "device": "cpu",
        "layouts": ["contiguous"],
        "compiled": ["jit"],
        "costs": {mode: ["expensive-shapes"] for mode in ("eager", "jit", "vmap")},
        "left_out": [],
        "facts": {
            "x64": "on for float64 variants, off (the default) for the others",
            "float64 without x64": str(jax.numpy.asarray(np.zeros(1)).dtype),
        },
        "operators": {name: _offer(name, target) for name, target in _OPERATORS.items()},
    }


def _offer(operator: str, target_dtype: str) -> Dict[str, Any]:
    return {
        "forms": ["port"],
        "modes": ["eager", "jit", "vmap"],
        "dtypes": ["float16", "bfloat16", "float32", "float64"],
        "target_dtype": target_dtype,
        "offers": _wants(operator, "eager"),
        "by_mode": {mode: {"offers": _wants(operator, mode)} for mode in ("vmap", "jit")},
        "legacy": [],
        "reproducer": {
            "prelude": "import jax, jax.numpy as jnp\nfrom lossproof import port\n"
            "jax_port = port('jax')\njax.config.update('jax_enable_x64', $x64)\n",
            "array": "jnp.array($values, dtype=jnp.$dtype)",
            "empty": "jnp.zeros($shape, dtype=jnp.$dtype)",
            "call": {"port": "jax_port.%s(input, target$options)" % operator},
            "wrap": {
                "eager": "$call",
                "jit": "jax.jit(lambda input, target: $call)(input, target)",
                "vmap": "jax.vmap(lambda input, target: $call)"
                "(jnp.stack([input, input]), jnp.stack([target, target]))[0]",
            },
            "gradient": "jax.vjp(lambda input: $loss, input)[1](cotangent)[0]",
        },
    }


def _wants(operator: str, mode: str) -> List[str]:
    """What may be wanted: ``jit`` pays for each derivative anew, so it offers the usual ones."""
    wants = ["value", "gradient", "after"]
    if mode == "jit":
        return wants
    if operator == "multilabel_soft_margin_loss":
        wants += ["weight_gradient", "target_gradient"]
    return wants + ["forward", "second", "jacobian"] + (["threads"] if mode == "eager" else [])


def evaluate(call: Dict[str, Any]) -> Dict[str, Any]:
    """One evaluation; see the contract."""
    jax = _jax()
    with _x64(jax, call["dtype"]):
        arrays = {name: _array(jax, plain) for name, plain in call["arrays"].items()}
        if call["operator"] == "echo":
            return {"value": np.asarray(arrays["input"])}
        given = [name for name in ("input", "target", "weight", "cotangent") if name in arrays]
        step = _step(jax, call, given)
        try:
            loss, gradient = jax.block_until_ready(step(*(arrays[name] for name in given)))
            further = jax.block_until_ready(_further(jax, call, arrays))
        except Exception as error:
            return {"raised": error}
        results = dict(further, value=loss, **({} if gradient is None else {"gradient": gradient}))
        reply: Dict[str, Any] = {name: np.asarray(array) for name, array in results.items()}
        if "after" in call["want"]:
            reply["after"] = {name: np.asarray(array) for name, array in arrays.items()}
        if "evidence" in call["want"] and call["mode"] == "jit":
            reply["evidence"] = _evidence(step.lower(*(arrays[name] for name in given)))
        return reply


def _evidence(lowered: Any) -> str:
    """That XLA compiled this function: the size of its optimised module."""
    module = lowered.compile().as_text()
    return "%d lines of optimised HLO" % module.count("\n") if "HloModule" in module else ""


def _loss(jax: Any, call: Dict[str, Any], names: List[str]) -> Callable[..., Any]:
    """The loss as a function of its arrays, mapped over two copies in mode ``vmap``."""
    if call["operator"] == "product":
        return lambda input, weight: input * weight
    function = call.get("function") or getattr(importlib.import_module("jax_port"), call["operator"])
    options = call["options"]

    def loss(*arrays: Any) -> Any:
        return function(**dict(zip(names, arrays)), **options)

    def mapped(*arrays: Any) -> Any:
        jnp = jax.numpy
        decoy = jnp.roll(arrays[0], 1, axis=-1) if arrays[0].ndim else arrays[0]
        pairs = [jnp.stack([arrays[0], decoy])] + [jnp.stack([array, array]) for array in arrays[1:]]
        return jax.vmap(loss)(*pairs)[0]

    return mapped if call["mode"] == "vmap" else loss


def _step(jax: Any, call: Dict[str, Any], given: List[str]) -> Any:
    """Loss and gradient in one function, as a training step has them."""
    names = [name for name in given if name != "cotangent"]
    loss = _loss(jax, call, names)

    def step(*arrays: Any) -> Tuple[Any, Any]:
        if "gradient" not in call["want"]:
            return loss(*arrays[: len(names)]), None
        value, pull = jax.vjp(lambda input: loss(input, *arrays[1 : len(names)]), arrays[0])
        return value, pull(arrays[-1].astype(value.dtype))[0]

    if call["mode"] != "jit":
        return step
    key: Tuple[str, ...] = (
        call["operator"],
        call["form"],
        call["dtype"],
        repr(sorted(call["options"].items())),
        ",".join(given),
        repr(call.get("function")),
    )
    key += ("gradient" if "gradient" in call["want"] else "value",)
    return _jitted.setdefault(key, jax.jit(step))


def _further(jax: Any, call: Dict[str, Any], arrays: Dict[str, Any]) -> Dict[str, Any]:
    """The derivatives that are wanted beside the gradient to the input."""
    names: List[str] = [name for name in ("input", "target", "weight") if name in arrays]
    loss = _loss(jax, call, names)
    input, tangent, others = arrays["input"], arrays.get("tangent"), [arrays[name] for name in names[1:]]

    def of_input(input: Any) -> Any:
        return loss(input, *others)

    def slope(input: Any) -> Any:
        value, pull = jax.vjp(of_input, input)
        return pull(arrays["cotangent"].astype(value.dtype))[0]

    def slope_to(name: str) -> Any:
        value, pull = jax.vjp(
            lambda array: loss(*(dict(arrays, **{name: array})[each] for each in names)), arrays[name]
        )
        return pull(arrays["cotangent"].astype(value.dtype))[0]

    ways: Dict[str, Callable[[], Any]] = {
        "weight_gradient": lambda: slope_to("weight"),
        "target_gradient": lambda: slope_to("target"),
        "forward": lambda: jax.jvp(of_input, (input,), (tangent,))[1],
        "second": lambda: jax.jvp(slope, (input,), (tangent,))[1],
        "jacobian": lambda: jax.jacrev(of_input)(input),
    }
    return {name: way() for name, way in ways.items() if name in call["want"]}


def _array(jax: Any, plain: Dict[str, Any]) -> Any:
    if "list" in plain:
        return plain["list"]
    dtype = jax.numpy.bfloat16 if plain["dtype"] == "bfloat16" else np.dtype(plain["dtype"])
    return jax.numpy.asarray(np.frombuffer(plain["data"], dtype=dtype).reshape(plain["shape"]))
