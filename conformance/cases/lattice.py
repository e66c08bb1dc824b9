"""The exhaustive lattice: every target of a few places against every row of a few scores."""

from __future__ import annotations

import itertools

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import Domain
from conformance.cases.operator import Argument, Array
from reference.formats import Float64

_COTANGENTS = (1.0, -1.0, 0.5, 2.0, 0.0, -0.375, 3.0)


def lattice(domain: Domain) -> list[Case]:
    """One batch for each number of classes; an operator without classes has one batch, of single elements."""
    largest = domain.lattice if "C" in domain.operator.sizes else 1
    return [case for classes in range(1, largest + 1) for case in _of_classes(domain, classes)]


def _of_classes(domain: Domain, classes: int) -> list[Case]:
    """A batch at the options' defaults, and for few classes one for each other value of each option."""
    operator = domain.operator
    arguments = [argument for argument in operator.arguments if argument.lattice(classes)]
    rows = [_rows(domain, argument, classes) for argument in arguments]
    place = np.arange(int(np.prod([len(values) for values in rows])))
    arrays: dict[str, Array] = {}
    for argument, values in zip(arguments, rows, strict=True):  # the first argument varies fastest
        arrays[argument.name] = values[place % len(values)]
        place //= len(values)
    plain = domain.case(arrays=arrays)
    case = plain.replace(cotangent=np.resize(_COTANGENTS, plain.result_shape))
    if classes > 2:
        return [case]
    others = [{option.name: value} for option in operator.options for value in domain.values(option)]
    return [case, *(case.replace(options=options) for options in others)]


def _rows(domain: Domain, argument: Argument, classes: int) -> Array:
    """Every row of an argument's values."""
    width = classes if "C" in argument.axes else 1
    rows = list(itertools.product(argument.lattice(classes), repeat=width))
    if argument.whole_numbers:
        values: Array = np.array(rows, dtype=np.int64)
    else:
        exact: Float64 = domain.format.round(np.array(rows, dtype=np.float64))
        values = exact
    fixed = len([axis for axis in argument.axes if axis not in domain.operator.free])
    return values if fixed > 1 else values[:, 0]
