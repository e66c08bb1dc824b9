"""``lossproof check``: somebody's own function, right, wrong, broken and missing."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from conformance.command.cli import cli

PORT = Path(__file__).resolve().parent.parent / "adapters" / "numpy_port.py"
MARGIN = ("--operator", "multilabel_margin_loss", "--framework", "numpy")
WRONG = """
    import numpy as np

    def margin(input, target, reduction="mean"):
        if np.shape(input) != np.shape(target) or np.ndim(input) not in (1, 2):
            raise ValueError("shapes")
        if reduction not in ("none", "sum", "mean"):
            raise ValueError("reduction")
        rows, labels = np.atleast_2d(input), np.atleast_2d(target)
        losses = np.zeros(len(rows), dtype=input.dtype)
        for row, (x, y) in enumerate(zip(rows, labels)):
            block = [label for label in y if label >= 0]  # skips a -1 instead of stopping there
            others = [i for i in range(len(x)) if i not in block]
            for label in block:
                for other in others:
                    losses[row] += np.maximum(0, (1 - x[label]) + x[other])
        losses /= input.dtype.type(rows.shape[1] or 1)
        if reduction == "none":
            return losses if np.ndim(input) == 2 else losses[0]
        return losses.sum(dtype=input.dtype) if reduction == "sum" else losses.mean(dtype=input.dtype)

    def dies(input, target, reduction="mean"):
        import os
        os.abort()

    def batchmean(input, target, weight=None, reduction="mean"):
        return {"batchmean": np.mean}[reduction](input)

    def refuses(input, target, reduction="mean"):
        raise NotImplementedError("later")

    constant = 1
"""


def check(*words: str) -> Result:
    """The command, in this process."""
    return CliRunner().invoke(cli, ["check", *words])


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """A file of functions that are wrong in different ways."""
    path = tmp_path / "wrong_losses.py"
    path.write_text(textwrap.dedent(WRONG), encoding="utf-8")
    return path


@pytest.mark.parametrize("operator", ["multilabel_margin_loss", "multilabel_soft_margin_loss"])
def test_a_right_function_conforms_at_the_highest_level(operator: str) -> None:
    """The NumPy port, value and gradient: exit 0; what it costs and what that left out, and one line of verdicts."""
    found = check(f"{PORT}:{operator}", "--operator", operator, "--framework", "numpy", "--level", "quality")

    assert (found.exit_code, found.stderr) == (0, "")
    first, *not_asked, last = found.stdout.splitlines()
    assert (first.split()[0], last.split()[0]) == ("cost", f"{PORT}:{operator},")
    assert all(line.startswith("not asked, because ") for line in not_asked)
    assert "deviates" not in found.stdout


def test_a_wrong_function_is_shown_with_statement_input_and_reproducer(wrong: Path) -> None:
    """Exit 1; the labels behind the block break the clause that is about them, and the reproducer shows it."""
    found = check(f"{wrong}:margin", *MARGIN, "--dtype", "float32", "--format", "json")
    findings = json.loads(found.stdout)
    broken = {finding["clause"]: finding for finding in findings if finding["verdict"] == "deviates"}

    assert found.exit_code == 1
    assert "margin.labels.block-ends-at-first-negative" in broken
    assert "margin.labels.duplicates-count" not in broken
    witness = broken["margin.labels.block-ends-at-first-negative"]["counterexample"]
    assert witness["arguments"]["target"]["values"] == [[-1, 0]]
    said = subprocess.run(
        [sys.executable, "-c", witness["reproducer"]], capture_output=True, text=True, check=True
    ).stdout
    assert said == "[0.5]\n[0.]\n"  # with the label behind the -1, and without it

    text = check(f"{wrong}:margin", *MARGIN, "--dtype", "float32").stdout
    assert "says      Valid labels after the first -1 change nothing" in text
    assert "margin_gradient" not in text


def test_a_function_that_answers_no_valid_case_is_never_taken_for_a_right_one(wrong: Path) -> None:
    """Whatever it says to arguments that are wrong."""
    found = check(
        f"{wrong}:batchmean", "--operator", "multilabel_soft_margin_loss", "--framework", "numpy",
        "--dtype", "float32", "--level", "quality",
    )  # fmt: skip

    assert found.exit_code == 4, found.output


def test_a_function_of_a_package_is_found_from_the_working_folder(wrong: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As ``python -m`` would find it."""
    monkeypatch.chdir(wrong.parent)
    found = check("wrong_losses:margin", *MARGIN, "--dtype", "float64", "--clause", "margin.value.documented-formula")

    assert found.exit_code == 0, found.output


@pytest.mark.parametrize(("name", "status", "verdict"), [("dies", 1, "crashes"), ("refuses", 4, "unsupported")])
def test_functions_that_never_answer(wrong: Path, name: str, status: int, verdict: str) -> None:
    """A crash is a deviation; a function that refuses everything is not counted as conforming."""
    found = check(f"{wrong}:{name}", *MARGIN, "--dtype", "float32", "--clause", "margin.value.*-formula")

    assert found.exit_code == status
    assert verdict in found.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere.py:loss", *MARGIN], "target nowhere.py:loss: no such file"),
        (["margin", *MARGIN], "target margin: name a function as file.py:name or package.module:name"),
        (["no_such_package.losses:margin", *MARGIN], "cannot be loaded: ModuleNotFoundError"),
        (["{file}:nothing", *MARGIN], "cannot be loaded: AttributeError"),
        (["{file}:constant", *MARGIN], "is a int, no function"),
        (["{file}:margin", "--operator", "hinge", "--framework", "numpy"], "--operator hinge: no such operator"),
        (
            ["{file}:margin", *MARGIN[:3], "theano"],
            "--framework theano: no such framework; there are cupy, jax, mindspore",
        ),
        (["{file}:margin", *MARGIN, "--profile", "explore"], "--profile explore: no such profile"),
        (["{file}:margin", *MARGIN, "--dtype", "bfloat16"], "--dtype bfloat16: not offered"),
    ],
)
def test_a_wrong_word_is_one_line_and_exit_2(words: list[str], says: str, wrong: Path) -> None:
    """What was asked, and what is on offer."""
    found = check(*(word.replace("{file}", str(wrong)) for word in words))

    assert found.exit_code == 2
    assert says in found.stderr
    assert found.stderr.count("\n") == 1
    assert found.stdout == ""
