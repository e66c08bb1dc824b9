"""Every clause, in order: importing this module fills the register."""

from __future__ import annotations

import fnmatch
import importlib

from conformance.judging.clause import CLAUSES, Clause

_MODULES = (
    "operators.multilabel_margin_loss.value",
    "operators.multilabel_margin_loss.labels",
    "operators.multilabel_margin_loss.lattice",
    "operators.multilabel_margin_loss.extremes",
    "operators.multilabel_margin_loss.many_labels",
    "operators.multilabel_margin_loss.shapes",
    "operators.multilabel_margin_loss.gradients",
    "operators.multilabel_margin_loss.relations",
    "operators.multilabel_margin_loss.surface",
    "operators.multilabel_soft_margin_loss.value",
    "operators.multilabel_soft_margin_loss.extremes",
    "operators.multilabel_soft_margin_loss.exhaustive",
    "operators.multilabel_soft_margin_loss.shapes",
    "operators.multilabel_soft_margin_loss.gradients",
    "operators.multilabel_soft_margin_loss.relations",
    "operators.multilabel_soft_margin_loss.surface",
    "families.relations",
    "families.limits",
    "families.places",
    "families.derivatives",
    "families.modes",
    "families.dtypes",
    "families.refusals",
    "operators.signatures",
    "families.frozen",
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
