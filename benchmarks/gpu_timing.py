"""Times the CuPy port on a GPU beside torch's own kernels and beside the time that the bytes alone need.

    python benchmarks/gpu_timing.py           prints a table
    python benchmarks/gpu_timing.py --once    calls each kernel once in each format, for compute-sanitizer

For an interpreter with NumPy and CuPy, and torch with CUDA where there is one. Times are of the
device, between events, in microseconds: median and quartiles of tasks that take turns, the cache
filled with something else before each call. The bytes: each input read once and each output
written once, at the rate of a copy that is measured in the same run. Behind them the time that one
of many calls in a row takes by the clock on the wall, most of it the host's where arrays are small.
"""

from __future__ import annotations

import importlib
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

MARGIN: tuple[tuple[int, int, int], ...] = (
    (1024, 10, 3),
    (256, 1000, 10),
    (64, 1000, 500),
    (8, 10**4, 10**3),
    (1, 10**5, 10**4),
    (4096, 1000, 3),
)
SOFT: tuple[tuple[int, int], ...] = ((1024, 10), (4096, 1000), (10**6, 10))
ONCE = ((5, 1000, 3), (5, 1000, 500), (3, 6000, 5000), (300, 10, 3))
REPETITIONS, WARM, FEWEST = 30, 3, 3
LONGEST = 8.0  # seconds for a shape, after which FEWEST repetitions will do
IN_A_ROW = 50
AHEAD = 4
"""Fillings of the cache before each call: the device is busy with them while the host puts the call in its queue."""

CACHE, COPIED = 1 << 28, 1 << 30  # bytes

Tasks = dict[str, Callable[[], object]]


def load_port() -> Any:
    """The port, by file."""
    path = Path(__file__).resolve().parent.parent / "adapters" / "cupy_port.py"
    spec = importlib.util.spec_from_file_location("cupy_port", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path}: no such file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def margin_batch(rows: int, classes: int, labels: int) -> tuple[Any, Any]:
    """Scores and targets on the host, from a fixed seed."""
    generator = np.random.default_rng(0)
    scores = generator.normal(size=(rows, classes)).astype(np.float32)
    target = np.full((rows, classes), -1)
    for row in target:
        row[:labels] = generator.choice(classes, labels, replace=False)
    return scores, target


def soft_batch(rows: int, classes: int) -> tuple[Any, Any]:
    """Scores and labels on the host, from a fixed seed."""
    generator = np.random.default_rng(0)
    scores = generator.normal(size=(rows, classes)).astype(np.float32)
    return scores, generator.integers(0, 2, scores.shape).astype(np.float32)


def of_port(port: Any, name: str, input: Any, target: Any) -> Tasks:
    """The port's passes."""
    loss, slope = getattr(port, name), getattr(port, name + "_gradient")
    upstream = input.reshape(-1)[:1].reshape(()).copy()

    def both() -> None:
        loss(input, target)
        slope(input, target, upstream)

    return {"port": lambda: loss(input, target), "port, both passes": both}


def of_torch(name: str, scores: Any, target: Any) -> Tasks:
    """Torch's own kernel on the same device; nothing where torch has no CUDA."""
    if importlib.util.find_spec("torch") is None:
        return {}
    torch: Any = importlib.import_module("torch")
    if not torch.cuda.is_available():
        return {}
    loss: Any = getattr(torch.nn.functional, name)
    input, labels = torch.from_numpy(scores).cuda(), torch.from_numpy(target).cuda()
    leaf = input.clone().requires_grad_()

    def both() -> None:
        leaf.grad = None
        loss(leaf, labels).backward()

    return {"torch": lambda: loss(input, labels), "torch, both passes": both}


def microseconds(cupy: Any, tasks: Tasks) -> dict[str, list[float]]:
    """Device times of tasks that take turns, on the default stream, each with a cold cache."""
    taken: dict[str, list[float]] = {name: [] for name in tasks}
    cold = cupy.zeros(CACHE // 8, dtype=np.uint64)
    begin, end = cupy.cuda.Event(), cupy.cuda.Event()
    started = time.monotonic()
    for turn in range(WARM + REPETITIONS):
        if turn >= WARM + FEWEST and time.monotonic() - started > LONGEST:
            break
        for name, task in tasks.items():
            for _ in range(AHEAD):
                cold += 1
            begin.record()
            task()
            end.record()
            end.synchronize()
            if turn >= WARM:
                taken[name].append(1000 * cupy.cuda.get_elapsed_time(begin, end))
    return taken


def in_a_row(cupy: Any, task: Callable[[], object]) -> float:
    """Microseconds on the wall for one of many calls, the device awaited only after the last."""
    cupy.cuda.runtime.deviceSynchronize()
    begun = time.perf_counter()
    for _ in range(IN_A_ROW):
        task()
    cupy.cuda.runtime.deviceSynchronize()
    return 1e6 * (time.perf_counter() - begun) / IN_A_ROW


def copied_per_microsecond(cupy: Any) -> float:
    """Bytes that a large copy reads and writes in a microsecond."""
    source, copy = cupy.ones(COPIED // 8), cupy.empty(COPIED // 8)
    taken = microseconds(cupy, {"copy": lambda: copy.data.copy_from_device_async(source.data, COPIED)})
    return 2 * COPIED / statistics.median(taken["copy"])


def once(cupy: Any, port: Any) -> None:
    """Call each kernel in each format, each array in memory of its own, so that a sanitizer sees its ends."""
    cupy.cuda.set_allocator(None)
    for dtype in (np.float16, np.uint16, np.float32, np.float64):  # uint16: the bits of bfloat16
        for shape in ONCE:
            scores, target = margin_batch(*shape)
            values = (scores.view(np.uint32) >> 16).astype(dtype) if dtype is np.uint16 else scores.astype(dtype)
            input = cupy.asarray(values)
            for labels in (cupy.asarray(target), cupy.asarray(target.astype(np.int32))):
                for task in of_port(port, "multilabel_margin_loss", input, labels).values():
                    task()
            for task in of_port(port, "multilabel_soft_margin_loss", input, cupy.zeros_like(input)).values():
                task()
    cupy.cuda.runtime.deviceSynchronize()


def timed(cupy: Any, port: Any) -> None:
    """Print the table."""
    rate = copied_per_microsecond(cupy)
    print(f"a copy moves {rate / 1e3:.0f} GB/s")
    batches: list[tuple[str, tuple[int, ...], Any]] = [
        ("multilabel_margin_loss", shape, margin_batch(*shape)) for shape in MARGIN
    ]
    batches += [("multilabel_soft_margin_loss", shape, soft_batch(*shape)) for shape in SOFT]
    for name, shape, (scores, target) in batches:
        tasks = of_port(port, name, cupy.asarray(scores), cupy.asarray(target)) | of_torch(name, scores, target)
        read = scores.nbytes + target.nbytes
        for task, values in microseconds(cupy, tasks).items():
            need = (2 * read + scores.nbytes if "both" in task else read) / rate
            low, middle, high = statistics.quantiles(values, n=4)
            cells = f"{middle:.1f} us ({low:.1f} to {high:.1f}), bytes {need:.1f} us"
            row = in_a_row(cupy, tasks[task]) if middle < 1e4 else middle
            print(f"{name} {shape} {task}: {cells}, in a row {row:.1f} us", flush=True)


def main() -> int:
    """Print the table, or call each kernel once."""
    cupy: Any = importlib.import_module("cupy")
    port = load_port()
    print(cupy.cuda.runtime.getDeviceProperties(0)["name"].decode(), "CuPy", cupy.__version__, "sha256", port.digest())
    if "--once" in sys.argv:
        once(cupy, port)
    else:
        timed(cupy, port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
