"""JAX's losses compiled, with their arguments given away, and on two devices: beside ``jax_adapter.py``."""

import contextlib
import functools
import importlib
from typing import Any, Callable, Dict, List, Tuple

import numpy as np

MODES = ("jit", "donated", "sharded")
"""Modes that run a compiled step."""

DEVICES = 2
"""How many devices JAX makes of the processor, where it can (0.5 and later)."""

Step = Callable[..., Any]
"""Loss and gradients of arrays."""

_compiled: Dict[Tuple[str, ...], Step] = {}


def make_devices(jax: Any) -> None:
    """Let JAX make its devices of the processor, if nothing has used it yet."""
    if hasattr(jax.config, "jax_num_cpu_devices"):
        with contextlib.suppress(RuntimeError):  # a user's module has made an array: missing() tells
            jax.config.update("jax_num_cpu_devices", DEVICES)


def missing(jax: Any) -> Dict[str, str]:
    """Modes that this version cannot run, and why."""
    found = len(jax.devices("cpu"))
    if found >= DEVICES:
        return {}
    words = "JAX %s has %d device; 0.5 and later make two of a processor, before the first array is made"
    return {"sharded": words % (jax.__version__, found)}


def program_of(jax: Any, call: Dict[str, Any], names: List[str], sources: List[str], step: Step) -> Step:
    """The step as the mode runs it, compiled once for a set of options."""
    key = (
        call["operator"],
        call["form"],
        call["mode"],
        call["dtype"],
        repr(sorted(call["options"].items())),
        ",".join(names),
        repr(call.get("function")),
        ",".join(sources),
    )
    if key not in _compiled:
        given_away = tuple(range(len(names) + bool(sources))) if call["mode"] == "donated" else ()
        _compiled[key] = jax.jit(step, donate_argnums=given_away)
    return _compiled[key]


def placed(jax: Any, mode: str, given: List[Any]) -> List[Any]:
    """The arrays as the mode takes them.

    ``donated`` takes buffers that are JAX's own, ``sharded`` half of the rows on each device. A device holds
    the whole of an array whose rows cannot be halved.
    """
    if mode == "donated":
        return [jax.numpy.array(array, copy=True) for array in given]
    if mode == "sharded":
        return [jax.device_put(array, _halves(jax) if _even(array) else _whole(jax)) for array in given]
    return given


def evidence(mode: str, lowered: Any, given: List[Any]) -> str:
    """That XLA compiled this function, and gave the buffers away or used both devices."""
    module = lowered.compile().as_text()
    words = "%d lines of optimised HLO" % module.count("\n") if "HloModule" in module else ""
    shown = {
        "donated": ("results in the memory of arguments", module.count("may-alias") + module.count("must-alias")),
        "sharded": ("arguments halved", len([array for array in given if _halved(array)])),
    }
    if not words or mode not in shown:
        return words
    what, count = shown[mode]
    return "%s, %d %s" % (words, count, what) if count else ""


def _halved(array: Any) -> bool:
    return len(array.sharding.device_set) == DEVICES and not array.is_fully_replicated


def _even(array: Any) -> bool:
    return bool(np.ndim(array)) and array.shape[0] % DEVICES == 0 and array.shape[0] > 0


@functools.lru_cache(maxsize=None)
def _mesh(jax: Any) -> Any:
    return importlib.import_module("jax.sharding").Mesh(np.array(jax.devices("cpu")[:DEVICES]), ("rows",))


def _halves(jax: Any) -> Any:
    sharding = importlib.import_module("jax.sharding")
    return sharding.NamedSharding(_mesh(jax), sharding.PartitionSpec("rows"))


def _whole(jax: Any) -> Any:
    sharding = importlib.import_module("jax.sharding")
    return sharding.NamedSharding(_mesh(jax), sharding.PartitionSpec())
