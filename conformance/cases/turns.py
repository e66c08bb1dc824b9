"""Choices that are taken in turn, so that what is asked of each pair of them is no luck."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Hashable, Sequence

Combination = tuple[int, ...]
_Held = tuple[tuple[int, Hashable], ...]


@functools.cache
def combinations(sizes: Combination) -> tuple[Combination, ...]:
    """Every way to choose one of several things, several times, ordered so that pairs come early.

    Args:
        sizes: How many things there are to choose from, each time.

    Raises:
        ValueError: Some choice is of nothing.
    """
    if not all(sizes):
        raise ValueError(f"choices of {sizes} things: one of them is of nothing")
    every = list(itertools.product(*map(range, sizes)))
    return tuple(every[place] for place in pairs_first(every))


def pairs_first(of: Sequence[tuple[Hashable, ...]]) -> list[int]:
    """The places of some combinations in an order in which choices and pairs of choices come early.

    Each is the one with most choices and pairs that none before it has, of equals the first. When every
    pair has come, it begins anew with what is left.
    """
    left = dict.fromkeys(range(len(of)))
    held = [_held(each) for each in of]
    order: list[int] = []
    while left:
        new: set[_Held] = {each for place in left for each in held[place]}
        best: int | None = None
        while best is None or new:
            best = max(left, key=lambda place: len(held[place] & new))
            new -= held[best]
            del left[best]
            order.append(best)
    return order


def _held(combination: tuple[Hashable, ...]) -> set[_Held]:
    """The choices of a combination, and the pairs of them."""
    choices = list(enumerate(combination))
    return {(each,) for each in choices} | set(itertools.combinations(choices, 2))
