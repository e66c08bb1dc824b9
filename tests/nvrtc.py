"""NVRTC from its wheel, by ctypes: CUDA C++ to PTX or to machine code, with the compiler's report; no driver."""

from __future__ import annotations

import ctypes
import importlib.util
from pathlib import Path


class NotCompiled(Exception):
    """What the compiler said."""


def library() -> Path | None:
    """The shared library of the wheel ``nvidia-cuda-nvrtc-cu12``; none where it is not installed."""
    spec = importlib.util.find_spec("nvidia")
    places = [Path(place) for place in (spec.submodule_search_locations or [])] if spec is not None else []
    return next((path for place in places for path in sorted(place.glob("cuda_nvrtc/lib/libnvrtc.so.*"))), None)


def compiled(path: Path, source: bytes, options: list[str], kind: str) -> tuple[bytes, str]:
    """The ``PTX`` or ``CUBIN`` of a program, and the compiler's log.

    Raises:
        NotCompiled: The program has a fault.
    """
    nvrtc = ctypes.CDLL(str(path))
    program = ctypes.c_void_p()
    words = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
    nvrtc.nvrtcCreateProgram(ctypes.byref(program), source, b"kernels.cu", 0, None, None)
    try:
        failed = nvrtc.nvrtcCompileProgram(program, len(options), words)
        log = _part(nvrtc, program, "ProgramLog").decode().rstrip("\0\n")
        if failed:
            raise NotCompiled(log)
        return _part(nvrtc, program, kind), log
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def _part(nvrtc: ctypes.CDLL, program: ctypes.c_void_p, name: str) -> bytes:
    size = ctypes.c_size_t()
    getattr(nvrtc, f"nvrtcGet{name}Size")(program, ctypes.byref(size))
    room = ctypes.create_string_buffer(size.value)
    getattr(nvrtc, f"nvrtcGet{name}")(program, room)
    return room.raw
