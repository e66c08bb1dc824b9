"""What a subject says it offers, checked before anything is planned on it."""

from __future__ import annotations

import re
from pathlib import Path
from string import Template
from typing import Any, cast

import msgspec

from adapters.constants import constant
from adapters.contract import GRADIENT, VERSION
from adapters.description import (
    COST_CLASSES,
    Description,
    ModeOffer,
    OperatorOffer,
    Reproducer,
    costs_of,
    dtypes_of,
    wants_of,
)
from adapters.gateway import AdapterFault, WorkerError
from conformance.cases.operator import Operator
from conformance.judging.bench import Bench
from conformance.operators.catalogue import OPERATORS
from conformance.running.discover import Function, Spec, SubjectFailed, UsageError
from reference.formats import FORMATS

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_UNKNOWN = "the adapter does not know this operator"
_ANY_FUNCTION = ("value", "after", "threads", "kept", "shares", "state", "mapped", "abstract", "grad-modes", "memory")
_DIFFERENTIABLE_FUNCTION = (
    *("accumulated", "repeated", "altered", "recomputed", "mapped-gradient"),
    *("second", "forward", "jacobian"),
)


def describe(spec: Spec, python: str, bench: Bench) -> Description:
    """The subject's description.

    Raises:
        SubjectFailed: The framework is not there, or not in the version asked for, or the adapter is broken.
    """
    try:
        said = bench.worker.describe()
        _check_contract(spec, said)
        description = msgspec.convert(said, type=Description)
    except AdapterFault as fault:
        if f"No module named '{spec.name}'" in fault.headline:
            hint = spec.install_command(python)
            raise SubjectFailed(f"subject {spec.name}: not installed for {python}; install it: {hint}") from None
        raise SubjectFailed(f"{spec.adapter}: the adapter failed: {fault.headline}") from None
    except WorkerError as error:
        raise SubjectFailed(f"subject {spec.name}: {error}") from None
    except msgspec.ValidationError as error:
        raise SubjectFailed(f"{spec.adapter}: describe() breaks the contract: {error}") from None
    _check_names(spec, description)
    _check_version(spec, python, description)
    return description


def absent_operators(description: Description, spec: Spec) -> dict[str, str]:
    """The operators that a framework does not have, and what its adapter says about each.

    Raises:
        SubjectFailed: The adapter's table is no table.
    """
    if spec.function:
        return {}
    try:
        rows = msgspec.convert(constant(spec.adapter, "OPERATORS") or {}, type=dict[str, dict[str, Any]])
    except (SyntaxError, ValueError, msgspec.ValidationError) as error:
        raise SubjectFailed(f"{spec.adapter}: OPERATORS cannot be read: {error}") from None
    missing = [name for name in OPERATORS if name not in description["operators"]]
    return {name: str(rows.get(name, {}).get("absent", _UNKNOWN)) for name in missing}


def with_function(spec: Spec, description: Description, bench: Bench) -> Description:
    """The description of a framework of which one function alone is tested.

    Raises:
        UsageError: The function cannot be loaded.
    """
    function = spec.function
    if function is None:
        return description
    try:
        differentiable = bench.worker.load(function.target)
    except AdapterFault as fault:
        raise UsageError(f"target {function.target}: cannot be loaded: {fault.headline}") from None
    except WorkerError as error:
        raise UsageError(f"target {function.target}: {error}") from None
    nearest = _nearest_offer(description, OPERATORS[function.operator])
    description = {**description, "operators": {**description["operators"], function.operator: nearest}}
    offer = _of_function(description, function, differentiable=differentiable)
    if "reproducer" in offer:
        offer["reproducer"] = _reproducer(offer["reproducer"], function, differentiable=differentiable)
    costs = {mode: _of_framework(description, function.operator, mode) for mode in offer["modes"]}
    return {**description, "costs": costs, "operators": {function.operator: offer}}


def _of_framework(description: Description, operator: str, mode: str) -> list[str]:
    """The cost classes that a mode of the framework has whatever the function: each new shape takes long."""
    return sorted(costs_of(description, operator, mode) & {"expensive-shapes"})


def _of_function(description: Description, function: Function, *, differentiable: bool) -> OperatorOffer:
    """The framework's offer as far as somebody's own function need keep it.

    It need not be exportable. A derivative beyond the gradient it may refuse, which is no deviation.
    """
    operator = OPERATORS[function.operator]
    sources = tuple(GRADIENT + argument.name for argument in operator.arguments if argument.differentiable)
    wants = _ANY_FUNCTION + ((*sources, *_DIFFERENTIABLE_FUNCTION) if differentiable else ())

    def kept(words: list[str]) -> list[str]:
        return [word for word in words if word in wants]

    offer: OperatorOffer = {**description["operators"][function.operator], "forms": ["user"]}
    offer.pop("signature", None)
    offer["by_mode"] = {
        mode: {"offers": kept(wants_of(offer, mode)), "dtypes": dtypes_of(offer, mode)} for mode in offer["modes"]
    }
    offer["offers"] = kept(offer["offers"])
    return offer


def _nearest_offer(description: Description, operator: Operator) -> OperatorOffer:
    """The framework's offer of an operator, or, if it has none, what it offers of another, for this one's arguments."""
    if operator.name in description["operators"]:
        return description["operators"][operator.name]
    other = next(iter(description["operators"].values()))
    by_mode = {mode: {"offers": _alike(wants_of(other, mode), operator)} for mode in other["modes"]}
    whole = {argument.name: "int64" for argument in operator.arguments if argument.whole_numbers}
    return {
        **other,
        "arguments": [argument.name for argument in operator.arguments],
        "options": ["reduction", *(option.name for option in operator.options)],
        "argument_dtypes": whole,
        "offers": _alike(other["offers"], operator),
        "by_mode": cast("dict[str, ModeOffer]", by_mode),
    }


def _alike(wants: list[str], operator: Operator) -> list[str]:
    """Wants of another operator, with the gradients to this one's arguments."""
    sources = [GRADIENT + argument.name for argument in operator.arguments if argument.differentiable]
    differentiates = any(word.startswith(GRADIENT) for word in wants)
    return [word for word in wants if not word.startswith(GRADIENT)] + (sources if differentiates else [])


def _reproducer(template: Reproducer, function: Function, *, differentiable: bool) -> Reproducer:
    """The lines that import the function in the place of those that import a port."""
    place, _, name = function.target.rpartition(":")
    lines = template["prelude"].splitlines()
    if place.endswith(".py"):
        folder = repr(str(Path(place).parent)).replace("$", "$$")
        lines = ["import sys", f"sys.path.insert(0, {folder})", *lines]
        place = Path(place).stem
    beside = template.get("gradient_beside", "") if differentiable else ""
    lines.append(f"from {place} import {name}" + (f", {name}_gradient" if beside else ""))
    changed: Reproducer = {**template, "prelude": "\n".join(lines), "call": {"user": f"{name}($tensors$options)"}}
    if beside:
        changed["gradient"] = Template(beside).safe_substitute(function=name)
    return changed


def _check_contract(spec: Spec, said: object) -> None:
    """Raise at a contract of another version, whatever else such a description holds."""
    version = cast("dict[str, object]", said).get("contract", VERSION) if isinstance(said, dict) else VERSION
    if version != VERSION:
        words = f"describe() is made for version {version} of the contract; this suite speaks {VERSION}"
        raise SubjectFailed(f"{spec.adapter}: {words}")


def _check_names(spec: Spec, description: Description) -> None:
    """Raise at a name that is no name, or that the suite does not know."""
    for field in ("framework", "version"):
        if not _NAME.fullmatch(description[field]):
            raise SubjectFailed(f"{spec.adapter}: describe() gives {description[field]!r} as {field}; that is no name")
    _check_costs(spec, description)
    for operator, offer in description["operators"].items():
        if operator not in OPERATORS:
            known = ", ".join(OPERATORS)
            raise SubjectFailed(f"{spec.adapter}: describe() offers the operator {operator!r}; there are {known}")
        _check_modes(spec, offer)
        asked = [*offer["dtypes"], *(dtype for mode in offer["modes"] for dtype in dtypes_of(offer, mode))]
        for dtype in asked:
            if dtype not in FORMATS:
                known = ", ".join(FORMATS)
                raise SubjectFailed(f"{spec.adapter}: describe() offers the dtype {dtype!r}; there are {known}")


def _check_costs(spec: Spec, description: Description) -> None:
    own = [more for offer in description["operators"].values() for more in offer.get("by_mode", {}).values()]
    for costs in [*description.get("costs", {}).values(), *(more.get("costs", []) for more in own)]:
        for cost in costs:
            if cost not in COST_CLASSES:
                known = ", ".join(COST_CLASSES)
                raise SubjectFailed(f"{spec.adapter}: describe() gives the cost class {cost!r}; there are {known}")


def _check_modes(spec: Spec, offer: OperatorOffer) -> None:
    for mode in offer.get("by_mode", {}):
        if mode not in offer["modes"]:
            known = ", ".join(offer["modes"])
            raise SubjectFailed(f"{spec.adapter}: describe() has {mode!r} in by_mode; there are the modes {known}")


def _check_version(spec: Spec, python: str, description: Description) -> None:
    found = description["version"]
    if spec.version and found != spec.version:
        hint = spec.install_command(python)
        raise SubjectFailed(f"subject {spec.name}=={spec.version}: {python} has {found}; install it: {hint}")
