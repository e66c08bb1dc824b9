"""A loss evaluated from its graph with one step changed, in NumPy and torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reference.engine import expression as e
from reference.engine import masks as m
from reference.engine.formula import Graph, trace
from reference.engine.functions import function, slope
from reference.engine.node import Node, replaced
from reference.engine.plain import Plain
from reference.engine.shapes import bind
from reference.engine.steps import Array, Steps
from tests.genzoo import tools
from tests.genzoo.mutation import Call, Mutation, Step
from tests.genzoo.sites import sites

_BY_HAND = (e.Elementary, e.Absolute, e.LogSumExp, e.Power)
"""Steps whose derivative torch would take through the way in which they are computed."""


class Altered(Plain):
    """The plain evaluation with a mutation.

    Attributes:
        call: What is evaluated.
        mutation: What is wrong with it; None for nothing.
        site: The node that is concerned, in the graph of this call.
    """

    call: Call
    mutation: Mutation | None
    site: Node | None

    def __init__(self, call: Call, mutation: Mutation | None, xp: Any, steps: Steps | None = None) -> None:
        own = mutation if mutation is not None and mutation.when(call) else None
        if own is not None and own.call is not None:
            call = own.call(call)
        graph, site = _rewritten(graph_of(call), own)
        steps = steps or Steps()
        if own is not None and own.tie is not None:
            steps = replace(steps, tie=own.tie)
        super().__init__(graph, xp, call.dtype, steps)
        self.call, self.mutation, self.site = call, own, site

    def loss(self) -> Array:
        """The result, in the shape that the caller expects."""
        loss = self.value(self.call.arrays, self.options)
        if self.mutation is None or self.mutation.outcome is None or self.mutation.part == "gradient":
            return loss
        return self.mutation.outcome(self, loss)

    def slopes(self, cotangent: Array, names: tuple[str, ...]) -> dict[str, Array]:
        """The gradients to arguments."""
        change = self.mutation
        if change is not None and change.cotangent is not None:
            cotangent = change.cotangent(self, cotangent)
        found = self.gradient(self.call.arrays, self.options, cotangent, names)[1]
        if change is None or change.outcome is None or change.part != "gradient":
            return found
        return {name: change.outcome(self, array) for name, array in found.items()}

    @property
    def options(self) -> dict[str, float]:
        """The numbers among the options."""
        return {
            name: float(value)
            for name, value in {**self.call.formula.options, **self.call.settings}.items()
            if isinstance(value, float | int)
        }

    def values(self, arguments: Mapping[str, Array], options: Mapping[str, float]) -> dict[Node, Array]:
        """The value of every node, the concerned one changed."""
        found: dict[Node, Array] = {}
        for node in self._order:
            if isinstance(node, e.Argument | m.IntegerArgument):
                made = self._leaf(node, arguments)
            elif isinstance(node, e.Option):
                made = self.real(options[node.name])
            else:
                made = self.step(node, self.inputs_of(node, found))
            found[node] = self._changed(node, made)
        return found

    def _leaf(self, node: e.Argument | m.IntegerArgument, arguments: Mapping[str, Array]) -> Array:
        flat = arguments[node.name].reshape(self.graph.binding.flat(node.name))
        placed = self.layout.place(flat, node.axes)
        return self.real(placed) if isinstance(node, e.Argument) else placed

    def inputs_of(self, node: Node, found: Mapping[Node, Array]) -> list[Array]:
        """What a node is computed from."""
        parents = [found[parent] for parent in node.parents]
        if node is self.site and self.mutation is not None and self.mutation.inputs is not None:
            return self.mutation.inputs(self, node, parents)
        return parents

    def _changed(self, node: Node, made: Array) -> Array:
        if node is self.site and self.mutation is not None and self.mutation.after is not None:
            return self.mutation.after(self, node, made)
        return made

    def step(self, node: Node, parents: list[Array]) -> Array:
        """One node from its parents' values; in torch with the derivative of the node itself."""
        if tools.is_torch(self.xp) and isinstance(node, _BY_HAND):
            return by_hand(self, node, parents)
        made = function(node)(self, node, parents)
        return self.steps.rounded(made) if isinstance(node, e.Expression) else made

    def adjoints(self, values: Mapping[Node, Array], cotangent: Array) -> dict[Node, Array]:
        """What the result changes by when a node does, one step of it changed."""
        waiting: dict[Node, list[Array]] = {self.graph.root: [cotangent]}
        found: dict[Node, Array] = {}
        for node in reversed(self._order):
            if node not in waiting:
                continue
            found[node] = self.steps.rounded(self.steps.add(waiting.pop(node)))
            parents = self.inputs_of(node, values)
            for place, parent in enumerate(node.parents):
                if isinstance(parent, e.Expression) and slope(node) is not None:
                    given = self._handed(node, place, parents, values[node], found[node])
                    waiting.setdefault(parent, []).append(self.fitted(given, values[parent]))
        return found

    def _handed(self, node: Node, place: int, parents: list[Array], value: Array, adjoint: Array) -> Array:
        rule = slope(node)
        assert rule is not None

        def again(reached: Array) -> Array:
            return self.steps.rounded(rule(self, node, place, parents, value, reached))

        given, change = again(adjoint), self.mutation
        if change is not None and change.edge is not None and node is self.site and place == change.place:
            return change.edge(self, Step(node, place, parents, value, adjoint, again), given)
        return given

    def axis(self, name: str) -> int:
        """Where an axis stands in the arrays of nodes."""
        return self.layout.axes.index(name)


_KEPT = 20_000
_GRAPHS: dict[tuple[object, ...], Graph] = {}
_REWRITTEN: dict[tuple[int, str], tuple[Graph, Node | None]] = {}


def graph_of(call: Call) -> Graph:
    """The graph of a call in the careful form, the same one for calls that are alike."""
    shapes = {name: tuple(array.shape) for name, array in call.arrays.items()}
    reduction = call.reduction or "mean"
    key = (id(call.formula), reduction, tuple(sorted(call.settings.items())), tuple(shapes.items()))
    if key not in _GRAPHS:
        binding = bind({spec.name: spec.pattern for spec in call.formula.arguments}, shapes)
        _GRAPHS[key] = trace(call.formula, binding, call.settings, reduction)
    return _GRAPHS[key]


def _as_expression(node: Node) -> e.Expression:
    assert isinstance(node, e.Expression)
    return node


def by_hand(plain: Plain, node: Node, parents: list[Array]) -> Array:
    """A step of one parent in torch whose backward pass is the engine's slope."""
    rule = slope(node)
    assert rule is not None

    def forward(ctx: Any, array: Array) -> Array:
        value = plain.steps.rounded(function(node)(plain, node, [array]))
        ctx.save_for_backward(array, value)
        return value

    def backward(ctx: Any, adjoint: Array) -> Array:
        array, value = ctx.saved_tensors
        return plain.steps.rounded(rule(plain, node, 0, [array], value, adjoint))

    return differentiable(plain.xp, forward, backward)(parents[0])


def differentiable(torch: Any, forward: Any, backward: Any) -> Any:
    """A function of torch tensors from its two passes."""
    passes = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    made: Any = type("ByHand", (torch.autograd.Function,), passes)
    return made.apply


def _rewritten(graph: Graph, own: Mutation | None) -> tuple[Graph, Node | None]:
    """The graph with the step of a mutation in the place of the right one, and that place."""
    if own is None:
        return graph, None
    key = (id(graph), own.name)
    if key not in _REWRITTEN:
        if len(_REWRITTEN) > _KEPT:
            _REWRITTEN.clear()
        _REWRITTEN[key] = _rewriting(graph, own)
    return _REWRITTEN[key]


def _rewriting(graph: Graph, own: Mutation) -> tuple[Graph, Node | None]:
    site = sites(graph).get(own.site) if own.site else None
    if own.rewrite is None or site is None:
        return graph, site
    other = own.rewrite(graph, site)
    return graph if other is None else replace(graph, root=_as_expression(replaced(graph.root, {site: other}))), site
