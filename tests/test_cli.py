"""The command line: exit codes, one-line errors, output for people and for programs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from conformance.command.cli import cli
from conformance.operators.catalogue import OPERATORS
from reports.run_files import read_run

ROOT = Path(__file__).resolve().parent.parent
FEW = ["--dtype", "float32", "--clause", "margin.labels.[de]*", "--profile", "quick"]


def lossproof(*words: str) -> Result:
    """The command line, in this process."""
    return CliRunner().invoke(cli, words)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "keras"], "subject keras: no such subject; there are cupy, jax, mindspore, numpy, tensorflow, torch"),
        (["run", "nowhere.py"], "subject nowhere.py: no such file"),
        (
            ["run", "numpy", "--operator", "hinge"],
            "--operator hinge: no such operator; there are hinge_embedding_loss, ",
        ),
        (["run", "numpy", "--dtype", "float8"], "--dtype float8: not offered by this subject; it offers float16"),
        (["run", "numpy", "--form", "native"], "--form native: not offered by this subject; it offers port"),
        (["run", "numpy", "--mode", "jit"], "--mode jit: not offered by this subject; it offers eager"),
        (["run", "numpy", "--clause", "x.*"], "--clause x.*: matches no clause; there are hinge.cost.*"),
        (["run", "numpy", "--profile", "huge"], "--profile huge: no such profile; there are quick, standard"),
        (["run", "numpy==0.1", "--python", sys.executable], "subject numpy==0.1: "),
        (["run", "--python", "/bin/true"], "--python /bin/true: this is no Python interpreter"),
        (["doctor", "--python", "/nowhere"], "--python /nowhere: this is no Python interpreter"),
        (["report", "nowhere.jsonl"], "nowhere.jsonl: no run files there"),
        (["list", "--operator", "hinge"], "--operator hinge: no such operator"),
        (["explain", "margin.nothing"], "clause margin.nothing: no such clause"),
        (["report", "."], "no run files there; make one with: lossproof run torch"),
    ],
)
def test_a_wrong_word_is_one_line_and_exit_2(words: list[str], says: str, tmp_path: Path) -> None:
    """The wrong value, and what is on offer."""
    words = [str(tmp_path) if word == "." else word for word in words]
    result = lossproof(*words, *(["--out", str(tmp_path)] if words[0] == "run" else []))

    assert result.exit_code == 2
    assert says in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_one_line_and_exit_2(tmp_path: Path) -> None:
    """A file where a folder should be, for run files and for the site."""
    taken, runs = tmp_path / "taken", tmp_path / "runs"
    taken.write_text("", encoding="utf-8")
    run = lossproof("run", "numpy", *FEW, "--out", str(taken))
    lossproof("run", "numpy", *FEW, "--out", str(runs))
    report = lossproof("report", str(runs), "--site", str(taken))

    assert (run.exit_code, run.stderr) == (2, f"lossproof: --out {taken}: File exists\n")
    assert (report.exit_code, report.stderr) == (2, f"lossproof: --site {taken}: File exists\n")


def test_an_adapter_whose_import_fails_names_the_module_and_the_line(tmp_path: Path) -> None:
    """No advice to install something that is called like the file."""
    adapter = tmp_path / "mine_adapter.py"
    adapter.write_text("import a_module_that_is_not_there\n", encoding="utf-8")
    result = lossproof("run", str(adapter), "--out", str(tmp_path / "runs"))

    assert result.exit_code == 2
    assert result.stderr == (
        f"lossproof: {adapter}: the adapter failed: ModuleNotFoundError: "
        f"No module named 'a_module_that_is_not_there' ({adapter}, line 1)\n"
    )


def test_a_missing_framework_is_one_line_with_the_command_that_installs_it(tmp_path: Path) -> None:
    """Where this environment has no MindSpore, it says what to type."""
    result = lossproof("run", "mindspore", "--out", str(tmp_path))

    assert result.exit_code == 2
    assert f"{sys.executable} -m pip install 'mindspore==2.10.*' 'numpy<2'" in result.stderr
    assert result.stderr.count("\n") == 1


def test_run_prints_the_totals_and_writes_one_file(tmp_path: Path) -> None:
    """Exit 0, a line of totals, a file that reads back."""
    result = lossproof("run", "numpy", *FEW, "--out", str(tmp_path))

    assert result.exit_code == 0, result.stderr
    assert "3 conforms" in result.stdout
    (path,) = tmp_path.iterdir()
    assert read_run(path).header.profile == "quick"


def test_run_prints_findings_as_json(tmp_path: Path) -> None:
    """The same findings as in the file."""
    result = lossproof("run", "numpy", *FEW, "--out", str(tmp_path), "--format", "json")

    findings = json.loads(result.stdout)
    assert [finding["verdict"] for finding in findings].count("conforms") == 3
    assert {finding["variant"]["dtype"] for finding in findings} == {"float32"}


def test_an_incomplete_run_exits_4(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A harness error is no verdict."""
    monkeypatch.setenv("LOSSPROOF_FAULT", "adapter-raises")
    words = ["--dtype", "float32", "--clause", "margin.value.*", "--profile", "quick", "--out", str(tmp_path)]
    result = lossproof("run", str(ROOT / "tests" / "stand_in_adapter.py"), *words)

    assert result.exit_code == 4
    assert "incomplete: at least one cell has no verdict" in result.stdout


def test_a_deviation_is_a_result_and_exit_0(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is printed with its witness and a reproducer."""
    monkeypatch.setenv("LOSSPROOF_FAULT", "duplicates-collapse")
    result = lossproof("run", str(ROOT / "tests" / "stand_in_adapter.py"), *FEW, "--out", str(tmp_path))

    assert result.exit_code == 0
    for said in (
        "margin.labels.duplicates-count (implied): deviates",
        "expected  1.0",
        "got       0.5",
        "import numpy",
    ):
        assert said in result.stdout


def test_report_writes_the_site_and_refuses_a_broken_file_by_name(tmp_path: Path) -> None:
    """Exit 4 where a file was refused; the site is written from the others."""
    runs, site = tmp_path / "runs", tmp_path / "site"
    lossproof("run", "numpy", *FEW, "--out", str(runs))
    (runs / "broken.jsonl").write_text("{}\n", encoding="utf-8")
    result = lossproof("report", str(runs), "--site", str(site))

    assert result.exit_code == 4
    assert f"{runs / 'broken.jsonl'}: line 1 is not of lossproof-run/2" in result.stderr
    assert "broken.jsonl" in (site / "index.html").read_text(encoding="utf-8")
    (runs / "broken.jsonl").unlink()
    assert lossproof("report", str(runs), "--site", str(site)).exit_code == 0


def test_list_and_explain_name_levels_and_sources() -> None:
    """Each clause with its level; one clause with the words of its page."""
    listed = lossproof("list", "--format", "json")
    explained = lossproof("explain", "margin.labels.block-ends-at-first-negative")

    assert {clause["operator"] for clause in json.loads(listed.stdout)} == set(OPERATORS)
    assert {clause["level"] for clause in json.loads(listed.stdout)} == {"documented", "implied", "quality", "open"}
    assert "contiguous block of non-negative targets" in explained.stdout
    assert "https://docs.pytorch.org/docs/2.13/" in explained.stdout


def test_every_command_has_help_with_an_example() -> None:
    """As people expect it."""
    for command in cli.commands:
        result = lossproof(command, "--help")
        assert result.exit_code == 0
        assert f"  lossproof {command}" in result.stdout.partition("Examples:")[2]


def test_an_interrupted_run_says_so_and_leaves_no_finished_file(tmp_path: Path) -> None:
    """Ctrl-C ends with one line and status 130; what is left has no footer."""
    program = (
        "import _thread, sys; sys.path.insert(0, sys.argv[1])\n"
        "from conformance.running import lanes\n"
        "def interrupt(*_): raise KeyboardInterrupt\n"
        "lanes.run_cell = interrupt\n"
        "from conformance.command.cli import cli\n"
        "cli(sys.argv[2:], prog_name='lossproof')"
    )
    command = [sys.executable, "-c", program, str(ROOT), "run", "numpy", *FEW, "--jobs", "1", "--out", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ended.returncode == 130
    assert ended.stderr.startswith(
        "lossproof: interrupted; finished runs are kept, an unfinished one ends in .partial.jsonl"
    )
    assert [path.name.endswith(".partial.jsonl") for path in tmp_path.iterdir()] == [True]


def test_progress_stays_out_of_a_pipe(tmp_path: Path) -> None:
    """Standard error is empty where nobody watches."""
    command = [sys.executable, str(ROOT / "lossproof.py"), "run", "numpy", *FEW, "--out", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)

    assert ended.stderr == ""
