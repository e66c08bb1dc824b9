"""From a word on the command line to an adapter: ``torch``, ``torch==2.14.1``, a path, an entry point."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from adapters.constants import constant
from conformance.operators.catalogue import OPERATORS

ADAPTERS = Path(__file__).resolve().parents[2] / "adapters"
ENTRY_POINTS = "lossproof.adapters"

_Said = TypeVar("_Said", str, bool)


class UsageError(ValueError):
    """A wrong word on the command line: one line that says what is on offer."""


class SubjectFailed(UsageError):
    """A subject that is not there, or not in the version asked for, or whose adapter fails."""


@dataclass(frozen=True)
class Function:
    """Somebody's own function.

    Attributes:
        target: ``package.module:name`` or ``/path/file.py:name``.
        operator: The operator that it implements.
        path: Folders in which its modules are looked for.
    """

    target: str
    operator: str
    path: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name."""
        return self.target.rpartition(":")[2]


@dataclass(frozen=True)
class Spec:
    """A subject as it was asked for.

    Attributes:
        name: The framework, or the stem of the adapter's file.
        adapter: The adapter's file.
        version: The version that was asked for; empty for whatever is there.
        function: Somebody's own function to test in an operator's place.
    """

    name: str
    adapter: Path
    version: str = ""
    function: Function | None = None

    def install_command(self, python: str) -> str:
        """What to type where the framework is missing."""
        wanted = f"{self.name}=={self.version}" if self.version else _said(self.adapter, "INSTALL", self.name)
        return f"{python} -m pip install {wanted}"


def _said(adapter: Path, name: str, default: _Said) -> _Said:
    """What a constant of an adapter says, read without importing it.

    Raises:
        UsageError: It is no literal of its kind.
    """
    try:
        found: object = constant(adapter, name)
    except (SyntaxError, ValueError) as error:
        raise UsageError(f"{adapter}: {name} cannot be read: {error}") from None
    if found is None:
        return default
    if not isinstance(found, type(default)):
        raise UsageError(f"{adapter}: {name} is {found!r}; it must be a {type(default).__name__}")
    return found


def built_in() -> dict[str, Path]:
    """The adapters that come with the suite, by framework."""
    return {path.name.removesuffix("_adapter.py"): path for path in sorted(ADAPTERS.glob("*_adapter.py"))}


def entry_points() -> dict[str, Path]:
    """Adapters that other distributions offer, by name; none of them is imported."""
    found: dict[str, Path] = {}
    for entry in importlib.metadata.entry_points(group=ENTRY_POINTS):
        spec = importlib.util.find_spec(entry.module)
        if spec is not None and spec.origin is not None:
            found[entry.name] = Path(spec.origin)
    return found


def _known() -> dict[str, Path]:
    return {**entry_points(), **built_in()}


def with_functions(adapters: Mapping[str, Path]) -> list[str]:
    """The frameworks in which somebody's own function can be tested."""
    return [name for name, adapter in adapters.items() if _said(adapter, "FUNCTIONS", False)]


def says_how_it_runs(adapter: Path) -> bool:
    """Whether an adapter, run as a program, says in one line how it would run on this machine."""
    return _said(adapter, "SAYS_HOW_IT_RUNS", False)


def find_subject(word: str) -> Spec:
    """The adapter that a word names.

    Raises:
        UsageError: No such subject, or no such file.
    """
    name, named, version = word.partition("==")
    if named and not version:
        raise UsageError(f"subject {word}: name a version behind ==, or leave it out")
    if name.endswith(".py"):
        path = Path(name)
        if not path.is_file():
            raise UsageError(f"subject {word}: no such file")
        return Spec(path.stem.removesuffix("_adapter"), path.resolve(), version)
    known = _known()
    if name not in known:
        offer = ", ".join(sorted(known))
        raise UsageError(f"subject {word}: no such subject; there are {offer}, or the path of an adapter (NAME.py)")
    return Spec(name, known[name], version)


def find_function(target: str, operator: str, framework: str | None, adapter: Path | None = None) -> Spec:
    """Somebody's own function, to be called with a framework's tensors.

    Args:
        target: The function.
        operator: What it implements.
        framework: One that is known by name.
        adapter: The adapter of another, instead.

    Raises:
        UsageError: No such file, operator or framework, or no ``:name``.
    """
    if operator not in OPERATORS:
        raise UsageError(f"--operator {operator}: no such operator; there are {', '.join(OPERATORS)}")
    spec = _whose_tensors(framework, adapter)
    place, _, name = target.rpartition(":")
    if not place or not name.isidentifier():
        raise UsageError(f"target {target}: name a function as file.py:name or package.module:name")
    if place.endswith(".py"):
        if not Path(place).is_file():
            raise UsageError(f"target {target}: no such file")
        target = f"{Path(place).resolve()}:{name}"
    return replace(spec, function=Function(target, operator, (str(Path.cwd()),)))


def _whose_tensors(framework: str | None, adapter: Path | None) -> Spec:
    """The framework whose tensors a function takes."""
    known = _known()
    frameworks = with_functions(known)
    if (framework is None) == (adapter is None):
        raise UsageError(
            f"name the framework with --framework ({', '.join(frameworks)}), or its adapter with --adapter"
        )
    if adapter is not None:
        spec = find_subject(str(adapter)) if adapter.suffix == ".py" else None
        if spec is None or not _said(spec.adapter, "FUNCTIONS", False):
            raise UsageError(
                f"--adapter {adapter}: no adapter that takes functions: a file NAME.py with FUNCTIONS = True"
            )
        return spec
    if framework not in frameworks:
        raise UsageError(f"--framework {framework}: no such framework; there are {', '.join(frameworks)}")
    return Spec(str(framework), known[str(framework)])
