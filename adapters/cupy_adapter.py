"""CuPy: the port beside this file, on a GPU where there is one, else emulated on the processor.

    python cupy_adapter.py

says in one line which of the ways this machine has, and what is missing for the next better one.
"""

import functools
import importlib
import os
import platform
import subprocess
import sys
from typing import Any, Callable, Dict, Iterator, Optional, Tuple

import numpy as np

TITLE = "CuPy"
INSTALL = "cupy-cuda12x nvidia-cuda-nvrtc-cu12"
SAYS_HOW_IT_RUNS = True
FUNCTIONS = True
NEEDS = [
    {
        "versions": ">=14",
        "python": ">=3.10",
        "packages": ["cupy-cuda12x=={version}", "nvidia-cuda-nvrtc-cu12", "numpy"],
    },
    {
        "versions": ">=13",
        "python": ">=3.9,<3.14",
        "packages": ["cupy-cuda12x=={version}", "nvidia-cuda-nvrtc-cu12", "numpy<2.3"],
    },
    {
        "python": "<3.12",
        "packages": ["cupy-cuda12x=={version}", "nvidia-cuda-nvrtc-cu12", "numpy<1.27"],
    },
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
    "multi_margin_loss": {"absent": "CuPy has no losses"},
    "soft_margin_loss": {"absent": "CuPy has no losses"},
    "hinge_embedding_loss": {"absent": "CuPy has no losses"},
    "margin_ranking_loss": {"absent": "CuPy has no losses"},
}
_BITS = "xp.array(xp.array($values, dtype='float32').view('uint32') >> 16, dtype='uint16').reshape($shape)"
"""A bfloat16 array as its bits, which the port takes and gives back."""

_ON_THE_HOST: Tuple[str, ...] = ("shares", "memory")
"""What the worker sees of arrays that lie in its own memory."""


@functools.lru_cache(maxsize=None)
def _port() -> Any:
    return importlib.import_module("cupy_port")


@functools.lru_cache(maxsize=None)
def _cupy() -> Any:
    """CuPy, or nothing where it is not installed; its files go to the worker's own folder."""
    scratch = os.environ.get("LOSSPROOF_SCRATCH")
    if scratch:
        os.environ.setdefault("CUPY_CACHE_DIR", os.path.join(scratch, "cupy"))
    try:
        return importlib.import_module("cupy")
    except ImportError:
        return None


@functools.lru_cache(maxsize=None)
def _gpu() -> str:
    """The name of the GPU that CuPy would use; empty where there is none."""
    runtime = getattr(getattr(_cupy(), "cuda", None), "runtime", None)
    try:
        return runtime.getDeviceProperties(runtime.getDevice())["name"].decode() if runtime else ""
    except (RuntimeError, OSError):  # without a driver each call raises CUDARuntimeError
        return ""


@functools.lru_cache(maxsize=None)
def _compiler() -> str:
    """The first line of what the C++ compiler says of itself; empty where there is none."""
    path: Optional[str] = _port().find_compiler()
    if path is None:
        return ""
    said = subprocess.run([path, "--version"], stdout=subprocess.PIPE, check=False)  # noqa: S603 - the user's compiler
    return said.stdout.decode(errors="replace").split("\n")[0]


def _has_nvrtc() -> bool:
    """Whether CuPy can compile for a GPU."""
    try:
        return _cupy() is not None and bool(_cupy().cuda.nvrtc.getVersion())
    except (AttributeError, RuntimeError, OSError):
        return False


def ways() -> str:
    """In one line: which way the kernels run here, and what to install for a better one."""
    absent = "" if _cupy() else "; pip install " + INSTALL
    if _gpu():
        return "device: %s" % _gpu()
    if _compiler():
        return "emulated: %s; a GPU and its driver are missing for the device%s" % (_compiler(), absent)
    if _has_nvrtc():
        return "compiled only: NVRTC; install g++ to emulate, a GPU and its driver for the device"
    return "none: install g++ to emulate; for the device a GPU, its driver%s" % (absent or "; pip install " + INSTALL)


def _version() -> Tuple[str, str]:
    """CuPy's, and for what it is built."""
    cupy = _cupy()
    return (cupy.__version__, platform.machine()) if cupy else ("0", "CuPy is not installed")


def describe() -> Dict[str, Any]:
    """What this machine offers."""
    if not _gpu() and not _compiler():
        raise RuntimeError("the kernels run nowhere here: " + ways())
    version, build = _version()
    return {
        "contract": 2,
        "framework": "cupy",
        "version": version,
        "build": build,
        "device": "cuda" if _gpu() else "emulated",
        "layouts": [name for name in _arrays().LAYOUTS if not (_gpu() and name in _arrays().HOST_LAYOUTS)],
        "compiled": [],
        "costs": {"eager": ["cheap"]},
        "left_out": [],
        "facts": {"kernels": "sha256:" + _port().digest(), "runs": ways()},
        "operators": {name: _offer(name, row) for name, row in OPERATORS.items() if "absent" not in row},
    }


def _offer(operator: str, row: Dict[str, Any]) -> Dict[str, Any]:
    module = "cupy" if _gpu() else "numpy"
    return {
        "forms": ["port"],
        "modes": ["eager"],
        "dtypes": ["float16", "bfloat16", "float32", "float64"],
        "arguments": row["arguments"],
        "options": row["options"],
        "argument_dtypes": row["dtypes"],
        "offers": ["value", "gradient:input", "after", "threads", "kept", "state", *([] if _gpu() else _ON_THE_HOST)],
        "reproducer": {
            "port_import": "from lossproof import port\ncupy_port = port('cupy')\n",
            "prelude": "import %s as xp\n${port_import}" % module,
            "array": "xp.array($values, dtype='$dtype')",
            "empty": "xp.zeros($shape, dtype='$dtype')",
            "arrays": {"bfloat16": _BITS},
            "call": {"port": "cupy_port.%s($tensors$options)" % operator},
            "wrap": {"eager": "$call"},
            "gradient": "cupy_port.%s_gradient($tensors, cotangent$options)" % operator,
        },
    }


def _arrays() -> Any:
    """The module beside this file, which the worker has made importable."""
    return importlib.import_module("cupy_arrays")


def evaluate(call: Dict[str, Any]) -> Dict[str, Any]:
    """One evaluation; see the contract."""
    xp = _cupy() if call["device"] == "cuda" else np
    sent = dict(call["vectors"], **{given["name"]: given["array"] for given in call["arguments"]})
    arrays = {name: _arrays().array_of(xp, plain, call["layout"]) for name, plain in sent.items()}
    half = call["dtype"] == "bfloat16"
    if call["operator"] == "echo":
        return {"value": _arrays().Held(arrays["input"], half)}
    if call["operator"] == "product":
        return {"value": _arrays().Held(_product(xp, arrays, half=half), half)}
    try:
        reply: Dict[str, Any] = {name: _arrays().Held(array, half) for name, array in _results(call, arrays)}
    except Exception as error:
        return {"raised": error}
    if "after" in call["want"]:
        reply["after"] = {
            name: _arrays().Held(array, sent[name]["dtype"] == "bfloat16") for name, array in arrays.items()
        }
    return reply


def _results(call: Dict[str, Any], arrays: Dict[str, Any]) -> Iterator[Tuple[str, Any]]:
    """The loss, and the gradients that are wanted; the cotangent stands behind the positional arguments."""
    function, slope = _functions(call)
    positional = [arrays[given["name"]] for given in call["arguments"] if given["place"] == "positional"]
    keywords = {given["name"]: arrays[given["name"]] for given in call["arguments"] if given["place"] == "keyword"}
    keywords.update(call["options"])
    yield "value", function(*positional, **keywords)
    for name in [want.partition(":")[2] for want in call["want"] if want.startswith("gradient:")]:
        to = {} if name == "input" else {"to": name}
        yield "gradient:" + name, slope(*positional, arrays["cotangent"], **keywords, **to)


def differentiates(function: Callable[..., Any]) -> bool:
    """Whether a function has its gradient beside it, as ``NAME_gradient``; CuPy has none to offer."""
    return _gradient_of(function) is not None


def _functions(call: Dict[str, Any]) -> Tuple[Callable[..., Any], Any]:
    """The loss and its gradient: the port's, or somebody's own."""
    if "function" in call:
        return call["function"], _gradient_of(call["function"])
    return getattr(_port(), call["operator"]), getattr(_port(), call["operator"] + "_gradient")


def _gradient_of(function: Callable[..., Any]) -> Any:
    beside = sys.modules.get(getattr(function, "__module__", ""))
    return getattr(beside, getattr(function, "__name__", "") + "_gradient", None)


def _product(xp: Any, arrays: Dict[str, Any], *, half: bool) -> Any:
    """Element by element, by the kernels: CuPy's own product flushes subnormal numbers on a GPU, and they do not.

    The slope of a row of one class with score -inf is minus label times weight times cotangent.
    """
    input, labels = arrays["input"], arrays["weight"].reshape(-1, 1)
    below, minus = (0xFF80, 0xBF80) if half else (-np.inf, -1)  # of bfloat16 the bits
    scores = xp.full(labels.shape, below, dtype=input.dtype)
    weight = xp.full(1, minus, dtype=input.dtype)
    slope = _port().multilabel_soft_margin_loss_gradient
    return slope(scores, labels, input.reshape(-1), weight, reduction="none").reshape(input.shape)


if __name__ == "__main__":
    sys.stdout.write(ways() + "\n")
