"""What several files of tests stand on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance.families import large_shapes, sizes
from conformance.running import plan


@pytest.fixture(scope="module")
def few_rows() -> Iterator[None]:
    """70 rows in place of more than a grid has, and few sizes: loops over rows in Python take most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(large_shapes, "ROWS", 70)
        patch.setattr(sizes, "SIZES", (8, 9, 33))
        plan.forget_cases()
        yield
    plan.forget_cases()
