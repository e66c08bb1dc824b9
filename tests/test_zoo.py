"""Wrong implementations are caught, right ones are not: a part of the zoo; ``python -m tests.zoo`` asks all of it."""

from __future__ import annotations

import importlib
import itertools

import pytest

from tests.zoo.__main__ import FILES, asked, caught, faults

EVERY = 4
"""One in so many faults is asked here."""

SAMPLE = [
    (file, name, level) for file in FILES for name, level in itertools.islice(faults(file).items(), 1, None, EVERY)
]
RIGHT = {"numpy_margin.py": "multilabel_margin_loss", "numpy_soft.py": "multilabel_soft_margin_loss"}


@pytest.mark.parametrize(("file", "name", "level"), SAMPLE, ids=[name for _, name, _ in SAMPLE])
def test_a_wrong_implementation_is_caught(file: str, name: str, level: str) -> None:
    """By a documented or implied clause, or by a quality clause where no more can be demanded."""
    assert caught(asked(file, name), level)


@pytest.mark.parametrize("file", FILES)
def test_the_right_implementation_breaks_nothing(file: str) -> None:
    """The same code without a fault conforms at every level."""
    kill = asked(file, RIGHT[file])

    assert kill.clauses == {}
    assert kill.lost == ()


def test_the_zoo_is_large_enough_and_says_where_its_faults_are() -> None:
    """Sixty faults of the margin loss and thirty of the soft margin; a fault of a corner names it."""
    margin, soft = (importlib.import_module(f"tests.zoo.{file.removesuffix('.py')}").FAULTS for file in FILES)

    assert len(margin) >= 60
    assert len(soft) >= 30
    assert sum(bool(fault.corner) for fault in [*margin.values(), *soft.values()]) >= 20
