"""Steps of the soft margin loss that are written alike in torch, JAX and MindSpore."""

from __future__ import annotations

from typing import Any


def check(input: Any, target: Any, weight: Any, reduction: str) -> None:
    """Refuse what the operator does not take."""
    if input.ndim not in (1, 2) or input.shape != target.shape:
        raise ValueError(f"input {tuple(input.shape)}, target {tuple(target.shape)}")
    if weight is not None and weight.shape != input.shape[-1:]:
        raise ValueError(f"weight {tuple(weight.shape)}, input {tuple(input.shape)}")
    if reduction not in ("none", "sum", "mean"):
        raise ValueError(f"reduction {reduction!r}")


def over_classes(elements: Any, weight: Any) -> Any:
    """Times the weight of each class, the mean over the classes."""
    weighted = elements if weight is None else elements * weight
    return weighted.sum(-1) / elements.shape[-1]
