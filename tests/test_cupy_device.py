"""What the port hands to CuPy, seen by a stand-in of CuPy that runs each launch in the emulation."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.kernels import LAUNCHES, PORT, needs_compiler, probe, same


class OnDevice(np.ndarray[Any, Any]):
    """An array of the stand-in."""

    @property
    def data(self) -> Any:
        """Its address, where CuPy has it."""
        return SimpleNamespace(ptr=self.ctypes.data)

    def get(self) -> np.ndarray[Any, Any]:
        """The same on the host."""
        return np.asarray(self)


class Module:
    """Machine code of which each kernel is run by the emulation."""

    def __init__(self, *, path: str) -> None:
        self.format, self.label = Path(path).read_bytes().decode().split(",")
        self.emulated = PORT.emulated(limits=LAUNCHES.DEVICE)

    def get_function(self, name: str) -> Any:
        """A kernel that is called as CuPy's are."""

        def kernel(grid: tuple[int], block: tuple[int], arguments: tuple[Any], *, shared_mem: int) -> None:
            order = LAUNCHES.Launch(name, grid[0], block[0], shared_mem, 0, {})
            self.emulated.launch(order, self.format, self.label, arguments[0])

        return kernel


class Compiler:
    """NVRTC as CuPy has it; the machine code is the options."""

    NVRTCError = RuntimeError

    def __init__(self) -> None:
        self.chosen = b""

    def createProgram(self, text: str, *names: object) -> int:  # noqa: N802 - CuPy's name
        """A program."""
        assert text.encode() == PORT.source()
        return len(names)

    def compileProgram(self, program: int, options: tuple[str, ...]) -> None:  # noqa: N802
        """Keeps format and label."""
        assert "--gpu-architecture=sm_90" in options
        self.chosen = ",".join(word.split("=", 1)[1] for word in options if word.startswith("-D")).encode()

    def getCUBIN(self, program: int) -> bytes:  # noqa: N802
        """What was kept."""
        return self.chosen

    def destroyProgram(self, program: int) -> None:  # noqa: N802
        """Nothing."""


def on_device(make: Callable[..., Any]) -> Callable[..., Any]:
    """A function of NumPy whose arrays are the stand-in's."""

    def made(*arguments: Any, **words: Any) -> Any:
        return make(*arguments, **words).view(OnDevice)

    return made


def stand_in() -> Any:
    """CuPy as far as the port uses it."""
    device = SimpleNamespace(compute_capability="90")
    return SimpleNamespace(
        empty=on_device(np.empty),
        zeros=on_device(np.zeros),
        asarray=on_device(np.asarray),
        ascontiguousarray=on_device(np.ascontiguousarray),
        cuda=SimpleNamespace(nvrtc=Compiler(), Device=partial(getattr, SimpleNamespace(only=device), "only")),
        RawModule=Module,
    )


def test_the_device_gets_what_the_emulation_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same kernels, shapes and structures: the same bits."""
    needs_compiler()
    monkeypatch.setitem(sys.modules, "cupy", stand_in())

    got = probe(PORT.Device())

    assert same(got, probe(PORT.emulated(limits=LAUNCHES.DEVICE)))
