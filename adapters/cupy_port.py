"""Both losses for CuPy, in CUDA C++: ``cuda/`` beside this file holds the kernels.

CuPy arrays are computed with on their GPU: the kernels are compiled by NVRTC when they are first
needed, and each pass is one launch. NumPy arrays are computed with by the same kernels, compiled
by g++ and emulated, a fiber for each CUDA thread: slow, and meant for tests where there is no GPU.

The contract is that of the other ports: the first negative label ends a row's block, duplicate
labels count each time, the subgradient at a tie is 0, NaN propagates, infinite scores have the
formula's limit. A class index beyond the last class before the block's end makes its row NaN, loss
and gradient: to raise, the host would have to wait for the device. The margin loss's pairs and all
sums are double, the soft margin loss's elements are float32 (float64 for float64), and each result
is rounded once. The same call gives the same bits: no floating-point number is added by an atomic
operation. An empty batch has the sum 0 and the mean NaN; rows without classes have the loss NaN.

Formats: float16, float32, float64, and bfloat16 as an array of that dtype (``ml_dtypes``), or as
its bits in an array of uint16. Class indices are int32 or int64.
"""

import atexit
import functools
import hashlib
import importlib
import importlib.util
import os
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any, Dict, Optional, Sequence, Tuple

import numpy as np

CUDA = Path(__file__).resolve().parent / "cuda"
_SOURCES = ("formats.cuh", "block.cuh", "sorting.cuh", "margin.cu", "narrow.cu", "soft.cu")
_TASK = np.dtype(
    [(name, np.uint64) for name in ("scores", "target", "weight", "cotangent", "result", "partial", "scratch")]
    + [(name, np.int64) for name in ("stretch", "rows", "classes", "first", "direct", "keys", "shared_classes")]
    + [(name, np.int32) for name in ("reduction", "narrow")]
)
_MEMBERS = _TASK.names or ()


@functools.lru_cache(maxsize=None)
def beside(name: str) -> Any:
    """A module of the folder of the kernels, by file and under a private name."""
    path = CUDA / (name + ".py")
    spec = importlib.util.spec_from_file_location("_lossproof_cuda_" + name, str(path))
    if spec is None or spec.loader is None:
        raise ImportError("%s: no such file" % path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def source() -> bytes:
    """The CUDA C++ of all kernels: what NVRTC and g++ both get."""
    return b"\n".join((CUDA / name).read_bytes() for name in _SOURCES)


def digest() -> str:
    """The SHA-256 digest of :func:`source`."""
    return hashlib.sha256(source()).hexdigest()


def machine_code(nvrtc: Any, format: str, label: str, architecture: str) -> bytes:
    """The kernels for a GPU such as ``sm_90``, by ``cupy.cuda.nvrtc``.

    Not by ``cupy.RawModule``, which flushes subnormal numbers to zero.

    Raises:
        RuntimeError: The compiler refused, in its words.
    """
    program = nvrtc.createProgram(source().decode(), "kernels.cu", (), ())
    options = ("--std=c++14", "--gpu-architecture=" + architecture, "-DFORMAT=" + format, "-DLABEL=" + label)
    try:
        nvrtc.compileProgram(program, options)
        return bytes(nvrtc.getCUBIN(program))
    except nvrtc.NVRTCError as error:
        raise RuntimeError("NVRTC refused the kernels: %s %s" % (error, nvrtc.getProgramLog(program))) from None
    finally:
        nvrtc.destroyProgram(program)


class Device:
    """Runs kernels on the current GPU."""

    def __init__(self) -> None:
        self.limits = beside("launches").DEVICE
        self.arrays = importlib.import_module("cupy")
        self._lock = threading.Lock()
        self._modules: Dict[Tuple[str, str, str], Any] = {}

    def address(self, array: Any) -> int:
        """Where an array begins."""
        return int(array.data.ptr)

    def launch(self, order: Any, format: str, label: str, task: Any) -> None:
        """Start a kernel on the current stream."""
        kernel = self._module(format, label).get_function(order.kernel)
        kernel((order.grid,), (order.threads,), (task,), shared_mem=order.shared)

    def _module(self, format: str, label: str) -> Any:
        """The kernels for a format and a type of labels, compiled when they are first asked for."""
        architecture = "sm_" + self.arrays.cuda.Device().compute_capability
        key = (format, label, architecture)
        with self._lock:
            if key not in self._modules:
                path = Path(tempfile.mkdtemp(prefix="kernels-", dir=_folder())) / "kernels.cubin"
                path.write_bytes(machine_code(self.arrays.cuda.nvrtc, format, label, architecture))
                self._modules[key] = self.arrays.RawModule(path=str(path))
            return self._modules[key]


@functools.lru_cache(maxsize=None)
def _folder() -> str:
    """Where compiled kernels go: the worker's folder, or one that is removed at the end."""
    scratch = os.environ.get("LOSSPROOF_SCRATCH")
    if scratch:
        return scratch
    folder = tempfile.mkdtemp(prefix="lossproof-cuda-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def emulated(
    text: Optional[bytes] = None,
    flags: Sequence[str] = (),
    limits: Any = None,
    seed: Optional[int] = None,
) -> Any:
    """What runs kernels on the processor, block after block.

    Args:
        text: The kernels; default: :func:`source`.
        flags: Further words for the compiler.
        limits: Where forms change; default: early, so that small arrays meet them all.
        seed: Of the order in which threads run between barriers; default: another one for each launch.
    """
    text = source() if text is None else text
    limits = beside("launches").EMULATED if limits is None else limits
    return beside("emulation").Emulated(text, Path(_folder()), limits, flags, seed)


def find_compiler() -> Optional[str]:
    """The C++ compiler of the emulation: ``CXX``, or g++."""
    return shutil.which(os.environ.get("CXX") or "g++")


@functools.lru_cache(maxsize=None)
def _device() -> Device:
    return Device()


@functools.lru_cache(maxsize=None)
def _emulated() -> Any:
    return emulated()


def _engine(*arrays: Any) -> Any:
    """What computes with arrays: the GPU with CuPy's, the emulation with NumPy's."""
    given = [array for array in arrays if array is not None]
    if all(isinstance(array, np.ndarray) for array in given):
        return _emulated()
    kinds = [type(array) for array in given]
    if all(kind.__module__.split(".")[0] == "cupy" for kind in kinds):
        return _device()
    names = ", ".join(kind.__module__ + "." + kind.__name__ for kind in kinds)
    raise TypeError("arguments are %s; all must be CuPy arrays, or NumPy arrays to be emulated" % names)


def _given(xp: Any, arrays: Dict[str, Any]) -> Dict[str, Any]:
    """The arrays as the kernels take them, under the kernels' names."""
    held = {name: _plain(xp, array) for name, array in arrays.items() if array is not None}
    held["scores"] = held.pop("input")
    return held


def run(engine: Any, operator: str, arrays: Dict[str, Any], reduction: str, first: int = 0) -> Any:
    """A loss, or its gradient where ``arrays`` has a ``cotangent``.

    Args:
        engine: A :class:`Device`, or what :func:`emulated` gives.
        operator: ``margin`` or ``soft``.
        arrays: ``input`` and ``target``; where given ``weight`` and ``cotangent``.
        reduction: ``none``, ``sum`` or ``mean``.
        first: The row to begin with; those before it stay unwritten.
    """
    checks = beside("checks")
    checks.check(arrays, reduction)
    checks.check_dtypes(operator, arrays)
    xp, input = engine.arrays, arrays["input"]
    backward = "cotangent" in arrays
    result = xp.empty(checks.shape_of_result(arrays, reduction), dtype=input.dtype)
    if result.size == 0:
        return result
    format, label = checks.format_of(input), checks.label_of(arrays["target"])
    rows, classes = (1,) * (2 - input.ndim) + input.shape
    kernel = operator + ("_backward" if backward else "_forward")
    order = beside("launches").plan(kernel, rows - first, classes, checks.FORMATS[format], engine.limits)
    numbers = dict(order.numbers, stretch=order.stretch, rows=rows, classes=classes, first=first)
    numbers["reduction"] = checks.REDUCTIONS.index(reduction)
    held = _given(xp, arrays)
    if reduction != "none" and not backward:
        held["partial"] = xp.zeros(1 + order.grid, dtype=np.float64)
    if order.stretch:
        held["scratch"] = xp.empty(order.grid * order.stretch, dtype=np.uint8)
    numbers.update((name, engine.address(array)) for name, array in dict(held, result=result).items())
    task = np.array([tuple(numbers.get(name, 0) for name in _MEMBERS)], dtype=_TASK)
    engine.launch(order, format, label, task)
    return result


def _plain(xp: Any, array: Any) -> Any:
    """An array in C order, at an address of its own size."""
    plain = xp.ascontiguousarray(array)
    return plain if xp is not np or plain.flags.aligned else plain.copy()


def multilabel_margin_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """Multi-label margin loss.

    Args:
        input: Scores; shape (C) or (N, C).
        target: Class indices of the same shape, int32 or int64; the first negative one ends a row's block.
        reduction: ``none``, ``sum`` or ``mean``.

    Returns:
        The loss, in the input's dtype; shape (), or (N,) for ``none`` of a batch. NaN in a row that
        names a class beyond the last one.

    Raises:
        ValueError: Shapes or a reduction that the operator does not take.
        TypeError: Dtypes that it does not take.
    """
    return run(_engine(input, target), "margin", {"input": input, "target": target}, reduction)


def multilabel_margin_loss_gradient(input: Any, target: Any, cotangent: Any, reduction: str = "mean") -> Any:
    """Gradient of :func:`multilabel_margin_loss` to its input, for a cotangent of the loss's shape and dtype."""
    arrays = {"input": input, "target": target, "cotangent": cotangent}
    return run(_engine(input, target, cotangent), "margin", arrays, reduction)


def multilabel_soft_margin_loss(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
    """Multi-label soft margin loss.

    Args:
        input: Scores; shape (C) or (N, C).
        target: Labels in [0, 1], of the same shape and dtype.
        weight: A factor for each class; shape (C), of the same dtype; ones if absent.
        reduction: ``none``, ``sum`` or ``mean``.

    Returns:
        The loss, in the input's dtype; shape (), or (N,) for ``none`` of a batch.

    Raises:
        ValueError: Shapes or a reduction that the operator does not take.
        TypeError: Dtypes that it does not take.
    """
    arrays = {"input": input, "target": target, "weight": weight}
    return run(_engine(input, target, weight), "soft", arrays, reduction)


def multilabel_soft_margin_loss_gradient(
    input: Any, target: Any, cotangent: Any, weight: Any = None, reduction: str = "mean"
) -> Any:
    """Gradient of :func:`multilabel_soft_margin_loss` to its input, for a cotangent of the loss's shape and dtype."""
    arrays = {"input": input, "target": target, "weight": weight, "cotangent": cotangent}
    return run(_engine(input, target, weight, cotangent), "soft", arrays, reduction)
