"""Why a mutant that equals the formula does: what its step changes, and who reads it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from reference.engine.formula import Formula
from reference.engine.steps import Array
from tests.genzoo.evaluation import Altered
from tests.genzoo.functions import Loss
from tests.genzoo.mutation import Mutation

UNREAD = "no step of the backward pass reads this value"
UNCHANGED = "the step leaves every value of a valid call as it is"
HIDDEN = "what the step changes, a later step leaves out or undoes"


def reason(formula: Formula, mutation: Mutation, calls: Iterable[tuple[list[Any], dict[str, Any], Any]]) -> str:
    """In words, from what is seen in some calls.

    Args:
        formula: Of the loss.
        mutation: That has the formula's bits.
        calls: Positional and keyword arguments, and the cotangent.
    """
    some = list(calls)
    if mutation.part == "gradient" and mutation.site and mutation.edge is None and _unread(formula, mutation, some):
        return UNREAD
    if mutation.after is not None and _unchanged(formula, mutation, some):
        return UNCHANGED
    return HIDDEN


def _unread(formula: Formula, mutation: Mutation, calls: list[tuple[list[Any], dict[str, Any], Any]]) -> bool:
    """Whether the gradients are the same if the value is NaN, or the opposite truth."""
    spoilt = Loss(formula, replace(mutation, rewrite=None, inputs=None, after=_spoilt), np)
    right = Loss(formula, None, np)
    return all(
        np.array_equal(
            spoilt.gradient(*positional, cotangent, **keywords), right.gradient(*positional, cotangent, **keywords)
        )
        for positional, keywords, cotangent in calls
    )


def _spoilt(plain: Altered, node: Any, value: Array) -> Array:
    made = np.asarray(value)
    return ~made if made.dtype.kind == "b" else made + 1 if made.dtype.kind == "i" else made * np.nan


def _unchanged(formula: Formula, mutation: Mutation, calls: list[tuple[list[Any], dict[str, Any], Any]]) -> bool:
    """Whether the changed value has the bits of the right one wherever it is computed."""
    same: list[bool] = []
    change = mutation.after
    assert change is not None

    def watched(plain: Altered, node: Any, value: Array) -> Array:
        changed = change(plain, node, value)
        same.append(np.array_equal(np.asarray(changed), np.asarray(value), equal_nan=True))
        return changed

    loss = Loss(formula, replace(mutation, after=watched, part="both"), np)
    for positional, keywords, _ in calls:
        loss.value(*positional, **keywords)
    return all(same)
