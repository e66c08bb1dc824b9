"""The zoo as a page of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reports.zoo import Implementation
from reports.zoo_score import EVIDENCE, Earnings, Power, Score, names, short

KINDS = {
    "lattice": "exhaustive lattices",
    "property": "properties",
    "example": "written-down cases",
}
_MARKS = {"documented": "", "implied": "", "quality": " (quality)", "open": ""}


def markdown(score: Score) -> str:
    """The whole page."""
    parts = [_head(score), _totals(score), _power(score), _clauses(score), _implementations(score)]
    return "\n\n".join(parts) + "\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def _head(score: Score) -> str:
    header = score.zoo.header
    versions = ", ".join(f"{name} {version}" for name, version in header.frameworks.items())
    return f"""# The zoo

What the suite catches and what it leaves alone, asked of implementations whose faults are known. This page is
written by `python -m tests.zoo --docs docs/zoo.md` (see `tox run -e zoo-full`); the same record, given to
`lossproof report`, makes the page "The suite's own score" of the site.

Profile {header.profile}; {versions}; suite {header.suite.version}, source digest `{header.suite.digest[7:19]}`.

A wrong implementation counts as caught where it breaks a documented or implied clause, or, where its entry says that
no more can be demanded, a quality clause. A right one must keep every clause of the level that it claims."""


def _totals(score: Score) -> str:
    rows = [[t.framework, f"`{t.operator}`", t.wrong, t.caught, t.right, t.right - t.conforming] for t in score.totals]
    heads = ["framework", "operator", "wrong", "caught", "right", "false alarms"]
    half = len(score.wrong) - len(score.disagreeing)
    plain = (
        "Plain cases: normal float32 scores, one to four rows of two to six classes, one to three different labels, "
        f"any reduction, upstream gradient 1. {half} of {len(score.wrong)} wrong ones agree with the oracle, "
        f"value and gradient, on at least half of {score.zoo.header.plain_cases} of them; the others say below why "
        f"their kind cannot. {len(score.corners)} differ only in the corner that their entry names."
    )
    return "\n\n".join(
        [
            "## Totals",
            table(heads, rows),
            f"Survivors: {names(score.survivors) or 'none'}. False alarms: {names(score.false_alarms) or 'none'}. "
            f"Without a verdict: {names(score.without_verdict) or 'none'}.",
            plain,
        ]
    )


def _power(score: Score) -> str:
    firsts, lattice = score.first_examples(), score.power()[0]
    rows = [_power_row(score, each) for each in score.power()]
    words = (
        f"A wrong implementation breaks {score.median_clauses:g} deciding clauses in the median. The first example of "
        f"a property that catches it is number {score.median_example:g} in the median over all of them ({len(firsts)} "
        f"of {len(score.wrong)} are caught by a property at all); one call of a lattice catches {lattice.caught}."
    )
    heads = ["evidence", "clauses", "catches alone", "misses"]
    return f"## How soon, and by what\n\n{words}\n\n{table(heads, rows)}"


def _power_row(score: Score, power: Power) -> list[object]:
    share = f"{power.caught} of {len(score.wrong)}"
    return [
        KINDS[power.evidence],
        power.clauses,
        share,
        names(power.missed) if len(power.missed) < 25 else len(power.missed),
    ]


def _clauses(score: Score) -> str:
    rows = [_earning(each) for each in score.earnings()]
    shared = ", ".join(f"`{clause.id}`" for clause in score.shared())
    unmet = ", ".join(f"`{clause.id}`" for clause in score.unmet())
    return f"""## What each clause catches

{table(["clause", "level", "evidence", "catches", "catches alone"], rows)}

Beside documented clauses, these catch faults that another clause catches too; they stay because each is a promise of
its own, which a verdict should call by its name: {shared or "none"}.

These catch nothing here: no implementation of the zoo breaks them, or offers what they ask (second derivatives,
threads, other modes): {unmet or "none"}."""


def _earning(each: Earnings) -> list[object]:
    alone = f"{len(each.alone)}: {names(each.alone)}" if each.alone else "0"
    return [f"`{each.clause.id}`", each.clause.level, each.clause.evidence, len(each.kills), alone]


def _implementations(score: Score) -> str:
    heads = ["implementation", "what is wrong", "corner", "plain cases right", "caught by"]
    wrong = table(heads, [_wrong(score, each) for each in score.wrong])
    right = table(
        ["implementation", "what is its own", "keeps"],
        [[_name(each), each.words, f"every clause to {each.level}"] for each in score.right],
    )
    return f"## The wrong ones\n\n{wrong}\n\n## The right ones\n\n{right}"


def _deciding(score: Score, each: Implementation, evidence: str) -> str:
    """The deciding clauses that rest on one kind of evidence."""
    clauses = [score.clauses[clause] for clause in score.deciding(each)]
    return ", ".join(f"`{clause.id}`" for clause in clauses if clause.evidence == evidence)


def _wrong(score: Score, each: Implementation) -> list[object]:
    share = "–" if each.agreement is None else f"{each.agreement:.0%}"
    if each.agreement is not None and each.agreement < 0.5:
        share += f" ({each.why_not})"
    named = {evidence: _deciding(score, each, evidence) for evidence in EVIDENCE}
    by = "; ".join(f"{evidence}: {ids}" for evidence, ids in named.items() if ids)
    return [_name(each), each.words + _MARKS[each.level], each.corner, share, by or "nothing"]


def _name(each: Implementation) -> str:
    return f"{each.framework} {short(each.operator)} `{each.name}`"
