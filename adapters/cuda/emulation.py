"""Runs the kernels of this folder on the processor: compiled by g++ behind ``host.cpp``, loaded by ctypes."""

import ctypes
import itertools
import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any, Dict, Optional, Sequence, Tuple

import numpy as np


class Emulated:
    """Runs kernels on the processor, block after block.

    Args:
        text: The kernels.
        folder: Where they are compiled.
        limits: Where forms change, for the port's plan.
        flags: Further words for the compiler.
        seed: Of the order in which threads run between barriers; default: another one for each launch.
    """

    arrays = np

    def __init__(
        self, text: bytes, folder: Path, limits: Any, flags: Sequence[str] = (), seed: Optional[int] = None
    ) -> None:
        self.text = text
        self.folder = folder
        self.limits = limits
        self.flags = list(flags)
        self._seeds = itertools.count(1) if seed is None else itertools.repeat(seed)
        self._lock = threading.Lock()
        self._libraries: Dict[Tuple[str, str], Any] = {}

    def address(self, array: Any) -> int:
        """Where an array begins."""
        return int(array.ctypes.data)

    def launch(self, order: Any, format: str, label: str, task: Any) -> None:
        """Run a kernel to its end.

        Raises:
            RuntimeError: Threads of a block waited at different barriers.
        """
        library = self.library(format, label)
        kernel, complaint = getattr(library, order.kernel), ctypes.create_string_buffer(200)
        failed = library.launch(
            ctypes.cast(kernel, ctypes.c_void_p), ctypes.c_void_p(task.ctypes.data), ctypes.c_uint(order.grid),
            ctypes.c_uint(order.threads), ctypes.c_uint(order.shared), ctypes.c_ulonglong(next(self._seeds)),
            complaint, ctypes.c_size_t(len(complaint)),
        )  # fmt: skip
        if failed:
            raise RuntimeError("%s: %s" % (order.kernel, complaint.value.decode()))

    def library(self, format: str, label: str) -> Any:
        """The kernels for a format and a type of labels, compiled when they are first asked for.

        Raises:
            RuntimeError: There is no compiler, or it refused the kernels.
        """
        with self._lock:
            if (format, label) not in self._libraries:
                self._libraries[format, label] = ctypes.CDLL(self._compile(format, label))
            return self._libraries[format, label]

    def _compile(self, format: str, label: str) -> str:
        compiler = shutil.which(os.environ.get("CXX") or "g++")
        if compiler is None:
            raise RuntimeError("no C++ compiler: install g++, or use CuPy arrays on a GPU")
        folder = Path(tempfile.mkdtemp(prefix="kernels-", dir=str(self.folder)))
        (folder / "kernels.cu").write_bytes(self.text)
        shutil.copy(str(Path(__file__).with_name("host.cpp")), str(folder))
        command = [compiler, "-std=c++14", "-O2", "-fPIC", "-shared", "-Wno-unknown-pragmas", "-DFORMAT=" + format]
        command += ["-DLABEL=" + label, *self.flags, "-o", "kernels.so", "host.cpp"]
        done = subprocess.run(  # noqa: S603 - the user's compiler
            command, cwd=str(folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
        if done.returncode:
            raise RuntimeError("%s refused the kernels: %s" % (compiler, done.stdout.decode(errors="replace")[:2000]))
        return str(folder / "kernels.so")
