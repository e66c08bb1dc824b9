"""The results as a table and as a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.genzoo.record import Entry

_COLUMNS = ("killed", "equivalent", "rounding", "unreached", "survives", "lost")


def table(found: list[Entry]) -> str:
    """Counts by framework and loss."""
    lines = [f"{'':8}{'':30}{'mutants':>9}{''.join(f'{name:>12}' for name in _COLUMNS)}{'right':>8}{'accused':>9}"]
    for framework, operator in sorted({(each.framework, each.operator) for each in found}):
        wrong, right = _counts(found, framework, operator)
        counts = "".join(f"{wrong[name]:12}" for name in _COLUMNS)
        lines.append(
            f"{framework:8}{operator:30}{wrong.total():9}{counts}{right.total():8}{right['accused'] + right['lost']:9}"
        )
    return "\n".join(lines) + "\n"


def _counts(found: list[Entry], framework: str, operator: str) -> tuple[Counter[str], Counter[str]]:
    own = [each for each in found if (each.framework, each.operator) == (framework, operator)]
    wrong, right = (Counter(each.verdict for each in own if each.right is kind) for kind in (False, True))
    return wrong, right


def markdown(found: list[Entry]) -> str:
    """The page."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: list[Entry]) -> Iterator[str]:
    yield "# Mutants and right variants from the formulas\n"
    yield (
        "Each loss is written once, as a formula. From its graph come wrong implementations of one mistake each, and\n"
        "right ones that add, divide and round in every way that the page leaves open. The suite judges them as\n"
        "`lossproof check --level quality` does. This page is written by `python -m tests.genzoo --docs FILE`.\n"
    )
    yield f"```\n{table(found)}```\n"
    yield (
        "A mutant is killed if it breaks a clause. It is equivalent if it has the formula's bits in every format of\n"
        "NumPy. It is asked the exhaustive lattice, 10,000 drawn calls, and calls of thousands of rows and classes.\n"
        "It is rounding if its bits differ and stay within the bound of the careful formula.\n"
    )
    yield from _by_kind(found)
    yield from _by_clause(found)
    for verdict, title in _TITLES.items():
        yield from _named(found, verdict, title)


_TITLES = {
    "survives": "Survivors",
    "accused": "Right variants that are accused",
    "lost": "Without a verdict",
    "rounding": "Rounding",
    "unreached": "Unreached: they differ for more classes than the pairwise evaluation can take",
    "equivalent": "Equivalent",
}


def _by_kind(found: list[Entry]) -> Iterator[str]:
    yield "## By the sort of mistake\n"
    yield f"| mistake | mutants | {' | '.join(_COLUMNS)} |"
    yield f"| --- | --- |{' --- |' * len(_COLUMNS)}"
    for kind in sorted({each.kind for each in found if not each.right}):
        counts = Counter(each.verdict for each in found if each.kind == kind)
        yield f"| {kind} | {counts.total()} | {' | '.join(str(counts[name]) for name in _COLUMNS)} |"
    yield ""


def _by_clause(found: list[Entry]) -> Iterator[str]:
    """The first clause that each mutant breaks, or all of them where all were asked."""
    killed = Counter((each.id, each.level) for entry in found if not entry.right for each in entry.broken)
    yield "## By the clause that killed\n\n| clause | level | mutants |\n| --- | --- | --- |"
    yield from (f"| `{clause}` | {level} | {count} |" for (clause, level), count in killed.most_common())
    yield ""


def _named(found: list[Entry], verdict: str, title: str) -> Iterator[str]:
    own = [each for each in found if each.verdict == verdict]
    if not own:
        return
    yield f"## {title}\n\n| function | what is wrong | reason |\n| --- | --- | --- |"
    for each in sorted(own, key=lambda entry: (entry.framework, entry.operator, entry.name)):
        by = ", ".join(f"{one.id} ({one.dtype})" for one in each.broken)
        cells = (f"{each.framework} `{each.operator}__{each.name}`", each.words, by or each.reason)
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
    yield ""
