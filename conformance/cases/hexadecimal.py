"""Numbers as hexadecimal floats, which lose no bit."""

from __future__ import annotations

from typing import Any

import numpy as np

from reference.formats import Float64


def shortest_hexadecimal(value: float) -> str:
    """A hexadecimal float without the zeros at its end; zero keeps its sign."""
    significand, _, exponent = value.hex().partition("p")
    return f"{significand.rstrip('0').rstrip('.')}p{exponent}"


def hexadecimal(array: Float64 | None) -> Any:
    """Nested lists of hexadecimal floats; NaN and infinities by name."""
    if array is None:
        return None
    if array.ndim == 0:
        value = float(array)
        return shortest_hexadecimal(value) if np.isfinite(value) else repr(value)
    return [hexadecimal(part) for part in array]
