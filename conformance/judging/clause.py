"""What a clause is, and how laws become clauses: of one operator, or of every operator that has what they need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from packaging.specifiers import SpecifierSet

from conformance.cases.case import Case
from conformance.cases.operator import Operator, Source

if TYPE_CHECKING:
    from conformance.cases.drawing import Draw
    from conformance.judging.answers import Variant
    from conformance.judging.subject import Subject

Level = Literal["documented", "implied", "quality", "open"]
Needs = Literal[
    "value",
    "gradient",
    "inferred",
    "nothing",
    "after",
    "gradient:weight",
    "gradient:target",
    "accumulated",
    "forward",
    "second",
    "jacobian",
    "threads",
    "kept",
    "shares",
    "state",
    "repeated",
    "altered",
    "recomputed",
    "mapped",
    "mapped-gradient",
    "abstract",
    "grad-modes",
    "memory",
    "layouts",
    "another-mode",
    "another-form",
    "signature",
]
Also = Literal["brief", "narrow", "wide", "wrapped", "largest"]
"""Where a clause is asked beside the modes that are asked everything: ``brief``, where a quick run asks little
(compiled modes, vmap); ``narrow``, the same modes in formats narrower than float32 (not refusals and defaults, which
are decided before a number is read, nor the pages' examples and single options); ``wide``, the same modes in float64,
which has range and digits to spare (whether they agree with the first one, and what options do); ``wrapped``, modes
that wrap the framework's first one; ``largest``, in its own shapes where each new shape takes long: its largest case
alone."""

Law = Callable[["Subject", Case], str | None]
Keeps = Callable[[Case], bool]

FAMILIES = (
    "value",
    "labels",
    "weights",
    "options",
    "shapes",
    "dtypes",
    "numbers",
    "gradients",
    "modes",
    "layout",
    "cost",
    "errors",
    "legacy",
)
NATIVE = ("native", "module")


@dataclass(frozen=True)
class Binding:
    """Which subjects a clause may be demanded of; empty fields bind all.

    The functions and modules of the frameworks in ``spared`` are not bound: their own pages say otherwise.
    """

    framework: str = ""
    forms: tuple[str, ...] = ()
    versions: str = ""
    spared: tuple[str, ...] = ()

    def binds(self, framework: str, version: str, form: str) -> bool:
        """Whether a form of a framework at a version is bound."""
        return (
            self.framework in ("", framework)
            and (not self.forms or form in self.forms)
            and not (framework in self.spared and form in NATIVE)
            and SpecifierSet(self.versions, prereleases=True).contains(version)
        )


EVERY_SUBJECT = Binding()
TORCH_NATIVE = Binding("torch", NATIVE)
MINDSPORE_NATIVE = Binding("mindspore", NATIVE, ">=2.0")


def any_case(case: Case) -> bool:
    """Whatever the case."""
    del case
    return True


@dataclass(frozen=True)
class Clause:
    """One falsifiable statement about an operator.

    Attributes:
        id: ``operator.family.sentence``; never reused.
        operator: The operator it belongs to.
        level: Why it may be demanded.
        sources: The pages' sentences it rests on.
        why: For other levels than ``documented``: what it follows from.
        statement: One sentence.
        binding: The subjects it binds.
        needs: What a variant must offer: something that a call may want (see the adapters' contract),
            several layouts, a mode or a form to compare with; ``nothing`` for what is checked
            before a kernel runs.
        draw: Where its cases come from.
        keeps: What a case must keep while it is made smaller, so that the witness is
            still one of this clause's cases.
        also: Its weight in a profile: where it is asked beside the modes that are asked everything.
        law: Raises on a case with which the subject breaks the clause; an open clause's law
            returns the observed behaviour in words.
    """

    id: str
    operator: Operator
    level: Level
    sources: tuple[Source, ...]
    why: str
    statement: str
    binding: Binding
    needs: Needs
    draw: Draw
    keeps: Keeps
    also: frozenset[Also]
    law: Law

    @property
    def family(self) -> str:
        """The second word of its id."""
        return self.id.split(".")[1]

    def binds(self, framework: str, version: str, variant: Variant) -> bool:
        """Whether it may be asked of a variant."""
        return variant.operator == self.operator.name and self.binding.binds(framework, version, variant.form)


class Register(Protocol):
    """Declares a clause of an operator; see :class:`Clause` for the arguments."""

    def __call__(
        self,
        id: str,
        level: Level,
        *sources: Source,
        cases: Draw,
        why: str = "",
        binding: Binding = EVERY_SUBJECT,
        needs: Needs = "value",
        keeps: Keeps = any_case,
        also: tuple[Also, ...] = (),
        statement: str = "",
    ) -> Callable[[Law], Law]:
        """A decorator of the clause's law, whose docstring is the statement unless there is another."""
        ...


def clauses_of(operator: Operator, register: dict[str, Clause]) -> Register:
    """What declares the clauses of an operator.

    Args:
        operator: Whose clauses.
        register: Where they go, by id.
    """

    def clause(
        id: str,
        level: Level,
        *sources: Source,
        cases: Draw,
        why: str = "",
        binding: Binding = EVERY_SUBJECT,
        needs: Needs = "value",
        keeps: Keeps = any_case,
        also: tuple[Also, ...] = (),
        statement: str = "",
    ) -> Callable[[Law], Law]:
        def add(law: Law) -> Law:
            words = id.split(".")
            if id in register or len(words) != 3 or words[0] != operator.word or words[1] not in FAMILIES:
                raise ValueError(f"clause id {id!r}: taken, or not {operator.word}.family.sentence")
            if level == "documented" and not sources:
                raise ValueError(f"clause {id}: a documented clause names its page")
            said = statement or " ".join((law.__doc__ or "").split())
            register[id] = Clause(
                id, operator, level, sources, why, said, binding, needs, cases, keeps, frozenset(also), law
            )
            return law

        return add

    return clause
