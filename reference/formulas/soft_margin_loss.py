r"""The two-class logistic loss.

.. math::
    \ell(x, y) = \log(1 + e^{-y x})

The page prints the mean over all elements.

Shapes: any, input and target the same; the result's too.

Domain: finite scores; labels 1 or -1.

Source:
    torch.nn.SoftMarginLoss, the formula of its page.
"""

from __future__ import annotations

from ..engine.expression import Expression
from ..engine.formula import ArgumentSpec, Formula
from ..engine.words import exp, log, softplus


def documented(input: Expression, target: Expression) -> Expression:
    """As the page prints it: the exponential overflows for large negative y x."""
    return log(1 + exp(-target * input))


def careful(input: Expression, target: Expression) -> Expression:
    """As a softplus, which keeps the tail and does not overflow."""
    return softplus(-target * input)


FORMULA = Formula(
    name="soft_margin_loss",
    arguments=(
        ArgumentSpec("input", "...", differentiable=True),
        ArgumentSpec("target", "...", domain="sign"),
    ),
    documented=documented,
    careful=careful,
)
"""The loss as the engine takes it."""
