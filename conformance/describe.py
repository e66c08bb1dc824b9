"""What a subject says it offers, checked before anything is planned on it."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from adapters.contract import Description, OperatorOffer, Reproducer
from adapters.gateway import AdapterFault, WorkerError
from conformance.case import OPERATORS
from conformance.discover import Function, Spec, UsageError
from conformance.subject import Bench
from reference.formats import FORMATS

_WITHOUT_DERIVATIVES = ("value", "after", "threads")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")


def describe(spec: Spec, python: str, bench: Bench) -> Description:
    """The subject's description.

    Raises:
        UsageError: The framework is not there, or not in the version asked for, or the adapter is broken.
    """
    try:
        description = msgspec.convert(bench.worker.describe(), type=Description)
    except AdapterFault as fault:
        if f"No module named '{spec.name}'" in fault.headline:
            hint = spec.install_command(python)
            raise UsageError(f"subject {spec.name}: not installed for {python}; install it: {hint}") from None
        raise UsageError(f"{spec.adapter}: the adapter failed: {fault.headline}") from None
    except WorkerError as error:
        raise UsageError(f"subject {spec.name}: {error}") from None
    except msgspec.ValidationError as error:
        raise UsageError(f"{spec.adapter}: describe() breaks the contract: {error}") from None
    _check_names(spec, description)
    _check_version(spec, python, description)
    return description


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
    offer: OperatorOffer = {**description["operators"][function.operator], "forms": ["user"], "legacy": []}
    offer["offers"] = [word for word in offer["offers"] if word in _WITHOUT_DERIVATIVES or differentiable]
    if "reproducer" in offer:
        offer["reproducer"] = _reproducer(offer["reproducer"], function, differentiable=differentiable)
    return {**description, "operators": {function.operator: offer}}


def _reproducer(template: Reproducer, function: Function, *, differentiable: bool) -> Reproducer:
    """The lines that import the function in the place of those that import a port."""
    place, _, name = function.target.rpartition(":")
    lines = [line for line in template["prelude"].splitlines() if "port" not in line.split("import")[-1]]
    if place.endswith(".py"):
        lines = ["import sys", f"sys.path.insert(0, {str(Path(place).parent)!r})", *lines]
        place = Path(place).stem
    lines.append(f"from {place} import {name}")
    changed: Reproducer = {**template, "prelude": "\n".join(lines), "call": {"user": f"{name}(input, target$options)"}}
    if differentiable and template.get("gradient", "").startswith("numpy_port"):
        lines[-1] += f", {name}_gradient"
        changed["prelude"] = "\n".join(lines)
        changed["gradient"] = f"{name}_gradient(input, target, cotangent$options)"
    return changed


def _check_names(spec: Spec, description: Description) -> None:
    """Raise at a name that is no name, or that the suite does not know."""
    for field in ("framework", "version"):
        if not _NAME.fullmatch(description[field]):
            raise UsageError(f"{spec.adapter}: describe() gives {description[field]!r} as {field}; that is no name")
    for operator, offer in description["operators"].items():
        if operator not in OPERATORS:
            known = ", ".join(OPERATORS)
            raise UsageError(f"{spec.adapter}: describe() offers the operator {operator!r}; there are {known}")
        for dtype in offer["dtypes"]:
            if dtype not in FORMATS:
                known = ", ".join(FORMATS)
                raise UsageError(f"{spec.adapter}: describe() offers the dtype {dtype!r}; there are {known}")


def _check_version(spec: Spec, python: str, description: Description) -> None:
    found = description["version"]
    if spec.version and found != spec.version:
        hint = spec.install_command(python)
        raise UsageError(f"subject {spec.name}=={spec.version}: {python} has {found}; install it: {hint}")
