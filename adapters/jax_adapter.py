"""JAX: the ports beside this file, eager, under ``jit`` (also donated and sharded) and under ``vmap``."""

import functools
import importlib
import os
import warnings
from typing import Any, Callable, Dict, List, Tuple

import numpy as np

TITLE = "JAX"
INSTALL = "jax"
FUNCTIONS = True
NEEDS = [
    {"versions": ">=0.11", "python": ">=3.12"},
    {"versions": ">=0.7", "python": ">=3.11"},
    {"versions": ">=0.4.31", "python": ">=3.10"},
    {"python": "<3.13", "packages": ["jax[cpu]=={version}", "numpy<2"]},
]
OPERATORS: Dict[str, Dict[str, Any]] = {
    "multilabel_margin_loss": {
        "port": "multilabel_margin_loss",
        "arguments": ["input", "target"],
        "options": ["reduction"],
        "dtypes": {"target": "int32"},
        "gradients": ["input"],
    },
    "multilabel_soft_margin_loss": {
        "port": "multilabel_soft_margin_loss",
        "arguments": ["input", "target", "weight"],
        "options": ["reduction"],
        "dtypes": {},
        "gradients": ["input", "target", "weight"],
    },
    "multi_margin_loss": {"absent": "JAX has no such loss"},
    "soft_margin_loss": {"absent": "JAX has no such loss"},
    "hinge_embedding_loss": {"absent": "JAX has no such loss"},
    "margin_ranking_loss": {"absent": "JAX has no such loss"},
}
_MODES = ("eager", "jit", "vmap", "donated", "sharded")
_COSTS = dict(
    {mode: ["expensive-shapes"] for mode in ("eager", "jit", "vmap")},
    donated=["expensive-shapes", "wrapper"],
    sharded=["expensive-shapes", "wrapper"],
)


@functools.lru_cache(maxsize=None)
def _jax() -> Any:
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    warnings.filterwarnings("ignore")
    jax = importlib.import_module("jax")
    _programs().make_devices(jax)
    return jax


def _x64(jax: Any, dtype: str) -> Any:
    """64-bit types for a float64 variant; JAX's default, without them, for the others."""
    holder = jax if hasattr(jax, "enable_x64") else importlib.import_module("jax.experimental")
    return holder.enable_x64(dtype == "float64")


def describe() -> Dict[str, Any]:
    """What this JAX offers."""
    jax = _jax()
    missing = _programs().missing(jax)
    modes = [mode for mode in _MODES if mode not in missing]
    return {
        "contract": 2,
        "framework": "jax",
        "version": jax.__version__,
        "build": "jaxlib " + importlib.import_module("jaxlib").__version__,
        "device": "cpu",
        "layouts": ["contiguous"],
        "compiled": [mode for mode in _programs().MODES if mode in modes],
        "costs": {mode: _COSTS[mode] for mode in modes},
        "left_out": [{"mode": mode, "words": words} for mode, words in missing.items()],
        "facts": {
            "x64": "on for float64 variants, off (the default) for the others",
            "float64 without x64": str(jax.numpy.asarray(np.zeros(1)).dtype),
            "labels": "int32: without x64, JAX wraps an int64 beyond it before any function sees it",
        },
        "operators": {name: _offer(name, row, modes) for name, row in OPERATORS.items() if "absent" not in row},
    }


def _offer(operator: str, row: Dict[str, Any], modes: List[str]) -> Dict[str, Any]:
    return {
        "forms": ["port"],
        "modes": modes,
        "dtypes": ["float16", "bfloat16", "float32", "float64"],
        "arguments": row["arguments"],
        "options": row["options"],
        "argument_dtypes": row["dtypes"],
        "offers": _wants(row, "eager"),
        "by_mode": {mode: dict(_FORMATS.get(mode, {}), offers=_wants(row, mode)) for mode in modes if mode != "eager"},
        "reproducer": {
            "prelude": "import jax, jax.numpy as jnp, numpy as np\n${mode}${port_import}"
            "jax.config.update('jax_enable_x64', $x64)\n",
            "port_import": "from lossproof import port\njax_port = port('jax')\n",
            "modes": {"sharded": "jax.config.update('jax_num_cpu_devices', 2)\n"},
            "array": "jnp.array(np.array($values, dtype='$dtype'))",
            "empty": "jnp.zeros($shape, dtype=jnp.$dtype)",
            "call": {"port": "jax_port.%s($tensors$options)" % operator},
            "wrap": {
                "eager": "$call",
                "jit": "jax.jit(lambda $tensors: $call)($tensors)",
                "vmap": "jax.vmap(lambda $tensors: $call)(*[jnp.stack([each, each]) for each in ($tensors,)])[0]",
                "donated": _DONATED,
                "sharded": "jax.jit(lambda $tensors: $call)(*[halves(each) for each in ($tensors,)])",
            },
            "define": {"sharded": _SHARDED},
            "gradient": "jax.vjp(lambda $to: $loss, $to)[1](cotangent)[0]",
        },
    }


_FORMATS = {mode: {"dtypes": ["float32"]} for mode in ("donated", "sharded")}
"""Where the buffers of arrays lie is one question for all formats."""

_DONATED = (
    "jax.jit(lambda $tensors: $call, donate_argnums=tuple(range(len(($tensors,)))))"
    "(*[jnp.array(each, copy=True) for each in ($tensors,)])"
)
_SHARDED = (
    "def halves(array):\n"
    "    from jax.sharding import Mesh, NamedSharding, PartitionSpec\n"
    "    rows = PartitionSpec('rows') if array.ndim and array.shape[0] % 2 == 0 else PartitionSpec()\n"
    "    return jax.device_put(array, NamedSharding(Mesh(np.array(jax.devices('cpu')), ('rows',)), rows))"
)


def _wants(row: Dict[str, Any], mode: str) -> List[str]:
    """What may be wanted: ``jit`` pays for each derivative anew, so it offers the usual ones.

    An array that is given away cannot be looked at after the call; one that is halved is a copy.
    """
    compiled = mode in _programs().MODES
    sources = row["gradients"][:1] if compiled else row["gradients"]
    wants = ["value"] + ["gradient:" + name for name in sources] + ([] if mode in ("donated", "sharded") else ["after"])
    linux = os.access("/proc/self/clear_refs", os.W_OK)  # which alone says how much memory a call takes
    wants += ["memory"] if linux and mode in ("eager", "jit") else []
    if compiled:
        return wants
    further = ["threads", "kept", "shares", "state", "repeated", "recomputed", "mapped", "mapped-gradient", "abstract"]
    return wants + ["forward", "second", "jacobian"] + (further if mode == "eager" else [])


def state() -> Dict[str, Any]:
    """Settings of JAX that a call may leave otherwise."""
    usual = (bool, int, float, str, type(None))
    return {"%s of JAX" % name: str(held) for name, held in _jax().config.values.items() if isinstance(held, usual)}


def _by_want(call: Dict[str, Any], slopes: Any) -> Dict[str, Any]:
    return dict(zip(["gradient:" + name for name in _sources(call)], slopes))


def _as_arrays(tensors: Dict[str, Any]) -> Dict[str, Any]:
    return {name: np.asarray(array) for name, array in tensors.items()}


def evaluate(call: Dict[str, Any]) -> Dict[str, Any]:
    """One evaluation; see the contract."""
    jax = _jax()
    with _x64(jax, call["dtype"]):
        arguments = {given["name"]: _array(jax, given["array"]) for given in call["arguments"]}
        vectors = {name: _array(jax, plain) for name, plain in call["vectors"].items()}
        if call["operator"] == "echo":
            return {"value": np.asarray(arguments["input"])}
        step = _step(jax, call)
        given = list(arguments.values()) + ([vectors["cotangent"]] if _sources(call) else [])
        try:
            loss, slopes = jax.block_until_ready(step(*_programs().placed(jax, call["mode"], given)))
            further = jax.block_until_ready(_derivatives().wanted(jax, call, _loss(jax, call), arguments, vectors))
        except Exception as error:
            return {"raised": error}
        results = dict(_by_want(call, slopes), value=loss, **further)
        reply = _as_arrays(results)
        if "after" in call["want"]:
            reply["after"] = _as_arrays(dict(vectors, **arguments))
        if "evidence" in call["want"] and call["mode"] in _programs().MODES:
            reply["evidence"] = _evidence(jax, call, given, loss)
        return reply


def _programs() -> Any:
    """The module beside this file, which the worker has made importable."""
    return importlib.import_module("jax_programs")


def _derivatives() -> Any:
    """The module beside this file, which the worker has made importable."""
    return importlib.import_module("jax_derivatives")


def _sources(call: Dict[str, Any]) -> List[str]:
    """The arguments to which gradients are wanted."""
    return [want.partition(":")[2] for want in call["want"] if want.startswith("gradient:")]


def _evidence(jax: Any, call: Dict[str, Any], given: List[Any], loss: Any) -> str:
    """That XLA compiled this function; one whose arguments are given away is looked at with its gradient."""
    if call["mode"] == "donated" and not _sources(call):
        call = dict(call, want=["gradient:" + call["arguments"][0]["name"]])
        given = given + [jax.numpy.ones_like(loss)]
    given = _programs().placed(jax, call["mode"], given)
    return str(_programs().evidence(call["mode"], _step(jax, call).lower(*given), given))


def _loss(jax: Any, call: Dict[str, Any]) -> Callable[..., Any]:
    """The loss as a function of its arguments, mapped over two copies in mode ``vmap``."""
    if call["operator"] == "product":
        return lambda input, weight: input * weight
    function = call.get("function") or getattr(importlib.import_module("jax_port"), call["operator"])
    options = call["options"]
    names = [given["name"] for given in call["arguments"]]
    first = len([given for given in call["arguments"] if given["place"] == "positional"])

    def loss(*arrays: Any) -> Any:
        return function(*arrays[:first], **dict(zip(names[first:], arrays[first:])), **options)

    def mapped(*arrays: Any) -> Any:
        jnp = jax.numpy
        decoy = jnp.roll(arrays[0], 1, axis=-1) if arrays[0].ndim else arrays[0]
        pairs = [jnp.stack([arrays[0], decoy])] + [jnp.stack([array, array]) for array in arrays[1:]]
        return jax.vmap(loss)(*pairs)[0]

    return mapped if call["mode"] == "vmap" else loss


def _step(jax: Any, call: Dict[str, Any]) -> Any:
    """Loss and gradients in one function, as a training step has them."""
    names = [given["name"] for given in call["arguments"]]
    places = [names.index(name) for name in _sources(call)]
    loss = _loss(jax, call)

    def step(*arrays: Any) -> Tuple[Any, Any]:
        if not places:
            return loss(*arrays), ()
        value, pull = jax.vjp(
            _derivatives().of_some(loss, list(arrays[:-1]), places), *(arrays[place] for place in places)
        )
        return value, pull(arrays[-1].astype(value.dtype))

    if call["mode"] not in _programs().MODES:
        return step
    return _programs().program_of(jax, call, names, _sources(call), step)


def _array(jax: Any, plain: Dict[str, Any]) -> Any:
    if "list" in plain:
        return plain["list"]
    dtype = jax.numpy.bfloat16 if plain["dtype"] == "bfloat16" else np.dtype(plain["dtype"])
    return jax.numpy.asarray(np.frombuffer(plain["data"], dtype=dtype).reshape(plain["shape"]))
