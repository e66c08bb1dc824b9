"""Operators for functions of which the page takes whole numbers where the formula takes any."""

from __future__ import annotations

import functools
from dataclasses import replace

from conformance.cases.operator import Operator


@functools.cache
def with_integers(operator: Operator, names: tuple[str, ...]) -> Operator:
    """An operator of which some options are asked at whole numbers only; itself if there are none of the kind.

    A value far from the usual ones loses its fraction.
    """
    if not names:
        return operator
    options = [
        replace(
            option,
            values=tuple(value for value in option.values if float(value).is_integer()),
            far=tuple(dict.fromkeys(float(int(value)) for value in option.far if int(value))),
        )
        if option.name in names
        else option
        for option in operator.options
    ]
    return replace(operator, options=tuple(option for option in options if option.values))
