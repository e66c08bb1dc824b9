"""What the clauses on the surface of both operators share: arguments left alone, legacy flags."""

from __future__ import annotations

import itertools
from typing import cast

import numpy as np

from adapters.contract import PlainArray
from conformance.cases.case import Case
from conformance.cases.strategies import Domain, Drawn
from conformance.judging.compare import assert_same_bits, assert_shape, assert_within
from conformance.judging.subject import Array, Subject


def assert_not_written(subject: Subject, case: Case) -> None:
    """Raise if an argument holds other values after the call than before."""
    after = subject.evaluate(case, "gradient", "after").after

    for name, plain in case.arrays(gradient=True).items():
        if name in after:
            assert_same_bits(Array.of(after[name]), Array.of(cast(PlainArray, plain)), f"{name} as given")


_FLAGS = [pair for pair in itertools.product((None, True, False), repeat=2) if pair != (None, None)]
_FEW_FLAGS = [(None, False), (False, None), (True, True)]
_REDUCTIONS = (None, "none", "sum", "mean")


def flag_cases(draw: Drawn) -> Drawn:
    """Cases with the legacy flags, at least one of them given, and a reduction that they override.

    A variant that pays for each program gets three combinations, one for each meaning.
    """

    def change(case: Case, generator: np.random.Generator, domain: Domain) -> Case:
        flags, reductions = (_FEW_FLAGS, (None,)) if domain.shapes else (_FLAGS, _REDUCTIONS)
        pair = flags[generator.integers(len(flags))]
        options = dict(zip(("size_average", "reduce"), pair, strict=True))
        return case.replace(options=options, reduction=reductions[generator.integers(len(reductions))])

    return draw.then(change)


def meant_by_flags(case: Case) -> Case:
    """The case with the reduction that its legacy flags stand for."""
    size_average, reduce = case.options["size_average"], case.options["reduce"]
    meant = "none" if reduce is False else "sum" if size_average is False else "mean"
    return case.replace(options={}, reduction=meant)


def assert_flags(subject: Subject, case: Case) -> None:
    """Raise unless the flags choose the reduction that the page says."""
    meant = meant_by_flags(case)

    got = subject.evaluate(case)

    assert_shape(got.value, meant.result_shape)
    assert_within(subject, meant, got.value, subject.expected(meant).value)
