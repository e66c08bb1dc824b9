"""What the oracles accept, and the errors they raise for what they do not."""

from __future__ import annotations

import numpy as np

from .formats import Float64, Int64

REDUCTIONS = ("none", "sum", "mean")


class OracleError(ValueError):
    """Arguments that lie outside the documented domain of an operator."""


class ShapeError(OracleError):
    """Shapes that do not belong together, or a rank other than 1 or 2."""


class LabelError(OracleError):
    """A class index beyond the last class, inside the block that counts."""


class DomainError(OracleError):
    """A score that is not finite, or a binary label outside [0, 1]."""


class ReductionError(OracleError):
    """A reduction that no page names."""


def as_rows(array: Float64, name: str) -> Float64:
    """View an array of shape (C) or (N, C) as rows of shape (N, C)."""
    if array.ndim not in (1, 2):
        raise ShapeError(f"{name} has shape {array.shape}; the operator takes (C) or (N, C)")
    return array if array.ndim == 2 else array[np.newaxis, :]


def check_reduction(reduction: str) -> None:
    """Raise unless the reduction is one of ``none``, ``sum`` and ``mean``."""
    if reduction not in REDUCTIONS:
        raise ReductionError(f"reduction {reduction!r}: no such reduction; there are {', '.join(REDUCTIONS)}")


def check_same_shape(input: Float64, target: Float64 | Int64) -> None:
    """Raise unless input and target have one shape."""
    if input.shape != target.shape:
        raise ShapeError(f"target has shape {target.shape}, input has {input.shape}; they must be the same")


def check_finite(values: Float64, name: str) -> None:
    """Raise at the first value that is NaN or infinite."""
    bad = ~np.isfinite(values)
    if bad.any():
        raise DomainError(f"{name} holds {values[bad][0]}; the oracle takes finite values")


def check_labels(target: Int64, block: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], classes: int) -> None:
    """Raise at the first class index of a block that names no class."""
    bad = block & (target >= classes)
    if bad.any():
        raise LabelError(f"target holds class {target[bad][0]} inside its block; there are {classes} classes")


def row_cotangents(cotangent: Float64 | None, reduction: str, rows: int) -> Float64:
    """What each row's loss is multiplied by in the gradient, the mean's 1/N left out.

    Args:
        cotangent: The upstream gradient, of the result's shape; ones if absent.
        reduction: ``none``, ``sum`` or ``mean``.
        rows: N.

    Returns:
        One factor for each row; shape ``(N,)``.
    """
    if cotangent is None:
        return np.ones(rows)
    if reduction == "none" and cotangent.size != rows:
        raise ShapeError(f"cotangent has shape {cotangent.shape}; the result has {rows} elements")
    return np.broadcast_to(cotangent.reshape(-1), (rows,)).astype(np.float64)


def check_binary(target: Float64) -> None:
    """Refuse labels outside [0, 1]."""
    bad = ~((target >= 0) & (target <= 1))
    if bad.any():
        raise DomainError(f"target holds the label {target[bad][0]}; labels lie in [0, 1]")


def class_weights(weight: Float64 | None, classes: int) -> Float64:
    """A factor for each class; ones if there is no weight."""
    if weight is None:
        return np.ones(classes)
    if weight.shape != (classes,):
        raise ShapeError(f"weight has shape {weight.shape}; there are {classes} classes")
    check_finite(weight, "weight")
    return weight
