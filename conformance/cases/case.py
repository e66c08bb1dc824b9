"""A case: the concrete inputs of one evaluation, in no framework's terms."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from adapters.contract import PlainArray, PlainList, to_plain
from reference.formats import FORMATS, Float64, Format, Int64

MARGIN = "multilabel_margin_loss"
SOFT = "multilabel_soft_margin_loss"
OPERATORS = {MARGIN: "margin", SOFT: "soft"}
"""Every operator, and the first word of its clauses' ids."""


@dataclass(frozen=True, eq=False)
class Case:
    """Inputs of one evaluation.

    Attributes:
        operator: ``multilabel_margin_loss`` or ``multilabel_soft_margin_loss``.
        dtype: Format of the scores, by name.
        input: Scores, exact values of that format; shape ``(C)`` or ``(N, C)`` in valid cases.
        target: Class indices (margin) or labels (soft margin).
        target_dtype: How the target is handed over.
        reduction: ``None`` leaves the argument out.
        weight: A factor for each class; soft margin only.
        cotangent: Upstream gradient; ones where a gradient is wanted and none is given.
        options: Further keyword arguments, such as the legacy flags.
        no_tensors: Names of arguments that are handed over as plain lists.
        layout: Where the values lie in memory.
    """

    operator: str
    dtype: str
    input: Float64
    target: Float64 | Int64
    target_dtype: str
    reduction: str | None = "none"
    weight: Float64 | None = None
    cotangent: Float64 | None = None
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    no_tensors: tuple[str, ...] = ()
    layout: str = "contiguous"

    @property
    def format(self) -> Format:
        """Format of the scores."""
        return FORMATS[self.dtype]

    @property
    def classes(self) -> int:
        """C."""
        return int(self.input.shape[-1])

    @property
    def result_shape(self) -> tuple[int, ...]:
        """The documented shape of its result: () or, for ``none``, the input's without its classes."""
        return self.input.shape[:-1] if self.reduction == "none" else ()

    @property
    def keywords(self) -> dict[str, Any]:
        """Keyword arguments of the operator: the reduction, where given, and the options."""
        given = {} if self.reduction is None else {"reduction": self.reduction}
        return {**given, **self.options}

    def replace(self, **changes: Any) -> Case:
        """The same case with some parts changed."""
        return dataclasses.replace(self, **changes)

    def rows(self, chosen: npt.NDArray[Any] | slice) -> Case:
        """The batch cut down to some of its rows."""
        cotangent = self.cotangent
        if cotangent is not None and cotangent.ndim == 1:
            cotangent = cotangent[chosen]
        return self.replace(input=self.input[chosen], target=self.target[chosen], cotangent=cotangent)

    def unbatched(self) -> Case:
        """A batch of one as input of shape (C)."""
        cotangent = self.cotangent
        if cotangent is not None and cotangent.ndim == 1:
            cotangent = cotangent.reshape(())
        return self.replace(input=self.input[0], target=self.target[0], cotangent=cotangent)

    def batched(self) -> Case:
        """Input of shape (C) as a batch of one."""
        cotangent = self.cotangent
        if cotangent is not None and self.reduction == "none":
            cotangent = cotangent.reshape(1)
        return self.replace(input=self.input[np.newaxis], target=self.target[np.newaxis], cotangent=cotangent)

    def arrays(self, *, gradient: bool) -> dict[str, PlainArray | PlainList]:
        """The arguments as an adapter takes them."""
        arrays: dict[str, PlainArray | PlainList] = {
            "input": to_plain(self.input, self.dtype),
            "target": to_plain(self.target, self.target_dtype),
        }
        if self.weight is not None:
            arrays["weight"] = to_plain(self.weight, self.dtype)
        if gradient:
            arrays["cotangent"] = to_plain(self.upstream(), self.dtype)
        for name in self.no_tensors:
            arrays[name] = {"list": getattr(self, name).tolist()}
        return arrays

    def upstream(self) -> Float64:
        """The cotangent, or ones of the result's shape."""
        if self.cotangent is not None:
            return self.cotangent
        return np.ones(self.result_shape)

    def digest(self) -> str:
        """A digest of everything that the subject is given."""
        parts = [self.operator, self.dtype, self.target_dtype, repr(sorted(self.keywords.items())), self.layout]
        parts += [repr(self.no_tensors), str(self.input.shape), str(self.target.shape)]
        sha = hashlib.sha256("|".join(parts).encode())
        for array in (self.input, self.target, self.weight, self.cotangent):
            sha.update(b"-" if array is None else np.ascontiguousarray(array).tobytes())
        return sha.hexdigest()
