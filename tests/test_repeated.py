"""Runs of the same version are compared with the first, verdicts and recordings apart."""

from __future__ import annotations

from pathlib import Path

from reports.record import Verdict
from tests.made_runs import NAN, TIE, VARIANTS, clause, make_run
from tests.repeated import gathered, row, table, whole

CLAUSES = [clause(NAN, "quality"), clause(TIE, "open")]


def made(folder: Path, *verdicts: Verdict) -> None:
    """A run of all variants in a series' folder for each verdict of one of them."""
    others: list[Verdict] = ["conforms"] * (len(VARIANTS) - 1)
    for number, verdict in enumerate(verdicts, start=1):
        path = folder / "torch" / str(number) / "torch-1.jsonl"
        path.parent.mkdir(parents=True)
        make_run(path, "torch", "1", CLAUSES, nan=[verdict, *others])


def test_a_series_that_says_the_same_has_no_differences(tmp_path: Path) -> None:
    """Three equal runs are one line of the table, with nothing below it."""
    made(tmp_path, "deviates", "deviates", "deviates")

    (series,) = gathered(tmp_path)

    assert (len(series.runs), series.verdicts, series.recordings) == (3, [], [])
    assert table([series]).count("\n") == 2


def test_a_verdict_that_changes_is_named_with_its_variant(tmp_path: Path) -> None:
    """A cell that said something else in one of the runs stands below the table."""
    made(tmp_path, "conforms", "conforms", "deviates")

    (series,) = gathered(tmp_path)

    assert series.verdicts == [(NAN, "native, eager, cpu, float32")]
    assert f"- torch 1, eager, inductor, standard: another verdict: `{NAN}` (native, eager, cpu, float32)" in table(
        [series]
    )


def test_a_run_that_was_cut_short_is_not_counted(tmp_path: Path) -> None:
    """What a run leaves behind when it is stopped is no run."""
    made(tmp_path, "conforms")
    (tmp_path / "torch" / "2").mkdir()
    (tmp_path / "torch" / "2" / "torch-1.partial.jsonl").write_text("{", encoding="utf-8")

    (series,) = gathered(tmp_path)

    assert len(series.runs) == 1
    assert whole([tmp_path / "torch" / "2", tmp_path / "torch" / "3"]) == []


def test_a_run_without_a_verdict_in_some_cell_is_not_counted(tmp_path: Path) -> None:
    """It says nothing again: it is to be made anew."""
    made(tmp_path, "conforms", "harness-error")

    (series,) = gathered(tmp_path)

    assert len(series.runs) == 1


def test_what_the_page_says_of_other_series_stays(tmp_path: Path) -> None:
    """A series replaces what the page said of the same subject, modes and profile, and nothing else."""
    made(tmp_path / "first", "conforms", "deviates")
    made(tmp_path / "second", "conforms", "conforms")
    other = "| torch 1 | vmap | standard | 10 | 3 | 0 | 1 | 2026-01-01, `0` |"
    note = "- torch 1, vmap, standard: another recording: `margin` (native, vmap, cpu, float32)"
    before = f"{table(gathered(tmp_path / 'first'))}\n{other}\n{note}"

    after = table(gathered(tmp_path / "second"), before).splitlines()

    (series,) = gathered(tmp_path / "second")
    assert after[2:] == [row(series), other, "", note]
