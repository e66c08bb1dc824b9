"""Scores by their bits: all of a format, none twice, and the same expectation as of any other case."""

from __future__ import annotations

import numpy as np
import pytest

from reference.bit_patterns import finite_ranges, scores, soft_margin_blocks
from reference.formats import FORMATS, Arithmetic
from reference.soft_margin import soft_margin_loss

NARROW = ("float16", "bfloat16", "float32")
PLACES = (0, 0x00800000 - 5000, 0x3F800000, 0x42B00000, 0x7F800000 - 9000, 0x80000000, 0xFF800000 - 9000)


@pytest.mark.parametrize("dtype", NARROW)
def test_the_ranges_hold_every_finite_value_once(dtype: str) -> None:
    """From +0 to the largest, from -0 to its negative; the next pattern after each is an infinity."""
    format = FORMATS[dtype]
    for sign, patterns in zip((1, -1), finite_ranges(format), strict=True):
        first, last = (scores(range(at, at + 1), format)[0] for at in (patterns.start, patterns.stop - 1))
        assert (first, np.signbit(first), last) == (0, sign < 0, sign * format.largest)
        assert scores(range(patterns.stop, patterns.stop + 1), format)[0] == sign * np.inf
        part = scores(patterns[: 1 << 16], format)
        assert (np.diff(sign * part) > 0).all()
        assert np.array_equal(format.round(part), part)


@pytest.mark.parametrize("label", [0.0, 1.0])
@pytest.mark.parametrize("printed", [False, True])
@pytest.mark.parametrize("first", PLACES)
def test_blocks_expect_what_the_oracle_expects(first: int, label: float, printed: bool) -> None:
    """Value and gradient of every block, bit for bit."""
    single = Arithmetic(FORMATS["float32"])
    patterns = range(first, first + 9000)
    whole = scores(patterns, single.format)[:, np.newaxis]
    expected = soft_margin_loss(whole, np.full(whole.shape, label), "none", single, printed=printed)
    seen = 0
    for part, answer in soft_margin_blocks(patterns, label, single, printed=printed):
        seen += part.stop - part.start
        for got, wanted in ((answer.value, expected.value), (answer.gradient, expected.gradient.reshape((9000,)))):
            for name in ("low", "high", "bound", "reach", "depth", "middle"):
                assert np.array_equal(getattr(got, name), getattr(wanted, name)[part]), name
    assert seen == len(patterns)
