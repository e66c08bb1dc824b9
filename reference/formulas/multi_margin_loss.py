r"""The multi-class margin loss.

.. math::
    \ell(x, y) = \frac{1}{C} \sum_{i \ne y} w_y \max(0, \text{margin} - x_y + x_i)^p

Shapes: input (C) or (N, C), target () or (N), weight (C); result () or (N).

Domain: finite scores and weights; class indices; p is 1 or 2.

Source:
    torch.nn.MultiMarginLoss, the formulas of its page.
"""

from __future__ import annotations

from ..engine.expression import Expression
from ..engine.formula import ArgumentSpec, Formula
from ..engine.masks import Integers
from ..engine.words import count, position, positive_part, where


def documented(
    input: Expression, target: Integers, weight: Expression | None, p: int, margin: Expression
) -> Expression:
    """As the page prints it; it is careful as it stands."""
    hinge = positive_part(margin - input.at(target, axis="C") + input) ** p
    weighted = hinge if weight is None else weight.at(target, axis="C") * hinge
    return where(~target.equals(position("C")), weighted, 0).total("C") / count("C")


FORMULA = Formula(
    name="multi_margin_loss",
    arguments=(
        ArgumentSpec("input", "N? C", differentiable=True),
        ArgumentSpec("target", "N?", domain="class"),
        ArgumentSpec("weight", "C", optional=True),
    ),
    options={"p": 1, "margin": 1.0},
    choices={"p": (1, 2)},
    documented=documented,
    careful=documented,
)
"""The loss as the engine takes it."""
