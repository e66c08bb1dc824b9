"""A call of the margin loss as the suite sends it, and what a worker of its own answers."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from adapters.arrays import PlainArgument, to_plain
from adapters.contract import Call, Reply
from adapters.gateway import Worker
from conformance.operators.multilabel_margin_loss import OPERATOR as MARGIN
from conformance.running.discover import ADAPTERS

NUMPY = ADAPTERS / "numpy_adapter.py"
STAND_IN = Path(__file__).with_name("stand_in_adapter.py")


def call(*want: str, layout: str = "contiguous", operator: str = MARGIN.name, **arrays: PlainArgument) -> Call:
    """A batch of two rows of three classes, for what is wanted of it; other arguments may be given by name."""
    given: dict[str, PlainArgument] = {
        "input": to_plain(np.array([[0.0, 1.0, 0.5], [2.0, 0.0, 0.25]], np.float32)),
        "target": to_plain(np.array([[1, -1, 0], [2, 0, -1]])),
        **arrays,
    }
    return {
        "operator": operator,
        "form": "port",
        "mode": "eager",
        "device": "cpu",
        "dtype": "float32",
        "arguments": [{"name": name, "place": "positional", "array": array} for name, array in given.items()],
        "vectors": {},
        "options": {"reduction": "none"},
        "layout": layout,
        "want": list(want),
    }


def answer(asked: Call, adapter: Path = NUMPY) -> Reply:
    """What a worker of its own answers."""
    with Worker(adapter, sys.executable) as worker:
        return worker.evaluate(asked, 60.0)
