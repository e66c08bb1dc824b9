"""Sites of a run or two, and parts of their pages."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import msgspec
import pytest

from reports.arrangement import addresses, arrange, by_words, leading, witnesses
from reports.record import Counterexample, Run, Verdict
from reports.site import rows, write_site
from tests.html_pages import Page, read_pages
from tests.made_runs import FORMULA, MARGIN, NAN, REFUSED, TIE, TORCH_NAN, clause, make_run


def test_subjects_that_refuse_or_behave_differently_are_a_difference(tmp_path: Path) -> None:
    """One variant that refuses is none; a subject that refuses whole, or behaves otherwise, is one."""
    partly: list[Verdict] = ["conforms"] * 6
    partly[0] = "unsupported"
    cases: list[tuple[list[Verdict], list[Verdict], bool]] = [
        (["conforms"] * 6, partly, True),
        (["conforms"] * 6, ["unsupported"] * 6, False),
        (["observed"] * 6, ["observed"] * 6, True),
        (["observed"] * 6, ["conforms"] * 6, False),
    ]
    for number, (first, second, folded) in enumerate(cases):
        made = [
            make_run(tmp_path / f"{number}-{version}.jsonl", "torch", version, [clause(NAN, "quality")], nan=nan)
            for version, nan in (("1", first), ("2", second))
        ]
        page = read_pages(write_site(made, tmp_path / f"site-{number}").parent)[f"operator/{MARGIN}.html"]
        assert (NAN in page.folded) == folded, (first, second)


def test_words_that_differ_in_numbers_or_at_the_end_are_together(tmp_path: Path) -> None:
    """Every wording stays on the page, the first of them in the open."""
    run = make_run(tmp_path / "a.jsonl", "jax", "1", [clause(NAN, "quality")], nan=REFUSED)
    for number, each in enumerate(run.findings):
        each.words = f"no kernel for node {number}" if number > 1 else f"{'long ' * 60} {number}"

    page = read_pages(write_site([run], tmp_path / "site").parent)[f"clause/{NAN}.html"]

    assert [len(wordings) for wordings, _ in by_words(arrange([run]).operators[0].entries)] == [4, 2]
    assert "no kernel for node 4 3 more that differ in numbers or at the end no kernel for node 5" in page.said()
    assert "1 more that differs" in page.said()


def test_another_device_than_the_processor_is_named_in_the_matrix(tmp_path: Path) -> None:
    """An emulated kernel is not taken for one that ran on a device."""
    run = make_run(tmp_path / "a.jsonl", "cupy", "1", [clause(NAN, "quality")], nan=REFUSED)
    for each in run.findings:
        each.variant = msgspec.structs.replace(each.variant, form="port", device="emulated")

    pages = read_pages(write_site([run], tmp_path / "site").parent)

    assert "port; device emulated" in pages["index.html"].said()


def examples(made: list[Run]) -> list[tuple[Verdict, Counterexample]]:
    """The counterexamples of some runs, each with its verdict."""
    findings = itertools.chain.from_iterable(run.findings for run in made)
    return [(each.verdict, each.counterexample) for each in findings if each.counterexample]


def test_one_counterexample_of_each_subject_is_in_the_open(tmp_path: Path) -> None:
    """The others are folded, and of observed behaviours each has a witness in the open."""
    clauses = [clause(NAN, "quality"), clause(TIE, "open")]
    made = [make_run(tmp_path / f"{name}.jsonl", name, "1", clauses, nan=TORCH_NAN) for name in ("jax", "torch")]
    for number, (verdict, example) in enumerate(examples(made)):
        example.arguments["input"].shape = [number]
        example.got = "behaviour two" if (number, verdict) == (5, "observed") else example.got

    operator = arrange(made).operators[0]

    by_clause = {each.record.id: witnesses(each.entries) for each in operator.clauses}
    assert len(leading(by_clause[NAN])) == len(leading(by_clause[TIE])) == 2
    assert min(map(len, by_clause.values())) > 2
    page = read_pages(write_site(made, tmp_path / "site").parent)[f"clause/{NAN}.html"]
    assert "4 more, with other inputs or replies" in page.said()


def test_without_runs_the_index_says_how_to_make_one(tmp_path: Path) -> None:
    """No matrix, a command instead; refused files still show."""
    index = Page(write_site([], tmp_path, refused=["x.jsonl: line 3 is cut short"]).read_text(encoding="utf-8"))
    assert "There are no runs" in index.said()
    assert "lossproof run torch" in index.said()
    assert "x.jsonl: line 3 is cut short" in index.said()
    assert "table" not in [tag for tag, _ in index.tags]


def test_runs_with_different_texts_of_a_clause_show_both(tmp_path: Path) -> None:
    """The latest text is that of the page; the other stays visible with its subject."""
    old = make_run(tmp_path / "a.jsonl", "jax", "1", [clause(FORMULA, "implied", statement="The old text.")])
    new = make_run(tmp_path / "b.jsonl", "torch", "2", [clause(FORMULA, "documented", statement="The new text.")])
    new.header.started = "2026-02-02T00:00:00+00:00"
    write_site([old, new], tmp_path / "site")
    said = read_pages(tmp_path / "site")[f"clause/{FORMULA}.html"].said()
    assert said.index("The new text.") < said.index("Other wordings") < said.index("The old text.")
    assert "jax 1: implied" in said


def test_a_finding_without_its_clause_line_is_not_lost(tmp_path: Path) -> None:
    """The page says that the statement is missing."""
    run = make_run(tmp_path / "a.jsonl", "jax", "1", [clause(FORMULA, "documented")])
    run.clauses.clear()
    write_site([run], tmp_path / "site")
    assert "no statement of it" in read_pages(tmp_path / "site")[f"clause/{FORMULA}.html"].said()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a b", "a-b", "A-B"], ["a-b", "a-b-2", "A-B-3"]),
        (["torch-2.13.0+cpu"], ["torch-2.13.0-cpu"]),
        (["../../etc", "..", ""], ["etc", "unnamed", "unnamed-2"]),
    ],
)
def test_addresses_are_unique_file_names(names: list[str], expected: list[str]) -> None:
    """No name leaves the folder or hides another, whatever the file system makes of case."""
    assert addresses(names) == expected


ARRAYS: list[tuple[object, list[Any]]] = [
    ("0x1.9p-4", [("", [("0.09765625", "0x1.9p-4")])]),
    (
        ["0x1.9000000000000p-4", "-0x0.0p+0", "0x10p+0"],
        [("", [("0.09765625", "0x1.9p-4"), ("-0.0", "-0x0p+0"), ("16.0", "0x10p+0")])],
    ),
    (["nan", "inf"], [("", [("nan", ""), ("inf", "")])]),
    ([[1, -1], []], [("[0]", [("1", ""), ("-1", "")]), ("[1]", [])]),
    ([["0x1p99999", "nan:0x7fc00001"]], [("[0]", [("0x1p99999", ""), ("nan:0x7fc00001", "")])]),
    ([], [("", [])]),
    (None, [("", [("null", "")])]),
]


@pytest.mark.parametrize(("array", "expected"), ARRAYS)
def test_arrays_are_shown_in_decimal_beside_hexadecimal(array: object, expected: list[Any]) -> None:
    """What is no number in float64 stays as it was written."""
    assert list(rows(array)) == expected
