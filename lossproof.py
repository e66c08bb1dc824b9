"""What a loss must give, for tests of a program's own; ports of losses; and the start of the command line.

    from lossproof import expect, formula, words

:func:`expect` gives a loss, its gradients and their bounds for given inputs. :func:`formula` makes
a loss of a function of the user's own, written with :data:`words`. :class:`Deviation` is what a check
raises. ``docs/expect.md`` is the introduction.

The suite's four folders are import packages of the checkout; a wheel carries them
inside ``lossproof_suite/``. Only :func:`main` puts that folder on the import path, in
the process of the command line. Importing this module changes nothing, so a program
may use the functions beside any package that happens to be called ``adapters`` or ``reference``:
what they need is loaded when they are first called, under a private name.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

    from reference.arguments import OracleError
    from reference.engine import words
    from reference.engine.formula import Formula
    from reference.engine.words import Expression, Integers
    from reference.expect import Deviation, Expectation, Expected

__all__ = [
    "Deviation",
    "Expectation",
    "Expected",
    "Expression",
    "Formula",
    "Integers",
    "OracleError",
    "expect",
    "formula",
    "main",
    "port",
    "words",
]

_LAZY = {
    "Deviation": "expectation",
    "Expectation": "expectation",
    "Expected": "expect",
    "Expression": "engine.expression",
    "Formula": "engine.formula",
    "Integers": "engine.masks",
    "OracleError": "arguments",
    "words": "engine.words",
}
_HERE = Path(__file__).resolve().parent
_SUITE = _HERE / "lossproof_suite" if (_HERE / "lossproof_suite").is_dir() else _HERE


def main() -> None:
    """Run the command line."""
    sys.path.insert(0, str(_SUITE))
    from conformance.command.cli import cli

    try:
        cli(prog_name="lossproof")
    except OSError as error:
        sys.stderr.write(f"lossproof: {error.filename or 'output'}: {error.strerror}\n")
        sys.exit(4)


def port(framework: str) -> ModuleType:
    """The losses for a framework that lacks them, as a module of functions.

    Args:
        framework: ``jax``, ``tensorflow``, ``mindspore``, ``torch``, ``cupy`` or ``numpy``.

    Returns:
        The module ``FRAMEWORK_port``, loaded by file under a private name.

    Raises:
        ModuleNotFoundError: There is no port for that framework.

    Example:
        >>> port("numpy").multilabel_margin_loss.__name__
        'multilabel_margin_loss'
    """
    name, path = f"_lossproof_{framework}_port", _SUITE / "adapters" / f"{framework}_port.py"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path) if path.is_file() else None
    if spec is None or spec.loader is None:
        known = ", ".join(sorted(file.name.removesuffix("_port.py") for file in path.parent.glob("*_port.py")))
        raise ModuleNotFoundError(f"port {framework!r}: no such port; there are {known}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def expect(
    loss: Formula | str,
    /,
    *,
    dtype: npt.DTypeLike = "float32",
    reduction: str = "none",
    cotangent: Any = None,
    documented: bool = False,
    flushes: bool = False,
    gradients: Sequence[str] | None = None,
    **given: Any,
) -> Expected:
    """What a loss must give for these very inputs, and how far a right implementation may be from it.

    Args:
        loss: The name of a loss, such as ``"soft_margin_loss"``, or what :func:`formula` makes.
        dtype: Format in which the implementation computes: ``float16``, ``bfloat16``, ``float32`` or
            ``float64``, as a string or as NumPy's dtype.
        reduction: ``none``, ``sum`` or ``mean``.
        cotangent: What the gradients are multiplied by, of the loss's shape; ones if absent.
        documented: Grant also the rounding of the formula as the official page prints it, which may
            cancel or overflow. Otherwise the form that keeps its digits is demanded.
        flushes: Grant that subnormal numbers are taken as 0, as GPUs and compiled CPU code may do.
        gradients: Arguments to which gradients are wanted; by default, all that the page differentiates
            by, or every ``score`` of a formula of your own.
        given: Arguments and options of the loss, by name. Real arguments are arrays, or what
            ``numpy.asarray`` makes arrays of; their dtype is free, but each number must be a value of
            ``dtype``. Classes are integers. An optional argument may be None.

    Returns:
        ``value`` and ``bound`` of the loss as float64 arrays of its shape, ``gradient(name)`` with the same
        two of a gradient's shape, and ``check(got)`` of each. A bound is an absolute error in units of the
        result. It is derived from the number and size of the terms for any order of operations; the
        docstrings of ``reference/engine`` hold the derivation.

    Raises:
        OracleError: A ``ValueError`` in one line: a name, shape, dtype, reduction or option that the loss
            lacks, or a number outside its domain; it says what there is.

    Example:
        >>> expected = expect("soft_margin_loss", input=[0.0, 2.0], target=[1, -1], reduction="sum")
        >>> round(float(expected.value), 6)
        2.820075
        >>> expected.check(2.82007527)

    Source:
        The official page of each loss: ``reference/formulas``.
    """
    found: Expected = _reference("expect").expect(
        loss,
        dtype=dtype,
        reduction=reduction,
        cotangent=cotangent,
        documented=documented,
        flushes=flushes,
        gradients=gradients,
        **given,
    )
    return found


def formula(
    function: Callable[..., Expression],
    /,
    *,
    options: Mapping[str, Any] | None = None,
    documented: Callable[..., Expression] | None = None,
    mean: Callable[..., Expression] | None = None,
    **axes: str,
) -> Formula:
    """A loss of your own, for :func:`expect`.

    Args:
        function: Takes an expression for each argument, and each option, by name; gives the expression of
            an element of the loss. It is written with Python's operators and :data:`words`.
        options: Settings with their defaults. A float is a number of the formula, rounded to the format.
            Anything else reaches the function as it is, to choose among formulas.
        documented: The same loss in the form that ``documented=True`` grants; ``function`` if absent.
        mean: Likewise, the whole loss of the reduction ``mean``, if that is not the sum over the number of elements.
        axes: Each argument's axes and what it holds, such as ``input="N? C score"``. ``N?`` is an axis that
            all arguments have or lack together, ``...`` any number of axes. The last word is ``score`` (a
            finite number with a gradient), ``number`` (one without), ``sign`` (1 or -1), ``unit`` (from 0 to
            1) or ``class`` (an index of axis C); ``score?`` is an argument that a call may leave out: the
            function gets None for it.

    Returns:
        The loss, which has no state and may be used again.

    Raises:
        OracleError: A ``ValueError`` in one line: a description that is none, or a function of other arguments.

    Example:
        >>> def absolute(input, target):
        ...     return abs(input - target)
        >>> error = formula(absolute, input="... score", target="... number")
        >>> float(expect(error, input=[1.0, 2.0], target=[0.5, 4.0], reduction="mean").value)
        1.25
    """
    found: Formula = _reference("own_formula").formula(
        function, options=options, documented=documented, mean=mean, **axes
    )
    return found


def _reference(part: str) -> ModuleType:
    """A module of the folder ``reference``."""
    return importlib.import_module(f"{_package()}.{part}")


@functools.cache
def _package() -> str:
    """What the folder ``reference`` is imported as: what the suite has imported it as, if it has when first asked."""
    name, home = "_lossproof_reference", _SUITE / "reference"
    place = getattr(sys.modules.get("reference"), "__file__", None)
    if place is not None and Path(place).resolve().parent == home:
        return "reference"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            name, home / "__init__.py", submodule_search_locations=[str(home)]
        )
        if spec is None or spec.loader is None:
            raise ModuleNotFoundError(f"{home}: no such folder; lossproof is not installed completely")
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return name


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'lossproof' has no attribute {name!r}")
    return _reference("engine.words") if name == "words" else getattr(_reference(_LAZY[name]), name)


if __name__ == "__main__":
    main()
