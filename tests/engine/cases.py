"""Arguments of the six losses: scores of every family, labels of every kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from reference.engine.formula import Formula
from reference.formats import Format
from reference.formulas import (
    hinge_embedding_loss,
    margin_ranking_loss,
    multi_margin_loss,
    multilabel_margin_loss,
    multilabel_soft_margin_loss,
    soft_margin_loss,
)
from tests.zoo import families

FORMULAS: dict[str, Formula] = {
    module.FORMULA.name: module.FORMULA
    for module in (
        multilabel_margin_loss,
        multilabel_soft_margin_loss,
        multi_margin_loss,
        soft_margin_loss,
        hinge_embedding_loss,
        margin_ranking_loss,
    )
}
"""Every formula of these tests, by name."""


@dataclass(frozen=True)
class Drawn:
    """Arguments and settings of one call.

    Attributes:
        arguments: By name.
        settings: Options.
        gradients: Arguments to which gradients are asked.
    """

    arguments: dict[str, Any]
    settings: dict[str, Any]
    gradients: tuple[str, ...] = ("input",)


Draw = Callable[[np.random.Generator, str, Format, tuple[int, int]], Drawn]


def _multilabel(generator: np.random.Generator, family: str, format: Format, shape: tuple[int, int]) -> Drawn:
    scores = families.scores(family, generator, format, shape)
    return Drawn({"input": scores, "target": families.targets(generator, shape)}, {})


def _multilabel_soft(generator: np.random.Generator, family: str, format: Format, shape: tuple[int, int]) -> Drawn:
    scores = families.scores(family, generator, format, shape)
    labels = families.labels(generator, shape, format, soft=bool(generator.integers(2)))
    weight = format.round(generator.choice([1.0, 0.0, -0.5, 2.0, 0.1, 1.7, -3.0], shape[1]))
    return Drawn({"input": scores, "target": labels, "weight": weight}, {})


def _multi(generator: np.random.Generator, family: str, format: Format, shape: tuple[int, int]) -> Drawn:
    scores = families.scores(family, generator, format, shape)
    arguments = {"input": scores, "target": generator.integers(0, shape[1], shape[0])}
    if generator.integers(2):
        arguments["weight"] = format.round(generator.choice([1.0, 0.5, 0.1, 3.0, -1.0, 0.0], shape[1]))
    settings = {"p": int(generator.integers(1, 3)), "margin": float(generator.choice([1.0, 0.25, 0.3, 0.0, -0.5]))}
    return Drawn(arguments, settings)


def _signs(generator: np.random.Generator, shape: tuple[int, int]) -> Any:
    return generator.choice([1.0, -1.0], shape)


def _soft(generator: np.random.Generator, family: str, format: Format, shape: tuple[int, int]) -> Drawn:
    scores = families.scores(family, generator, format, shape)
    return Drawn({"input": scores, "target": _signs(generator, shape)}, {})


def _hinge(generator: np.random.Generator, family: str, format: Format, shape: tuple[int, int]) -> Drawn:
    drawn = _soft(generator, family, format, shape)
    return Drawn(drawn.arguments, {"margin": float(generator.choice([1.0, 0.25, 0.3, 0.0, 2.0]))})


def _ranking(generator: np.random.Generator, family: str, format: Format, shape: tuple[int, int]) -> Drawn:
    first, second = (families.scores(family, generator, format, shape) for _ in range(2))
    second = np.where(generator.integers(0, 4, shape) == 0, first, second)
    arguments = {"input1": first, "input2": second, "target": _signs(generator, shape)}
    return Drawn(arguments, {"margin": float(generator.choice([0.0, 0.25, 0.3, 1.0]))}, ("input1", "input2"))


DRAWS: dict[str, Draw] = {
    "multilabel_margin_loss": _multilabel,
    "multilabel_soft_margin_loss": _multilabel_soft,
    "multi_margin_loss": _multi,
    "soft_margin_loss": _soft,
    "hinge_embedding_loss": _hinge,
    "margin_ranking_loss": _ranking,
}
"""How the arguments of each are drawn."""
