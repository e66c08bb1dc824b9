"""What a clause is, and the register of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from packaging.specifiers import SpecifierSet

from conformance.cases.case import OPERATORS, Case

if TYPE_CHECKING:
    from conformance.cases.strategies import Draw
    from conformance.judging.subject import Subject, Variant

Level = Literal["documented", "implied", "quality", "open"]
Needs = Literal[
    "value",
    "gradient",
    "inferred",
    "nothing",
    "weight_gradient",
    "target_gradient",
    "accumulated",
    "forward",
    "second",
    "jacobian",
    "threads",
    "layouts",
    "another-mode",
    "another-form",
    "signature",
]
Law = Callable[["Subject", Case], str | None]

FAMILIES = (
    "value",
    "labels",
    "weights",
    "shapes",
    "dtypes",
    "numbers",
    "gradients",
    "modes",
    "layout",
    "errors",
    "legacy",
)
NATIVE = ("native", "module")


@dataclass(frozen=True)
class Source:
    """A sentence of an official page, or the reason that stands for one."""

    title: str
    address: str
    version: str
    words: str


@dataclass(frozen=True)
class Binding:
    """Which subjects a clause may be demanded of; empty fields bind all."""

    framework: str = ""
    forms: tuple[str, ...] = ()
    versions: str = ""

    def binds(self, framework: str, version: str, form: str) -> bool:
        """Whether a form of a framework at a version is bound."""
        return (
            self.framework in ("", framework)
            and (not self.forms or form in self.forms)
            and SpecifierSet(self.versions, prereleases=True).contains(version)
        )


EVERY_SUBJECT = Binding()
TORCH_NATIVE = Binding("torch", NATIVE)
MINDSPORE_NATIVE = Binding("mindspore", NATIVE, ">=2.0")


@dataclass(frozen=True)
class Clause:
    """One falsifiable statement about an operator.

    Attributes:
        id: ``operator.family.sentence``; never reused.
        level: Why it may be demanded.
        sources: The pages' sentences it rests on.
        why: For other levels than ``documented``: what it follows from.
        statement: One sentence.
        binding: The subjects it binds.
        needs: What a variant must offer: something that a call may want (see the adapters' contract),
            several layouts, a mode or a form to compare with; ``nothing`` for what is checked
            before a kernel runs.
        draw: Where its cases come from.
        within: What a case must keep while it is made smaller, so that the witness is
            still one of this clause's cases.
        law: Raises on a case where the subject breaks the clause; an open clause's law
            returns the observed behaviour in words.
    """

    id: str
    level: Level
    sources: tuple[Source, ...]
    why: str
    statement: str
    binding: Binding
    needs: Needs
    draw: Draw
    within: Callable[[Case], bool]
    law: Law

    @property
    def operator(self) -> str:
        """The operator it belongs to."""
        return next(name for name, word in OPERATORS.items() if word == self.id.split(".")[0])

    @property
    def family(self) -> str:
        """The second word of its id."""
        return self.id.split(".")[1]

    def binds(self, framework: str, version: str, variant: Variant) -> bool:
        """Whether it may be asked of a variant."""
        return variant.operator == self.operator and self.binding.binds(framework, version, variant.form)


CLAUSES: dict[str, Clause] = {}
"""Every clause by its id, in the order in which the catalogue declares them."""


def any_case(case: Case) -> bool:
    """Whatever the case."""
    return bool(case.operator)


def clause(
    id: str,
    level: Level,
    *sources: Source,
    cases: Draw,
    why: str = "",
    binding: Binding = EVERY_SUBJECT,
    needs: Needs = "value",
    within: Callable[[Case], bool] = any_case,
) -> Callable[[Law], Law]:
    """Register a law as a clause; its docstring is the statement."""

    def register(law: Law) -> Law:
        words = id.split(".")
        if id in CLAUSES or len(words) != 3 or words[0] not in OPERATORS.values() or words[1] not in FAMILIES:
            raise ValueError(f"clause id {id!r}: taken, or not operator.family.sentence")
        if level == "documented" and not sources:
            raise ValueError(f"clause {id}: a documented clause names its page")
        statement = " ".join((law.__doc__ or "").split())
        CLAUSES[id] = Clause(id, level, sources, why, statement, binding, needs, cases, within, law)
        return law

    return register


def both(
    rest: str,
    level: Level,
    *,
    cases: Mapping[str, Draw],
    sources: Mapping[str, tuple[Source, ...]] | None = None,
    why: str = "",
    binding: Binding = EVERY_SUBJECT,
    needs: Needs = "value",
    within: Callable[[Case], bool] = any_case,
) -> Callable[[Law], Law]:
    """Register a law as a clause of each operator that it has cases for.

    Args:
        rest: ``family.sentence``, the id without its operator.
        level: As for :func:`clause`, like all that follows.
        cases: By operator.
        sources: By operator.
        why: See :class:`Clause`.
        binding: See :class:`Clause`.
        needs: See :class:`Clause`.
        within: See :class:`Clause`.
    """

    def register(law: Law) -> Law:
        for operator, draw in cases.items():
            quoted = (sources or {}).get(operator, ())
            name = f"{OPERATORS[operator]}.{rest}"
            clause(name, level, *quoted, cases=draw, why=why, binding=binding, needs=needs, within=within)(law)
        return law

    return register
