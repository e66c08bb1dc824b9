"""Runs the kernels of a file under the address and undefined-behaviour sanitizers.

    LD_PRELOAD=$(g++ -print-file-name=libasan.so) python -m tests.sanitized kernels.cu

Every form, with labels that name no class; a fault ends the process with the sanitizer's report.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from tests.kernels import PORT, SMALL, WARPS, probe

FLAGS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1")


def main(path: str) -> None:
    """Probe the kernels of a file."""
    text = Path(path).read_bytes()
    for limits, dtype in ((SMALL, "float16"), (WARPS, "float64")):
        engine = PORT.emulated(text=text, flags=FLAGS, limits=limits)
        probe(engine, dtype)
        for rows, classes in ((3, 4), (3, 40), (200, 4)):
            target = np.full((rows, classes), classes)
            target[:, 0] = 0
            arrays = {"input": np.zeros((rows, classes), dtype), "target": target}
            PORT.run(engine, "margin", arrays, "none")
            PORT.run(engine, "margin", {**arrays, "cotangent": np.ones(rows, dtype)}, "none")


if __name__ == "__main__":
    main(sys.argv[1])
