"""A case: the concrete inputs of one evaluation, in no framework's terms."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from adapters.arrays import PlainArray, PlainList, to_plain
from adapters.contract import CallArgument
from conformance.cases.operator import Argument, Array, Operator
from reference.formats import FORMATS, Bool, Float64, Format


@dataclass(frozen=True, eq=False)
class Case:
    """Inputs of one evaluation.

    Attributes:
        operator: Whose case it is.
        dtype: Format of the scores, by name.
        arrays: Exact values of each argument that is given, by name: float64, or int64 for indices.
        dtypes: How arguments are handed over that are not of the scores' dtype, by name.
        reduction: ``None`` leaves the argument out.
        cotangent: Upstream gradient; ones where a gradient is wanted and none is given.
        options: Further keyword arguments, such as ``margin`` or the legacy flags.
        no_tensors: Names of arguments that are handed over as plain lists.
        layout: Where the values lie in memory.
    """

    operator: Operator
    dtype: str
    arrays: Mapping[str, Array]
    dtypes: Mapping[str, str] = field(default_factory=dict[str, str])
    reduction: str | None = "none"
    cotangent: Float64 | None = None
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    no_tensors: tuple[str, ...] = ()
    layout: str = "contiguous"

    def __getitem__(self, name: str) -> Array:
        """An argument's values."""
        return self.arrays[name]

    def get(self, name: str) -> Array | None:
        """An argument's values; ``None`` if it is left out."""
        return self.arrays.get(name)

    @property
    def format(self) -> Format:
        """Format of the scores."""
        return FORMATS[self.dtype]

    @property
    def first(self) -> Array:
        """The first argument: its scores, or the first of several arrays of scores."""
        return self.arrays[self.operator.arguments[0].name]

    @property
    def given(self) -> tuple[Argument, ...]:
        """The arguments that are given, in the operator's order."""
        return tuple(argument for argument in self.operator.arguments if argument.name in self.arrays)

    @property
    def sizes(self) -> dict[str, int]:
        """Size of each axis that the case has; the first argument with an axis decides."""
        found: dict[str, int] = {}
        for argument in self.given:
            shape = self.arrays[argument.name].shape
            axes = self.operator.axes_of(argument, len(shape))
            found.update({axis: size for axis, size in zip(axes, shape, strict=False) if axis not in found})
        return found

    @property
    def rows(self) -> int:
        """Size of the batch axis; 1 without one."""
        return self.sizes.get(self.operator.batch, 1)

    @property
    def classes(self) -> int:
        """C; 1 for an operator without classes."""
        return self.sizes.get("C", 1)

    @property
    def has_batch(self) -> bool:
        """Whether it has the batch axis."""
        return self.operator.batch in self.sizes

    @property
    def result_axes(self) -> tuple[str, ...]:
        """The axes of its result."""
        if self.reduction != "none":
            return ()
        sizes = self.sizes
        return tuple(axis for axis in self.operator.result if axis in sizes)

    @property
    def result_shape(self) -> tuple[int, ...]:
        """The documented shape of its result."""
        sizes = self.sizes
        return tuple(sizes[axis] for axis in self.result_axes)

    @property
    def keywords(self) -> dict[str, Any]:
        """Keyword arguments of the operator: the reduction, if given, and the options."""
        given = {} if self.reduction is None else {"reduction": self.reduction}
        return {**given, **self.options}

    def option(self, name: str) -> Any:
        """An option's value, its default if the case leaves it out."""
        if name in self.options:
            return self.options[name]
        return next(option.default for option in self.operator.options if option.name == name)

    def dtype_of(self, name: str) -> str:
        """How an argument is handed over."""
        return self.dtypes.get(name, self.dtype)

    def replace(self, **changes: Any) -> Case:
        """The same case with some parts changed: fields, or arguments by name; ``None`` leaves an argument out."""
        arrays = dict(changes.pop("arrays", self.arrays))
        arrays.update({name: value for name, value in changes.items() if self.operator.has(name)})
        fields = {name: value for name, value in changes.items() if not self.operator.has(name)}
        given = {name: array for name, array in arrays.items() if array is not None}
        return dataclasses.replace(self, arrays=given, **fields)

    def places(self, axis: str, chosen: npt.NDArray[Any] | slice) -> Case:
        """Some places of an axis, in the order chosen; values that name places of it stay as they are."""
        changed: dict[str, Array] = {}
        for argument in self.given:
            array = self.arrays[argument.name]
            axes = self.operator.axes_of(argument, array.ndim)
            if axis in axes:
                changed[argument.name] = array[_index(axes.index(axis), chosen)]
        cotangent = self.cotangent
        if cotangent is not None and axis in self.result_axes and cotangent.ndim == len(self.result_axes):
            cotangent = cotangent[_index(self.result_axes.index(axis), chosen)]
        return dataclasses.replace(self, arrays={**self.arrays, **changed}, cotangent=cotangent)

    def some_rows(self, chosen: npt.NDArray[Any] | slice) -> Case:
        """The batch cut down to some of its rows."""
        return self.places(self.operator.batch, chosen)

    def cut(self, axis: str, keep: Bool) -> Case | None:
        """Without some places of an axis; ``None`` where a value names one that goes.

        Values that name places are renamed.
        """
        case = self.places(axis, keep)
        renamed: dict[str, Array] = {}
        for argument in case.given:
            if argument.indexes == axis:
                array = case.arrays[argument.name].astype(np.int64)
                named = ~np.isin(array, argument.keep) & (array >= 0) & (array < len(keep))
                if not keep[array[named]].all():
                    return None
                array[named] = (np.cumsum(keep) - 1)[array[named]]
                renamed[argument.name] = array
        return dataclasses.replace(case, arrays={**case.arrays, **renamed})

    def unbatched(self) -> Case:
        """A batch of one without the batch axis."""
        batch = self.operator.batch
        changed: dict[str, Array] = {}
        for argument in self.given:
            array = self.arrays[argument.name]
            axes = self.operator.axes_of(argument, array.ndim)
            if batch in axes:
                changed[argument.name] = array[_index(axes.index(batch), 0)]
        cotangent = self.cotangent
        if cotangent is not None and batch in self.result_axes and cotangent.ndim == len(self.result_axes):
            cotangent = cotangent[_index(self.result_axes.index(batch), 0)]
        return dataclasses.replace(self, arrays={**self.arrays, **changed}, cotangent=cotangent)

    def batched(self) -> Case:
        """A case without the batch axis as a batch of one."""
        batch = self.operator.batch
        changed = {
            argument.name: np.expand_dims(self.arrays[argument.name], argument.axes.index(batch))
            for argument in self.given
            if batch in argument.axes
        }
        cotangent = self.cotangent
        if cotangent is not None and self.reduction == "none" and batch in self.operator.result:
            cotangent = np.expand_dims(cotangent, self.operator.result.index(batch))
        return dataclasses.replace(self, arrays={**self.arrays, **changed}, cotangent=cotangent)

    def call_arguments(self) -> list[CallArgument]:
        """The arguments as an adapter takes them: the positional ones first."""
        given = sorted(self.given, key=lambda argument: argument.place == "keyword")
        return [
            {"name": argument.name, "place": argument.place, "array": self._plain(argument.name)} for argument in given
        ]

    def _plain(self, name: str) -> PlainArray | PlainList:
        if name in self.no_tensors:
            return {"list": self.arrays[name].tolist()}
        return to_plain(self.arrays[name], self.dtype_of(name))

    def plain_cotangent(self) -> PlainArray:
        """The upstream gradient as an adapter takes it."""
        return to_plain(self.upstream(), self.dtype)

    def upstream(self) -> Float64:
        """The cotangent, or ones of the result's shape."""
        if self.cotangent is not None:
            return self.cotangent
        return np.ones(self.result_shape)

    @property
    def elements(self) -> int:
        """How many numbers its arguments hold."""
        return sum(int(array.size) for array in self.arrays.values())

    def digest(self) -> str:
        """A digest of everything that the subject is given."""
        parts = [self.operator.name, self.dtype, repr(sorted(self.keywords.items())), self.layout]
        parts += [repr(self.no_tensors), repr(sorted(self.dtypes.items()))]
        sha = hashlib.sha256("|".join(parts).encode())
        for name, array in (*sorted(self.arrays.items()), ("cotangent", self.cotangent)):
            if array is not None:
                sha.update(f"|{name} {array.shape} {array.dtype}".encode())
                sha.update(np.ascontiguousarray(array).tobytes())
        return sha.hexdigest()


def _index(place: int, chosen: npt.NDArray[Any] | slice | int) -> tuple[Any, ...]:
    return (slice(None),) * place + (chosen,)
