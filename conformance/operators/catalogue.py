"""Every operator and every clause, found by walking this package and the families."""

from __future__ import annotations

import fnmatch
import importlib
import pkgutil
from types import ModuleType

import conformance.families
import conformance.operators
from conformance.cases.operator import Operator
from conformance.judging.clause import SHARED, Clause

OPERATORS: dict[str, Operator] = {}
"""Every operator by its name."""

CLAUSES: dict[str, Clause] = {}
"""Every clause by its id."""


def _modules(package: ModuleType) -> list[ModuleType]:
    names = sorted(found.name for found in pkgutil.iter_modules(package.__path__) if not found.ispkg)
    return [importlib.import_module(f"{package.__name__}.{name}") for name in names]


def add(package: ModuleType) -> Operator:
    """Take an operator's package into the catalogue: its description, the families' clauses, its special ones.

    Raises:
        ValueError: Its name, its word or the id of a clause is taken.
    """
    operator: Operator = package.OPERATOR
    taken = {known.word for known in OPERATORS.values()} | set(OPERATORS)
    if taken & {operator.name, operator.word}:
        raise ValueError(f"operator {operator.name} ({operator.word}): the name or the word is taken")
    OPERATORS[operator.name] = operator
    for declare in SHARED:
        declare(operator, CLAUSES)
    for module in _modules(package):
        CLAUSES.update(getattr(module, "CLAUSES", {}))
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
