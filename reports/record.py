"""The run file: what a run of one subject writes, and what every reader checks.

A run file is JSON Lines in UTF-8: one header, one line for each clause of the
plan, one finding for each planned cell, the errors of each variant, one footer. The footer holds the number
of findings by verdict and the SHA-256 digest of every byte before it. A file
without a footer, or whose footer disagrees, is incomplete and is refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

SCHEMA = "lossproof-run/2"

Verdict = Literal["conforms", "deviates", "unsupported", "crashes", "hangs", "observed", "harness-error", "not-run"]
Level = Literal["documented", "implied", "quality", "open"]
Number = float | str  # a string where JSON has no number: "nan", "inf", "-inf"
Hexadecimal = str | list[Any]  # a hexadecimal float, or nested lists of them

FAILURES_KEPT = 16
"""Cases that failed, of which a finding says in which way."""


class Closed(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A record that refuses fields it does not know."""


class Suite(Closed):
    """The suite that made a run: its version and the digest of its source files."""

    version: str
    digest: str


class SubjectRecord(Closed):
    """The implementation that was tested, in its environment."""

    framework: str
    version: str
    build: str
    python: str
    platform: str


class Machine(Closed):
    """Where a run was made.

    Attributes:
        processor: Its architecture.
        cores: How many it has.
        model: The processor's own name; empty in runs that did not record it.
        features: Its vector instructions, by which frameworks choose their kernels.
    """

    processor: str
    cores: int
    model: str = ""
    features: list[str] = []

    def computes_like(self, other: Machine) -> bool:
        """Whether the same kernels run on another machine; what was not recorded is another."""
        of_both = [(each.processor, each.model, each.features) for each in (self, other)]
        return bool(self.model) and of_both[0] == of_both[1]


class LeftOut(Closed):
    """A mode that could not be planned here, and the reason."""

    mode: str
    words: str


class Header(Closed, tag_field="kind", tag="header"):
    """First line of a run file.

    Attributes:
        draws: Number of the way in which cases are drawn; 0 for files that do not say it.
        absent: Operators that the framework does not have, and what the adapter says about each.
        formulas: Of each operator that was asked, as nested lists of a MathML tag and its contents,
            by the settings that choose among formulas.
    """

    schema: Literal["lossproof-run/2"]
    run: str
    started: str
    suite: Suite
    subject: SubjectRecord
    profile: str
    seed: int
    planned: int
    machine: Machine
    measured: dict[str, Any]
    left_out: list[LeftOut] = []
    draws: int = 0
    absent: dict[str, str] = {}
    formulas: dict[str, dict[str, list[Any]]] = {}


class SourceRecord(Closed):
    """A sentence of a page, or a reason, on which a clause rests."""

    title: str
    address: str
    version: str
    words: str


class ClauseRecord(Closed, tag_field="kind", tag="clause"):
    """One clause of the plan."""

    id: str
    operator: str
    family: str
    level: Level
    why: str
    statement: str
    sources: list[SourceRecord]


class VariantRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Form, mode, device and dtype of a subject."""

    form: str
    mode: str
    device: str
    dtype: str


class Worst(Closed):
    """Largest error over the cases of a finding, in ulp and as a share of the bound."""

    ulp: Number
    share_of_bound: Number


class Observed(Closed):
    """What an open clause saw: how many cases behaved in which way."""

    behaviours: dict[str, int]


class ArgumentRecord(Closed):
    """An argument of a call.

    Attributes:
        dtype: In which it was handed over.
        shape: Its shape.
        values: Nested lists of hexadecimal floats, or of integers.
    """

    dtype: str
    shape: list[int]
    values: Any


class Counterexample(Closed):
    """The smallest input found that shows a deviation or an observed behaviour.

    ``expected`` and ``got`` are sentences for people. What a program needs of them is in fields of
    its own, for the element that is farthest beyond its bound.

    Attributes:
        arguments: By name.
        reduction: As of the call; ``None`` if it was left out.
        expected: What the clause demands, in words.
        got: What came back, in words.
        reproducer: A program that shows it in the framework alone.
        dtype: Format of the scores.
        options: Further keyword arguments.
        cotangent: Upstream gradient.
        kind: What is wrong, in the words of :class:`Failure`.
        place: Indices of the element.
        low: Lower end of what is expected there, a hexadecimal float.
        high: Upper end.
        bound: How far a correct implementation may be from them.
        value: What came back there.
    """

    arguments: dict[str, ArgumentRecord]
    reduction: str | None
    expected: str
    got: str
    reproducer: str
    dtype: str
    options: dict[str, Any] = {}
    cotangent: Hexadecimal | None = None
    kind: str = ""
    place: list[int] | None = None
    low: str | None = None
    high: str | None = None
    bound: str | None = None
    value: str | None = None

    @property
    def target_dtype(self) -> str:
        """Dtype of the first argument that is not of the scores' dtype; the scores' own if there is none."""
        return next((each.dtype for each in self.arguments.values() if each.dtype != self.dtype), self.dtype)

    def bare(self) -> bytes:
        """What it shows, without what differs between formats and programs that show the same."""
        arguments = {
            name: msgspec.structs.replace(each, dtype="scores" if each.dtype == self.dtype else each.dtype)
            for name, each in self.arguments.items()
        }
        same = msgspec.structs.replace(
            self, arguments=arguments, reproducer="", dtype="", low=None, high=None, bound=None, value=None
        )
        return msgspec.json.encode(same, order="sorted")


class Failure(Closed, array_like=True):
    """A case that failed: its number among the cases of its finding, what was seen, its error as a share of the bound.

    ``problem`` is ``nan``, ``infinite`` or ``finite`` for wrong values; ``shape SHAPE``, ``dtype NAME``;
    ``refused TYPE`` where an answer was due, ``accepted`` where a refusal was,
    ``raised TYPE`` where another type was promised; otherwise ``other``.
    """

    case: int
    problem: str
    share_of_bound: Number | None = None


class Finding(Closed, tag_field="kind", tag="finding"):
    """Clause × variant → verdict, with its evidence.

    Attributes:
        first: The number of the first case that failed.
        problem: What its counterexample shows, in the words of :class:`Failure`.
        failures: The first cases that failed, :data:`FAILURES_KEPT` at most.
        refusals: Where it conforms, the types of what was raised where refusing is right.
    """

    operator: str
    clause: str
    level: Level
    variant: VariantRecord
    verdict: Verdict
    cases: int
    seconds: float
    cases_digest: str = ""
    worst: Worst | None = None
    words: str = ""
    counterexample: Counterexample | None = None
    observed: Observed | None = None
    repeatable: bool | None = None
    first: int | None = None
    problem: str = ""
    failures: list[Failure] = []
    refusals: list[str] = []


class Accuracy(Closed, tag_field="kind", tag="accuracy"):
    """All errors of one quantity of a variant, over every clause that compares with a bound.

    The distributions count results by the upper end of their range: ``0``, powers of two,
    ``more``; empty ranges are left out.
    """

    operator: str
    variant: VariantRecord
    quantity: str
    elements: int
    worst: Worst
    shares_of_bound: dict[str, int]
    ulps: dict[str, int]


class Footer(Closed, tag_field="kind", tag="footer"):
    """Last line of a run file."""

    complete: bool
    counts: dict[str, int]
    ended: str
    digest: str


Line = Header | ClauseRecord | Finding | Accuracy | Footer


class Run(msgspec.Struct):
    """One run file, read and checked."""

    path: Path
    header: Header
    clauses: list[ClauseRecord]
    findings: list[Finding]
    footer: Footer
    accuracy: list[Accuracy] = []

    @property
    def name(self) -> str:
        """Framework and version, as people write them."""
        return f"{self.header.subject.framework} {self.header.subject.version}"
