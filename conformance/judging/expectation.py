"""What the oracle expects of a case, computed once for each arithmetic that asks."""

from __future__ import annotations

import functools

from conformance.cases.case import Case
from conformance.judging.formulas import expected_of
from reference.enclosure import Answer, Enclosure
from reference.formats import Arithmetic

_SMALL, _LARGE = 256, 20_000
"""Elements of a case of which very many expectations are kept, and of one kept only while it is in use."""


def expectation(case: Case, arithmetic: Arithmetic, *, as_documented: bool = False) -> Answer:
    """Value and gradient of a case, computed once for each arithmetic that asks."""
    size = case.first.size
    remembered = _of_small if size < _SMALL else _of_medium if size < _LARGE else _of_large
    return remembered(case, arithmetic, as_documented=as_documented)


def expected_loss(case: Case, arithmetic: Arithmetic, *, as_documented: bool = False) -> Enclosure:
    """The value alone, for which no derivative is taken; by an oracle by hand if there is one."""
    if case.operator.oracle is not None or case.first.size >= _SMALL:
        return expectation(case, arithmetic, as_documented=as_documented).value
    return _loss_of_small(case, arithmetic, as_documented=as_documented)


def compute(case: Case, arithmetic: Arithmetic, *, as_documented: bool, gradients: bool = True) -> Answer:
    """Value and gradient of a case, computed anew; an oracle by hand gives both, whatever is wanted."""
    operator = case.operator
    if operator.oracle is not None:
        return operator.oracle(case, arithmetic, as_documented)
    if operator.formula is None:
        raise TypeError(f"{operator} has neither a formula nor an oracle")
    return expected_of(operator.formula, case, arithmetic, as_documented=as_documented, gradients=gradients)


_of_small = functools.lru_cache(maxsize=100_000)(compute)
_of_medium = functools.lru_cache(maxsize=1_000)(compute)
_of_large = functools.lru_cache(maxsize=12)(compute)


@functools.lru_cache(maxsize=100_000)
def _loss_of_small(case: Case, arithmetic: Arithmetic, *, as_documented: bool) -> Enclosure:
    return compute(case, arithmetic, as_documented=as_documented, gradients=False).value
