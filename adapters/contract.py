"""What an adapter and the suite say to each other: plain data, nothing to import.

An adapter is one Python file (syntax of Python 3.8; NumPy and its framework only)
with two functions:

``describe() -> Description``
    What the framework offers on this machine.
``evaluate(call: Call) -> Reply``
    One evaluation of one operator.

The whole is numbered (:data:`VERSION`). A constant ``OPERATORS`` at the adapter's top level is its
table: by operator, which arguments and options its own function takes and how, or why it has none.
It is a literal, so that it can be read without importing the framework::

    OPERATORS = {
        "multi_margin_loss": {
            "native": "multi_margin_loss",
            "module": "MultiMarginLoss",
            "arguments": ["input", "target", "weight"],
            "options": ["reduction", "p", "margin"],
        },
        "margin_ranking_loss": {"absent": "this framework has no such loss"},
    }

Only ``absent`` is read by the suite; the other fields are the adapter's own business. An operator
that stands neither in the description nor in the table is absent too. A call with an argument, an
option or a want that the description does not list is refused by the worker: nothing is dropped.

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

Further constants, read likewise, say what other places need to know of the framework. None of
them has to be there:

``ENVIRONMENT``
    A dictionary of environment variables that must be set before the framework's process starts;
    a variable that the user has set stays as it is.
``TITLE``
    The framework's name as its own pages write it, such as ``PyTorch``.
``INSTALL``
    What ``pip install`` is told if the framework is missing and no version is asked for; without
    it, the adapter's name.
``FUNCTIONS``
    ``True`` if somebody's own function can be tested with this framework's tensors.
``SAYS_HOW_IT_RUNS``
    ``True`` if the file, run as a program, prints one line: how the subject would run on this
    machine, and what is missing for a better way. ``lossproof doctor`` shows the line.

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

VERSION = 2
"""Of this contract; a description says for which it is made."""

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
"""What may stand in a call's arguments when it is sent."""


class CallArgument(TypedDict):
    """One argument of a call.

    ``place`` is ``positional``, or ``keyword`` for one that a module takes when it is made. The
    positional ones come first, in the operator's order.
    """

    name: str
    place: str
    array: PlainArgument


GRADIENT = "gradient:"
"""A want that begins with this names the argument to which the gradient is wanted."""

FURTHER = ("accumulated", "forward", "second", "jacobian", "threads")
"""Wants beyond value and gradients that are answered by an array each."""

ALWAYS = ("value", "after", "inferred", "evidence")
"""Wants that may be sent to any operator; one that is not offered stays away from the reply."""


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

    ``arguments`` holds the tensors. ``vectors`` holds, by name, what derivatives are taken along:
    ``cotangent``, ``tangent``, ``held``. ``options`` are keyword arguments of the operator
    (``reduction``, ``margin``, ``size_average``); one that is absent is left to its default.
    ``want`` names what is to come back, each under its own name:

    ``value``
        The loss.
    ``gradient:NAME``
        The gradient to the argument NAME for the cotangent.
    ``accumulated``
        The gradient to the first argument after a backward pass for the cotangent, if ``held``
        among the vectors (of the argument's shape and dtype) was its gradient before.
    ``forward``
        The derivative of the loss to the first argument along ``tangent`` (of its shape), in
        forward mode; of the result's shape.
    ``second``
        The derivative of the gradient to the first argument along ``tangent``: a Hessian times a
        vector.
    ``jacobian``
        The derivative of each element of the result to the first argument; of the result's shape
        followed by the argument's.
    ``threads``
        The value of the same call, several times from each of two threads at once, stacked
        on a new first axis. The worker sees to it: an adapter only names it in its offers
        and is asked for ``value`` from both threads.
    ``after``, ``inferred``, ``evidence``
        Arguments and vectors as they are after the call; shape and dtype as the framework infers
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
    arguments: list[CallArgument]
    vectors: Mapping[str, PlainArgument]
    options: dict[str, Any]
    layout: str
    want: list[str]
    function: NotRequired[str]


class RaisedError(TypedDict):
    """An exception that the framework raised."""

    type: str
    message: str
    bases: list[str]


Reply = dict[str, Any]
"""What came back: a :class:`PlainArray` under each want, ``after`` as a dictionary of them, ``evidence`` in words;
or a :class:`RaisedError` alone, under ``raised``."""


class Reproducer(TypedDict):
    """How to write a case in the framework's own terms.

    Templates of :class:`string.Template`. ``array`` has ``$values`` and ``$dtype``; ``empty``, for
    arrays without elements, ``$shape`` and ``$dtype``. Each form's ``call`` has ``$tensors`` (the
    positional arguments, such as ``input, target``), ``$options`` (what follows them, with a comma
    in front), ``$module_options`` (the same without it). Each mode's ``wrap`` has ``$call`` and
    ``$tensors``, and follows the lines of its ``define`` with the same, if it has any. ``gradient``
    has ``$loss``, ``$tensors``, ``$options`` and ``$to``, the argument's name, after ``before``;
    ``$to_keyword`` is ``, to='NAME'``, or nothing if the argument is called ``input``.
    ``port_import`` stands in for ``$port_import`` if the form is ``port``; ``modes`` holds by mode
    what stands in for ``$mode``; ``$x64`` is whether the format is float64. ``gradient_beside`` stands
    in for ``gradient`` where somebody's own ``$function`` has its gradient beside it instead of being
    differentiated. ``integers`` holds by form the options of which the form takes a whole number as
    an integer only.
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
    modes: NotRequired[dict[str, str]]
    gradient_beside: NotRequired[str]
    integers: NotRequired[dict[str, list[str]]]


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

    ``arguments`` and ``options`` name what a call may hold. ``argument_dtypes`` says how arguments
    are handed over that are not of the scores' dtype, such as class indices. ``dtypes`` are the
    formats to ask for; a format that is refused when asked is ``unsupported`` in the framework's
    words. ``offers`` holds what may stand in a call's ``want``. ``by_mode`` holds, by mode, what
    differs from both. ``signature`` holds, by form, the parameters of the framework's own function
    or of its class's constructor.
    """

    forms: list[str]
    modes: list[str]
    dtypes: list[str]
    arguments: list[str]
    options: list[str]
    argument_dtypes: dict[str, str]
    offers: list[str]
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

    contract: int
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
    """What is wrong with a reply; empty if it keeps the contract."""
    if not isinstance(reply, dict):
        return f"it returned {type(reply).__name__}, not a dictionary"
    answer = cast("dict[str, Any]", reply)
    if "raised" in answer:
        return "" if _has(answer["raised"], "type", "message", "bases") else "'raised' is no exception"
    for name in call["want"]:
        if name in answer and name not in _NO_ARRAYS and not _is_array(answer[name]):
            return f"{name!r} is no array of numbers"
        if name not in answer and (name == "value" or name not in ALWAYS):
            return f"{name!r} was wanted and is missing; the reply has {', '.join(answer) or 'nothing'}"
    return ""


_NO_ARRAYS = ("after", "evidence")


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
