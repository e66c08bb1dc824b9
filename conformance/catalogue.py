"""Every clause, in order: importing this module fills the register."""

from __future__ import annotations

import fnmatch
import importlib

from conformance.clause import CLAUSES, Clause

_MODULES = (
    "margin.value",
    "margin.labels",
    "margin.lattice",
    "margin.extremes",
    "margin.many_labels",
    "margin.shapes",
    "margin.gradients",
    "margin.relations",
    "margin.surface",
    "soft.value",
    "soft.extremes",
    "soft.exhaustive",
    "soft.shapes",
    "soft.gradients",
    "soft.relations",
    "soft.surface",
    "both.relations",
    "both.limits",
    "both.places",
    "both.derivatives",
    "both.modes",
    "both.dtypes",
    "both.refusals",
    "both.signatures",
    "both.frozen",
)

for _name in _MODULES:
    importlib.import_module(f"conformance.{_name}")


def clauses(pattern: str = "*", operator: str = "*") -> list[Clause]:
    """The clauses whose id and operator match, in the order of the catalogue."""
    return [
        clause
        for clause in CLAUSES.values()
        if fnmatch.fnmatchcase(clause.id, pattern) and fnmatch.fnmatchcase(clause.operator, operator)
    ]
