"""What an adapter and the suite say to each other: plain data, nothing to import.

An adapter is one Python file (syntax of Python 3.8; NumPy and its framework only)
with two functions:

``describe() -> Description``
    What the framework offers on this machine.
``evaluate(call: Call) -> Reply``
    One evaluation of one operator.

Everything that crosses is numbers, strings, bytes, lists and dictionaries; the types
below document it and are for the suite's side. In a reply an adapter may also put NumPy
arrays and exceptions: the worker turns them into plain data. An exception that the
framework raises is caught where the framework is called and comes back under
``raised``; any other exception that leaves ``evaluate`` counts as a fault of the
adapter, but for what is no ``Exception`` (an exit, a panic of Rust): no adapter raises it
by itself, so the worker takes it for the framework's.

An adapter of a framework that cannot differentiate has a third function,
``differentiates(function) -> bool``: whether there is a gradient for somebody's own function.

A constant ``NEEDS`` at its top level says what a version needs beside itself, for the
environments that ``lossproof upgrade`` and ``lossproof run NAME==VERSION`` make. It is
read without importing the adapter, so it is a literal: a list of dictionaries, of which
the first whose ``versions`` hold the version decides::

    NEEDS = [
        {"versions": ">=2.1", "python": ">=3.10"},
        {"python": "<3.10", "packages": ["{name}=={version}", "numpy<2"]},
    ]

``versions`` (default: all) and ``python`` (default: 3.8 and later) are ranges as pip writes
them; ``packages`` (default: ``{name}=={version}`` and ``numpy``) is what pip is told to
install, ``{name}`` being the adapter's name. The package with ``{version}`` is the one whose
releases ``--bisect`` lists.

A constant ``ENVIRONMENT``, read likewise, is a dictionary of environment variables that must
be set before the framework's process starts; a variable that the user has set stays as it is.

A port beside it (``NAME_port.py`` beside ``NAME_adapter.py``) is loaded first, under
its own name, so that the adapter can ``import NAME_port``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict, cast

import numpy as np
import numpy.typing as npt

ECHO = "echo"
"""Operator of calibration, which every adapter answers: ``input`` as the framework holds it."""

PRODUCT = "product"
"""Operator of calibration, likewise: ``input * weight``, element by element, in the call's mode."""


class PlainArray(TypedDict):
    """An array as bytes.

    ``dtype`` is NumPy's name, or ``bfloat16`` (16 bits each); ``data`` is in C order,
    in the byte order of the machine.
    """

    dtype: str
    shape: list[int]
    data: bytes


class PlainList(TypedDict):
    """An argument that is deliberately no tensor: nested lists of numbers."""

    list: list[Any]


class PlainRange(TypedDict):
    """Consecutive bit patterns of a format, as an array of shape (count, 1).

    ``range`` is the first pattern, as an unsigned number of the format's width, and the
    count. The worker makes a :class:`PlainArray` of it: an adapter never sees it.
    """

    range: list[int]
    dtype: str


class PlainFill(TypedDict):
    """One value in every place; the worker makes a :class:`PlainArray` of it as well."""

    fill: float
    shape: list[int]
    dtype: str


PlainArgument = PlainArray | PlainList | PlainRange | PlainFill
"""What may stand in a call's ``arrays`` when it is sent."""

FURTHER = ("weight_gradient", "target_gradient", "accumulated", "forward", "second", "jacobian", "threads")
"""Wants beyond value and gradient that are answered by an array each."""


COST_CLASSES = (
    "cheap",
    "slow-calls",
    "slow-rows",
    "expensive-rows",
    "quadratic-classes",
    "expensive-shapes",
    "expensive-programs",
    "wrapper",
)
"""What asking a mode costs.

``cheap``
    Nothing of what follows; the same as no class.
``slow-calls``
    Every call takes long, whatever its size: more than a few milliseconds.
``slow-rows``
    A loop over the rows, of tens of microseconds for each.
``expensive-rows``
    The same, of milliseconds for each.
``quadratic-classes``
    Time or memory of a row grows with the square of the number of classes.
``expensive-shapes``
    Each new shape takes long. Compiled modes are in this class without saying so.
``expensive-programs``
    Each new program takes longer than about 0.3 s; a quick run leaves the mode out.
``wrapper``
    The mode only wraps the framework's own eager operator (exported, traced, under another
    policy). It is asked few clauses. A user's function, which need neither be exportable nor
    keep its precision under such a policy, is not asked in it.
"""


class Call(TypedDict):
    """One evaluation.

    ``arrays`` holds ``input`` and ``target``, where given ``weight``, and ``cotangent``
    where a derivative is wanted for one. ``options`` are keyword arguments of the operator
    (``reduction``, ``size_average``, ``reduce``); one that is absent is left to its
    default. ``want`` names what is to come back, each under its own name:

    ``value``, ``gradient``
        The loss, and its gradient to the input for the cotangent.
    ``weight_gradient``, ``target_gradient``
        The gradient for the cotangent to the weight, or to labels in the scores' dtype.
    ``accumulated``
        The input's gradient after a backward pass for the cotangent, where ``held`` among
        the arrays (of the input's shape and dtype) was its gradient before.
    ``forward``
        The derivative of the loss along ``tangent`` among the arrays (of the input's shape),
        in forward mode; of the result's shape.
    ``second``
        The derivative of ``gradient`` along ``tangent``: a Hessian times a vector.
    ``jacobian``
        The derivative of each element of the result to the input; of the result's shape
        followed by the input's.
    ``threads``
        The value of the same call, several times from each of two threads at once, stacked
        on a new first axis. The worker sees to it: an adapter only names it in its offers
        and is asked for ``value`` from both threads.
    ``after``, ``inferred``, ``evidence``
        The arguments as they are after the call; shape and dtype as the framework infers
        them before it runs a kernel; that the mode ran.

    ``layout`` is how all arrays lie in memory, one of those that the description offers:

    ``contiguous``
        As they come, and writable.
    ``strided``
        Every other place of rows twice as long.
    ``reversed``
        Read from the end of memory to its start.
    ``transposed``
        Columns one after the other.
    ``broadcast``
        One row for all rows, where all are the same; elsewhere ``contiguous``.
    ``read-only``
        In memory that may not be written to.
    ``misaligned``
        Behind an address that a processor likes: by one byte, or by one element where a
        framework can have no less.

    Several may be wanted of one call; where the framework refuses one of them, ``raised``
    comes back alone.

    ``function`` is somebody's own function, as ``package.module:name`` or
    ``/path/file.py:name``; the worker loads it, and the adapter finds the function itself
    there and calls it in the operator's place, with the framework's tensors.
    """

    operator: str
    form: str
    mode: str
    device: str
    dtype: str
    arrays: Mapping[str, PlainArgument]
    options: dict[str, Any]
    layout: str
    want: list[str]
    function: NotRequired[str]


class RaisedError(TypedDict):
    """An exception that the framework raised."""

    type: str
    message: str
    bases: list[str]


class Reply(TypedDict):
    """What came back: what was wanted, or what was raised."""

    raised: NotRequired[RaisedError]
    value: NotRequired[PlainArray]
    gradient: NotRequired[PlainArray]
    inferred: NotRequired[PlainArray]
    weight_gradient: NotRequired[PlainArray]
    target_gradient: NotRequired[PlainArray]
    accumulated: NotRequired[PlainArray]
    forward: NotRequired[PlainArray]
    second: NotRequired[PlainArray]
    jacobian: NotRequired[PlainArray]
    threads: NotRequired[PlainArray]
    after: NotRequired[dict[str, PlainArray]]
    evidence: NotRequired[str]


class Reproducer(TypedDict):
    """How to write a case in the framework's own terms.

    Templates of :class:`string.Template`: ``array`` with ``$values`` and ``$dtype``,
    ``empty`` with ``$shape`` and ``$dtype`` for arrays without elements, each form's
    ``call`` with ``$options``, each mode's ``wrap`` with ``$call``, after the lines of its
    ``define`` with ``$call``, where it has any; ``gradient`` with ``$loss``, after ``before``.
    ``port_import`` stands in for ``$port_import`` where the form is ``port``.
    """

    prelude: str
    port_import: NotRequired[str]
    array: str
    empty: str
    call: dict[str, str]
    wrap: dict[str, str]
    define: NotRequired[dict[str, str]]
    gradient: NotRequired[str]
    before: NotRequired[str]


class SignatureParameter(TypedDict):
    """A parameter as the framework declares it; ``default`` is the default's ``repr``, empty where there is none."""

    name: str
    default: str


class ModeOffer(TypedDict):
    """What one mode offers in place of its operator's own lists; an absent one stays the operator's."""

    offers: NotRequired[list[str]]
    dtypes: NotRequired[list[str]]
    forms: NotRequired[list[str]]
    costs: NotRequired[list[str]]


class OperatorOffer(TypedDict):
    """What a framework offers of one operator.

    ``dtypes`` are the formats to ask for; a format that is refused when asked is
    ``unsupported`` in the framework's words. ``offers`` holds what may stand in a
    call's ``want``. ``by_mode`` holds, by mode, what differs from both.
    ``legacy`` names options beyond ``reduction``. ``signature`` holds, by form, the
    parameters of the framework's own function or of its class's constructor.
    """

    forms: list[str]
    modes: list[str]
    dtypes: list[str]
    target_dtype: str
    offers: list[str]
    legacy: list[str]
    by_mode: NotRequired[dict[str, ModeOffer]]
    signature: NotRequired[dict[str, list[SignatureParameter]]]
    reproducer: NotRequired[Reproducer]


class LeftOutMode(TypedDict):
    """A mode that this machine cannot run, and why."""

    mode: str
    words: str


class Description(TypedDict):
    """What an adapter says about its framework.

    ``compiled`` names the modes that pay for each new shape and must give evidence
    that they ran. ``device`` is the one device that is offered.

    ``costs`` names, by mode, the cost classes of :data:`COST_CLASSES` that decide how much is
    asked, so that the plan does not depend on how busy the machine is. A mode without an entry is
    cheap. What an operator's ``by_mode`` says comes first.
    """

    framework: str
    version: str
    build: str
    device: str
    layouts: list[str]
    compiled: list[str]
    costs: NotRequired[dict[str, list[str]]]
    left_out: list[LeftOutMode]
    facts: dict[str, Any]
    operators: dict[str, OperatorOffer]


def wants_of(offer: OperatorOffer, mode: str) -> list[str]:
    """What may be wanted of an operator in a mode."""
    return offer.get("by_mode", {}).get(mode, {}).get("offers", offer["offers"])


def forms_of(offer: OperatorOffer, mode: str) -> list[str]:
    """The forms that an operator has in a mode."""
    return offer.get("by_mode", {}).get(mode, {}).get("forms", offer["forms"])


def dtypes_of(offer: OperatorOffer, mode: str) -> list[str]:
    """The formats that an operator has in a mode."""
    return offer.get("by_mode", {}).get(mode, {}).get("dtypes", offer["dtypes"])


def costs_of(description: Description, operator: str, mode: str) -> frozenset[str]:
    """The cost classes of an operator in a mode."""
    declared = description.get("costs", {}).get(mode, [])
    own = description["operators"][operator].get("by_mode", {}).get(mode, {}).get("costs", declared)
    compiled = ["expensive-shapes"] if mode in description["compiled"] else []
    return frozenset([*own, *compiled]) - {"cheap"}


def to_plain(array: npt.NDArray[Any], dtype: str | None = None) -> PlainArray:
    """An array as plain data; ``bfloat16`` takes float64 values of that format."""
    name = dtype or str(array.dtype)
    if name == "bfloat16":
        wide = np.ascontiguousarray(array, dtype=np.float32)
        stored: npt.NDArray[Any] = (wide.view(np.uint32) >> 16).astype(np.uint16).reshape(array.shape)
    else:
        with np.errstate(over="ignore", invalid="ignore"):
            stored = np.asarray(array).astype(name)
    return {"dtype": name, "shape": list(array.shape), "data": stored.tobytes()}


def from_plain(plain: PlainArray) -> npt.NDArray[Any]:
    """A NumPy array from plain data; ``bfloat16`` comes back as float32."""
    if plain["dtype"] == "bfloat16":
        bits = np.frombuffer(plain["data"], dtype=np.uint16).astype(np.uint32) << 16
        return bits.view(np.float32).reshape(plain["shape"])
    return np.frombuffer(plain["data"], dtype=plain["dtype"]).reshape(plain["shape"])


def reply_fault(reply: Any, call: Call) -> str:
    """What is wrong with a reply; empty where it keeps the contract."""
    if not isinstance(reply, dict):
        return f"it returned {type(reply).__name__}, not a dictionary"
    answer = cast("dict[str, Any]", reply)
    if "raised" in answer:
        return "" if _has(answer["raised"], "type", "message", "bases") else "'raised' is no exception"
    for name in ("value", "gradient", "inferred", *FURTHER):
        if name in call["want"] and name not in answer:
            return f"{name!r} was wanted and is missing; the reply has {', '.join(answer) or 'nothing'}"
        if name in answer and not _is_array(answer[name]):
            return f"{name!r} is no array of numbers"
    return ""


def _has(part: Any, *keys: str) -> bool:
    return isinstance(part, dict) and set(keys) <= set(cast("dict[str, Any]", part))


def _is_array(plain: Any) -> bool:
    """Whether this is a :class:`PlainArray` whose bytes fill its shape."""
    if not _has(plain, "dtype", "shape", "data"):
        return False
    name = "uint16" if plain["dtype"] == "bfloat16" else str(plain["dtype"])
    if not re.fullmatch(r"bool|u?int(8|16|32|64)|float(16|32|64)", name):
        return False
    return bool(len(plain["data"]) == np.dtype(name).itemsize * math.prod(plain["shape"]))
