"""Random numbers are the same for ever, whatever of NumPy is installed."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

import numpy as np
import pytest

from conformance.cases.drawing import Domain
from conformance.cases.operator import Operator
from conformance.cases.random_bits import SCHEME, RandomBits
from conformance.operators.catalogue import clauses
from conformance.operators.multilabel_margin_loss import OPERATOR as MARGIN
from conformance.operators.multilabel_soft_margin_loss import OPERATOR as SOFT
from tests.laws import plain_dtypes

NUMBERS: dict[str, Any] = {
    "integers": [445, 428, 417, 273, 821, 44],
    "fractions": ["0x1.7cd23e422afe0p-4", "0x1.bff5b680a6c25p-1", "0x1.528d6270d6b76p-1", "0x1.a5de359629718p-3"],
    "permutation": [5, 4, 3, 6, 0, 2, 7, 1],
    "choice": [0.5, -2.0, -2.0, -2.0, 0.5],
    "integer": 8,
    "one of": "e",
}
"""What a stream gives, one thing after the other."""

STREAMS = [2911979892, 3252316357, 4272079716, 3285642617]
"""The first number of each stream of a name and a seed."""

CASES = {"multilabel_margin_loss": "228a058c284e825b", "multilabel_soft_margin_loss": "b68efa0a1cb4f8b5"}
"""Digests of drawn cases."""


def told(bits: RandomBits) -> dict[str, Any]:
    """What a stream gives."""
    return {
        "integers": bits.integers(-5, 1000, (6,)).tolist(),
        "fractions": [value.hex() for value in bits.fractions((4,)).tolist()],
        "permutation": bits.permutation(8).tolist(),
        "choice": bits.choice((0.5, -2.0, 3.0), (5,)).tolist(),
        "integer": bits.integer(0, 10),
        "one of": bits.one_of("abcdef"),
    }


def test_the_numbers_are_those_of_the_scheme() -> None:
    """Another number here is another scheme: every case changes, and the scheme's own number with it."""
    streams = itertools.islice(RandomBits.streams("margin.value.documented-formula", 7), 4)

    assert SCHEME == 6
    assert told(RandomBits(1, 2)) == NUMBERS
    assert [stream.integer(0, 1 << 32) for stream in streams] == STREAMS


def digest_of_cases(operator: Operator) -> str:
    """A digest of cases with scores of every size, weights, options and a cotangent, in every format."""
    sha = hashlib.sha256()
    for dtype in ("float16", "bfloat16", "float32", "float64"):
        for clause in clauses(f"{operator.word}.*.documented-formula") + clauses(f"{operator.word}.gradients.of-rows"):
            for case in clause.draw.cases(Domain(operator, dtype, plain_dtypes(operator)), 20, clause.id, 0):
                sha.update(case.digest().encode())
    return sha.hexdigest()[:16]


@pytest.mark.parametrize("operator", [MARGIN, SOFT], ids=str)
def test_the_cases_are_those_of_the_scheme(operator: Operator) -> None:
    """What is made of the numbers is part of the scheme: tables of scores, labels, cotangents."""
    assert digest_of_cases(operator) == CASES[operator.name]


def test_no_generator_of_numpy_has_a_part_in_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """NumPy promises nothing of what a Generator makes of its bits."""

    def refused(*words: object, **more: object) -> None:
        raise AssertionError(f"asked for a Generator: {words} {more}")

    for name in ("default_rng", "Generator", "RandomState", "random", "normal", "randint"):
        monkeypatch.setattr(np.random, name, refused)

    assert told(RandomBits(1, 2)) == NUMBERS
    assert digest_of_cases(MARGIN) == CASES[MARGIN.name]


def test_integers_are_in_their_range_and_each_is_reached() -> None:
    """None is likelier than another."""
    drawn = RandomBits(3).integers(-2, 5, (7000,))

    assert drawn.dtype == np.int64
    counts = np.bincount(drawn + 2, minlength=7)
    assert len(counts) == 7
    assert (abs(counts - 1000) < 150).all()
    assert RandomBits(3).integers(1 << 40, (1 << 40) + (1 << 32), (100,)).min() >= 1 << 40


@pytest.mark.parametrize(("low", "high"), [(0, 0), (3, 2), (0, (1 << 32) + 1)])
def test_a_range_without_integers_or_with_too_many_is_refused(low: int, high: int) -> None:
    """In words that name it."""
    with pytest.raises(ValueError, match=f"integers from {low} to below {high}"):
        RandomBits(0).integer(low, high)


def test_fractions_are_multiples_below_one() -> None:
    """Of 2^-53, spread evenly."""
    drawn = RandomBits(4).fractions((4000,))

    assert ((drawn >= 0) & (drawn < 1)).all()
    assert np.array_equal(drawn * 2.0**53, np.rint(drawn * 2.0**53))
    assert abs(drawn.mean() - 0.5) < 0.02


def test_a_permutation_holds_every_integer_once() -> None:
    """In any of the orders."""
    bits = RandomBits(5)
    orders = {tuple(bits.permutation(3).tolist()) for _ in range(200)}

    assert orders == set(itertools.permutations(range(3)))
    assert bits.permutation(0).tolist() == []


def test_streams_differ_by_name_seed_and_place() -> None:
    """And are the same for the same."""

    def first(name: str, seed: int, count: int = 3) -> list[int]:
        return [bits.integer(0, 1 << 32) for bits in itertools.islice(RandomBits.streams(name, seed), count)]

    assert first("a", 0) == first("a", 0)
    assert len({*first("a", 0), *first("a", 1), *first("b", 0)}) == 9
    assert first("a", 0, 2) == first("a", 0)[:2]
