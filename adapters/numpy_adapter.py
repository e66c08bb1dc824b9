"""The subject ``numpy``: the port beside this file, run as it is."""

import importlib
import os
import platform
import sys
from typing import Any, Callable, Dict, Tuple

import numpy as np

TITLE = "NumPy"
INSTALL = "numpy"
FUNCTIONS = True
NEEDS = [
    {"versions": ">=2.5", "python": ">=3.12", "packages": ["numpy=={version}"]},
    {"versions": ">=2.3", "python": ">=3.11", "packages": ["numpy=={version}"]},
    {"versions": ">=2.1", "python": ">=3.10", "packages": ["numpy=={version}"]},
    {"versions": ">=1.26", "python": ">=3.9,<3.13", "packages": ["numpy=={version}"]},
    {"versions": ">=1.23", "python": "<3.12", "packages": ["numpy=={version}"]},
    {"versions": ">=1.22", "python": "<3.11", "packages": ["numpy=={version}"]},
    {"python": "<3.10", "packages": ["numpy=={version}"]},
]
OPERATORS: Dict[str, Dict[str, Any]] = {
    "multilabel_margin_loss": {
        "arguments": ["input", "target"],
        "options": ["reduction"],
        "dtypes": {"target": "int64"},
        "gradients": ["input"],
    },
    "multilabel_soft_margin_loss": {
        "arguments": ["input", "target", "weight"],
        "options": ["reduction"],
        "dtypes": {},
        "gradients": ["input"],
    },
    "multi_margin_loss": {
        "arguments": ["input", "target", "weight"],
        "options": ["reduction", "p", "margin"],
        "dtypes": {"target": "int64"},
        "gradients": ["input"],
    },
    "soft_margin_loss": {
        "arguments": ["input", "target"],
        "options": ["reduction"],
        "dtypes": {},
        "gradients": ["input"],
    },
    "hinge_embedding_loss": {
        "arguments": ["input", "target"],
        "options": ["reduction", "margin"],
        "dtypes": {},
        "gradients": ["input"],
    },
    "margin_ranking_loss": {
        "arguments": ["input1", "input2", "target"],
        "options": ["reduction", "margin"],
        "dtypes": {},
        "gradients": ["input1", "input2"],
    },
}
_DTYPES = ["float16", "float32", "float64"]
_WANTS = ["value", "after", "threads", "kept", "shares", "state"]
_MEMORY = ["memory"] if os.access("/proc/self/clear_refs", os.W_OK) else []
"""Linux alone says how much memory a call takes."""

_BESIDE = "${function}_gradient($tensors, cotangent$options$to_keyword)"
_REPRODUCER = {
    "prelude": "import numpy as np\n$port_import",
    "port_import": "from lossproof import port\nnumpy_port = port('numpy')\n",
    "array": "np.array($values, dtype=np.$dtype)",
    "empty": "np.zeros($shape, dtype=np.$dtype)",
    "wrap": {"eager": "$call"},
    "derivatives": {
        "kept": "kept = $loss\n$to = 1 - $to / 2\n$loss\nprint(kept)",
        "shares": "print([np.shares_memory($loss, each) for each in ($tensors,)])",
        "state": "before = np.geterr()\n$loss\nprint(before, np.geterr())",
        "memory": "import resource\nbefore = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n$loss\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, 'KiB')",
    },
}


def describe() -> Dict[str, Any]:
    """What this NumPy offers."""
    return {
        "contract": 2,
        "framework": "numpy",
        "version": np.__version__,
        "build": platform.machine(),
        "device": "cpu",
        "layouts": list(_LAYOUTS),
        "compiled": [],
        "costs": {"eager": ["cheap"]},
        "left_out": [],
        "facts": {},
        "operators": {name: _offer(name, row) for name, row in OPERATORS.items() if hasattr(_port(), name)},
    }


def _port() -> Any:
    return importlib.import_module("numpy_port")


def _offer(operator: str, row: Dict[str, Any]) -> Dict[str, Any]:
    return {
        "forms": ["port"],
        "modes": ["eager"],
        "dtypes": _DTYPES,
        "arguments": row["arguments"],
        "options": row["options"],
        "argument_dtypes": row["dtypes"],
        "offers": _WANTS + _MEMORY + ["gradient:" + name for name in row["gradients"]],
        "reproducer": dict(
            _REPRODUCER,
            call={"port": "numpy_port.%s($tensors$options)" % operator},
            gradient=_BESIDE.replace("${function}", "numpy_port." + operator),
            gradient_beside=_BESIDE,
        ),
    }


def _results(call: Dict[str, Any], arguments: Dict[str, Any], vectors: Dict[str, Any]) -> Dict[str, Any]:
    """The loss, and the gradients that are wanted."""
    function, slope = _functions(call)
    positional = [arguments[given["name"]] for given in call["arguments"] if given["place"] == "positional"]
    keywords = {given["name"]: arguments[given["name"]] for given in call["arguments"] if given["place"] == "keyword"}
    keywords.update(call["options"])
    results = {"value": np.asarray(function(*positional, **keywords))}
    for name in [want.partition(":")[2] for want in call["want"] if want.startswith("gradient:")]:
        to = {} if name == "input" else {"to": name}
        results["gradient:" + name] = np.asarray(slope(*positional, vectors["cotangent"], **keywords, **to))
    return results


def evaluate(call: Dict[str, Any]) -> Dict[str, Any]:
    """One evaluation; see the contract."""
    arguments = {given["name"]: _array(given["array"], call["layout"]) for given in call["arguments"]}
    vectors = {name: _array(plain, call["layout"]) for name, plain in call["vectors"].items()}
    if call["operator"] in ("echo", "product"):
        factor = arguments.get("weight", np.asarray(1, dtype=arguments["input"].dtype))
        product = call["operator"] == "product"
        return {"value": np.asarray(arguments["input"] * factor if product else arguments["input"])}
    try:
        with np.errstate(all="ignore"):
            quiet = np.geterr()
            reply = _results(call, arguments, vectors)
            if np.geterr() != quiet:
                reply["state"] = ["NumPy's handling of errors: %s, was %s" % (np.geterr(), quiet)]
    except Exception as error:
        return {"raised": error}
    if "after" in call["want"]:
        reply["after"] = {name: np.asarray(array) for name, array in dict(vectors, **arguments).items()}
    return reply


def differentiates(function: Callable[..., Any]) -> bool:
    """Whether a function has its gradient beside it, as ``NAME_gradient``; NumPy has none to offer."""
    return _gradient_of(function) is not None


def _functions(call: Dict[str, Any]) -> Tuple[Callable[..., Any], Any]:
    """The loss and its gradient: the port's, or somebody's own."""
    if "function" in call:
        return call["function"], _gradient_of(call["function"])
    return getattr(_port(), call["operator"]), getattr(_port(), call["operator"] + "_gradient")


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
    same = array.ndim in (1, 2) and len({row.tobytes() for row in array}) == 1
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
