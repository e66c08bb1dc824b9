"""The static site: matrix, operators, clauses, subjects and histories, as pages that need no server.

The same runs in any order give the same bytes; :mod:`reports.arrangement` says
what is on the pages, the templates how it looks.
"""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import jinja2

from reports.arrangement import (
    DEVIATIONS,
    GLYPHS,
    LEVELS,
    Entry,
    Operator,
    Site,
    Subject,
    addresses,
    arrange,
    behaviours,
    behaviours_of,
    by_words,
    group,
    leading,
    tally,
    variant_name,
    witnesses,
)
from reports.history import History, as_json, histories
from reports.record import Accuracy, Header, Level, Number, Run, VariantRecord
from reports.run_files import BLAMELESS
from reports.standing import MARKS
from reports.variants import telling, values
from reports.zoo import AskedClause, Implementation, Zoo
from reports.zoo_score import Score

TEMPLATES = Path(__file__).parent / "templates"

SHARE_RANGES = ("0", "to 1/8", "to 1/4", "to 1/2", "to 1", "beyond")
_RANGE_OF = {"0": "0", "2^-2": "to 1/4", "2^-1": "to 1/2", "2^0": "to 1", "more": "beyond"}
"""Where a range of the record is shown; the others are below 1/8."""

MATHEMATICS = ("mfrac", "mi", "mn", "mo", "mrow", "msqrt", "msub", "msup", "mtable", "mtd", "mtext", "mtr", "munder")
"""The tags of a formula in a run file; what stands under any other is shown in a row."""

PAGE_FOLDERS = ("operator", "clause", "subject", "history")
ZOO_PAGE = "zoo.html"
MARK = b'<meta name="generator" content="lossproof report">'
"""Stands in every page, so that a page of somebody else is never removed."""


class Element(NamedTuple):
    """One number of an array: decimal, and hexadecimal where it adds anything."""

    decimal: str
    hexadecimal: str


class Past(NamedTuple):
    """The history of one framework, with its page and every subject of the framework."""

    history: History
    address: str
    subjects: Sequence[Subject]


class Row(NamedTuple):
    """The innermost axis of an array at one index of the others."""

    place: str
    elements: Sequence[Element]


def write_site(runs: Sequence[Run], folder: Path, *, refused: Sequence[str] = (), zoo: Zoo | None = None) -> Path:
    """Write the site of some runs into a folder.

    Pages that an earlier call made there and that no run accounts for any more are removed.

    Args:
        runs: Runs that were read and checked, in any order.
        folder: Where the pages go; made if it does not exist.
        refused: One line for each run file that was not used; the index shows them.
        zoo: What the suite catches, for a page of its own.

    Returns:
        The path of the index page.
    """
    site = arrange(runs)
    pasts = _pasts(site)
    written: set[Path] = set()
    for address, template, context in _pages(site, pasts, refused, Score(zoo) if zoo else None):
        root = "../" * address.count("/")
        text = environment().get_template(template).render(site=site, root=root, **context)
        _write(folder / address, text)
        written.add(folder / address)
    _write(folder / "history.json", as_json([past.history for past in pasts]))
    _write(folder / "style.css", (TEMPLATES / "style.css").read_text(encoding="utf-8"))
    _remove_stale(folder, written)
    return folder / "index.html"


def _remove_stale(folder: Path, written: set[Path]) -> None:
    for path in [folder / ZOO_PAGE, *(path for name in PAGE_FOLDERS for path in folder.glob(f"{name}/*.html"))]:
        if path not in written and path.is_file() and MARK in path.read_bytes():
            path.unlink()


def which(chosen: Sequence[Entry], among: Sequence[Entry]) -> str:
    """Short names of some variants, by what tells them from the rest of ``among``."""
    if len(chosen) == len(among):
        return ""
    return telling([entry.finding.variant for entry in chosen], [entry.finding.variant for entry in among])


def rows(array: object, place: str = "") -> Iterator[Row]:
    """Nested lists, flattened to rows of the innermost axis."""
    parts = cast("list[object]", array) if isinstance(array, list) else [array]
    if any(isinstance(part, list) for part in parts):
        for number, part in enumerate(parts):
            yield from rows(part, f"{place}[{number}]")
    else:
        yield Row(place, [_element(part) for part in parts])


def number(value: Number) -> str:
    """Four significant digits; strings (``nan``, ``inf``) as they are."""
    return value if isinstance(value, str) else f"{value:.4g}"


def plain(value: object) -> str:
    """A string as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)


def spread(line: Accuracy) -> list[str]:
    """Percentages of the results whose error lies in each of the ranges of ``SHARE_RANGES``."""
    counts: Counter[str] = Counter()
    for name, count in line.shares_of_bound.items():
        counts[_RANGE_OF.get(name, SHARE_RANGES[1])] += count
    return [_percent(counts[name], line.elements) for name in SHARE_RANGES]


def _percent(count: int, elements: int) -> str:
    share = 100 * count / elements
    return "–" if not count else "< 0.1 %" if share < 0.1 else f"{share:.1f} %"


def _formulas(operator: Operator, site: Site) -> dict[str, list[Any]]:
    """Those of the first run that has them."""
    headers = [subject.run.header for subject in site.subjects]
    first = next((header for header in headers if operator.name in header.formulas), None)
    return first.formulas[operator.name] if first else {}


def _of(entries: Iterable[Entry], subject: Subject) -> list[Entry]:
    return [entry for entry in entries if entry.subject is subject]


def _by_variant(entries: Iterable[Entry]) -> list[tuple[VariantRecord, list[Entry]]]:
    return group((entry.finding.variant, entry) for entry in entries)


def _cases(entries: Iterable[Entry], behaviour: str) -> int:
    return sum(behaviours_of(entry)[behaviour] for entry in entries)


def _by_level(entries: Sequence[Entry]) -> list[tuple[Level, int]]:
    counts = Counter(entry.finding.level for entry in entries)
    return [(level, counts[level]) for level in LEVELS if counts[level]]


def _forms(entries: Iterable[Entry]) -> str:
    """The forms, and the devices where there is another than the processor."""
    variants = [entry.finding.variant for entry in entries]
    devices = [device for device in values(variants, "device") if device != "cpu"]
    return ", ".join(values(variants, "form")) + (f"; device {', '.join(devices)}" if devices else "")


def _element(value: object) -> Element:
    if not isinstance(value, str):
        return Element(plain(value), "")
    try:
        decimal = repr(float.fromhex(value))
    except (ValueError, OverflowError):
        return Element(value, "")
    return Element(decimal, _without_zeros(value) if "0x" in value.lower() else "")


def _without_zeros(hexadecimal: str) -> str:
    digits, mark, exponent = hexadecimal.partition("p")
    return (digits.rstrip("0").rstrip(".") if "." in digits else digits) + mark + exponent


def _key(each: Implementation) -> str:
    return f"{each.framework}-{each.operator}-{each.name}-{each.right}"


def _by_operator(implementations: Sequence[Implementation]) -> list[tuple[str, list[Implementation]]]:
    return group((each.operator, each) for each in implementations)


def _columns(implementations: Sequence[Implementation], score: Score) -> list[AskedClause]:
    """The clauses that one of the implementations breaks, in the order of the record."""
    broken = {death.clause for each in implementations for death in each.broken}
    return [clause for clause in score.zoo.clauses if clause.id in broken]


def _pasts(site: Site) -> list[Past]:
    found = histories(subject.run for subject in site.subjects)
    of_framework = dict(group((subject.run.header.subject.framework, subject) for subject in site.subjects))
    places = addresses(history.framework for history in found)
    return [
        Past(history, f"history/{place}.html", of_framework[history.framework])
        for history, place in zip(found, places, strict=True)
    ]


def _known(site: Site) -> dict[str, str]:
    """The address of the page of each clause."""
    return {clause.record.id: clause.address for operator in site.operators for clause in operator.clauses}


def _zoo_page(site: Site, score: Score) -> dict[str, Any]:
    keys = [_key(each) for each in score.zoo.implementations]
    return {"score": score, "anchors": dict(zip(keys, addresses(keys), strict=True)), "known": _known(site)}


def _history_page(site: Site, past: Past) -> dict[str, Any]:
    subjects = [
        next(subject for subject in past.subjects if subject.run is release.run) for release in past.history.releases
    ]
    versions = [release.version for release in past.history.releases]
    return {
        "history": past.history,
        "subjects": dict(zip(versions, subjects, strict=True)),
        "places": {operator.name: operator.address for operator in site.operators},
        "known": _known(site),
    }


def _asked_with(header: Header) -> tuple[str, int, str]:
    """What decides which cases a run asks."""
    return header.profile, header.seed, header.suite.digest


def _pages(
    site: Site, pasts: Sequence[Past], refused: Sequence[str], score: Score | None
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    yield "index.html", "index.html", {"refused": refused, "score": score, "pasts": pasts}
    if score:
        yield ZOO_PAGE, "zoo.html", _zoo_page(site, score)
    for operator in site.operators:
        yield f"operator/{operator.address}.html", "operator.html", {"operator": operator}
        for clause in operator.clauses:
            yield f"clause/{clause.address}.html", "clause.html", {"operator": operator, "clause": clause}
    for past in pasts:
        yield past.address, "history.html", _history_page(site, past)
        for subject in past.subjects:
            yield f"subject/{subject.address}.html", "subject.html", {"subject": subject, "past": past}


@functools.cache
def environment() -> jinja2.Environment:
    """The templates, with the filters and names that they use."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    filters: dict[str, Any] = environment.filters
    for function in (tally, variant_name, which, witnesses, leading, behaviours, by_words, rows, number, plain, spread):
        filters[function.__name__] = function
    filters.update(of=_of, by_variant=_by_variant, by_level=_by_level, cases=_cases, forms=_forms)
    filters.update(formulas=_formulas)
    filters.update(asked_with=_asked_with, key=_key, by_operator=_by_operator, columns=_columns)
    names: dict[str, Any] = environment.globals
    names.update(
        MARKS=MARKS,
        SHARE_RANGES=SHARE_RANGES,
        GLYPHS=GLYPHS,
        LEVELS=LEVELS,
        DEVIATIONS=DEVIATIONS,
        BLAMELESS=BLAMELESS,
        MATHEMATICS=MATHEMATICS,
    )
    return environment


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8", "replace"))
