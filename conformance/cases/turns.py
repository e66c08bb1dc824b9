"""Choices that are taken in turn, so that what is asked of each pair of them is no luck."""

from __future__ import annotations

import functools
import itertools

Combination = tuple[int, ...]


@functools.cache
def combinations(sizes: Combination) -> tuple[Combination, ...]:
    """Every way to choose one of several things, several times, ordered so that pairs come early.

    Each combination is the one with most choices and pairs of choices that none before it has; among
    equals it is the first in the usual order. When every pair has come it begins anew with what is left.

    Args:
        sizes: How many things there are to choose from, each time.

    Raises:
        ValueError: Some choice is of nothing.
    """
    if not all(sizes):
        raise ValueError(f"choices of {sizes} things: one of them is of nothing")
    left = dict.fromkeys(itertools.product(*map(range, sizes))) if sizes else {}
    order: list[Combination] = []
    while left:
        new = {held for each in left for held in _held(each)}
        while new:
            best = max(left, key=lambda each: sum(held in new for held in _held(each)))
            new.difference_update(_held(best))
            del left[best]
            order.append(best)
    return tuple(order) or ((),)


def _held(combination: Combination) -> list[tuple[tuple[int, int], ...]]:
    """The choices of a combination, and the pairs of them."""
    choices = list(enumerate(combination))
    return [(each,) for each in choices] + list(itertools.combinations(choices, 2))
