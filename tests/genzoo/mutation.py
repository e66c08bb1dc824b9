"""What a mutant is: one wrong step of a loss, as a change of its call, its graph, a step or its backward pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from reference.engine.formula import Formula, Graph, Setting
from reference.engine.node import Node
from reference.engine.steps import Array

if TYPE_CHECKING:
    from tests.genzoo.evaluation import Altered

Part = Literal["both", "value", "gradient"]

Rewrite = Callable[[Graph, Any], Node | None]
"""A node that stands in for another one; None where the change makes no sense for these axes."""

After = Callable[["Altered", Any, Array], Array]
"""Another value for a node than the right one."""

Inputs = Callable[["Altered", Any, list[Array]], list[Array]]
"""Other values for a node to be computed from."""

Edge = Callable[["Altered", "Step", Array], Array]
"""Another contribution to what one parent of a node is handed than the right one."""

Cotangent = Callable[["Altered", Array], Array]
"""Another upstream gradient than the given one."""

Outcome = Callable[["Altered", Array], Array]
"""Another result than the right one."""


@dataclass(frozen=True)
class Call:
    """A call of a loss.

    Attributes:
        formula: Of the loss.
        arrays: Its tensors by name, as they were given.
        settings: The options that were given.
        reduction: As given; None if it was left out.
        dtype: Of the scores, in the namespace's own terms.
        precision: Bits of the scores' significand.
    """

    formula: Formula
    arrays: Mapping[str, Array]
    settings: Mapping[str, Setting]
    reduction: str | None
    dtype: Any
    precision: int

    def setting(self, name: str) -> Setting:
        """An option's value, or its default."""
        return self.settings.get(name, self.formula.options[name])


@dataclass(frozen=True)
class Step:
    """One step of the backward pass: from a node to one of its parents.

    Attributes:
        node: What was computed.
        place: Which parent.
        parents: Values of all of them.
        value: Of the node.
        adjoint: What reached the node.
        again: The step taken once more, for something else that reached the node.
    """

    node: Any
    place: int
    parents: list[Array]
    value: Array
    adjoint: Array
    again: Callable[[Array], Array]


def always(call: Call) -> bool:
    """Whatever the call."""
    del call
    return True


@dataclass(frozen=True)
class Mutation:
    """One wrong step.

    Attributes:
        name: An identifier.
        kind: What sort of mistake, in a few words.
        words: What is wrong, in a sentence.
        part: Whether the loss, its gradient, or both are wrong.
        site: The node that is concerned, if one is.
        when: In which calls.
        call: Changes the call.
        rewrite: Changes the graph at the site.
        after: Changes the value of the site.
        inputs: Changes what the site is computed from.
        edge: Changes what the site hands on, to the parent at ``place``.
        place: See ``edge``.
        cotangent: Changes the upstream gradient.
        outcome: Changes the loss, or the gradient for a mutation of that part.
        tie: The slope of a maximum at its kink.
    """

    name: str
    kind: str
    words: str
    part: Part = "both"
    site: str = ""
    when: Callable[[Call], bool] = always
    call: Callable[[Call], Call] | None = None
    rewrite: Rewrite | None = None
    after: After | None = None
    inputs: Inputs | None = None
    edge: Edge | None = None
    place: int = 0
    cotangent: Cotangent | None = None
    outcome: Outcome | None = None
    tie: float | None = None

    @property
    def backward_only(self) -> bool:
        """Whether nothing but a backward pass can be wrong by it."""
        return self.edge is not None or self.cotangent is not None or self.tie is not None

    def of_value(self) -> Mutation:
        """The same mistake in the loss, with the right gradient beside it."""
        return replace(self, name=f"value_{self.name}", part="value")

    def of_gradient(self) -> Mutation:
        """The same mistake in the backward pass, with the right loss beside it."""
        return replace(self, name=f"backward_{self.name}", part="gradient")
