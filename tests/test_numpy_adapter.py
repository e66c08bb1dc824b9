"""The layouts of the NumPy adapter: the same values in every place in memory that the contract names."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from adapters.arrays import to_plain
from tests.calls import NUMPY, call

WORKER: Any = importlib.import_module("adapters.worker")
LAYOUTS = ("contiguous", "strided", "reversed", "transposed", "broadcast", "read-only", "misaligned")


@pytest.fixture(scope="module")
def adapter() -> Any:
    """The NumPy adapter, loaded as a worker loads it."""
    return WORKER.load_adapter(str(NUMPY))


def test_numpy_offers_every_layout(adapter: Any) -> None:
    """Each that the contract names."""
    assert tuple(adapter.describe()["layouts"]) == LAYOUTS


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 3), (2, 0)])
def test_a_layout_keeps_the_values(adapter: Any, layout: str, shape: tuple[int, ...]) -> None:
    """In every shape, empty ones and scalars too."""
    sent = np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape) - 1

    laid = adapter._array(to_plain(sent), layout)

    assert laid.dtype == sent.dtype
    assert np.array_equal(laid, sent)
    assert laid.shape == sent.shape


def test_a_layout_is_what_its_name_says(adapter: Any) -> None:
    """By NumPy's own flags and strides."""
    sent = np.arange(6, dtype=np.float32).reshape(2, 3)
    laid = {layout: adapter._array(to_plain(sent), layout) for layout in LAYOUTS}

    assert {name: array.strides for name, array in laid.items()} == {
        "contiguous": (12, 4),
        "strided": (24, 8),
        "reversed": (-12, -4),
        "transposed": (4, 8),
        "broadcast": (12, 4),
        "read-only": (12, 4),
        "misaligned": (12, 4),
    }
    assert [name for name, array in laid.items() if not array.flags.writeable] == ["read-only"]
    assert [name for name, array in laid.items() if not array.flags.aligned] == ["misaligned"]


def test_rows_that_are_all_the_same_are_stored_once(adapter: Any) -> None:
    """Layout ``broadcast``, which keeps other values as they are, and a zero's sign is one."""
    same, other = np.array([[1.0, -0.0], [1.0, -0.0]]), np.array([[1.0, -0.0], [1.0, 0.0]])

    stored, kept = (adapter._array(to_plain(array), "broadcast") for array in (same, other))

    assert stored.strides == (0, 8)
    assert np.array_equal(np.signbit(stored), np.signbit(same))
    assert np.array_equal(np.signbit(kept), np.signbit(other))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_answer_does_not_depend_on_the_layout(adapter: Any, layout: str) -> None:
    """Bit for bit, in NumPy."""
    asked = call("value", layout=layout)

    assert adapter.evaluate(asked)["value"].tolist() == adapter.evaluate(call("value"))["value"].tolist()
