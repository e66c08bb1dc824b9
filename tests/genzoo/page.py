"""The results as a table and as a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.genzoo.record import Entry

_COLUMNS = ("killed", "equivalent", "rounding", "survives", "lost")


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
    yield "```\n" + table(found) + "```\n"
