"""Decides how a kernel is launched: which form, how many threads and blocks, how much memory; for GPU and emulation."""

import functools
from typing import Dict, NamedTuple

_FOUND_BYTES, _FAR_BYTES = 80, 28  # of ``Found``, and of one class in scratch memory: see margin.cu
_MOST_SCRATCH = 1 << 28  # bytes


class Limits(NamedTuple):
    """Where the forms of a kernel change, and how large launches are."""

    direct: int  # rows with at most so many labels take the direct form; MOST in margin.cu is the largest
    key_bytes: int  # scores of labels are sorted in so much shared memory; a power of two
    shared_classes: int  # up to so many classes are counted in shared memory
    threads: int  # of a block, at most
    blocks: int  # at most
    narrow_classes: int = 32  # rows of at most so many classes take one thread each ...
    narrow_rows: int = 128  # ... where there are at least so many


DEVICE = Limits(direct=8, key_bytes=8192, shared_classes=4096, threads=512, blocks=2048)
EMULATED = Limits(direct=2, key_bytes=32, shared_classes=8, threads=4, blocks=3)


class Launch(NamedTuple):
    """One kernel with its shape and what it finds where."""

    kernel: str
    grid: int
    threads: int
    shared: int
    stretch: int
    numbers: Dict[str, int]


def _power(number: int) -> int:
    """The smallest power of two that is not smaller."""
    return 1 << max(0, int(number) - 1).bit_length()


@functools.lru_cache(maxsize=256)
def plan(kernel: str, rows: int, classes: int, wide: int, limits: Limits) -> Launch:
    """The launch of ``margin_forward``, ``margin_backward``, ``soft_forward`` or ``soft_backward``."""
    narrow = classes <= limits.narrow_classes and rows >= limits.narrow_rows
    share = classes if rows < limits.narrow_rows else -(-classes // 4)
    threads = min(64 if narrow else max(32, _power(share)), limits.threads)
    grid = min(-(-rows // threads) if narrow else rows, limits.blocks)
    if kernel.startswith("soft") or narrow:
        name = kernel + "_narrow" if narrow and kernel.startswith("margin") else kernel
        return Launch(name, max(1, grid), threads, 8 * threads, 0, {"narrow": int(narrow)})
    return _of_wide_rows(kernel, grid, threads, classes, wide, limits)


def _of_wide_rows(kernel: str, grid: int, threads: int, classes: int, wide: int, limits: Limits) -> Launch:
    """A block for each row, whose keys are in shared memory as far as they fit."""
    keys = min(_power(max(2, classes)), limits.key_bytes // wide)
    stretch = 0 if classes <= min(keys, limits.shared_classes) else -(-_FAR_BYTES * classes // 8) * 8
    if stretch:
        grid = min(grid, max(1, _MOST_SCRATCH // stretch))
    counts = 4 * classes if classes <= limits.shared_classes else 0
    shared = 8 * threads + _FOUND_BYTES + (8 + wide) * keys + counts
    numbers = {"direct": min(limits.direct, keys), "keys": keys, "shared_classes": limits.shared_classes}
    return Launch(kernel, max(1, grid), threads, shared, stretch, numbers)
