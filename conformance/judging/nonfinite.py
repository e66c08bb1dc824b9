"""Infinities and NaN among the scores: how cases get them, and what a result made of them."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.judging.compare import Deviation, assert_shape, numbers
from conformance.judging.subject import Subject
from reference.nonfinite import Class, class_of

INFINITIES = (np.inf, -np.inf)
SPECIAL = (*INFINITIES, np.nan)


def what_came_of(subject: Subject, case: Case, stated: list[Class]) -> str:
    """In words: the classes that IEEE 754 and the formula give, and what came instead."""
    got = subject.evaluate(case).value
    assert_shape(got, case.result_shape)
    losses = got.values.reshape(-1).tolist()
    seen = {(expected.name, class_of(value)) for expected, value in zip(stated, losses, strict=True)}
    wrong = {pair for pair in seen if pair[0] not in ("either", pair[1])}
    other = sorted(f"{name} where {expected} is expected" for expected, name in wrong)
    return "; ".join(other) or "as IEEE 754 and the formula say"


def assert_limits(subject: Subject, case: Case, stated: list[Class]) -> None:
    """Raise unless each row's loss is of its class; NaN, where it is stated, is left open."""
    got = subject.evaluate(case).value

    assert_shape(got, case.result_shape)
    for value, expected in zip(got.values.reshape(-1).tolist(), stated, strict=True):
        if expected.name != "nan" and not expected.admits(value):
            raise Deviation(f"a result that is {expected.name}", numbers(got.values), class_of(value))
