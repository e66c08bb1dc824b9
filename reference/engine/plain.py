"""A formula as a plain implementation: arrays of one format, no bounds, value and gradient.

This is what somebody would write from the page with NumPy or torch. It is a subject that
must conform, and what wrong and right implementations are made of: change the graph
(:mod:`.node`) or the steps (:mod:`.steps`) and evaluate again.

    graph = trace(FORMULA, bind(patterns, shapes), {"margin": 0.5}, "mean")
    plain = Plain(graph, np, np.float32)
    value = plain.value(arrays, {"margin": 0.5})
    value, slopes = plain.gradient(arrays, {"margin": 0.5}, np.float32(1), ("input",))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import expression as e
from . import masks as m
from .formula import Graph
from .functions import function, slope
from .layout import Layout, sizes_with_names
from .node import Node, walk
from .steps import Array, Steps


class Plain:
    """One graph in one namespace and format.

    Attributes:
        graph: What it computes.
        xp: The namespace: ``numpy``, ``torch``.
        dtype: Of every real number.
        steps: How it does what the page leaves open.
        layout: The order of the axes in its arrays.
    """

    graph: Graph
    xp: Any
    dtype: Any
    steps: Steps
    layout: Layout

    def __init__(self, graph: Graph, xp: Any, dtype: Any, steps: Steps | None = None) -> None:
        self.graph, self.xp, self.dtype, self.steps = graph, xp, dtype, steps or Steps()
        self.layout = layout_of(graph)
        self._order = walk(graph.root)

    def value(self, arguments: Mapping[str, Array], options: Mapping[str, float]) -> Array:
        """The result, in the shape that the caller expects."""
        return self._shaped(self.values(arguments, options)[self.graph.root], self.graph.root.axes)

    def gradient(
        self,
        arguments: Mapping[str, Array],
        options: Mapping[str, float],
        cotangent: Array,
        names: Sequence[str] = ("input",),
    ) -> tuple[Array, dict[str, Array]]:
        """The result and its gradients to arguments of these names, for a cotangent of the result's shape."""
        values = self.values(arguments, options)
        root = self.graph.root
        upstream = self.layout.place(self.real(cotangent).reshape(self.graph.binding.shape(root.axes)), root.axes)
        adjoints = self.adjoints(values, upstream)
        found: dict[str, Array] = {}
        for node in self._order:
            if isinstance(node, e.Argument) and node.name in names:
                adjoint = adjoints.get(node, values[node] * 0)
                found[node.name] = self._shaped(adjoint, node.axes)
        return self._shaped(values[root], root.axes), found

    def real(self, array: Any) -> Array:
        """A number or an array as one of the format."""
        return self.xp.asarray(array, dtype=self.dtype)

    def values(self, arguments: Mapping[str, Array], options: Mapping[str, float]) -> dict[Node, Array]:
        """The value of every node, with all axes."""
        found: dict[Node, Array] = {}
        for node in self._order:
            if isinstance(node, e.Argument | m.IntegerArgument):
                flat = arguments[node.name].reshape(self.graph.binding.flat(node.name))
                placed = self.layout.place(flat, node.axes)
                found[node] = self.real(placed) if isinstance(node, e.Argument) else placed
            elif isinstance(node, e.Option):
                found[node] = self.real(options[node.name])
            else:
                found[node] = self.step(node, [found[parent] for parent in node.parents])
        return found

    def step(self, node: Node, parents: list[Array]) -> Array:
        """One node from its parents' values."""
        made = function(node)(self, node, parents)
        return self.steps.rounded(made) if isinstance(node, e.Expression) else made

    def adjoints(self, values: Mapping[Node, Array], cotangent: Array) -> dict[Node, Array]:
        """What the result changes by when a node does, from the result down to the arguments."""
        waiting: dict[Node, list[Array]] = {self.graph.root: [cotangent]}
        found: dict[Node, Array] = {}
        for node in reversed(self._order):
            if node not in waiting:
                continue
            found[node] = self.steps.rounded(self.steps.add(waiting.pop(node)))
            parents = [values[parent] for parent in node.parents]
            for place, parent in enumerate(node.parents):
                rule = slope(node)
                if rule is not None and isinstance(parent, e.Expression):
                    given = self.steps.rounded(rule(self, node, place, parents, values[node], found[node]))
                    waiting.setdefault(parent, []).append(self.fitted(given, values[parent]))
        return found

    def fitted(self, given: Array, like: Array) -> Array:
        """Summed over the axes along which the node is the same everywhere."""
        if not tuple(like.shape):
            axes = tuple(range(len(given.shape)))
        else:
            axes = tuple(i for i, size in enumerate(like.shape) if size == 1 and given.shape[i] != 1)
        return self.steps.rounded(self.steps.total(self.xp, given, axes)) if axes else given

    def _shaped(self, array: Array, axes: tuple[str, ...]) -> Array:
        full = tuple(self.layout.sizes[axis] for axis in axes)
        spread = self.xp.broadcast_to(array, tuple(self.layout.sizes[a] if a in axes else 1 for a in self.layout.axes))
        return self.layout.strip(spread, axes).reshape(full).reshape(self.graph.binding.full(axes))


def layout_of(graph: Graph, *, last: str | None = None) -> Layout:
    """The graph's axes, those of the elements first; one may be put last."""
    axes = graph.axes
    if last in axes:
        axes = (*(axis for axis in axes if axis != last), str(last))
    names = [(node.old, node.new) for node in walk(graph.root) if isinstance(node, e.Renamed | m.RenamedIntegers)]
    return Layout(axes, sizes_with_names(graph.binding.sizes, names))
