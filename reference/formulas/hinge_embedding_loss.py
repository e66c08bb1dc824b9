r"""The hinge embedding loss.

.. math::
    \ell(x, y) = \begin{cases} x & y = 1 \\ \max(0, \text{margin} - x) & y = -1 \end{cases}

Shapes: any, input and target the same; the result's too.

Domain: finite inputs; labels 1 or -1.

Source:
    torch.nn.HingeEmbeddingLoss, the formula of its page.
"""

from __future__ import annotations

from ..engine.expression import Expression
from ..engine.formula import ArgumentSpec, Formula
from ..engine.words import positive_part, where


def documented(input: Expression, target: Expression, margin: Expression) -> Expression:
    """As the page prints it; it is careful as it stands."""
    return where(target.equals(1), input, positive_part(margin - input))


FORMULA = Formula(
    name="hinge_embedding_loss",
    arguments=(
        ArgumentSpec("input", "...", differentiable=True),
        ArgumentSpec("target", "...", domain="sign"),
    ),
    options={"margin": 1.0},
    documented=documented,
    careful=documented,
)
"""The loss as the engine takes it."""
