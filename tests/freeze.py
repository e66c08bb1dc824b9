"""Writes ``tests/expectations.json``: expectations of both losses from the second oracles alone.

    python -m tests.freeze

Every number is a hexadecimal float. An expectation is the pair of float64 values around
the true one, equal where it is one of them; for the margin loss also the true value
rounded once to each format.
"""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from reference import margin_exact, soft_margin_decimal
from reference.enclosure import Enclosure
from reference.formats import FORMATS, Arithmetic, Float64
from reference.margin import margin_loss
from reference.soft_margin import soft_margin_loss

_WIDE = Arithmetic(FORMATS["float64"])

MARGIN = [
    ("torch's example", [[0.1, 0.2, 0.4, 0.8]], [[3, 0, -1, 1]]),
    ("MindSpore's example", [[0.1, 0.2, 0.4, 0.8], [0.2, 0.3, 0.5, 0.7]], [[1, 2, 0, 3], [2, 3, -1, 1]]),
    ("no labels", [[0.5, -0.5]], [[-1, 1]]),
    ("every class a label", [[0.5, -0.5]], [[1, 0]]),
    ("duplicates", [[0.0, 0.25, -0.5]], [[1, 1, -1]]),
    ("ties", [[1.0, 0.0, 0.0]], [[0, -1, -1]]),
    ("beside ties", [[1.0, 2.0**-30, -(2.0**-30)]], [[0, -1, -1]]),
    ("hidden by two roundings", [[2.0**-60, -1.0, -1 + 2.0**-60]], [[0, -1, 2]]),
    ("beside a midpoint of float32", [[0.0, 1.0, 2.0**-22, 2.0**-68]], [[0, -1, -1, -1]]),
    ("thirds", [[0.1, 0.7, -0.3]], [[1, -1, 2]]),
    ("large offset", [[1e6, 1e6 + 0.5, 1e6 - 0.25]], [[2, -1, 0]]),
    ("huge against tiny", [[-(2.0**120), 2.0**-140, 1.0]], [[0, -1, 0]]),
    ("subnormal result", [[1.0, 2.0**-1074, -5.0]], [[0, -1, 0]]),
    ("subnormal scores", [[2.0**-149, -(2.0**-149)]], [[1, -1]]),
    ("near overflow", [[-(2.0**1022), 2.0**1021]], [[0, -1]]),
]
"""Names, scores and targets."""

SOFT = [
    ("MindSpore's example", [[0.3, 0.6, 0.6], [0.9, 0.4, 0.2]], [[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]], None),
    ("zeros", [[0.0, -0.0]], [[0.0, 1.0]], None),
    ("lost tail", [[17.0, 40.0, 700.0]], [[1.0, 1.0, 1.0]], None),
    ("underflow", [[745.0, 746.0, 4000.0]], [[1.0, 1.0, 1.0]], None),
    ("missed by far", [[-89.0, 89.0, -1e30]], [[1.0, 0.0, 1.0]], None),
    ("labels near 1", [[30.0, -30.0, 5.0]], [[1 - 2.0**-30, 1 - 2.0**-53, 0.9]], None),
    ("labels near 0", [[30.0, -30.0, 5.0]], [[2.0**-30, 2.0**-1074, 0.1]], None),
    ("weights of any sign", [[1.0, 1.0, -2.0]], [[1.0, 0.0, 1.0]], [1.0, -1.0, 0.0]),
    ("weights that cancel", [[1.5, 1.5 + 2.0**-40]], [[1.0, 1.0]], [0.1, -0.1]),
    ("tiny weights", [[1.0, -1.0]], [[1.0, 0.25]], [2.0**-1060, -(2.0**-1070)]),
    ("tenths", [[0.1, -0.2, 0.3, -0.4]], [[0.0, 1.0, 1.0, 0.0]], [0.1, 0.2, 0.3, 0.4]),
]
"""Names, scores, labels and weights."""


def entries() -> list[dict[str, Any]]:
    """Every entry of the file."""
    margin = [
        {
            "id": f"margin, {name}, {reduction}",
            "input": _hexadecimal(scores),
            "target": target,
            "reduction": reduction,
            "expected": _margin(scores, target, reduction),
        }
        for name, scores, target in MARGIN
        for reduction in ("none", "sum", "mean")
    ]
    soft = [
        {
            "id": f"soft, {name}",
            "input": _hexadecimal(scores),
            "target": _hexadecimal(labels),
            "weight": None if weight is None else _hexadecimal(weight),
            "expected": _soft(scores, labels, weight),
        }
        for name, scores, labels, weight in SOFT
    ]
    return margin + soft


def text() -> str:
    """The file."""
    return "[\n" + ",\n".join(json.dumps(entry) for entry in entries()) + "\n]\n"


def observed(entry: dict[str, Any]) -> dict[str, Any]:
    """What the oracles answer to an entry, as the file would hold it."""
    scores = _floats(entry["input"])
    if entry["id"].startswith("soft"):
        weight = None if entry["weight"] is None else _floats(entry["weight"])
        answer = soft_margin_loss(scores, _floats(entry["target"]), "none", _WIDE, None, weight)
        return {"value": _ends(answer.value), "gradient": _ends(answer.gradient)}
    answer = margin_loss(scores, np.array(entry["target"]), entry["reduction"], _WIDE)
    nearest = {name: _hexadecimal(np.atleast_1d(answer.value.nearest(FORMATS[name])).tolist()) for name in FORMATS}
    return {"value": _ends(answer.value), "gradient": _ends(answer.gradient), "nearest": nearest}


def _margin(scores: list[list[float]], target: list[list[int]], reduction: str) -> dict[str, Any]:
    losses, slopes = margin_exact.exact_rows(scores, target)
    rows = len(scores) if reduction == "mean" else 1
    if reduction != "none":
        losses = [sum(losses, Fraction(0)) / rows]
    ends = [(low / rows, high / rows) for row in slopes for low, high in row]
    return {
        "value": [_around(loss, loss) for loss in losses],
        "gradient": [_around(low, high) for low, high in ends],
        "nearest": {name: [nearest(loss, name).hex() for loss in losses] for name in FORMATS},
    }


def _soft(scores: list[list[float]], labels: list[list[float]], weight: list[float] | None) -> dict[str, Any]:
    rows = [soft_margin_decimal.exact_row(x, y, weight or [1.0] * len(x)) for x, y in zip(scores, labels, strict=True)]
    return {
        "value": [_around(loss, loss) for loss, _ in rows],
        "gradient": [_around(slope, slope) for _, slopes in rows for slope in slopes],
    }


def _around(low: Fraction | Decimal, high: Fraction | Decimal) -> list[str]:
    """The float64 values below and above."""
    below, above = float(low), float(high)
    below = float(np.nextafter(below, -np.inf)) if Fraction(below) > Fraction(low) else below
    above = float(np.nextafter(above, np.inf)) if Fraction(above) < Fraction(high) else above
    return [_plain(below), _plain(above)]


def nearest(exact: Fraction, dtype: str) -> float:
    """A rational rounded to a format in integers, ties to even."""
    format = FORMATS[dtype]
    if exact == 0:
        return 0.0
    spacing = Fraction(float(format.spacing(float(exact))))
    rounded = round(exact / spacing) * spacing
    return float(np.copysign(np.inf, float(exact))) if abs(rounded) > Fraction(format.largest) else float(rounded)


def _ends(enclosure: Enclosure) -> list[list[str]]:
    lows, highs = enclosure.low.reshape(-1).tolist(), enclosure.high.reshape(-1).tolist()
    return [[_plain(low), _plain(high)] for low, high in zip(lows, highs, strict=True)]


def _plain(value: float) -> str:
    return (value + 0.0).hex()


def _hexadecimal(values: Any) -> Any:
    return float(values).hex() if np.ndim(values) == 0 else [_hexadecimal(value) for value in values]


def _floats(values: Any) -> Float64:
    def convert(part: Any) -> Any:
        return float.fromhex(part) if isinstance(part, str) else [convert(value) for value in part]

    return np.array(convert(values))


if __name__ == "__main__":
    Path(__file__).with_name("expectations.json").write_text(text(), encoding="utf-8")
