"""Accepted deviations: what somebody looked at, wrote down with a reason, and lets pass until a date.

They live in TOML files, one table for each deviation::

    [[accepted]]
    clause = "margin.labels.block-ends-at-first-negative"
    framework = "torch"
    versions = ">=2.0,<2.14"                 # PEP 440
    variants = ["* inductor cpu float32"]    # form mode device dtype, * and ? as in file names
    signature = "deviates: finite"
    share_of_bound = 880000.0
    why = "labels from the first -1 on count as class 0 in compiled code"
    upstream = "https://github.com/pytorch/pytorch/issues/141017"
    until = 2027-06-30

An entry covers a finding whose clause, framework, version and variant fit, whose
signature is the same, and whose worst error is within a factor of :data:`MAGNITUDE`
of the one that was seen. Another deviation under the same clause is not covered.
"""

from __future__ import annotations

import datetime
import fnmatch
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
import tomli_w
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from reports.arrangement import DEVIATIONS, variant_name
from reports.record import Finding, Header, Run, VariantRecord

MAGNITUDE = 4.0
"""Two errors of a deviation are one magnitude within this factor."""


class AcceptedError(ValueError):
    """A file of accepted deviations that cannot be used: the message names file and entry."""


class Accepted(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One accepted deviation; the module's docstring says what its fields mean."""

    clause: str
    framework: str
    versions: str
    variants: tuple[str, ...]
    signature: str
    why: str
    share_of_bound: float | None = None
    upstream: str = ""
    until: datetime.date | None = None

    def asked_in(self, run: Run) -> list[Finding]:
        """The findings of a run that the entry is about, whatever their verdict."""
        subject = run.header.subject
        if subject.framework != self.framework or not _admits(self.versions, subject.version):
            return []
        return [found for found in run.findings if found.clause == self.clause and self._names(found.variant)]

    def covers(self, finding: Finding) -> bool:
        """Whether a finding that :meth:`asked_in` gave is the deviation that was accepted."""
        if signature(finding) != self.signature:
            return False
        return self.share_of_bound is None or alike(self.share_of_bound, share(finding))

    def covers_wrapped(self, header: Header, finding: Finding) -> bool:
        """Whether a function that wraps the framework's own shows what was accepted of it, in whichever form."""
        subject = header.subject
        patterns = [f"* {pattern.partition(' ')[2]}" for pattern in self.variants]
        return (
            (self.clause, self.framework) == (finding.clause, subject.framework)
            and _admits(self.versions, subject.version)
            and any(fnmatch.fnmatchcase(variant_name(finding.variant), pattern) for pattern in patterns)
            and self.covers(finding)
            and not self._expired_at(header)
        )

    def expired(self, run: Run) -> bool:
        """Whether its date had passed when a run was made."""
        return self._expired_at(run.header)

    def _expired_at(self, header: Header) -> bool:
        return self.until is not None and self.until < datetime.datetime.fromisoformat(header.started).date()

    def stale(self, run: Run) -> str:
        """Why the entry should go, in words; empty where it covers something, or where nothing of it was asked."""
        asked = self.asked_in(run)
        if asked and self.expired(run):
            return f"its date has passed: until {self.until}"
        return "" if not asked or any(map(self.covers, asked)) else self._seen_instead(asked, run)

    def _seen_instead(self, asked: Sequence[Finding], run: Run) -> str:
        deviating = [finding for finding in asked if finding.verdict in {*DEVIATIONS, "unsupported"}]
        if not deviating:
            return f"nothing deviates there in {run.name}"
        alike_in_kind = [finding for finding in deviating if signature(finding) == self.signature]
        if not alike_in_kind:
            return f"seen instead: {', '.join(sorted({signature(finding) for finding in deviating}))}"
        seen = ", ".join(sorted({magnitude(finding) for finding in alike_in_kind}))
        return f"another magnitude is seen: {seen}, not {self.share_of_bound:g}"

    def _names(self, variant: VariantRecord) -> bool:
        return any(fnmatch.fnmatchcase(variant_name(variant), pattern) for pattern in self.variants)


class _File(msgspec.Struct, forbid_unknown_fields=True):
    accepted: list[Accepted] = []


def signature(finding: Finding) -> str:
    """What was seen, in words that stay the same from run to run: ``deviates: nan``, ``crashes: signal SIGSEGV``."""
    detail = {
        "deviates": finding.problem.split(" (")[0],  # of a wrong shape the word alone: witnesses differ in size
        "crashes": finding.words.split(" after ")[0],
        "unsupported": finding.words.split(":")[0],
    }.get(finding.verdict, "")
    return f"{finding.verdict}: {detail}" if detail else finding.verdict


def share(finding: Finding) -> float | None:
    """The worst error of a wrong but finite value as a share of its bound; ``None`` where there is none."""
    if finding.worst is None or finding.problem != "finite":
        return None
    return float(finding.worst.share_of_bound)


def magnitude(finding: Finding) -> str:
    """The worst error of a deviation in words; NaN, infinities and what is no number have none."""
    worst = share(finding)
    return "none" if worst is None else f"{worst:g} times the bound"


def alike(one: float | None, other: float | None) -> bool:
    """Whether two shares of the bound are of one magnitude."""
    if one is None or other is None:
        return one is other
    return one == other or 1 / MAGNITUDE <= one / max(other, 1e-300) <= MAGNITUDE


def _admits(versions: str, version: str) -> bool:
    return SpecifierSet(versions, prereleases=True).contains(version)


def read_accepted(places: Iterable[Path]) -> list[Accepted]:
    """Every entry of some files, and of the ``.toml`` files of folders.

    Raises:
        AcceptedError: A file cannot be read, is no such file, or an entry says not why.
    """
    found: list[Accepted] = []
    for place in places:
        files = sorted(place.glob("*.toml")) if place.is_dir() else [place]
        if not files:
            raise AcceptedError(f"{place}: no .toml file there")
        for path in files:
            found += _read(path)
    return found


def _read(path: Path) -> list[Accepted]:
    try:
        entries = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File).accepted
    except OSError as error:
        raise AcceptedError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise AcceptedError(f"{path}: {error}") from None
    for number, entry in enumerate(entries, start=1):
        if not entry.why.strip():
            raise AcceptedError(f"{path}: entry {number}, {entry.clause}: say in `why` what makes it acceptable")
        try:
            SpecifierSet(entry.versions)
        except InvalidSpecifier as error:
            words = (
                f"{path}: entry {number}, {entry.clause}: versions: {error}; write them as '==2.13.0' or '>=2,<2.14'"
            )
            raise AcceptedError(words) from None
    return entries


def draft(run: Run, findings: Sequence[Finding], *, why: str, upstream: str, until: datetime.date | None) -> str:
    """Entries for the deviations among some findings of a run, as the text of a file.

    Findings of one clause that show the same in the same magnitude are one entry.
    """
    groups: list[list[Finding]] = []
    for finding in findings:
        if finding.verdict in DEVIATIONS:
            _group_of(groups, finding).append(finding)
    tables = [_table(run, group, why, upstream, until) for group in groups]
    return "\n".join(tomli_w.dumps({"accepted": [table]}, multiline_strings=False) for table in tables)


def _group_of(groups: list[list[Finding]], finding: Finding) -> list[Finding]:
    for group in groups:
        first = group[0]
        if (first.clause, signature(first)) == (finding.clause, signature(finding)) and all(
            alike(share(other), share(finding)) for other in group
        ):
            return group
    groups.append([])
    return groups[-1]


def _table(
    run: Run, group: Sequence[Finding], why: str, upstream: str, until: datetime.date | None
) -> dict[str, object]:
    subject = run.header.subject
    worst = share(group[0])
    table: dict[str, object] = {
        "clause": group[0].clause,
        "framework": subject.framework,
        "versions": f"=={subject.version}",
        "variants": [variant_name(finding.variant) for finding in group],
        "signature": signature(group[0]),
    }
    table |= {} if worst is None else {"share_of_bound": worst}
    table |= {"why": why}
    table |= {"upstream": upstream} if upstream else {}
    table |= {"until": until} if until else {}
    return table
