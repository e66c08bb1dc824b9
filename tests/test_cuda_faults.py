"""Faults planted into the kernels: each is caught within twenty schedules, or by a sanitizer."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.kernels import LARGE, PORT, SMALL, WARPS, Results, large_answers_emulated, needs_compiler, probe, same

ROOT = Path(__file__).resolve().parent.parent
SCHEDULES = 20


@dataclass(frozen=True)
class Fault:
    """A text of the kernels and what stands in its place; the limits and the format under which it shows."""

    name: str
    old: str
    new: str
    limits: Any = SMALL
    dtype: str = "float32"

    def planted(self) -> bytes:
        """The kernels with the fault."""
        text = PORT.source().decode()
        assert text.count(self.old) == 1, f"{self.name}: the text to replace stands {text.count(self.old)} times"
        return bytes(text.replace(self.old, self.new).encode())


BARRIER = "\n    __syncthreads();\n"
DIVERGENT = Fault(
    "a barrier that one thread does not reach",
    "total += slots[warp];" + BARRIER,
    "total += slots[warp];\n    if (threadIdx.x > 0) __syncthreads();\n",
)
FAULTS = (
    Fault(
        "a barrier of the sort is removed",
        "            }\n            __syncthreads();\n        }\n",
        "            }\n        }\n",
    ),
    Fault(
        "a barrier after the labels are counted is removed",
        "if (seen) atomicOr(&memory.found->seen, seen);" + BARRIER,
        "if (seen) atomicOr(&memory.found->seen, seen);\n",
    ),
    Fault(
        "the last tally races with the sum that scales the labels",
        BARRIER + "    block_scan(tallies,",
        "\n    block_scan(tallies,",
    ),
    Fault(
        "a merge begins before all runs are there",
        "far[start + j] = memory.keys[j];\n    }\n    __syncthreads();",
        "far[start + j] = memory.keys[j];\n    }",
    ),
    Fault(
        "shared memory is used again too early, in a scan",
        "slots[threadIdx.x - offset] : 0;\n        __syncthreads();",
        "slots[threadIdx.x - offset] : 0;",
    ),
    Fault(
        "the slots of a sum are used again too early",
        "total += slots[warp];" + BARRIER,
        "total += slots[warp];\n",
        limits=WARPS,
    ),
    DIVERGENT,
    Fault(
        "the last block is forgotten",
        "block < gridDim.x; block += blockDim.x",
        "block + 1 < gridDim.x; block += blockDim.x",
    ),
    Fault("the last warp is forgotten", "warp < blockDim.x / lanes;", "warp + 1 < blockDim.x / lanes;", limits=WARPS),
    Fault(
        "sums in half precision",
        "if (!(gap <= 0)) sum += gap;",
        "if (!(gap <= 0)) sum = FORMAT::load(FORMAT::store(sum + gap));",
        dtype="float16",
    ),
    Fault(
        "labels of the row before still count",
        "unmark_labels(row, memory);\n        if (threadIdx.x",
        "if (threadIdx.x",
    ),
    Fault("shared memory is taken for zero", "if (threadIdx.x < MOST) found->active[threadIdx.x] = 0;", ""),
    Fault("a tie is active", "keys[middle] < value ||", "keys[middle] <= value ||"),
)
WIDE_INDEX = Fault(
    "an index in 32 bits",
    "const Count start = row * task.classes;\n    const Label* const",
    "const Count start = static_cast<unsigned>(row * task.classes);\n    const Label* const",
)
NO_ROOM = Fault("a list is longer than its memory", "task.keys);\n    memory.far", "task.keys) + 1000;\n    memory.far")
NO_CHECK = Fault("labels are not checked", "return static_cast<Count>(label) < classes;", "return classes > 0;")


@pytest.fixture(autouse=True)
def compiler() -> None:
    """Every test here compiles the kernels."""
    needs_compiler()


@functools.cache
def right(limits: Any, dtype: str) -> Results:
    """What the unchanged kernels give."""
    return probe(PORT.emulated(limits=limits), dtype)


def schedules_until(fails: Callable[[int], bool]) -> int:
    """After how many schedules a fault was seen; 0 where it was not."""
    return next((seed for seed in range(1, SCHEDULES + 1) if fails(seed)), 0)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_is_caught(fault: Fault) -> None:
    """By another result, or by a barrier at which not all threads arrive."""
    engine = PORT.emulated(text=fault.planted(), limits=fault.limits)

    def fails(seed: int) -> bool:
        engine._seeds = iter(range(1000 * seed, 1000 * seed + 1000))
        try:
            return not same(probe(engine, fault.dtype), right(fault.limits, fault.dtype))
        except RuntimeError as error:
            return "divergent barrier" in str(error)

    assert schedules_until(fails)


@pytest.mark.parametrize("limits", [SMALL, WARPS], ids=["small", "warps"])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_the_unchanged_kernels_are_never_accused(limits: Any, dtype: str) -> None:
    """Under the same schedules."""
    engine = PORT.emulated(limits=limits)

    def fails(seed: int) -> bool:
        engine._seeds = iter(range(1000 * seed, 1000 * seed + 1000))
        return not same(probe(engine, dtype), right(limits, dtype))

    assert schedules_until(fails) == 0


def test_a_divergent_barrier_is_told_by_its_line() -> None:
    """Which thread waits where, in the text that was compiled."""
    engine = PORT.emulated(text=DIVERGENT.planted())

    with pytest.raises(RuntimeError, match="_forward: divergent barrier: thread 0 waits at line") as caught:
        probe(engine)

    lines = [int(number) for number in re.findall(r"at line (\d+)", str(caught.value))]
    source = DIVERGENT.planted().decode().splitlines()
    assert len(set(lines)) == len(lines) == 2
    assert all(line == 0 or "__s" in source[line - 1] for line in lines)


def test_an_index_in_32_bits_is_caught() -> None:
    """By the last rows of a batch of more than 2^32 scores."""
    assert large_answers_emulated(WIDE_INDEX.planted()) != LARGE


def sanitized(text: bytes, folder: Path) -> subprocess.CompletedProcess[str]:
    """The probe of kernels under the sanitizers, in a process of its own."""
    (folder / "faulty.cu").write_bytes(text)
    compiler = PORT.find_compiler()
    runtime = subprocess.run([compiler, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    environment = {
        **os.environ,
        "LD_PRELOAD": runtime.stdout.strip(),
        "ASAN_OPTIONS": "detect_leaks=0",
        "LOSSPROOF_SCRATCH": str(folder),
    }
    command = [sys.executable, "-m", "tests.sanitized", str(folder / "faulty.cu")]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_the_kernels_run_clean_under_the_sanitizers(tmp_path: Path) -> None:
    """No address outside of an array, nothing undefined, in any form."""
    done = sanitized(PORT.source(), tmp_path)

    said = [line for line in done.stderr.splitlines() if "makecontext/swapcontext" not in line]  # a warning of its own
    assert (done.returncode, said) == (0, [])


@pytest.mark.parametrize("fault", [NO_CHECK, NO_ROOM], ids=lambda fault: fault.name)
def test_an_address_out_of_bounds_is_caught(fault: Fault, tmp_path: Path) -> None:
    """By the address sanitizer, in the arrays and in shared memory."""
    done = sanitized(fault.planted(), tmp_path)

    assert done.returncode
    assert "AddressSanitizer" in done.stderr
