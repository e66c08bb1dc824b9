"""A case as a few lines in the framework's own terms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from string import Template
from typing import Any

import numpy as np

from adapters.description import OperatorOffer, Reproducer
from conformance.cases.case import Case
from conformance.cases.written import list_text
from conformance.families.gradients import pattern
from conformance.judging.answers import Variant
from conformance.judging.subject import Asked
from reference.formats import Float64, Int64

_NO_NUMBER = re.compile(r"\b(inf|nan)\b")


FURTHER = (
    *("accumulated", "forward", "second", "jacobian", "repeated", "altered", "recomputed"),
    *("mapped", "mapped-gradient", "abstract", "grad-modes"),
    *("kept", "shares", "state", "memory"),
)
"""What is beyond loss and gradient: a program shows it only if the adapter says how it is written."""

_VECTORS = ("cotangent", "tangent")
"""What derivatives are taken along: in a program only where it uses them."""

_SHOWN, _ELEMENTS = 6, 200
"""Calls and elements of arguments up to which a program makes every call of a law."""


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
    parts = _parts(case, variant, offer, to=to, want=want)
    return "\n".join([*parts.prelude, *parts.arrays.values(), *parts.evaluation]) if parts else ""


def program(case: Case, variant: Variant, offer: OperatorOffer, calls: Sequence[Asked], *, to: str = "") -> str:
    """Lines that make every call of a law, in its order: what a relation holds against what.

    Where the law makes one call or too many, they are those of the case alone.

    Args:
        case: The witness.
        variant: In which form, mode and format.
        offer: What the adapter offers of the operator.
        calls: What the law asked of the witness.
        to: The argument to which gradients are printed, where the law asked for one.
    """
    shown = _distinct(calls, offer, to=to)
    elements = sum(np.size(asked[argument.name]) for _, asked, *_ in calls for argument in asked.given)
    if not 1 < len(shown) <= _SHOWN or elements > _ELEMENTS:
        return reproducer(case, variant, offer, to=to)
    lines: list[str] = []
    prelude: list[str] = []
    arrays: dict[str, str] = {}
    for parts in shown:
        lines += parts.prelude if parts.prelude != prelude else []
        lines += [line for name, line in parts.arrays.items() if arrays.get(name) != line]
        lines += parts.evaluation
        prelude, arrays = parts.prelude, {**arrays, **parts.arrays}
    return "\n".join(lines)


@dataclass(frozen=True)
class _Parts:
    """A program: imports and settings, the line of each array, and what evaluates and prints."""

    prelude: list[str]
    arrays: dict[str, str]
    evaluation: list[str]


def _distinct(calls: Sequence[Asked], offer: OperatorOffer, *, to: str) -> list[_Parts]:
    """The programs of the calls, each once; a call that is refused ends a program, so only the last may be one."""
    found: list[_Parts] = []
    for variant, case, want, _ in [*[asked for asked in calls[:-1] if asked[-1]], *calls[-1:]]:
        parts = _parts(case, variant, offer, to=to if "gradient" in want else "", want="")
        if parts is not None and parts not in found:
            found.append(parts)
    return found


def _parts(case: Case, variant: Variant, offer: OperatorOffer, *, to: str, want: str) -> _Parts | None:
    """The program of one call; None if the adapter gives no template."""
    template = offer.get("reproducer")
    if template is None:
        return None
    fields = _fields(case, variant, offer, template, to)
    fields["callee"], fields["rest"] = _halves(template["call"][variant.form], fields)
    fields["call"] = fields["callee"] + fields["rest"]
    fields["loss"] = Template(template["wrap"][variant.mode]).substitute(fields)
    prelude = [line for line in Template(template["prelude"]).substitute(fields).splitlines() if line]
    defined = template.get("define", {}).get(variant.mode)
    evaluation = [Template(defined).substitute(fields)] if defined else []
    if want:
        evaluation.append(Template(template.get("derivatives", {})[want]).substitute(fields))
    else:
        evaluation += _ending(template, fields)
    names = [*(argument.name for argument in case.given), *_vectors_in(evaluation)]
    return _Parts(prelude, {name: f"{name} = {_array(case, name, template)}" for name in names}, evaluation)


def _vectors_in(evaluation: list[str]) -> list[str]:
    """The vectors that a program uses."""
    return [name for name in _VECTORS if any(re.search(rf"\b{name}\b", line) for line in evaluation)]


def _halves(call: str, fields: dict[str, Any]) -> tuple[str, str]:
    """What is called, and what it is called with."""
    callee, tensors, rest = call.partition("($tensors")
    return Template(callee).substitute(fields), Template(tensors + rest).substitute(fields)


def _keywords(case: Case, integers: Sequence[str]) -> list[tuple[str, str]]:
    """Names and values of the keyword arguments; of some options a whole number is written as an integer."""
    given = [(argument.name, argument.name) for argument in case.given if argument.place == "keyword"]
    options = {
        name: int(value) if name in integers and float(value).is_integer() else value
        for name, value in case.keywords.items()
    }
    return given + [(name, repr(value)) for name, value in options.items()]


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
    """Nested lists of shortest decimals, long runs of equal parts as products; infinities and NaN as calls."""
    return _NO_NUMBER.sub(r"float('\1')", list_text(np.asarray(array).tolist()))
