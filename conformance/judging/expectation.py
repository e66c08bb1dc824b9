"""What the oracle expects of a case, computed once for each arithmetic that asks."""

from __future__ import annotations

import functools

import numpy as np

from conformance.cases.case import MARGIN, Case
from reference.enclosure import Answer
from reference.formats import Arithmetic
from reference.margin import margin_loss
from reference.soft_margin import soft_margin_loss

_SMALL, _LARGE = 256, 20_000
"""Elements of a case of which very many expectations are kept, and of one kept only while it is in use."""


def expectation(case: Case, arithmetic: Arithmetic, *, printed: bool = False) -> Answer:
    """Value and gradient of a case, computed once for each arithmetic that asks."""
    size = case.input.size
    remembered = _of_small if size < _SMALL else _of_medium if size < _LARGE else _of_large
    return remembered(case, arithmetic, printed=printed)


def compute(case: Case, arithmetic: Arithmetic, *, printed: bool) -> Answer:
    """Value and gradient of a case, computed anew."""
    reduction = case.reduction or "mean"
    if case.operator == MARGIN:
        return margin_loss(case.input, case.target.astype(np.int64), reduction, arithmetic, case.cotangent)
    labels = case.target.astype(np.float64)
    return soft_margin_loss(case.input, labels, reduction, arithmetic, case.cotangent, case.weight, printed=printed)


_of_small = functools.lru_cache(maxsize=100_000)(compute)
_of_medium = functools.lru_cache(maxsize=1_000)(compute)
_of_large = functools.lru_cache(maxsize=12)(compute)
