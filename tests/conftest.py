"""What several files of tests stand on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance.families import large_shapes
from conformance.running import plan


@pytest.fixture(scope="module")
def few_rows() -> Iterator[None]:
    """70 rows in place of more than a grid has: a loop over rows in Python would take most of a test's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(large_shapes, "ROWS", 70)
        plan.drawn.cache_clear()
        yield
    plan.drawn.cache_clear()
