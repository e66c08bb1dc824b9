"""A large batch is taken in blocks, and expects of each row what the row alone expects."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from reference.enclosure import Enclosure
from reference.formats import FORMATS, Arithmetic
from reference.margin import margin_loss
from reference.soft_margin import soft_margin_loss
from tests.zoo import families


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
@pytest.mark.parametrize("operator", ["margin", "soft"])
def test_blocks_change_no_bit(operator: str, dtype: str) -> None:
    """Value and gradient of 20,000 rows, in all their parts, against the same rows in batches of 999."""
    generator, format = np.random.default_rng(0), FORMATS[dtype]
    scores = np.concatenate([families.scores(name, generator, format, (4000, 3)) for name in [*families.FAMILIES][:5]])
    target, cotangent = families.targets(generator, scores.shape), generator.integers(-4, 5, len(scores)) / 4
    labels = families.labels(generator, scores.shape, format, soft=True)

    def answer(part: slice) -> list[Enclosure]:
        if operator == "margin":
            found = margin_loss(scores[part], target[part], "none", Arithmetic(format), cotangent[part])
        else:
            found = soft_margin_loss(scores[part], labels[part], "none", Arithmetic(format), cotangent[part])
        return [found.value, found.gradient]

    parts = [answer(slice(start, start + 999)) for start in range(0, len(scores), 999)]
    for whole, pieces in zip(answer(slice(None)), zip(*parts, strict=True), strict=True):
        for field in fields(Enclosure):
            together = np.concatenate([getattr(piece, field.name) for piece in pieces])
            assert np.array_equal(getattr(whole, field.name), together), field.name
