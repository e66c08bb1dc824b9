"""``docs/operators.md`` is followed to the letter: an operator of its own, from files in an empty folder alone."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from reports.record import Run
from reports.run_files import read_run

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
NAME, WORD = "squared_hinge_loss", "squared"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder with the files that the page prints."""
    made = tmp_path_factory.mktemp("operators")
    files: list[tuple[str, str]] = re.findall(r"`([\w/]+\.py)`:\n\n```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(files) == 5
    homes: dict[str, str] = {"clauses.py": f"my_operators/{NAME}/clauses.py"}
    texts: list[tuple[str, str]] = [(homes.get(name, name), text) for name, text in files]
    for name, text in texts:
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(text, encoding="utf-8")
    return made


def lossproof(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command line in that folder."""
    command = [sys.executable, str(ROOT / "lossproof.py"), *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def checked(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """``check`` of the page's function, as the page types it."""
    typed = ("--framework", "numpy", "--operators-from", "my_operators", "--operator", NAME)
    return lossproof(folder, "check", "my_losses.py:squared_hinge", *typed, *words)


def test_the_clauses_of_a_new_operator_are_derived(folder: Path) -> None:
    """Families, documented levels for what its page says, and its own clause, without a line outside the folder."""
    found = lossproof(folder, "list", "--operators-from", "my_operators", "--operator", NAME, "--format", "json")

    ids = {clause["id"]: clause["level"] for clause in json.loads(found.stdout)}
    assert len(ids) > 40
    assert ids["squared.value.documented-formula"] == "documented"
    assert ids["squared.value.both-signs-turned"] == "implied"
    assert "squared.weights.each-class" not in ids, "it has no weight"
    assert "squared.value.default-is-mean" not in ids, "its page does not say it"


def test_a_planted_fault_is_found_minimal_and_reproduced(folder: Path) -> None:
    """The margin that the page's gradient ignores: one element, and a program that prints the wrong value."""
    found = checked(folder, "--clause", "squared.gradients.of-rows", "--dtype", "float32", "--format", "json")

    assert found.returncode == 1, found.stderr
    (deviating,) = json.loads(found.stdout)
    shown = deviating["counterexample"]
    assert [shown["arguments"][name]["shape"] for name in ("input", "target")] == [[1, 1], [1, 1]]
    assert list(shown["options"]) == ["margin"]
    printed = subprocess.run(
        [sys.executable, "-c", shown["reproducer"]], cwd=folder, capture_output=True, text=True, check=True
    )
    assert float(printed.stdout.strip("[]\n")) == float.fromhex(shown["value"])
    assert float.fromhex(shown["low"]) - float.fromhex(shown["bound"]) > float.fromhex(shown["value"]) or float.fromhex(
        shown["high"]
    ) + float.fromhex(shown["bound"]) < float.fromhex(shown["value"])


def test_the_right_function_conforms(folder: Path) -> None:
    """With the margin in its place in the gradient every clause conforms, quality clauses too."""
    losses = folder / "my_losses.py"
    wrong = losses.read_text(encoding="utf-8")
    losses.write_text(wrong.replace("np.maximum(1 -", "np.maximum(input.dtype.type(margin) -"), encoding="utf-8")
    try:
        found = checked(folder, "--level", "quality", "--dtype", "float32")
    finally:
        losses.write_text(wrong, encoding="utf-8")

    assert found.returncode == 0, found.stdout


@pytest.fixture(scope="module")
def made(folder: Path) -> Run:
    """The run of the page's adapter."""
    run = lossproof(folder, "run", "my_adapter.py", "--operators-from", "my_operators", "--profile", "quick")
    assert run.returncode == 0, run.stdout + run.stderr
    return read_run(folder / "runs" / "my-1.0.jsonl")


def test_an_adapter_with_one_row_gets_verdicts(made: Run) -> None:
    """A run names what is absent, and finds the gradient that ignores its margin, and nothing else."""
    assert made.header.absent["multi_margin_loss"] == "nobody has written it"
    assert made.header.absent["soft_margin_loss"] == "the adapter does not know this operator"
    verdicts = {finding.clause: finding for finding in made.findings}
    assert {finding.verdict for finding in made.findings} == {"conforms", "observed", "deviates"}
    assert all("gradients" in name for name, finding in verdicts.items() if finding.verdict == "deviates")
    broken = verdicts["squared.gradients.of-options"].counterexample
    assert broken is not None
    assert (list(broken.options), broken.arguments["input"].shape) == (["margin"], [1, 1])


def test_a_run_of_an_operator_of_ones_own_has_a_page(made: Run, folder: Path) -> None:
    """The report shows the deviation on the operator's page."""
    del made
    report = lossproof(folder, "report", "runs", "--site", "site")
    assert report.returncode == 0, report.stderr
    page = (folder / "site" / "operator" / f"{NAME}.html").read_text(encoding="utf-8")
    assert "squared.gradients.of-options" in page


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "holds no operator, which is a folder with an __init__.py"),
        ({"a/__init__.py": "1 / 0\n"}, "ZeroDivisionError: division by zero"),
        ({"a/__init__.py": ""}, "no OPERATOR, a value of conformance.cases.operator.Operator"),
        (
            {"a/__init__.py": "from conformance.operators.soft_margin_loss import OPERATOR\n"},
            "the name soft_margin_loss or the word logistic is taken",
        ),
    ],
)
def test_a_folder_that_holds_no_operator_is_told_in_a_line(tmp_path: Path, files: dict[str, str], says: str) -> None:
    """Exit status 2, and what is wrong with which file."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text, encoding="utf-8")

    found = lossproof(tmp_path, "list", "--operators-from", ".")

    assert found.returncode == 2
    assert says in found.stderr
    assert found.stderr.count("\n") == 1
