"""Right implementations of a loss: every order, width, division and form that the page leaves open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reference.engine import expression as e
from reference.engine.formula import Formula
from reference.engine.node import Node
from reference.engine.steps import Array, Steps, left_to_right, reciprocal
from tests.genzoo import tools
from tests.genzoo.evaluation import Altered
from tests.genzoo.mutation import Call
from tests.genzoo.orders import TOTALS, terms_backwards, terms_from_second, terms_wider
from tests.genzoo.sites import every_site

_WIDER = {"float16": "float32", "bfloat16": "float32", "float32": "float64"}


_PLAIN = Steps()


@dataclass(frozen=True)
class Variant:
    """One right implementation.

    Attributes:
        name: An identifier.
        words: What it does in a way of its own.
        steps: How it adds and divides.
        wide: Whether everything is computed in a wider format and rounded at the end.
        fused: Whether a sum of products is rounded once.
        softplus: Another stable form of a softplus.
        autograd: Whether torch differentiates it step by step; else its backward pass is its own.
        turned: Whether the rows are taken in reverse order.
    """

    name: str
    words: str
    steps: Steps = _PLAIN
    wide: bool = False
    fused: bool = False
    softplus: bool = False
    autograd: bool = False
    turned: bool = False

    def loss(self, call: Call, xp: Any) -> Array:
        """The loss."""
        found = self._evaluation(call, xp).loss()
        found = self._turned(xp, found) if call.reduction == "none" else found
        return tools.cast(found, call.dtype) if self.wide else found

    def slopes(self, call: Call, xp: Any, cotangent: Array, names: tuple[str, ...]) -> dict[str, Array]:
        """The gradients."""
        upstream = self._turned(xp, cotangent) if call.reduction == "none" else cotangent
        found = self._evaluation(call, xp).slopes(upstream, names)
        turned = {name: self._turned_argument(call, xp, name, array) for name, array in found.items()}
        return {name: tools.cast(array, call.dtype) for name, array in turned.items()}

    def _evaluation(self, call: Call, xp: Any) -> Freely:
        arrays = {name: self._turned_argument(call, xp, name, array) for name, array in call.arrays.items()}
        dtype = wider(xp, call.dtype) if self.wide else call.dtype
        return Freely(replace(call, arrays=arrays, dtype=dtype), xp, self)

    def _turned_argument(self, call: Call, xp: Any, name: str, array: Array) -> Array:
        pattern = call.formula.argument(name).pattern.split()
        return self._turned(xp, array) if pattern[0] in ("...", "N?") and len(array.shape) >= len(pattern) else array

    def _turned(self, xp: Any, array: Array) -> Array:
        return xp.flip(array, (0,)) if self.turned and len(array.shape) else array


def wider(xp: Any, dtype: Any) -> Any:
    """The next wider format, if there is one."""
    name = _WIDER.get(tools.name_of(dtype))
    return getattr(xp, name) if name else dtype if tools.is_torch(xp) else xp.longdouble


class Freely(Altered):
    """The evaluation of a variant."""

    variant: Variant

    def __init__(self, call: Call, xp: Any, variant: Variant) -> None:
        self.variant = variant
        super().__init__(call, None, xp, variant.steps)

    def step(self, node: Node, parents: list[Array]) -> Array:
        """One node, in the way of the variant."""
        if self.variant.fused and isinstance(node, e.Sum):
            return self._fused(node, parents)
        if self.variant.softplus and isinstance(node, e.Elementary) and node.function == "softplus":
            return self._other_softplus(parents[0])
        return super().step(node, parents)

    def values(self, arguments: Mapping[str, Array], options: Mapping[str, float]) -> dict[Node, Array]:
        """The value of every node; a fused sum looks at the factors of its products."""
        self._seen: dict[Node, Array] = {}
        return super().values(arguments, options)

    def _changed(self, node: Node, made: Array) -> Array:
        self._seen[node] = made
        return made

    def _fused(self, node: e.Sum, parents: list[Array]) -> Array:
        """Products and their sum in a wider format, rounded once."""
        dtype = wider(self.xp, self.dtype)
        terms: list[Array] = []
        for parent, value, sign in zip(node.parents, parents, node.signs, strict=True):
            exact = tools.cast(value, dtype)
            if isinstance(parent, e.Product):
                one, other = (tools.cast(self._seen[factor], dtype) for factor in parent.parents)
                exact = one * other
            terms.append(-exact if sign < 0 else exact)
        return tools.cast(left_to_right(terms), self.dtype)

    def _other_softplus(self, a: Array) -> Array:
        """For a above 0 as a + log1p(e^-a), elsewhere as log1p(e^a)."""
        xp = self.xp
        above = a > 0
        tail = xp.log1p(xp.exp(xp.where(above, -a, a)))
        return xp.where(above, a + tail, tail)


def variants(formula: Formula) -> tuple[Variant, ...]:
    """The right implementations of a loss."""
    nodes = [node for node, _ in every_site(formula).values()]
    return tuple(_variants(nodes))


def _variants(nodes: list[Node]) -> Iterator[Variant]:
    yield Variant("right_as_written", "in plain steps")
    yield Variant("right_by_autograd", "in plain steps that torch differentiates", autograd=True)
    yield Variant("right_turned", "with the rows in reverse order", turned=True)
    yield Variant("right_wide", "in a wider format, rounded at the end", wide=True)
    for place, (name, total) in enumerate(TOTALS.items()):
        tie = (0.0, 0.5, 1.0)[place % 3]
        add = (left_to_right, terms_backwards, terms_from_second)[place % 3]
        word = name.replace(" ", "_")
        yield Variant(f"right_sums_{word}", f"sums {name}", Steps(add=add, total=total, tie=tie))
        yield Variant(f"right_reciprocal_{word}", f"sums {name}, a reciprocal for each division",
                      Steps(add=terms_backwards, total=total, divide=reciprocal, tie=1.0 - tie),
                      autograd=True)  # fmt: skip
    yield Variant("right_terms_wider", "terms added in a wider format", Steps(add=terms_wider))
    if any(isinstance(node, e.Sum) and any(isinstance(p, e.Product) for p in node.parents) for node in nodes):
        yield Variant("right_fused", "products and their sum rounded once", fused=True)
        yield Variant("right_fused_reciprocal", "the same, and a reciprocal for each division",
                      Steps(divide=reciprocal), fused=True)  # fmt: skip
    if any(isinstance(node, e.Elementary) and node.function == "softplus" for node in nodes):
        yield Variant("right_softplus_by_sign", "softplus in two branches", softplus=True)
