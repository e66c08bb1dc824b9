"""What the gate prints: text for a terminal, Markdown for a pull request, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from conformance.cases.written import list_text
from conformance.command.show import argument_lines, decimal, variants_of
from reports.accepted import Accepted
from reports.arrangement import group
from reports.classes import Class
from reports.comparison import ANSWERS
from reports.gate import FAIL_ON, Comparison, Difference
from reports.record import Finding

WORST = 10
"""Differences that are shown whole."""

Group = tuple[Difference, ...]


def comparison(found: Comparison, style: str, fail_on: Collection[Class] = FAIL_ON) -> str:
    """The outcome of a gate as text, JSON or Markdown."""
    if style == "json":
        return json.dumps(as_plain(found, fail_on), indent=1)
    return _markdown(found, fail_on) if style == "markdown" else _text(found, fail_on)


def answer(found: Comparison, fail_on: Collection[Class]) -> str:
    """The answer in words."""
    return ANSWERS[found.status(fail_on)]


def as_plain(found: Comparison, fail_on: Collection[Class]) -> dict[str, Any]:
    """The whole comparison in plain data; the same ones are counted and named, without their findings."""
    return {
        "baseline": _run(found.baseline.header),
        "candidate": _run(found.candidate.header),
        "status": found.status(fail_on),
        "answer": answer(found, fail_on),
        "fail_on": sorted(fail_on),
        "counts": found.counts,
        "notes": found.notes,
        "stale": [{**msgspec.to_builtins(entry), "because": entry.stale(found.candidate)} for entry in found.stale],
        "differences": [_plain(difference) for difference in found.differences],
    }


def _run(header: msgspec.Struct) -> Any:
    return msgspec.to_builtins(header)


def _plain(difference: Difference) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "class": difference.kind,
        "clause": difference.clause,
        "operator": difference.operator,
        "level": difference.level,
        "variant": msgspec.to_builtins(difference.variant),
    }
    if difference.kind != "same":
        plain |= {name: msgspec.to_builtins(getattr(difference, name)) for name in ("words", "before", "after")}
    if difference.accepted is not None:
        plain["accepted"] = msgspec.to_builtins(difference.accepted)
    return plain


def groups(differences: Sequence[Difference]) -> list[Group]:
    """Differences with the same clause, class and witness together, in the order of the first of each."""
    return [tuple(those) for _, those in group((_shows(each), each) for each in differences)]


def _shows(difference: Difference) -> tuple[object, ...]:
    """What differences that are told together have in common."""
    shown = difference.witness
    seen = shown.bare() if shown else difference.words
    return difference.clause, difference.kind, seen, difference.accepted


def _findings(those: Group) -> list[Finding]:
    return [found for found in (each.after or each.before for each in those) if found]


def _text(found: Comparison, fail_on: Collection[Class]) -> str:
    failing = groups(found.failing(fail_on))
    lines = [f"{found.baseline.name} → {found.candidate.name}: {answer(found, fail_on)}"]
    lines += [f"  note: {note}" for note in found.notes]
    lines += [""] if failing or found.stale else []
    for those in failing[:WORST]:
        lines += [*_group_lines(those), ""]
    if len(failing) > WORST:
        lines += [f"and {len(failing) - WORST} more; --format json has them all", ""]
    lines += [f"stale: {_entry(entry)} ({entry.stale(found.candidate)})" for entry in found.stale]
    lines += [f"{kind:18}{count:6}{_accepted_of(found, kind)}" for kind, count in found.counts.items()]
    return "\n".join([*lines, f"{answer(found, fail_on)} (exit status {found.status(fail_on)})"])


def _accepted_of(found: Comparison, kind: Class) -> str:
    if kind == "same":
        return f"  ({found.still_deviating()} deviate in both)" if found.still_deviating() else ""
    count = sum(each.kind == kind and each.accepted is not None for each in found.differences)
    return f"  ({count} accepted)" if count else ""


def _group_lines(those: Group) -> list[str]:
    first = those[0]
    lines = [f"{first.kind}: {first.clause} ({first.level})", f"  variants  {variants_of(_findings(those))}"]
    lines += [f"  because   {first.words}"]
    shown = first.witness
    if shown is None:
        return lines
    lines += argument_lines(shown)
    lines += [f"  expected  {shown.expected}", f"  got       {shown.got}"]
    lines += ["  try", *(f"    {text}" for text in shown.reproducer.splitlines())] if shown.reproducer else []
    return lines


def _entry(entry: Accepted) -> str:
    until = f", until {entry.until}" if entry.until else ""
    return f"{entry.clause} in {entry.framework} {entry.versions}, {entry.signature}{until}: {entry.why}"


def _markdown(found: Comparison, fail_on: Collection[Class]) -> str:
    status = found.status(fail_on)
    lines = [f"## {found.baseline.name} → {found.candidate.name}: {answer(found, fail_on)}", ""]
    lines += [f"- {note}" for note in found.notes]
    lines += ["", "| class | clauses × variants |", "| --- | ---: |"]
    lines += [f"| {kind} | {count}{_accepted_of(found, kind)} |" for kind, count in found.counts.items()]
    failing = groups(found.failing(fail_on))
    for those in failing[:WORST]:
        lines += ["", *_group_markdown(those)]
    lines += ["", f"{len(failing) - WORST} more are not shown."] if len(failing) > WORST else []
    lines += [f"- stale: {_entry(entry)} ({entry.stale(found.candidate)})" for entry in found.stale]
    return "\n".join([*lines, "", f"Exit status {status}."])


def _group_markdown(those: Group) -> list[str]:
    first, shown = those[0], those[0].witness
    lines = [
        f"### {first.kind}: `{first.clause}` ({first.level})",
        "",
        f"{variants_of(_findings(those))}: {first.words}",
    ]
    if shown is None:
        return lines
    given = ", ".join(
        f"{name} `{list_text(decimal(each.values))}` ({each.dtype})" for name, each in shown.arguments.items()
    )
    lines += ["", f"{given}: expected {shown.expected}; got {shown.got}."]
    return [*lines, "", "```python", shown.reproducer, "```"] if shown.reproducer else lines
