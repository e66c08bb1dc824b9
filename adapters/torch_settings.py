"""Settings of torch under which a loss is what it is without them: beside ``torch_adapter.py``."""

import contextlib
from typing import Any, Dict, Iterator

SETTINGS = ("inference", "deterministic", "float64_default")
"""Modes that run eagerly, each with one setting: no graph is kept; algorithms are deterministic, and torch fills
memory that nothing wrote to with NaN; new tensors are float64 unless told otherwise."""


def missing(torch: Any) -> Dict[str, str]:
    """The settings that this version lacks, and why."""
    version = torch.__version__
    needed = {
        "inference": ("torch.inference_mode", hasattr(torch, "inference_mode")),
        "deterministic": ("torch.utils.deterministic", hasattr(torch.utils, "deterministic")),
    }
    return {mode: "torch %s has no %s" % (version, name) for mode, (name, there) in needed.items() if not there}


@contextlib.contextmanager
def under(torch: Any, mode: str) -> Iterator[None]:
    """The setting of a mode, and afterwards what was before; nothing for other modes."""
    if mode == "inference":
        with torch.inference_mode():
            yield
        return
    before = torch.are_deterministic_algorithms_enabled(), torch.get_default_dtype()
    try:
        if mode == "deterministic":
            torch.use_deterministic_algorithms(True)
        elif mode == "float64_default":
            torch.set_default_dtype(torch.float64)
        yield
    finally:
        if mode in SETTINGS:
            torch.use_deterministic_algorithms(before[0])
            torch.set_default_dtype(before[1])
