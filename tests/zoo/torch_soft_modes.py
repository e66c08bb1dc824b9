"""The soft margin loss in torch as one that is compiled: mistakes that show in one mode only, and right ones."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

from tests.zoo.entry import Fault, Made, Right
from tests.zoo.soft_steps import check


def _count(losses: Any) -> int:
    return len(losses)


def _made(*, weighted: bool = True, rows: str = "counted") -> Callable[..., Any]:
    """The loss by torch itself, which a compiler looks through.

    Args:
        weighted: Whether the compiled loss is multiplied with the weight.
        rows: ``counted``, or ``constant``, which is what the compiler is told of the number of rows.
    """
    torch = importlib.import_module("torch")
    number_of_rows = torch.compiler.assume_constant_result(_count) if rows == "constant" else _count

    def softplus(x: Any) -> Any:
        up, down = torch.where(x > 0, x, 0), torch.where(x > 0, 0, x)
        return torch.where(x > 0, up + torch.log1p(torch.exp(-up)), torch.log1p(torch.exp(down)))

    def reduce(losses: Any, reduction: str) -> Any:
        if reduction == "none":
            return losses
        total = losses.sum()
        return total / number_of_rows(losses) if reduction == "mean" and losses.dim() else total

    def loss(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
        check(input, target, weight, reduction)
        elements = target * softplus(-input) + (1 - target) * softplus(input)
        if weight is not None and (weighted or not torch.compiler.is_compiling()):
            elements = elements * weight
        return reduce(elements.sum(dim=-1) / input.shape[-1], reduction)

    return loss


FAULTS: dict[str, Fault] = {
    "unweighted_where_compiled": Fault(
        Made(functools.partial(_made, weighted=False)),
        "Where it is compiled, the weight is left out.",
        "weights",
        mode="aot_eager",
    ),
    "rows_of_the_first_call": Fault(
        Made(functools.partial(_made, rows="constant")),
        "The compiler is told that the number of rows is a constant.",
        "means of two sizes in one program",
        mode="dynamic",
    ),
}
"""The wrong implementations by name."""

RIGHTS: dict[str, Right] = {
    "compiled": Right(Made(_made), "Compiled for each shape.", mode="aot_eager"),
    "compiled_for_any_size": Right(Made(_made), "Compiled with every size open.", mode="dynamic"),
}
"""The right implementations by name."""
