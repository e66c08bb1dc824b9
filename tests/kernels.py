"""The CUDA kernels under test: engines, emulated or a GPU, arrays in their formats, and a probe of all forms."""

from __future__ import annotations

import copy
import functools
import importlib
import os
import tempfile
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from reference.formats import FORMATS, Float64
from tests.zoo import families

PORT: Any = importlib.import_module("adapters.cupy_port")
LAUNCHES: Any = PORT.beside("launches")
SMALL = LAUNCHES.EMULATED
WARPS = LAUNCHES.Limits(direct=8, key_bytes=64, shared_classes=16, threads=64, blocks=2)
"""Two warps a block, so that a warp alone keeps no order in the block."""

Results = list[npt.NDArray[Any]]


def promised(name: str, *, there: bool) -> None:
    """Skip where a tool is missing, unless ``LOSSPROOF_PROMISES`` holds its name."""
    if there:
        return
    if name in os.environ.get("LOSSPROOF_PROMISES", "").split():
        pytest.fail(f"{name} is promised here and is missing")
    pytest.skip(f"{name} is not on this machine")


def needs_compiler() -> None:
    """Skip where the kernels cannot be compiled for the processor."""
    promised("g++", there=PORT.find_compiler() is not None)


@functools.cache
def engine_of(name: str) -> Any:
    """Emulated with few threads or with two warps a block; a GPU as it is used, or with limits that meet every form.

    Skips where there is no GPU.
    """
    limits = {"small": SMALL, "warps": WARPS, "device": LAUNCHES.DEVICE, "device-warps": WARPS}[name]
    if not name.startswith("device"):
        return PORT.emulated(limits=limits)
    promised("gpu", there=importlib.import_module("adapters.cupy_adapter")._gpu() != "")
    engine = PORT.Device()
    engine.limits = limits
    return engine


def with_limits(name: str, limits: Any) -> Any:
    """An engine with other limits, and with the kernels that :func:`engine_of` has compiled for that name."""
    engine = copy.copy(engine_of(name))
    engine.limits = limits
    return engine


def run(engine: Any, operator: str, arrays: dict[str, npt.NDArray[Any]], reduction: str) -> npt.NDArray[Any]:
    """What :func:`adapters.cupy_port.run` gives for arrays of the host, on the host."""
    result: Any = PORT.run(
        engine, operator, {n: engine.arrays.asarray(array) for n, array in arrays.items()}, reduction
    )
    host: npt.NDArray[Any] = result if engine.arrays is np else result.get()
    return host


def stored(values: Float64, dtype: str) -> npt.NDArray[Any]:
    """Values of a format as the port takes them: bfloat16 as its bits."""
    if dtype == "bfloat16":
        return (values.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16).reshape(values.shape)
    return values.astype(dtype)


def numbers(array: npt.NDArray[Any]) -> Float64:
    """What the port answered, in float64."""
    if array.dtype == np.uint16:
        return (array.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return array.astype(np.float64)


def cases(dtype: str, seed: int) -> Iterator[tuple[str, dict[str, npt.NDArray[Any]]]]:
    """Operators and arrays of every form: no label, few, many, more than shared memory takes; short rows and many."""
    generator = np.random.default_rng(seed)
    for shape in ((5, 1), (7, 3), (6, 20), (3, 70), (130, 4)):
        scores = FORMATS[dtype].round(generator.normal(size=shape) * 2)
        target = families.targets(generator, shape)
        target[-1] = generator.permutation(shape[1])  # no negative label
        target[0] = np.where(np.arange(shape[1]) < 2 * shape[1] // 3, target[-1], -1)
        yield "margin", {"input": stored(scores, dtype), "target": target}
        labels = families.labels(generator, shape, FORMATS[dtype], soft=True)
        weight = FORMATS[dtype].round(generator.uniform(-1, 2, shape[1]))
        arrays = {"input": scores, "target": labels, "weight": weight}
        yield "soft", {name: stored(values, dtype) for name, values in arrays.items()}


def probe(engine: Any, dtype: str = "float32", seed: int = 0) -> Results:
    """Losses, their sum and gradients of all cases."""
    found: Results = []
    for operator, arrays in cases(dtype, seed):
        upstream = stored(np.linspace(-1, 2, len(arrays["input"])), "float32")
        cotangent = stored(FORMATS[dtype].round(upstream.astype(np.float64)), dtype)
        found.append(run(engine, operator, arrays, "none"))
        found.append(run(engine, operator, arrays, "sum"))
        found.append(run(engine, operator, {**arrays, "cotangent": cotangent}, "none"))
    return found


def same(first: Results, second: Results) -> bool:
    """Whether all results have the same bits."""
    return all(a.tobytes() == b.tobytes() for a, b in zip(first, second, strict=True))


LARGE = [2.0, 1.0, -1.0, 1.0, 0.69287109375, 1.875, 1.125, -0.9375, 1.0, 0.27783203125]
"""What :func:`large_answers` gives, in float16; the last of each five is ((C - 1) log 2 - 6 + log(1 + e^-3)) / C."""


def sparse(shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Zeros in a file with holes: they take memory only where they are touched."""
    with tempfile.TemporaryFile() as file:
        file.truncate(int(np.prod(shape)) * np.dtype(dtype).itemsize)
        return np.memmap(file, dtype=dtype, mode="r+", shape=shape)


def large_answers(engine: Any, make: Callable[[tuple[int, ...], npt.DTypeLike], Any]) -> list[float]:
    """Losses and slopes of the last two of so many rows that an index passes 2^32, then of short rows and 2^31.

    Args:
        engine: What runs the kernels.
        make: Makes an array of zeros.
    """
    found: list[float] = []
    for rows, classes in ((2**17 + 2, 2**15), (2**27 + 200, 16)):
        input, target = make((rows, classes), np.float16), make((rows, classes), np.int32)
        first = rows - (2 if classes > 16 else 200)
        cotangent = make((rows,), np.float16)
        cotangent[-2:] = 1.0
        input[-2, 3], input[-1, 3] = -1.0, 3.0
        target[-2, 0], target[-1, 0] = 3, 1
        target[-2:, 1] = -1
        arrays = {"input": input, "target": target}
        loss = PORT.run(engine, "margin", arrays, "none", first=first)
        slope = PORT.run(engine, "margin", {**arrays, "cotangent": cotangent}, "none", first=first)
        found += [float(loss[-2]), float(loss[-1]), float(slope[-2, 3]), float(slope[-1, 3] * classes)]
        soft = {"input": input, "target": input}
        found.append(float(PORT.run(engine, "soft", soft, "none", first=first)[-1]))
    return found


def large_answers_emulated(text: bytes | None = None) -> list[float]:
    """The same without the memory: in files with holes."""
    engine = PORT.emulated(text=text)
    engine.arrays = SimpleNamespace(empty=sparse, zeros=np.zeros, ascontiguousarray=np.ascontiguousarray)
    return large_answers(engine, sparse)
