"""Who lives in the zoo: every implementation of its files, right and wrong."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, replace
from pathlib import Path

from conformance.operators.multilabel_margin_loss import OPERATOR as MARGIN
from conformance.operators.multilabel_soft_margin_loss import OPERATOR as SOFT
from tests.zoo.entry import Fault, Right

ZOO = Path(__file__).resolve().parent
FRAMEWORKS = ("mindspore", "jax", "tensorflow", "torch", "numpy")
"""The slowest to ask first."""

APART = ("mindspore",)
"""Those that need an environment of their own: asked where they are named."""


OPERATORS = {operator.word: operator.name for operator in (MARGIN, SOFT)}


def first_mode(framework: str) -> str:
    """The mode that is asked first of a framework."""
    return "pynative" if framework == "mindspore" else "eager"


@dataclass(frozen=True)
class Inhabitant:
    """One implementation: a function of a file.

    Attributes:
        stem: The file's name without its ending; its words are framework and operator.
        name: The function.
        entry: What is wrong with it, or how it is right; without the implementation.
    """

    stem: str
    name: str
    entry: Fault | Right

    @property
    def framework(self) -> str:
        """Whose tensors it takes."""
        return self.stem.split("_")[0]

    @property
    def operator(self) -> str:
        """What it implements, or fails to."""
        return OPERATORS[self.stem.split("_")[1]]

    @property
    def target(self) -> str:
        """As ``lossproof check`` is told."""
        return f"{ZOO / self.stem}.py:{self.name}"

    @property
    def mode(self) -> str:
        """The mode that is asked."""
        return self.entry.mode or first_mode(self.framework)

    @property
    def right(self) -> bool:
        """Whether nothing is wrong with it."""
        return isinstance(self.entry, Right)

    def __str__(self) -> str:
        return f"{self.stem}.{self.name}"


def inhabitants(framework: str) -> list[Inhabitant]:
    """Everyone of a framework: the wrong ones of each operator that has a file, and the right ones."""
    found: list[Inhabitant] = []
    for word, operator in OPERATORS.items():
        if not (ZOO / f"{framework}_{word}.py").exists():
            continue
        wrong = importlib.import_module(f"tests.zoo.{framework}_{word}")
        right = importlib.import_module(f"tests.zoo.{framework}_{word}_right")
        level = getattr(wrong, "LEVEL", "quality")
        plain = Right(None, "The file's own right implementation, of which each wrong one changes a step.", level)
        found += [Inhabitant(f"{framework}_{word}", name, _told(entry)) for name, entry in wrong.FAULTS.items()]
        found.append(Inhabitant(f"{framework}_{word}", operator, plain))
        found += [Inhabitant(f"{framework}_{word}_right", name, _told(entry)) for name, entry in right.RIGHTS.items()]
    return found


def _told(entry: Fault | Right) -> Fault | Right:
    """What is said of an implementation, without it: another process loads it from its file."""
    return replace(entry, loss=None)


def sample(everyone: list[Inhabitant], every: int) -> list[Inhabitant]:
    """One in so many of the wrong ones and of the right ones of each framework."""
    wrong, right = ([each for each in everyone if each.right is kind] for kind in (False, True))
    return wrong[every // 2 :: every] + right[every // 2 :: every]
