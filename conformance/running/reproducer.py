"""A case as a few lines in the framework's own terms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import Template
from typing import Any

import numpy as np

from adapters.description import OperatorOffer, Reproducer
from conformance.cases.case import Case
from conformance.families.gradients import pattern
from conformance.judging.answers import Variant
from reference.formats import Float64, Int64

_NO_NUMBER = re.compile(r"\b(inf|nan)\b")


FURTHER = (
    *("accumulated", "forward", "second", "jacobian", "repeated", "altered", "mapped"),
    *("kept", "shares", "state"),
)
"""What is beyond loss and gradient: a program shows it only if the adapter says how it is written."""


def _fields(case: Case, variant: Variant, offer: OperatorOffer, template: Reproducer, to: str) -> dict[str, Any]:
    """What stands in for the fields of the templates."""
    integers = offer.get("integers", {}).get(variant.form, [])
    options = "".join(f", {name}={value}" for name, value in _keywords(case, integers))
    return {
        "tensors": ", ".join(argument.name for argument in case.given if argument.place == "positional"),
        "options": options,
        "module_options": options.removeprefix(", "),
        "x64": variant.dtype == "float64",
        "mode": template.get("modes", {}).get(variant.mode, ""),
        "port_import": template.get("port_import", "") if variant.form == "port" else "",
        "to": to,
        "last": case.given[-1].name,
        "to_keyword": "" if to == "input" else f", to={to!r}",
    }


def reproducer(case: Case, variant: Variant, offer: OperatorOffer, *, to: str = "", want: str = "") -> str:
    """Lines that a person can paste; empty if the adapter gives no template.

    Args:
        case: What is computed.
        variant: In which form, mode and format.
        offer: What the adapter offers of the operator.
        to: The argument to which the gradient is printed; the loss is printed if empty.
        want: One of :data:`FURTHER`, printed instead of the gradient.

    Raises:
        KeyError: The adapter does not say how that is written.
    """
    template = offer.get("reproducer")
    if template is None:
        return ""
    fields = _fields(case, variant, offer, template, to)
    fields["call"] = Template(template["call"][variant.form]).substitute(fields)
    fields["loss"] = Template(template["wrap"][variant.mode]).substitute(fields)
    lines = [line for line in Template(template["prelude"]).substitute(fields).splitlines() if line]
    lines += [f"{name} = {_array(case, name, template)}" for name in _arguments(case, gradient=bool(to))]
    lines += [f"tangent = {_array(case, 'tangent', template)}"] if want else []
    defined = template.get("define", {}).get(variant.mode)
    lines += [Template(defined).substitute(fields)] if defined else []
    ending = [Template(template.get("derivatives", {})[want]).substitute(fields)] if want else _ending(template, fields)
    return "\n".join([*lines, *ending])


def _keywords(case: Case, integers: Sequence[str]) -> list[tuple[str, str]]:
    """Names and values of the keyword arguments; of some options a whole number is written as an integer."""
    given = [(argument.name, argument.name) for argument in case.given if argument.place == "keyword"]
    options = {
        name: int(value) if name in integers and float(value).is_integer() else value
        for name, value in case.keywords.items()
    }
    return given + [(name, repr(value)) for name, value in options.items()]


def _arguments(case: Case, *, gradient: bool) -> list[str]:
    return [*(argument.name for argument in case.given), *(["cotangent"] if gradient else [])]


def _ending(template: Reproducer, fields: dict[str, Any]) -> list[str]:
    """The lines that print the loss, or the gradient if that is what deviates."""
    if not fields["to"] or "gradient" not in template:
        return [f"print({fields['loss']})"]
    before = [Template(template["before"]).substitute(fields)] if "before" in template else []
    return [*before, f"print({Template(template['gradient']).substitute(fields)})"]


def _array(case: Case, name: str, template: Reproducer) -> str:
    array = case.upstream() if name == "cotangent" else pattern(case) if name == "tangent" else case[name]
    values = values_text(array)
    if name in case.no_tensors:
        return values
    dtype, shape = case.dtype_of(name), np.shape(array)
    usual = template["empty" if 0 in shape else "array"]
    chosen = template.get("arrays", {}).get(dtype, usual)
    return Template(chosen).substitute(values=values, dtype=dtype, shape=repr(tuple(shape)))


def values_text(array: Float64 | Int64) -> str:
    """Nested lists of shortest decimals; infinities and NaN as calls that make them."""
    return _NO_NUMBER.sub(r"float('\1')", repr(np.asarray(array).tolist()))
