"""The CUDA kernels, compiled for GPUs without one: PTX, machine code, and what they need of a processor."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from tests import nvrtc
from tests.kernels import LAUNCHES, PORT, promised

ARCHITECTURES = ("75", "80", "90", "100", "120")
FORMATS = ("float16", "bfloat16", "float32", "float64")
KERNELS = {
    *("margin_forward", "margin_backward", "margin_forward_narrow", "margin_backward_narrow"),
    *("soft_forward", "soft_backward"),
}
SHARED = 48 * 1024
"""Bytes that a block may have on every GPU without asking for more."""


class Use(NamedTuple):
    """What the assembler says that one kernel takes."""

    registers: int
    spilled: int


@pytest.fixture(autouse=True)
def compiler() -> None:
    """NVRTC from its wheel."""
    promised("nvrtc", there=nvrtc.library() is not None)


def compiled(architecture: str, format: str, label: str, kind: str) -> tuple[bytes, str]:
    """The kernels as PTX or as machine code, and the compiler's report."""
    path = nvrtc.library()
    assert path is not None
    options = ["--std=c++14", f"-DFORMAT={format}", f"-DLABEL={label}"]
    if kind == "PTX":
        return nvrtc.compiled(path, PORT.source(), [*options, f"--gpu-architecture=compute_{architecture}"], kind)
    report = ["--ptxas-options=-v", f"--gpu-architecture=sm_{architecture}"]
    return nvrtc.compiled(path, PORT.source(), [*options, *report], kind)


def uses(log: str) -> dict[str, Use]:
    """Each kernel's use, by its name, from the assembler's report."""
    found: dict[str, Use] = {}
    for part in log.split("Compiling entry function")[1:]:
        name = re.search(r"'(\w+)'", part)
        spilled = re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", part)
        registers = re.search(r"Used (\d+) registers", part)
        assert name
        assert spilled
        assert registers
        found[name[1]] = Use(int(registers[1]), int(spilled[1]) + int(spilled[2]))
    return found


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_kernels_compile_to_ptx(architecture: str) -> None:
    """Every kernel is an entry of the PTX."""
    text, log = compiled(architecture, "float32", "int", "PTX")

    assert set(re.findall(rb"\.entry (\w+)\(", text)) == {name.encode() for name in KERNELS}
    assert log == ""


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("format", FORMATS)
def test_machine_code_spills_no_register(architecture: str, format: str) -> None:
    """The report names every kernel; none spills, and a block of 512 threads fits twice on a multiprocessor."""
    code, log = compiled(architecture, format, "long long", "CUBIN")

    found = uses(log)

    assert code[:4] == b"\x7fELF"
    assert set(found) == KERNELS
    assert {name: use for name, use in found.items() if use.spilled or use.registers > 64} == {}


def test_a_fault_in_the_text_is_told() -> None:
    """With the compiler's words."""
    path = nvrtc.library()
    assert path is not None

    with pytest.raises(nvrtc.NotCompiled, match=r"kernels\.cu"):
        nvrtc.compiled(path, b"__global__ void broken() { return 1 }", [], "PTX")


@pytest.mark.parametrize("wide", [4, 8])
@pytest.mark.parametrize("rows", [1, 200, 10**6])
def test_a_launch_stays_within_what_every_gpu_has(rows: int, wide: int) -> None:
    """Shared memory, threads and scratch memory, for every number of classes."""
    for classes in (1, 31, 33, 1000, 1024, 1025, 4096, 4097, 10**5, 10**8, 2**33):
        for kernel in ("margin_forward", "margin_backward", "soft_forward", "soft_backward"):
            launch = LAUNCHES.plan(kernel, rows, classes, wide, LAUNCHES.DEVICE)

            assert launch.shared <= SHARED
            assert launch.threads in (32, 64, 128, 256, 512)
            assert 1 <= launch.grid <= LAUNCHES.DEVICE.blocks
            assert launch.grid == 1 or launch.grid * launch.stretch <= 2**28
