"""The margin loss in NumPy as people write it, and as people get it wrong.

``multilabel_margin_loss`` is right. Every other name that the module answers to is a
wrong one from :data:`FAULTS`, which changes one step of it; ``NAME_gradient`` is its
gradient.
"""

from __future__ import annotations

from typing import Any

from tests.zoo import numpy_margin_gradients, numpy_margin_labels, numpy_margin_reported, numpy_margin_sums
from tests.zoo.entry import Fault
from tests.zoo.numpy_margin_steps import RIGHT, Array

FAULTS: dict[str, Fault] = {
    **numpy_margin_labels.FAULTS,
    **numpy_margin_sums.FAULTS,
    **numpy_margin_gradients.FAULTS,
    **numpy_margin_reported.FAULTS,
}
"""The wrong implementations by name."""


def __getattr__(name: str) -> Any:
    gradient = name.endswith("_gradient") and name not in FAULTS
    known = FAULTS.get(name.removesuffix("_gradient") if gradient else name)
    if known is None and name.removesuffix("_gradient") != "multilabel_margin_loss":
        raise AttributeError(name)
    loss = known.loss if known else RIGHT

    def function(input: Array, target: Array, reduction: str | None = None) -> Any:
        return loss(input, target, reduction)

    def slope(input: Array, target: Array, cotangent: Array, reduction: str | None = None) -> Array:
        return loss.gradient(input, target, cotangent, reduction)

    chosen: Any = slope if gradient else function
    chosen.__name__ = name
    return chosen
