"""The page of a comparison says what the gate found, in one file that needs no other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest

from reports.accepted import Accepted
from reports.classes import CLASSES, Class
from reports.comparison import ANSWERS, IN_THE_OPEN, LOOKS, chapters, write_comparison
from reports.gate import Comparison, compare
from reports.record import Observed, Verdict, Worst
from tests.html_pages import Page
from tests.made_runs import FORMULA, HOSTILE, NAN, SOFT, TIE, UNANIMOUS, VARIANTS, clause, make_run

CLAUSES = [
    clause(FORMULA, "documented"),
    clause(NAN, "quality"),
    clause(UNANIMOUS, "documented"),
    clause(TIE, "open"),
    clause("soft.value.large-scores", "implied"),
]
BEFORE: list[Verdict] = ["conforms", "conforms", "deviates", "unsupported", "conforms", "conforms"]
AFTER: list[Verdict] = ["deviates", "deviates", "conforms", "conforms", "unsupported", "conforms"]
FINE: list[Verdict] = ["conforms"] * 6
BROKEN: list[Verdict] = ["deviates"] * 6
REFUSED: list[Verdict] = ["unsupported"] * 6
UPSTREAM = "https://github.com/pytorch/pytorch/issues/1"


def accepted(name: str, *, signature: str = "deviates", variants: tuple[str, ...] = ("*",)) -> Accepted:
    """An entry for torch, whose reason is hostile."""
    return Accepted(
        clause=name, framework="torch", versions=">=1", variants=variants, signature=signature,
        why=f"because {HOSTILE}", upstream=UPSTREAM,
    )  # fmt: skip


def made(
    folder: Path, before: Sequence[Verdict], after: Sequence[Verdict], entries: Sequence[Accepted] = ()
) -> Comparison:
    """A comparison of torch 1 and torch 2, whose NaN clause has these verdicts."""
    old = make_run(folder / "old.jsonl", "torch", "1", CLAUSES, nan=before)
    new = make_run(folder / "new.jsonl", "torch", "2", CLAUSES, nan=after)
    return compare(old, new, entries)


def every_class(folder: Path) -> Comparison:
    """A comparison in which every class occurs, with an accepted and a stale entry."""
    old = make_run(folder / "old.jsonl", "torch", "1", CLAUSES, nan=BEFORE)
    new = make_run(folder / "new.jsonl", "torch", "2", CLAUSES, nan=AFTER)
    at = {(each.clause, VARIANTS.index(each.variant)): each for each in new.findings}
    was = {(each.clause, VARIANTS.index(each.variant)): each for each in old.findings}
    at[FORMULA, 0].worst = Worst(ulp=8.0, share_of_bound=0.9)
    at[FORMULA, 1].cases_digest = "other"
    at[TIE, 0].observed = Observed(behaviours={HOSTILE: 2})
    was[UNANIMOUS, 2].verdict, was[UNANIMOUS, 2].problem = "deviates", "nan"
    at[UNANIMOUS, 2].verdict, at[UNANIMOUS, 2].problem = "deviates", "shape"
    at[UNANIMOUS, 3].verdict, at[UNANIMOUS, 3].words = "crashes", "signal SIGSEGV"
    old.findings.remove(was[UNANIMOUS, 0])
    new.findings.remove(at[UNANIMOUS, 1])
    entries = [accepted(NAN, variants=("native eager cpu float64",)), accepted(FORMULA)]
    here = compare(old, new, entries)
    new.header.machine.model = "Another"
    elsewhere = [each for each in compare(old, new, entries).differences if each.kind == "worse-elsewhere"]
    both = sorted([*here.differences, *elsewhere], key=lambda each: CLASSES.index(each.kind))
    return replace(here, differences=both)


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """Every class, an accepted deviation, a stale entry."""
    return every_class(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def page(comparison: Comparison, tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The page of that comparison."""
    return shown(comparison, tmp_path_factory.mktemp("page"))


def shown(comparison: Comparison, folder: Path) -> Page:
    """The page of a comparison, read back."""
    return Page(write_comparison(comparison, folder / "deeper" / "page.html").read_text(encoding="utf-8"))


def test_every_class_has_a_look_and_occurs_here(comparison: Comparison) -> None:
    """The comparison that the other tests look at leaves no class out."""
    assert set(comparison.counts) == set(CLASSES) == set(LOOKS) == set(get_args(Class))
    assert all(look.glyph and look.meaning for look in LOOKS.values())
    assert comparison.stale


def test_the_page_needs_no_other_file(page: Page) -> None:
    """No script, no style sheet, no image; links lead into the page, or to the address upstream."""
    tags = [tag for tag, _ in page.tags]
    assert not {"script", "link", "img", "iframe"} & set(tags)
    style = page.text.partition("<style>")[2].partition("</style>")[0]
    assert "prefers-color-scheme: dark" in style
    assert "url(" not in style
    assert "@import" not in style
    assert {link for link in page.links if not link.startswith("#")} == {UPSTREAM}
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


def test_the_page_has_the_structure_that_assistive_software_needs(page: Page) -> None:
    """One h1, no level skipped, no id or name of an area twice, captions and scopes."""
    assert page.headings[0] == 1 == page.headings.count(1)
    assert all(after <= before + 1 for before, after in pairwise(page.headings))
    assert len(set(page.ids)) == len(page.ids)
    regions = [attrs for _, attrs in page.tags if attrs.get("role") == "region"]
    labels = [attrs["aria-label"] for attrs in regions]
    assert len(set(labels)) == len(labels)
    assert all(attrs["tabindex"] == "0" for attrs in regions)
    tags = [tag for tag, _ in page.tags]
    assert tags.count("table") == tags.count("caption")
    assert all(attrs.get("scope") for tag, attrs in page.tags if tag == "th")


def test_no_site_takes_the_page_for_its_own(page: Page) -> None:
    """A report that removes its old pages leaves a comparison that lies among them."""
    assert 'content="lossproof gate"' in page.text
    assert "lossproof report" not in page.text


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        (FINE, FINE, 0),
        (FINE, BROKEN, 1),
        (FINE, REFUSED, 6),
        (BROKEN, FINE, 0),
    ],
)
def test_the_answer_stands_first_with_its_exit_status(
    before: list[Verdict], after: list[Verdict], status: int, tmp_path: Path
) -> None:
    """In words, before everything else."""
    said = shown(made(tmp_path, before, after), tmp_path).said()
    answer = ANSWERS[status][0].upper() + ANSWERS[status][1:]
    assert f"torch 1 → torch 2 {answer} Exit status {status}." in said
    assert said.index(answer) < said.index("Clauses × variants by class")


def test_the_answer_follows_what_may_stop_the_upgrade(tmp_path: Path) -> None:
    """The classes that the gate was told to fail on decide on the page too."""
    found = made(tmp_path, FINE, BROKEN)
    write_comparison(found, tmp_path / "page.html", fail_on={"support-lost"})
    said = Page((tmp_path / "page.html").read_text(encoding="utf-8")).said()
    assert "Exit status 0." in said
    assert "✗ regressed 6 – no" in said


def test_classes_are_counted_and_the_same_ones_only_that(page: Page, comparison: Comparison) -> None:
    """A row for each class; no place of its own for what is the same."""
    said = page.said()
    for kind, count in comparison.counts.items():
        assert f"{LOOKS[kind].glyph} {kind} {count} " in said
    assert "class-same" not in page.ids
    assert [name for name in page.ids if name.startswith("class-")] == [
        f"class-{kind}" for kind in CLASSES if kind != "same"
    ]


def test_every_difference_is_on_the_page_the_worst_first(comparison: Comparison) -> None:
    """No difference is lost by gathering, and the order is that of the gate."""
    told = [each for chapter in chapters(comparison) for those in chapter.gathered for each in those.differences]
    different = [each for each in comparison.differences if each.kind != "same"]
    assert len(told) == len(different)
    assert {id(each) for each in told} == {id(each) for each in different}
    assert [each.kind for each in told] == [each.kind for each in different]


def test_variants_with_the_same_finding_are_together(tmp_path: Path) -> None:
    """One place for those that repeated and one for those that did not, with each program of theirs."""
    found = made(tmp_path, FINE, BROKEN)
    regressed = chapters(found)[0].gathered
    page = shown(found, tmp_path)
    assert {each.variants: len(each.differences) for each in regressed} == {"native": 4, "eager module": 2}
    assert page.said().count("[0] 0.09765625 0x1.9p-4 nan [1] -inf") == 2
    assert page.said().count("did not repeat") == 1
    assert "Dtype scores float32, float64; target int64" in page.said()
    assert "1 more program for the other variants" in page.said()
    assert "print(loss(mode='inductor', text='<br>'))" in page.said()


def test_a_difference_shows_verdicts_words_input_and_program(page: Page) -> None:
    """What it was, what it is, and what shows it."""
    start = page.text.index(f'id="regressed-{NAN}"')
    words = " ".join(re.sub(r"<[^>]*>", " ", page.text[start:].partition("</article>")[0].partition(">")[2]).split())
    for expected in (
        "✗ regressed 1",
        "Before, 1 ✓ conforms",
        "After, 2 ✗ deviates",
        "worst error nan ulp, 8.8e+05 of its bound",
        "Counterexample from torch 2",
        "Target [0] 0 -1 [1] 1 0",
        "Expected nan",
        "Got 0x1.9p-4 (0.09765625)",
        "import torch",
    ):
        assert expected in words, expected


def test_what_is_fixed_or_not_asked_shows_the_earlier_witness(page: Page) -> None:
    """The baseline's input, where the candidate has none."""
    start = page.text.index(f'id="fixed-{NAN}"')
    assert "Counterexample from torch 1" in page.text[start:].partition("</article>")[0]
    assert "not asked" in page.text[page.text.index('id="class-coverage-lost"') :].partition("</article>")[0]


def test_accepted_and_stale_entries_say_why(page: Page) -> None:
    """The reason stands at the difference that it lets pass, and at the entry that fits nothing."""
    said = page.said()
    assert f"Accepted because {HOSTILE} {UPSTREAM}" in said
    stale = said.partition("Stale entries of accepted deviations")[2]
    assert f"{FORMULA} in torch >=1, *" in stale
    assert f"because {HOSTILE}" in stale


def test_words_are_escaped(page: Page) -> None:
    """Whatever frameworks, pages and entries say, it is shown and does nothing."""
    assert HOSTILE in page.said()
    assert "<script" not in page.text
    assert "<b>bold" not in page.text
    assert "<br>" not in page.text


def test_what_else_differs_between_the_runs_is_said(tmp_path: Path) -> None:
    """The gate's notes, and both runs side by side."""
    old = make_run(tmp_path / "old.jsonl", "torch", "1", CLAUSES)
    new = make_run(tmp_path / "new.jsonl", "torch", "2", CLAUSES, python="3.12.1")
    said = shown(compare(old, new), tmp_path).said()
    assert "What else differs between the runs Python: 3.11.7 before, 3.12.1 now" in said
    assert "Python 3.11.7 3.12.1" in said
    assert "Platform Linux x86_64 the same" in said
    assert "old.jsonl and new.jsonl" in said


def test_beyond_some_of_a_class_the_rest_is_folded(tmp_path: Path) -> None:
    """The worst stand in the open."""
    many = [clause(f"soft.value.number-{number}", "implied") for number in range(IN_THE_OPEN + 2)]
    old, new = (make_run(tmp_path / f"{version}.jsonl", "torch", version, many) for version in ("1", "2"))
    for each in new.findings:
        each.verdict = "crashes"
    page = shown(compare(old, new), tmp_path)
    assert page.said().count("Before, 1") == IN_THE_OPEN + 2
    assert " ".join("".join(page.folded).split()).count("Before, 1") == 2
    assert many[0].operator == SOFT


def test_the_same_comparison_gives_the_same_bytes(comparison: Comparison, tmp_path: Path) -> None:
    """Neither clock nor place shows."""
    one, two = (write_comparison(comparison, tmp_path / name).read_bytes() for name in ("one.html", "two.html"))
    assert one == two
