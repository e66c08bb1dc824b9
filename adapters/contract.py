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

The modules beside it (``NAME_*.py`` beside ``NAME_adapter.py``) are the adapter's own: it imports
them under their own names. A port (``NAME_port.py``) is loaded before the adapter.

What an adapter says about its framework is in :mod:`adapters.description`, arrays as plain data are in
:mod:`adapters.arrays`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict, cast

from adapters.arrays import PlainArgument, has_keys, is_plain_array

VERSION = 2
"""Of this contract; a description says for which it is made."""

ECHO = "echo"
"""Operator of calibration, which every adapter answers: ``input`` as the framework holds it."""

PRODUCT = "product"
"""Operator of calibration, likewise: ``input * weight``, element by element, in the call's mode."""


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

FURTHER = (
    *("accumulated", "forward", "second", "jacobian", "threads"),
    *("kept", "repeated", "altered", "recomputed", "mapped", "mapped-gradient"),
    *("abstract", "grad-modes", "memory"),
)
"""Wants beyond value and gradients that are answered by an array each."""

IN_WORDS = ("shares", "state")
"""Wants that are answered by a list of words; an empty one says that all is well."""

ALWAYS = ("value", "after", "inferred", "evidence")
"""Wants that may be sent to any operator; one that is not offered stays away from the reply."""


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
    ``kept``
        The value, as it stands after a second call with ``other`` among the vectors (of its shape
        and dtype) as the first argument; ``value`` is what it was before. The worker sees to it, as
        to ``shares`` and ``state``.
    ``repeated``
        The gradient to the first argument, taken a second time of the same forward call.
    ``altered``
        The gradient to the first argument, if the last argument is overwritten with 0 between the
        forward and the backward call.
    ``recomputed``
        The gradient to the first argument, if the framework makes the forward call again for the
        backward pass (checkpointing).
    ``mapped-gradient``
        The gradient to the first argument, with the framework's mapping function over the gradient
        and under it: stacked on a new first axis, a row for each way, as in ``mapped``. The cotangent
        is that of every copy.
    ``mapped``
        The value, computed by the framework's own mapping function in several ways: stacked on a
        new first axis, a row for each way that the framework does not refuse. Of two copies that are
        mapped over, the first counts.
    ``abstract``
        Zeros of the shape and dtype that the framework finds for arguments without data, such as
        meta tensors and abstract arrays.
    ``grad-modes``
        The value where nothing is recorded for a backward pass, in each way that the framework has, and where every
        argument requires a gradient, if that is not refused: stacked on a new first axis.
    ``memory``
        The bytes by which the memory of the process grows, at its peak, while the call's other wants are
        evaluated once more: one integer, the smallest of three tries. The worker sees to it. An adapter
        offers it where the kernel counts (``/proc/self/clear_refs``) and its framework gives back what it
        has freed; one that keeps it in a pool does not grow.
    ``shares``
        The names of the arguments in whose memory the value lies; ``after`` is wanted with it.
    ``state``
        What the call left otherwise than it found it, in words: settings of the framework, of NumPy,
        of Python and of the processor, and marks on the arguments. An adapter names its framework's settings in a
        function ``state() -> dict``, and adds what only it can see to the list ``state`` of its reply.
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


_NO_ARRAYS = ("after", "evidence", *IN_WORDS)


def reply_fault(reply: Any, call: Call) -> str:
    """What is wrong with a reply; empty if it keeps the contract."""
    if not isinstance(reply, dict):
        return f"it returned {type(reply).__name__}, not a dictionary"
    answer = cast("dict[str, Any]", reply)
    if "raised" in answer:
        return "" if has_keys(answer["raised"], "type", "message", "bases") else "'raised' is no exception"
    return next((fault for name in call["want"] if (fault := _fault_of(answer, name))), "")


def _fault_of(answer: dict[str, Any], name: str) -> str:
    """What is wrong with the answer to one want."""
    if name in answer:
        return "" if name in _NO_ARRAYS or is_plain_array(answer[name]) else f"{name!r} is no array of numbers"
    if name in ALWAYS and name != "value":
        return ""
    return f"{name!r} was wanted and is missing; the reply has {', '.join(answer) or 'nothing'}"
