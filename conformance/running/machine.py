"""The machine of a run, as far as it decides which kernels a framework takes."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

from reports.record import Machine

_CPUINFO = Path("/proc/cpuinfo")
_KERNEL_FEATURES = re.compile(
    r"sse4_[12]|avx|f16c|fma|avx2|avx512\w+|avx_\w+|amx_\w+"  # x86
    r"|asimd\w*|sve\w*|bf16|i8mm"  # ARM
    r"|vx\w*"  # IBM Z
)
"""Features by which NumPy, oneDNN, Eigen, XLA and torch choose a kernel, as the kernel of Linux spells them."""


def this_machine() -> Machine:
    """Architecture, cores, and the processor with its features."""
    facts = _facts(_CPUINFO)
    model = next((facts[key] for key in ("model name", "Model", "cpu model", "CPU part") if key in facts), "")
    features = f"{facts.get('flags', '')} {facts.get('Features', '')} {facts.get('features', '')}".split()
    return Machine(
        processor=platform.machine(),
        cores=os.cpu_count() or 1,
        model=model,
        features=sorted(filter(_KERNEL_FEATURES.fullmatch, features)),
    )


def _facts(path: Path) -> dict[str, str]:
    """What the first processor says of itself; nothing if the file is not there."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    pairs = [line.partition(":") for line in lines]
    return {key.strip(): value.strip() for key, _, value in reversed(pairs) if value.strip()}
