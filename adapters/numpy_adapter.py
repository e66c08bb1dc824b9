"""The subject ``numpy``: the port beside this file, run as it is."""

import importlib
import platform
import sys
from typing import Any, Callable, Dict, Tuple

import numpy as np

NEEDS = [
    {"versions": ">=2.5", "python": ">=3.12", "packages": ["numpy=={version}"]},
    {"versions": ">=2.3", "python": ">=3.11", "packages": ["numpy=={version}"]},
    {"versions": ">=2.1", "python": ">=3.10", "packages": ["numpy=={version}"]},
    {"versions": ">=1.26", "python": ">=3.9,<3.13", "packages": ["numpy=={version}"]},
    {"versions": ">=1.23", "python": "<3.12", "packages": ["numpy=={version}"]},
    {"versions": ">=1.22", "python": "<3.11", "packages": ["numpy=={version}"]},
    {"python": "<3.10", "packages": ["numpy=={version}"]},
]
_DTYPES = ["float16", "float32", "float64"]
_REPRODUCER = {
    "prelude": "import numpy as np\nfrom lossproof import port\nnumpy_port = port('numpy')",
    "array": "np.array($values, dtype=np.$dtype)",
    "empty": "np.zeros($shape, dtype=np.$dtype)",
    "wrap": {"eager": "$call"},
}


def describe() -> Dict[str, Any]:
    """What this NumPy offers."""
    return {
        "framework": "numpy",
        "version": np.__version__,
        "build": platform.machine(),
        "device": "cpu",
        "layouts": list(_LAYOUTS),
        "compiled": [],
        "left_out": [],
        "facts": {},
        "operators": {
            "multilabel_margin_loss": _offer("multilabel_margin_loss", "int64", "slow-rows"),
            "multilabel_soft_margin_loss": _offer("multilabel_soft_margin_loss", "same", "cheap"),
        },
    }


def _offer(operator: str, target_dtype: str, cost: str) -> Dict[str, Any]:
    return {
        "forms": ["port"],
        "modes": ["eager"],
        "dtypes": _DTYPES,
        "target_dtype": target_dtype,
        "offers": ["value", "gradient", "after", "threads"],
        "by_mode": {"eager": {"costs": [cost]}},
        "legacy": [],
        "reproducer": dict(
            _REPRODUCER,
            call={"port": "numpy_port.%s(input, target$options)" % operator},
            gradient="numpy_port.%s_gradient(input, target, cotangent$options)" % operator,
        ),
    }


def evaluate(call: Dict[str, Any]) -> Dict[str, Any]:
    """One evaluation; see the contract."""
    arrays = {name: _array(plain, call["layout"]) for name, plain in call["arrays"].items()}
    if call["operator"] in ("echo", "product"):
        factor = arrays.get("weight", np.asarray(1, dtype=arrays["input"].dtype))
        return {"value": np.asarray(arrays["input"] * factor if call["operator"] == "product" else arrays["input"])}
    function, slope = _functions(call)
    arguments = {name: arrays[name] for name in ("input", "target", "weight") if name in arrays}
    arguments.update(call["options"])
    reply: Dict[str, Any] = {}
    try:
        with np.errstate(all="ignore"):
            reply["value"] = np.asarray(function(**arguments))
            if "gradient" in call["want"]:
                reply["gradient"] = np.asarray(slope(cotangent=arrays["cotangent"], **arguments))
    except Exception as error:
        return {"raised": error}
    if "after" in call["want"]:
        reply["after"] = {name: np.asarray(array) for name, array in arrays.items()}
    return reply


def differentiates(function: Callable[..., Any]) -> bool:
    """Whether a function has its gradient beside it, as ``NAME_gradient``; NumPy has none to offer."""
    return _gradient_of(function) is not None


def _functions(call: Dict[str, Any]) -> Tuple[Callable[..., Any], Any]:
    """The loss and its gradient: the port's, or somebody's own."""
    if "function" in call:
        return call["function"], _gradient_of(call["function"])
    port = importlib.import_module("numpy_port")
    return getattr(port, call["operator"]), getattr(port, call["operator"] + "_gradient")


def _gradient_of(function: Callable[..., Any]) -> Any:
    beside = sys.modules.get(getattr(function, "__module__", ""))
    return getattr(beside, getattr(function, "__name__", "") + "_gradient", None)


def _array(plain: Dict[str, Any], layout: str = "contiguous") -> Any:
    """An array in a layout; writable unless the layout says otherwise, so that a function that writes is seen."""
    if "list" in plain:
        return plain["list"]
    return _LAYOUTS[layout](np.frombuffer(plain["data"], dtype=plain["dtype"]).reshape(plain["shape"]).copy())


def _strided(array: Any) -> Any:
    """Every other place of a row twice as long, between ones."""
    if not array.ndim:
        return array
    apart = np.ones(array.shape[:-1] + (2 * array.shape[-1],), dtype=array.dtype)
    apart[..., ::2] = array
    return apart[..., ::2]


def _reversed(array: Any) -> Any:
    """Read from the end of memory to its start."""
    return np.flip(np.flip(array).copy())


def _broadcast(array: Any) -> Any:
    """One row for all, where all rows are the same, bit for bit."""
    same = array.ndim == 2 and len({row.tobytes() for row in array}) == 1
    return np.broadcast_to(array[:1], array.shape) if same else array


def _read_only(array: Any) -> Any:
    array.setflags(write=False)
    return array


def _misaligned(array: Any) -> Any:
    """One byte behind an address that the processor likes."""
    room = np.zeros(array.nbytes + 1, dtype=np.uint8)
    moved = room[1:].view(array.dtype).reshape(array.shape)
    moved[...] = array
    return moved


_LAYOUTS: Dict[str, Callable[[Any], Any]] = {
    "contiguous": lambda array: array,
    "strided": _strided,
    "reversed": _reversed,
    "transposed": lambda array: array.T.copy().T,
    "broadcast": _broadcast,
    "read-only": _read_only,
    "misaligned": _misaligned,
}
