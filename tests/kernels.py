"""The CUDA kernels under test: engines that emulate them, arrays in their formats, and a probe of all forms."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from reference.formats import FORMATS, Float64
from tests.zoo import families

PORT: Any = importlib.import_module("adapters.cupy_port")
SMALL = PORT.EMULATED
WARPS = PORT.Limits(direct=8, key_bytes=64, shared_classes=16, threads=64, blocks=2)
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
        found.append(PORT.run(engine, operator, arrays, "none"))
        found.append(PORT.run(engine, operator, arrays, "sum"))
        found.append(PORT.run(engine, operator, {**arrays, "cotangent": cotangent}, "none"))
    return found


def same(first: Results, second: Results) -> bool:
    """Whether all results have the same bits."""
    return all(a.tobytes() == b.tobytes() for a, b in zip(first, second, strict=True))
