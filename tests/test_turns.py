"""Choices in turn: every choice and every pair comes as early as a few draws allow."""

from __future__ import annotations

import itertools

import pytest

from conformance.cases.random_bits import RandomBits
from conformance.cases.turns import Combination, combinations

SIZES: list[Combination] = [(), (4,), (3, 3), (2, 3, 6), (4, 3, 2, 5), (1, 1, 2)]


def pairs(order: tuple[Combination, ...]) -> set[tuple[tuple[int, int], ...]]:
    """The pairs of choices of some combinations."""
    return {pair for each in order for pair in itertools.combinations(enumerate(each), 2)}


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_every_combination_comes_once(sizes: Combination) -> None:
    """And the order is the same whenever it is asked for."""
    order = combinations(sizes)

    assert sorted(order) == list(itertools.product(*map(range, sizes)))
    combinations.cache_clear()
    assert combinations(sizes) == order


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_every_choice_and_every_pair_comes_early(sizes: Combination) -> None:
    """Choices within as many draws as the largest has; pairs within half as many again as the largest pair has."""
    order = combinations(sizes)
    most = max(sizes, default=0)
    two = max((first * second for first, second in itertools.combinations(sizes, 2)), default=0)

    for place, size in enumerate(sizes):
        assert {each[place] for each in order[:most]} == set(range(size))
    assert pairs(order[: two * 3 // 2]) == pairs(order)


def test_a_second_round_begins_when_every_pair_has_come() -> None:
    """No choice waits until the combinations of all others are through."""
    order = combinations((3, 3, 2))

    assert {each[0] for each in order[9:12]} == {0, 1, 2}


def test_a_choice_of_nothing_is_refused() -> None:
    """There is no combination then."""
    with pytest.raises(ValueError, match="one of them is of nothing"):
        combinations((2, 0))


def test_streams_that_follow_each_other_take_turns() -> None:
    """Whatever their name and seed; and again from the first when all have had theirs."""
    for name, seed in (("a", 0), ("b", 7)):
        streams = itertools.islice(RandomBits.streams(name, seed), 12)
        got = [stream.in_turn("xy", (1, 2, 3)) for stream in streams]
        assert got[:6] == got[6:]
        assert set(got) == set(itertools.product("xy", (1, 2, 3)))
    assert RandomBits(3).in_turn("xy") == ("x",)
