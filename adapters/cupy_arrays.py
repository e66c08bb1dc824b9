"""Arrays of the CuPy adapter: as they come, laid out in memory, and read late: beside ``cupy_adapter.py``."""

from typing import Any, Callable, Dict, Tuple

import numpy as np


class Held:
    """An array that is read when it is sent, so that a result which a later call overwrites is seen.

    Args:
        array: NumPy's or CuPy's.
        half: Whether 16 bits without a sign are the bits of a bfloat16.
    """

    def __init__(self, array: Any, half: bool) -> None:
        self.array = array if hasattr(array, "get") else np.asarray(array)
        self.shape = self.array.shape
        self.dtype = "bfloat16" if half and self.array.dtype == np.uint16 else str(self.array.dtype)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        """The array itself if it lies on the host, so that shared memory shows; a copy of one on a device."""
        return self.array.get() if hasattr(self.array, "get") else self.array

    def copy(self) -> "Held":
        """The array as it is now."""
        return Held(self.array.copy(), self.dtype == "bfloat16")

    def tobytes(self) -> bytes:
        """Its values in C order."""
        return bytes(np.asarray(self).tobytes())


def array_of(xp: Any, plain: Dict[str, Any], layout: str) -> Any:
    """An array in a layout; writable unless the layout says otherwise, so that a kernel that writes is seen."""
    if "list" in plain:
        return plain["list"]
    dtype = np.uint16 if plain["dtype"] == "bfloat16" else plain["dtype"]
    held = np.frombuffer(plain["data"], dtype=dtype).reshape(plain["shape"]).copy()
    return LAYOUTS[layout](xp, xp.asarray(held))


def _strided(xp: Any, array: Any) -> Any:
    """Every other place of a row twice as long, between ones."""
    if not array.ndim:
        return array
    apart = xp.ones(array.shape[:-1] + (2 * array.shape[-1],), dtype=array.dtype)
    apart[..., ::2] = array
    return apart[..., ::2]


def _broadcast(xp: Any, array: Any) -> Any:
    """One row for all, where all rows are the same, bit for bit."""
    same = array.ndim == 2 and len({row.tobytes() for row in array}) == 1
    return xp.broadcast_to(array[:1], array.shape) if same else array


def _read_only(xp: Any, array: Any) -> Any:
    array.setflags(write=False)
    return array


def _misaligned(xp: Any, array: Any) -> Any:
    """One byte behind an address that the processor likes."""
    moved = xp.zeros(array.nbytes + 1, dtype=np.uint8)[1:].view(array.dtype).reshape(array.shape)
    moved[...] = array
    return moved


LAYOUTS: Dict[str, Callable[[Any, Any], Any]] = {
    "contiguous": lambda xp, array: array,
    "strided": _strided,
    "reversed": lambda xp, array: xp.flip(xp.flip(array).copy()),
    "transposed": lambda xp, array: array.T.copy().T,
    "broadcast": _broadcast,
    "read-only": _read_only,
    "misaligned": _misaligned,
}
HOST_LAYOUTS: Tuple[str, ...] = ("read-only", "misaligned")
