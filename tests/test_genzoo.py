"""Mutants from the formulas are caught, right variants are not accused: a sample of ``python -m tests.genzoo``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from conformance.operators.catalogue import OPERATORS
from tests.genzoo.asking import Asked, ask
from tests.genzoo.functions import formula_of, named
from tests.genzoo.mutants import mutants, of_framework
from tests.genzoo.variants import variants

EVERY = 97
"""One mutant in so many is asked here."""

VARIED = "hinge_embedding_loss"
"""The loss of which one right variant in five is asked."""


def sample(operator: str) -> Iterator[Asked]:
    """Mutants of a loss in NumPy."""
    for mutation in of_framework(formula_of(operator), "numpy")[EVERY // 2 :: EVERY]:
        yield Asked("numpy", operator, mutation.name, mutation.kind, mutation.words)


@pytest.mark.parametrize("operator", OPERATORS)
def test_mutants_of_a_formula_are_killed_or_equal_it(operator: str) -> None:
    """A clause catches each, or it has the formula's bits on thousands of calls."""
    found = ask(tuple(sample(operator)), "", whole=False)

    assert [entry for entry in found if entry.verdict not in ("killed", "equivalent", "unreached")] == []
    assert sum(entry.verdict == "killed" for entry in found) > len(found) / 2


def test_right_variants_are_not_accused() -> None:
    """However the terms are added, divided and rounded."""
    rights = tuple(Asked("numpy", VARIED, each.name, "right", each.words) for each in variants(formula_of(VARIED))[::5])

    assert [entry for entry in ask(rights, "", whole=True) if entry.verdict != "conforms"] == []


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_loss_has_mutants_of_every_sort_without_a_line_of_its_own(operator: str) -> None:
    """From the graph alone: names are different identifiers, and loss and backward pass are wrong apart."""
    formula = formula_of(operator)
    parts = Counter(mutation.part for mutation in mutants(formula))
    kinds = {mutation.kind for mutation in mutants(formula)}

    assert min(parts.values()) >= 100
    assert all(name.isidentifier() for name in named(operator))
    assert len(named(operator)) == len(mutants(formula)) + len(variants(formula))
    assert {
        "a sign turned",
        "another reduction",
        "detached",
        "the cotangent",
        "a stale result",
        "a row too few",
    } <= kinds
