"""Operators made up for tests: an index for each row, free axes, two arrays of scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from conformance.cases.case import Case
from conformance.cases.operator import Argument, Operator, Option, Source
from conformance.cases.values import out_of, places_of, scores, weights
from reference.arguments import LabelError
from reference.enclosure import Answer, Enclosure
from reference.formats import Arithmetic, Format

PAGE = Source("A page", "https://example.org/page.html", "1.0", "The words of the page.")


def small(format: Format) -> float:
    """Scores up to 8."""
    del format
    return 8.0


def oracle(case: Case, arithmetic: Arithmetic, as_documented: bool) -> Answer:
    """Zeros, for cases whose indices are places of their axis."""
    del arithmetic, as_documented
    for argument in case.given:
        if argument.indexes:
            array = case[argument.name]
            named = array[~np.isin(array, argument.keep)]
            if not ((named >= 0) & (named < case.sizes[argument.indexes])).all():
                raise LabelError("a place that is not there")
    nothing, gradient = np.zeros(case.result_shape), np.zeros(case.first.shape)
    value, slopes = (Enclosure(each, each, each, each, each, each) for each in (nothing, gradient))
    return Answer(value, {case.operator.arguments[0].name: slopes})


CHOICE = Operator(
    name="choice_loss",
    word="choice",
    title="a class for each row",
    arguments=(
        Argument("input", ("N", "C"), "scores", scores(small, small), lattice=lambda c: (-1.0, 0.0, 1.0)[: c + 1]),
        Argument("target", ("N",), "indices", places_of("C"), lattice=lambda c: tuple(range(c)), indexes="C"),
        Argument("weight", ("C",), "weight", weights, plainer=(1.0,), optional=True, place="keyword"),
    ),
    result=("N",),
    oracle=oracle,
    options=(Option("margin", (0.5, 2.0, -1.0), 1.0), Option("p", (2,), 1)),
    pages={"formula": (PAGE,)},
)
"""A class for each row, as an index; a margin, a power, and weights that may be left out."""


def some_ignored(bits: Any, wanted: Any) -> npt.NDArray[np.int64]:
    """Classes, and an ignored index in every fourth place."""
    drawn = bits.integers(0, wanted.sizes["C"], wanted.shape)
    return np.where(bits.integers(0, 4, wanted.shape) == 0, -100, drawn)


PIXELS = Operator(
    name="pixel_loss",
    word="pixel",
    title="a class for each pixel",
    arguments=(
        Argument("input", ("N", "C", "d1", "d2"), "scores", scores(small, small), lattice=lambda c: (0.0, 1.0)),
        Argument("target", ("N", "d1", "d2"), "indices", some_ignored, indexes="C", keep=(-100,)),
    ),
    result=("N", "d1", "d2"),
    oracle=oracle,
    sizes={"N": (1, 3), "C": (2, 4), "d1": (1, 3), "d2": (2, 2)},
    free=("d1", "d2"),
    cuts=("N", "C", "d1", "d2"),
)
"""A class for each place of axes that may be absent, and an index that is ignored."""

PAIR = Operator(
    name="pair_loss",
    word="pair",
    title="one of two scores",
    arguments=(
        Argument("input1", ("N",), "scores", scores(small, small), lattice=lambda c: (0.0, 1.0), differentiable=True),
        Argument("input2", ("N",), "scores", scores(small, small), lattice=lambda c: (-1.0, 2.0), differentiable=True),
        Argument("target", ("N",), "labels", out_of(-1.0, 1.0), lattice=lambda c: (-1.0, 1.0), plainer=(1.0, -1.0)),
    ),
    result=("N",),
    oracle=oracle,
    options=(Option("margin", (0.5,), 0.0),),
    sizes={"N": (1, 4)},
    cuts=("N",),
)
"""Two arrays of scores and labels of either sign, element by element."""

MADE = (CHOICE, PIXELS, PAIR)


def chosen(*rows: tuple[list[float], int], **parts: Any) -> Case:
    """A case of :data:`CHOICE`: scores and a class for each row."""
    arrays = {"input": np.array([row for row, _ in rows]), "target": np.array([place for _, place in rows])}
    return Case(CHOICE, "float32", arrays, {"target": "int64"}).replace(**parts)
