r"""The multi-label soft margin loss.

.. math::
    \ell(x, y) = -\frac{1}{C} \sum_i w_i \left(
        y_i \log\frac{1}{1 + e^{-x_i}} + (1 - y_i) \log\frac{e^{-x_i}}{1 + e^{-x_i}} \right)

Shapes: input and target (C) or (N, C), weight (C); result () or (N). The page names (N, C)
only.

Domain: finite scores and weights; labels in [0, 1].

Source:
    torch.nn.MultiLabelSoftMarginLoss and mindspore.ops.multilabel_soft_margin_loss, the
    formula of their pages.
"""

from __future__ import annotations

from ..engine.expression import Expression
from ..engine.formula import ArgumentSpec, Formula
from ..engine.words import count, exp, log, softplus


def documented(input: Expression, target: Expression, weight: Expression | None) -> Expression:
    """As the page prints it."""
    decay = exp(-input)
    element = target * log(1 / (1 + decay)) + (1 - target) * log(decay / (1 + decay))
    return -(element if weight is None else weight * element).total("C") / count("C")


def careful(input: Expression, target: Expression, weight: Expression | None) -> Expression:
    """Both logarithms as softplus, so that no term is negative and nothing cancels or overflows."""
    element = target * softplus(-input) + (1 - target) * softplus(input)
    return (element if weight is None else weight * element).total("C") / count("C")


FORMULA = Formula(
    name="multilabel_soft_margin_loss",
    arguments=(
        ArgumentSpec("input", "N? C", differentiable=True),
        ArgumentSpec("target", "N? C", domain="unit", differentiable=True),
        ArgumentSpec("weight", "C", optional=True, differentiable=True),
    ),
    documented=documented,
    careful=careful,
)
"""The loss as the engine takes it."""
