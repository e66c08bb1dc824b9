r"""The multi-label margin loss.

.. math::
    \ell(x, y) = \sum_{ij} \frac{\max(0, 1 - (x_{y_j} - x_i))}{C}

j runs over the block of labels that ends at the first negative one, duplicates included;
i over the classes that the block does not name.

Shapes: input and target (C) or (N, C); result () or (N).

Domain: finite scores; class indices in the block, anything behind it.

Source:
    torch.nn.MultiLabelMarginLoss and mindspore.ops.multilabel_margin_loss, the formula of
    their pages.
"""

from __future__ import annotations

from ..engine.expression import Expression
from ..engine.formula import ArgumentSpec, Formula
from ..engine.masks import Integers
from ..engine.words import count, position, positive_part, where


def documented(input: Expression, target: Integers) -> Expression:
    """As the page prints it; it is careful as it stands."""
    labels = target.along("C", "J")
    block = labels.at_least(0).leading("J")
    named = (labels.equals(position("C")) & block).any("J")
    gap = 1 - (input.at(labels, axis="C") - input)
    return where(block & ~named, positive_part(gap), 0).total("J", "C") / count("C")


FORMULA = Formula(
    name="multilabel_margin_loss",
    arguments=(
        ArgumentSpec("input", "N? C", differentiable=True),
        ArgumentSpec("target", "N? C", domain="block"),
    ),
    documented=documented,
    careful=documented,
)
"""The loss as the engine takes it."""
