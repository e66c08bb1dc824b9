"""Times the CuPy port on a GPU beside torch's own kernels and beside the time that the bytes alone need.

    python benchmarks/cuda_timing.py           prints a table
    python benchmarks/cuda_timing.py --once    calls each kernel once, for compute-sanitizer

For an interpreter with NumPy and CuPy, and torch with CUDA where there is one. Times are of the
device, between events, in microseconds; the tasks take turns, and before each call the cache is
filled with something else. The bytes: each input read once and each output written once, at the
rate of a copy that is measured in the same run.
"""

from __future__ import annotations

import importlib
import importlib.util
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SHAPES = ((1024, 10, 3), (256, 1000, 10), (64, 1000, 500), (8, 10**4, 10**3), (1, 10**5, 10**4), (4096, 1000, 3))
REPETITIONS, WARM = 30, 5
AHEAD = 4
"""Fillings of the cache before each call: the device is busy with them while the host puts the call in its queue."""

CACHE, COPIED = 1 << 28, 1 << 28  # bytes

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


def batch(rows: int, classes: int, labels: int) -> tuple[Any, Any]:
    """Scores and targets on the host, from a fixed seed."""
    generator = np.random.default_rng(0)
    scores = generator.normal(size=(rows, classes)).astype(np.float32)
    target = np.full((rows, classes), -1)
    for row in target:
        row[:labels] = generator.choice(classes, labels, replace=False)
    return scores, target


def of_port(cupy: Any, port: Any, scores: Any, target: Any) -> Tasks:
    """The port's passes."""
    input, labels, upstream = cupy.asarray(scores), cupy.asarray(target), cupy.asarray(np.float32(1))

    def both() -> None:
        port.multilabel_margin_loss(input, labels)
        port.multilabel_margin_loss_gradient(input, labels, upstream)

    return {"port": lambda: port.multilabel_margin_loss(input, labels), "port, both passes": both}


def of_torch(scores: Any, target: Any) -> Tasks:
    """Torch's own kernel on the same device; nothing where torch has no CUDA."""
    if importlib.util.find_spec("torch") is None:
        return {}
    torch: Any = importlib.import_module("torch")
    if not torch.cuda.is_available():
        return {}
    loss: Any = torch.nn.functional.multilabel_margin_loss
    input, labels = torch.from_numpy(scores).cuda(), torch.from_numpy(target).cuda()
    leaf = input.clone().requires_grad_()

    def both() -> None:
        leaf.grad = None
        loss(leaf, labels).backward()

    return {"torch": lambda: loss(input, labels), "torch, both passes": both}


def microseconds(cupy: Any, tasks: Tasks) -> dict[str, list[float]]:
    """Device times of tasks that take turns, on the default stream, each with a cold cache."""
    taken: dict[str, list[float]] = {name: [] for name in tasks}
    cold = cupy.zeros(CACHE, dtype=np.uint8)
    begin, end = cupy.cuda.Event(), cupy.cuda.Event()
    for turn in range(WARM + REPETITIONS):
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


def main() -> int:
    """Print the table, or call each kernel once."""
    cupy: Any = importlib.import_module("cupy")
    port = load_port()
    print(cupy.cuda.runtime.getDeviceProperties(0)["name"].decode(), "CuPy", cupy.__version__, "sha256", port.digest())
    if "--once" in sys.argv:
        for rows, classes, labels in ((5, 1000, 3), (5, 1000, 500), (3, 6000, 5000), (300, 10, 3)):
            for task in of_port(cupy, port, *batch(rows, classes, labels)).values():
                task()
        cupy.cuda.runtime.deviceSynchronize()
        return 0
    source = cupy.zeros(COPIED, dtype=np.uint8)
    rate = 2 * COPIED / statistics.median(microseconds(cupy, {"copy": source.copy})["copy"])
    print(f"a copy moves {rate / 1e3:.0f} GB/s")
    for rows, classes, labels in SHAPES:
        scores, target = batch(rows, classes, labels)
        taken = microseconds(cupy, {**of_port(cupy, port, scores, target), **of_torch(scores, target)})
        once = scores.nbytes + target.nbytes
        for name, values in taken.items():
            need = (2 * once + scores.nbytes if "both" in name else once) / rate
            low, middle, high = statistics.quantiles(values, n=4)
            cells = f"{middle:.1f} us ({low:.1f} to {high:.1f}), bytes {need:.1f} us"
            print(f"({rows}, {classes}, {labels}) {name}: {cells}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
