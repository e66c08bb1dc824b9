"""Mutants and variants as functions that people would write, for ``lossproof check`` and for the judge.

    lossproof check tests/genzoo/numpy_made.py:multi_margin_loss__NAME --operator multi_margin_loss \
        --framework numpy --level quality

A NumPy function has its gradient beside it. A torch function is differentiated by torch's
autograd, step by step, where the loss is wrong; where the backward pass alone is, it is an
``autograd.Function`` with both passes.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from reference.engine.formula import Formula
from reference.engine.steps import Array
from tests.genzoo import tools
from tests.genzoo.checks import checked
from tests.genzoo.evaluation import Altered, differentiable
from tests.genzoo.mutants import mutants
from tests.genzoo.mutation import Call, Mutation
from tests.genzoo.variants import Variant, variants

SEPARATOR = "__"
GRADIENT = "_gradient"


def formula_of(operator: str) -> Formula:
    """The formula of a loss, by the loss's name."""
    formula: Formula = importlib.import_module(f"reference.formulas.{operator}").FORMULA
    return formula


@functools.cache
def named(operator: str) -> Mapping[str, Mutation | Variant]:
    """Every mutant and variant of a loss by name."""
    formula = formula_of(operator)
    everyone: list[Mutation | Variant] = [*mutants(formula), *variants(formula)]
    return {each.name: each for each in everyone}


def made(framework: str, name: str) -> Callable[..., Any]:
    """The function of a name such as ``multi_margin_loss__NAME``, or its gradient ``multi_margin_loss__NAME_gradient``.

    Raises:
        AttributeError: There is none.
    """
    operator, separator, rest = name.partition(SEPARATOR)
    own = rest.removesuffix(GRADIENT)
    if not separator or own not in named(operator):
        raise AttributeError(f"{name!r}: no mutant or variant of that name; python -m tests.genzoo --list shows them")
    loss = Loss(formula_of(operator), named(operator)[own], tools.namespace(framework))
    function = loss.gradient if rest != own else loss.torch_value if framework == "torch" else loss.value
    return _called(function, name, f"tests.genzoo.{framework}_made")


def _called(function: Callable[..., Any], name: str, module: str) -> Callable[..., Any]:
    def loss(*positional: Any, **keywords: Any) -> Any:
        return function(*positional, **keywords)

    loss.__name__, loss.__module__ = name, module
    return loss


class Loss:
    """A loss with one mutation or variant, for a call of any shape."""

    def __init__(self, formula: Formula, what: Mutation | Variant | None, xp: Any) -> None:
        self.formula, self.xp = formula, xp
        self.mutation = what if isinstance(what, Mutation) else None
        self.variant = what if isinstance(what, Variant) else None

    def value(self, *positional: Any, **keywords: Any) -> Array:
        """The loss."""
        with self._quiet():
            return self._loss(self._call(positional, keywords))

    def gradient(self, *positional: Any, to: str = "", **keywords: Any) -> Array:
        """The gradient to one argument, the scores if none is named; the cotangent is the last of the arrays."""
        with self._quiet():
            call = self._call(positional[:-1], keywords)
            name = to or self.formula.arguments[0].name
            return self._slopes(call, positional[-1], (name,))[name]

    def torch_value(self, *positional: Any, **keywords: Any) -> Array:
        """The loss as torch differentiates it."""
        call = self._call(positional, keywords)
        part = self.mutation.part if self.mutation else "both" if self.variant and self.variant.autograd else "gradient"
        return self._loss(call) if part == "both" else self._in_two_passes(call)

    def _in_two_passes(self, call: Call) -> Array:
        names = tuple(call.arrays)

        def forward(ctx: Any, *tensors: Array) -> Array:
            ctx.call = Call(call.formula, dict(zip(names, tensors, strict=True)), call.settings, call.reduction,
                            call.dtype, call.precision)  # fmt: skip
            return self._loss(ctx.call).clone()

        def backward(ctx: Any, cotangent: Array) -> tuple[Array | None, ...]:
            wanted = tuple(name for name, needed in zip(names, ctx.needs_input_grad, strict=True) if needed)
            found = self._slopes(ctx.call, cotangent, wanted)
            return tuple(found.get(name) for name in names)

        return differentiable(self.xp, forward, backward)(*call.arrays.values())

    def _loss(self, call: Call) -> Array:
        if self.variant is not None:
            return self.variant.loss(call, self.xp)
        wrong = self.mutation if self.mutation is not None and self.mutation.part != "gradient" else None
        return Altered(call, wrong, self.xp).loss()

    def _slopes(self, call: Call, cotangent: Array, names: tuple[str, ...]) -> dict[str, Array]:
        if self.variant is not None:
            return self.variant.slopes(call, self.xp, cotangent, names)
        wrong = self.mutation if self.mutation is not None and self.mutation.part != "value" else None
        return Altered(call, wrong, self.xp).slopes(cotangent, names)

    def _call(self, positional: tuple[Any, ...], keywords: Mapping[str, Any]) -> Call:
        return checked(self.formula, self.xp, positional, keywords)

    def _quiet(self) -> AbstractContextManager[Any]:
        return np.errstate(all="ignore")
