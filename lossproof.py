"""Starts lossproof's command line, and hands out its ports.

The suite's four folders are import packages of the checkout; a wheel carries them
inside ``lossproof_suite/``. Only :func:`main` puts that folder on the import path, in
the process of the command line. Importing this module changes nothing, so a program
may use :func:`port` beside any package that happens to be called ``adapters``.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

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


if __name__ == "__main__":
    main()
