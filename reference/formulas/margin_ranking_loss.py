r"""The margin ranking loss.

.. math::
    \ell(x_1, x_2, y) = \max(0, -y (x_1 - x_2) + \text{margin})

Shapes: any, the same for all three arguments; the result's too. The page names () and (N).

Domain: finite inputs; labels 1 or -1.

Source:
    torch.nn.MarginRankingLoss, the formula of its page.
"""

from __future__ import annotations

from ..engine.expression import Expression
from ..engine.formula import ArgumentSpec, Formula
from ..engine.words import positive_part


def documented(input1: Expression, input2: Expression, target: Expression, margin: Expression) -> Expression:
    """As the page prints it; it is careful as it stands."""
    return positive_part(-target * (input1 - input2) + margin)


FORMULA = Formula(
    name="margin_ranking_loss",
    arguments=(
        ArgumentSpec("input1", "...", differentiable=True),
        ArgumentSpec("input2", "...", differentiable=True),
        ArgumentSpec("target", "...", domain="sign", differentiable=True),
    ),
    options={"margin": 0.0},
    documented=documented,
    careful=documented,
)
"""The loss as the engine takes it."""
