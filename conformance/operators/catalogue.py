"""Every operator and every clause, found by walking this package, the families, and folders of a user's own."""

from __future__ import annotations

import fnmatch
import importlib
import importlib.util
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

import conformance.families
import conformance.operators
from conformance.cases.operator import Operator
from conformance.judging.clause import Clause
from conformance.judging.shared import SHARED
from conformance.operators.checking import faults

OPERATORS: dict[str, Operator] = {}
"""Every operator by its name."""

CLAUSES: dict[str, Clause] = {}
"""Every clause by its id."""

FOLDERS: list[Path] = []
"""The folders of a user's own that were added, one for each operator."""


class OperatorError(ValueError):
    """A folder that holds no operator, or one whose name is taken; one line that says what is wrong."""


def _modules(package: ModuleType) -> list[ModuleType]:
    names = sorted(found.name for found in pkgutil.iter_modules(package.__path__) if not found.ispkg)
    return [importlib.import_module(f"{package.__name__}.{name}") for name in names]


def add(package: ModuleType) -> Operator:
    """Take an operator's package into the catalogue: its description, the families' clauses, its special ones.

    A special clause takes the place of a family's clause of the same id.

    Raises:
        OperatorError: It holds no operator, its name, its word or the id of a clause is taken, or its
            description holds a word that nothing knows or differs from its formula.
    """
    operator: Operator | None = getattr(package, "OPERATOR", None)
    if not isinstance(operator, Operator):
        raise OperatorError(f"{package.__file__}: no OPERATOR, a value of conformance.cases.operator.Operator")
    taken = {known.word for known in OPERATORS.values()} | set(OPERATORS)
    if taken & {operator.name, operator.word}:
        raise OperatorError(f"{package.__file__}: the name {operator.name} or the word {operator.word} is taken")
    wrong = list(faults(operator))
    if wrong:
        raise OperatorError(f"{package.__file__}: {'; '.join(wrong)}")
    found: dict[str, Clause] = {}
    for declare in SHARED:
        declare(operator, found)
    for module in _modules(package):
        found.update(getattr(module, "CLAUSES", {}))
    OPERATORS[operator.name] = operator
    CLAUSES.update(found)
    return operator


def add_folder(folder: Path) -> list[Operator]:
    """Take every operator of a user's folder into the catalogue: each is a package, a folder with ``__init__.py``.

    A folder that is itself a package is taken as one operator. What was added before is left alone.

    Raises:
        OperatorError: There is no such folder, it holds no package, or a package cannot be taken.
    """
    folder = folder.resolve()
    if not folder.is_dir():
        raise OperatorError(f"{folder}: no such folder")
    packages = [folder] if (folder / "__init__.py").is_file() else sorted(folder.glob("*/__init__.py"))
    paths = [path if path.is_dir() else path.parent for path in packages]
    if not paths:
        raise OperatorError(f"{folder}: holds no operator, which is a folder with an __init__.py")
    return [_add_path(path) for path in paths if path not in FOLDERS]


def _add_path(path: Path) -> Operator:
    name = f"lossproof_operators_{len(FOLDERS)}_{path.name}"
    init = path / "__init__.py"
    spec = importlib.util.spec_from_file_location(name, init, submodule_search_locations=[str(path)])
    if spec is None or spec.loader is None:
        raise OperatorError(f"{init}: cannot be imported")
    package = importlib.util.module_from_spec(spec)
    sys.modules[name] = package
    try:
        spec.loader.exec_module(package)
        operator = add(package)
    except OperatorError:
        raise
    except Exception as error:  # whatever the file does wrong is told in one line
        raise OperatorError(f"{init}: {type(error).__name__}: {error}") from error
    FOLDERS.append(path)
    return operator


def clauses(pattern: str = "*", operator: str = "*") -> list[Clause]:
    """The clauses whose id and operator match, in the order of the catalogue."""
    return [
        clause
        for clause in CLAUSES.values()
        if fnmatch.fnmatchcase(clause.id, pattern) and fnmatch.fnmatchcase(clause.operator.name, operator)
    ]


_modules(conformance.families)
for _found in sorted(pkgutil.iter_modules(conformance.operators.__path__), key=lambda found: found.name):
    if _found.ispkg:
        add(importlib.import_module(f"conformance.operators.{_found.name}"))
