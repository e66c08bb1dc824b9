"""The soft margin loss in torch as people write it: steps, each of which a fault may replace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.zoo.entry import torch
from tests.zoo.soft_steps import check


def softplus(x: Any) -> Any:
    """log(1 + e^x) by two branches, each of which sees only what it can bear; so do its derivatives."""
    positive = x > 0
    up, down = torch.where(positive, x, 0), torch.where(positive, 0, x)
    return torch.where(positive, up + torch.log1p(torch.exp(-up)), torch.log1p(torch.exp(down)))


def elements_of(x: Any, y: Any) -> Any:
    """-(y log σ(x) + (1 - y) log σ(-x)); torch's own logsigmoid loses a tail of its second derivative."""
    return y * softplus(-x) + (1 - y) * softplus(x)


def weigh(elements: Any, weight: Any) -> Any:
    """Times the weight of each class."""
    return elements if weight is None else elements * weight


def over_classes(elements: Any, weight: Any) -> Any:
    """The mean over the classes."""
    return elements.sum(dim=-1) / elements.shape[-1]


def reduce_rows(losses: Any, reduction: str) -> Any:
    """The losses, their sum or their mean."""
    return {"none": lambda: losses, "sum": losses.sum, "mean": losses.mean}[reduction]()


@dataclass(frozen=True)
class Soft:
    """The loss by its steps."""

    check: Callable[[Any, Any, Any, str], None] = check
    scores: Callable[[Any], Any] = lambda input: input
    labels: Callable[[Any], Any] = lambda target: target
    weight: Callable[[Any], Any] = lambda weight: weight
    elements: Callable[[Any, Any], Any] = elements_of
    weigh: Callable[[Any, Any], Any] = weigh
    over_classes: Callable[[Any, Any], Any] = over_classes
    reduce: Callable[[Any, str], Any] = reduce_rows
    finish: Callable[[Any, Any], Any] = lambda loss, input: loss

    def __call__(self, input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
        """The loss."""
        self.check(input, target, weight, reduction)
        weight = None if weight is None else self.weight(weight)
        elements = self.weigh(self.elements(self.scores(input), self.labels(target)), weight)
        return self.finish(self.reduce(self.over_classes(elements, weight), reduction), input)


RIGHT = Soft()
