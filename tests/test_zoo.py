"""Wrong implementations are caught, right ones are not: a part of the zoo; ``python -m tests.zoo`` asks all of it."""

from __future__ import annotations

import importlib
import sys
from collections import Counter

import pytest

from tests.zoo.entry import Fault
from tests.zoo.inhabitants import FRAMEWORKS, Inhabitant, inhabitants
from tests.zoo.kills import Question, ask
from tests.zoo.plain import agreement

pytestmark = pytest.mark.usefixtures("few_rows")

EVERY = 12
"""One in so many faults is asked here."""

EVERYONE = [who for framework in FRAMEWORKS for who in inhabitants(framework)]
WRONG = [who for who in EVERYONE if isinstance(who.entry, Fault)]
NUMPY = Question(sys.executable)


def of_numpy(*, right: bool) -> list[Inhabitant]:
    """Those that need no framework."""
    return [who for who in EVERYONE if who.framework == "numpy" and who.right is right]


@pytest.mark.parametrize("who", of_numpy(right=False)[1::EVERY], ids=str)
def test_a_wrong_implementation_is_caught(who: Inhabitant) -> None:
    """By a documented or implied clause, or by a quality clause where no more can be demanded."""
    assert ask(who, NUMPY).verdict == "caught"


@pytest.mark.parametrize("who", of_numpy(right=True)[::5], ids=str)
def test_a_right_implementation_breaks_nothing_of_its_level(who: Inhabitant) -> None:
    """However it goes about it, whatever it chooses where the pages leave the choice."""
    assert ask(who, NUMPY).verdict == "conforms"


@pytest.mark.parametrize("who", of_numpy(right=False)[::4], ids=str)
def test_a_wrong_implementation_agrees_with_plain_cases_or_says_why_not(who: Inhabitant) -> None:
    """Half of a hundred plain cases, value and gradient; a fault that shows at once is an easy one."""
    assert isinstance(who.entry, Fault)
    share = agreement(who.target, who.operator, who.framework, sys.executable, 100)

    assert who.entry.plain if share < 0.5 else share >= 0.5


def test_the_zoo_is_large_enough_and_says_where_its_faults_are() -> None:
    """Sixty faults of the margin loss and thirty of the soft margin, ten in JAX; a fault of a corner names it."""
    margin = [who for who in WRONG if "soft" not in who.operator]

    assert len(margin) >= 60
    assert len(WRONG) - len(margin) >= 30
    assert Counter(who.framework for who in WRONG) >= Counter(torch=30, jax=10, tensorflow=9, mindspore=9)
    assert sum(isinstance(who.entry, Fault) and bool(who.entry.corner) for who in WRONG) >= 20
    assert min(Counter(who.operator for who in EVERYONE if who.right).values()) >= 12


def test_every_entry_is_found_by_its_name_and_says_what_it_is() -> None:
    """No function of a file stands in the way of an entry, and every entry has its sentence."""
    for who in EVERYONE:
        assert who.name not in vars(importlib.import_module(f"tests.zoo.{who.stem}")) or who.name == who.operator, who
        assert who.entry.words.endswith("."), who
