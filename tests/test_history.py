"""Since when a clause conforms is told from the runs of several versions, in any order."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from reports.history import ClauseHistory, as_json, histories
from reports.record import Observed, Run, Verdict
from reports.site import write_site
from reports.standing import MARKS
from tests.html_pages import Page, read_pages
from tests.made_runs import MARGIN, NAN, TIE, UNANIMOUS, VARIANTS, clause, make_run

FULL: list[Verdict] = ["conforms"] * 6
NONE: list[Verdict] = ["deviates"] * 6
SOME: list[Verdict] = ["conforms", "conforms", "deviates", "deviates", "conforms", "conforms"]
REFUSED: list[Verdict] = ["unsupported"] * 6
LOST: list[Verdict] = ["not-run"] * 6
STEPS = {"full": FULL, "none": NONE, "some": SOME, "refused": REFUSED, "lost": LOST}
CLAUSES = [clause(NAN, "quality"), clause(UNANIMOUS, "documented"), clause(TIE, "open")]


def made(folder: Path, steps: Sequence[str]) -> list[Run]:
    """One run for each step, of the versions 1, 2, 3 and so on."""
    return [
        make_run(folder / f"{number}.jsonl", "torch", str(number), CLAUSES, nan=STEPS[step])
        for number, step in enumerate(steps, start=1)
    ]


def told(runs: Sequence[Run], name: str = NAN) -> ClauseHistory:
    """The history of one clause of the only framework."""
    (history,) = histories(runs)
    return next(each for operator in history.operators for each in operator.clauses if each.record.id == name)


def in_short(each: ClauseHistory) -> list[tuple[Any, ...]]:
    """What holds now and what held before, without the notes."""
    return [(one.version_added, one.version_removed, one.partial) for one in (each.now, *each.earlier)]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("full full", [("≤1", None, False)]),
        ("none full full", [("2", None, False)]),
        ("none none", [(False, None, False)]),
        ("full full none", [(False, "3", False), ("≤1", "3", False)]),
        ("full refused", [(False, "2", False), ("≤1", "2", False)]),
        ("full none full", [("3", None, False), ("≤1", "2", False)]),
        ("some some", [("≤1", None, True)]),
        ("full some", [("2", None, True), ("≤1", "2", False)]),
        ("none some full", [("3", None, False), ("2", "3", True)]),
        ("lost full", [("≤2", None, False)]),
        ("none lost full", [("3", None, False)]),
        ("none full lost", [("2", None, False)]),
        ("lost lost", [(None, None, False)]),
    ],
)
def test_a_clause_conforms_from_the_first_version_of_the_last_stretch(
    steps: str, expected: list[tuple[Any, ...]], tmp_path: Path
) -> None:
    """Added, removed and in part, for what holds now and then for what held before."""
    assert in_short(told(made(tmp_path, steps.split()))) == expected


def test_versions_are_in_the_order_of_packaging(tmp_path: Path) -> None:
    """Candidates before releases, 1.9 before 1.10, and what is no version before all."""
    versions = ["1.10", "1.9", "nightly", "1.10rc1", "1.10+cpu"]
    runs = [make_run(tmp_path / f"{each}.jsonl", "torch", each, CLAUSES) for each in versions]
    (history,) = histories(runs)
    assert [release.version for release in history.releases] == ["nightly", "1.9", "1.10rc1", "1.10", "1.10+cpu"]


def test_of_several_runs_of_a_version_the_latest_started_counts(tmp_path: Path) -> None:
    """The others are named as not used, in the table and on the page."""
    old = make_run(tmp_path / "old.jsonl", "torch", "1", CLAUSES, nan=NONE)
    new = make_run(tmp_path / "new.jsonl", "torch", "1", CLAUSES, started="2026-02-02T00:00:00+00:00")
    (history,) = histories([new, old])
    assert history.releases[0].run is new
    assert history.releases[0].superseded == [old]
    assert in_short(told([old, new])) == [("≤1", None, False)]
    page = read_pages(write_site([old, new], tmp_path / "site").parent)["history/torch.html"]
    assert "old.jsonl, started 2026-01-01" in page.said()
    assert "the latest started counts" in page.said()


def test_notes_say_what_deviates_refuses_crashes_or_hangs_and_where(tmp_path: Path) -> None:
    """In the words of the findings, each kind once, with its variants."""
    mixed: list[Verdict] = ["crashes", "hangs", "unsupported", "harness-error", "deviates", "conforms"]
    notes = told([make_run(tmp_path / "1.jsonl", "torch", "1", CLAUSES, nan=mixed)]).now.notes
    assert [note.partition(":")[0] for note in notes] == [
        "crashes in eager native f32",
        "hangs in eager native f64",
        "deviates in eager module f32",
        "refuses in inductor native f32",
        "no verdict in inductor native f64",
    ]
    assert "signal 11" in notes[0]
    assert "got 0x1.9p-4 (0.09765625), expected nan" in notes[2]
    assert "did not repeat" in notes[2]


@pytest.mark.parametrize("turned", [False, True], ids=["asked in more", "asked in fewer"])
def test_what_one_of_two_versions_was_not_asked_is_no_step(tmp_path: Path, *, turned: bool) -> None:
    """A standing that differs by variants of one version alone has no version, and the notes say why."""
    old, new = made(tmp_path, ["some", "full"] if turned else ["full", "some"])
    fewer = new if turned else old
    fewer.findings = [each for each in fewer.findings if each.variant.mode != "inductor"]
    each = told([old, new])
    assert in_short(each) == [("≤2", None, not turned), ("≤1", None, turned)]
    assert each.now.notes[-1] == (
        "not asked in inductor native, where 1 does not conform" if turned else "1 was not asked in inductor native"
    )


def test_the_newest_version_without_a_verdict_is_not_passed_over(tmp_path: Path) -> None:
    """What the last measured version did is said to be just that."""
    assert told(made(tmp_path, ["full", "lost"])).now.notes == ("no verdict in 2: this is what 1 did",)


def test_an_open_clause_tells_where_its_behaviour_changed(tmp_path: Path) -> None:
    """What is new and what is gone, in the variants that both versions were asked in."""
    runs = made(tmp_path, ["full", "full", "full"])
    for each in runs[1].findings + runs[2].findings:
        if each.observed and each.variant.dtype == "float64":
            each.observed = Observed(behaviours={"half the gradient": 3})
            each.cases_digest = "other"
    tie = told(runs, TIE)
    assert (tie.changed, tie.now.version_added) == (True, None)
    (change,) = tie.changes
    assert (change.version, change.variants) == ("2", "f64")
    assert (change.new, change.gone, change.other_cases) == (("half the gradient",), ("zero gradient",), True)
    assert [name for name, _ in tie.cells[2].behaviours()] == ["half the gradient", "zero gradient"]
    page = read_pages(write_site(runs, tmp_path / "site").parent)["history/torch.html"]
    row = page.text[page.text.index(f'id="clause-{TIE}"') :].partition("</tr>")[0]
    cells = [" ".join(re.sub(r"<[^>]*>", " ", cell).split()) for cell in row.split("<td>")[2:]]
    assert cells == [
        "○ observed zero gradient",
        "○ observed in f64, asked with other cases new: half the gradient no more: zero gradient",
        "○ observed",
    ]


def test_only_what_variants_of_both_versions_do_is_a_change(tmp_path: Path) -> None:
    """Another verdict is one, another error of the same kind is none."""
    first, second = made(tmp_path, ["some", "some"])
    assert not told([first, second]).changed
    next(each for each in second.findings if each.verdict == "deviates").verdict = "crashes"
    assert told([first, second]).changed


def test_an_operator_conforms_where_its_clauses_do(tmp_path: Path) -> None:
    """Its notes count them and name those that do not; open clauses are left out."""
    (history,) = histories(made(tmp_path, ["full", "some", "none"]))
    (operator,) = history.operators
    assert [point.mark for point in operator.points] == ["conforms", "partial", "partial"]
    assert operator.now.notes == ("1 of 2 clauses conform in every variant that was asked", f"deviates: {NAN}")
    assert (operator.now.version_added, operator.now.partial) == ("2", True)
    assert [one.version_removed for one in operator.earlier] == ["2"]


def test_an_operator_with_open_clauses_only_is_not_judged(tmp_path: Path) -> None:
    """It has a point for every version all the same."""
    run = make_run(tmp_path / "1.jsonl", "torch", "1", [clause(TIE, "open")])
    (operator,) = histories([run])[0].operators
    assert [point.mark for point in operator.points] == ["not-measured"]
    assert (
        "torch through its versions"
        in Page((write_site([run], tmp_path / "site").parent / "history/torch.html").read_text(encoding="utf-8")).said()
    )


def test_the_same_runs_in_any_order_give_the_same_bytes(tmp_path: Path) -> None:
    """Neither the table nor its order depends on how the files were named on the command line."""
    runs = [*made(tmp_path, ["none", "full"]), make_run(tmp_path / "jax.jsonl", "jax", "1", CLAUSES)]
    assert as_json(histories(runs)) == as_json(histories(runs[::-1]))


def test_the_site_has_the_table_for_machines(tmp_path: Path) -> None:
    """``history.json`` has statements of operators and clauses, and behaviours of open ones."""
    write_site(made(tmp_path, ["none", "full"]), tmp_path / "site")
    table = json.loads((tmp_path / "site" / "history.json").read_text(encoding="utf-8"))
    assert table["schema"] == "lossproof-history/1"
    torch = table["frameworks"]["torch"]
    assert [each["version"] for each in torch["versions"]] == ["1", "2"]
    clauses = torch["operators"][MARGIN]["clauses"]
    assert {key: clauses[NAN][key] for key in ("version_added", "version_removed", "partial", "changed")} == {
        "version_added": "2", "version_removed": None, "partial": False, "changed": True,
    }  # fmt: skip
    assert clauses[NAN]["versions"]["1"]["mark"] == "deviates"
    assert clauses[TIE]["behaviours"] == {"1": ["zero gradient"], "2": ["zero gradient"]}
    assert "version_added" not in clauses[TIE]


def test_the_page_shows_what_changed_and_folds_the_rest(tmp_path: Path) -> None:
    """Changed clauses are in the open with glyph, word, pattern and notes; links lead to each version's verdicts."""
    page = read_pages(write_site(made(tmp_path, ["none", "some"]), tmp_path / "site").parent)["history/torch.html"]
    assert NAN not in page.folded
    assert UNANIMOUS in page.folded
    row = page.text[page.text.index(f'id="clause-{NAN}"') :].partition("</tr>")[0]
    assert "only in part since 2" in row
    for mark in ("deviates", "partial"):
        assert f'v-{mark}"><span class="pattern"' in row
        assert MARKS[mark] in row
    assert "deviates in inductor" in row
    assert f"../clause/{NAN}.html#subject-torch-2" in page.links


def test_subjects_lead_to_the_other_versions(tmp_path: Path) -> None:
    """A subject's page links the others of its framework and their history; the index links every history."""
    runs = [*made(tmp_path, ["full", "full"]), make_run(tmp_path / "jax.jsonl", "jax", "1", CLAUSES)]
    pages = read_pages(write_site(runs, tmp_path / "site").parent)
    assert {"../subject/torch-2.html", "../history/torch.html"} <= set(pages["subject/torch-1.html"].links)
    assert "../subject/torch-1.html" not in pages["subject/torch-1.html"].links
    assert "There is no other run of jax" in pages["subject/jax-1.html"].said()
    assert {"history/torch.html", "history/jax.html", "history.json"} <= set(pages["index.html"].links)


def test_a_history_without_runs_is_removed(tmp_path: Path) -> None:
    """The page of a framework that is gone goes with it, and the table forgets it."""
    runs = [*made(tmp_path, ["full"]), make_run(tmp_path / "jax.jsonl", "jax", "1", CLAUSES)]
    write_site(runs, tmp_path / "site")
    write_site(runs[1:], tmp_path / "site")
    assert [path.name for path in (tmp_path / "site" / "history").iterdir()] == ["jax.html"]
    assert [*json.loads((tmp_path / "site" / "history.json").read_text())["frameworks"]] == ["jax"]


def test_runs_that_were_asked_differently_are_marked(tmp_path: Path) -> None:
    """Another profile, seed or suite may be why two versions differ."""
    runs = made(tmp_path, ["full", "full"])
    words = "with different profiles, seeds or versions of the suite"
    assert words not in read_pages(write_site(runs, tmp_path / "one").parent)["history/torch.html"].said()
    runs[1].header.profile = "quick"
    assert words in read_pages(write_site(runs, tmp_path / "two").parent)["history/torch.html"].said()


def test_every_variant_is_counted_once() -> None:
    """The made-up runs have as many variants as verdicts, so that no expectation above is empty."""
    assert len(VARIANTS) == len(FULL) == len(set(VARIANTS))
