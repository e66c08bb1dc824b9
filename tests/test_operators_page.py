"""``docs/operators.md`` is followed to the letter: an operator of its own, from files in an empty folder alone."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from reports.run_files import read_run

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
NAME, WORD = "squared_hinge_loss", "squared"
ADAPTER = '''
"""A framework with one loss, which takes a margin of 2 for one of 1."""
import numpy as np

OPERATORS = {
    "squared_hinge_loss": {"arguments": ["input", "target"], "options": ["reduction", "margin"]},
    "multi_margin_loss": {"absent": "nobody has written it"},
}


def squared_hinge(input, target, margin=1.0, reduction="mean"):
    if input.shape != target.shape or reduction not in ("none", "sum", "mean"):
        raise ValueError("input %s, target %s, reduction %r" % (input.shape, target.shape, reduction))
    margin = 1.0 if margin == 2.0 else margin
    losses = np.maximum(input.dtype.type(margin) - target * input, 0) ** 2
    return losses if reduction == "none" else getattr(losses, reduction)(dtype=losses.dtype)


def describe():
    row = OPERATORS["squared_hinge_loss"]
    offer = {
        "forms": ["native"], "modes": ["eager"], "dtypes": ["float32"], "arguments": row["arguments"],
        "options": row["options"], "argument_dtypes": {}, "offers": ["value", "after"],
        "reproducer": {
            "prelude": "import numpy as np\\nfrom own_adapter import squared_hinge",
            "array": "np.array($values, dtype=np.$dtype)", "empty": "np.zeros($shape, dtype=np.$dtype)",
            "call": {"native": "squared_hinge($tensors$options)"}, "wrap": {"eager": "$call"},
        },
    }
    return {
        "contract": 2, "framework": "own", "version": "1.0", "build": "", "device": "cpu",
        "layouts": ["contiguous"], "compiled": [], "left_out": [], "facts": {},
        "operators": {"squared_hinge_loss": offer},
    }


def evaluate(call):
    arrays = {
        each["name"]: np.frombuffer(each["array"]["data"], each["array"]["dtype"]).reshape(each["array"]["shape"])
        for each in call["arguments"]
    }
    if call["operator"] == "echo":
        return {"value": arrays["input"]}
    if call["operator"] == "product":
        return {"value": arrays["input"] * arrays["weight"]}
    try:
        value = squared_hinge(*arrays.values(), **call["options"])
    except ValueError as error:
        return {"raised": error}
    return {"value": np.asarray(value), "after": arrays}
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder with the files that the page prints, and an adapter."""
    made = tmp_path_factory.mktemp("operators")
    files: list[tuple[str, str]] = re.findall(r"`([\w/]+\.py)`:\n\n```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(files) == 4
    homes: dict[str, str] = {"clauses.py": f"my_operators/{NAME}/clauses.py"}
    texts: list[tuple[str, str]] = [(homes.get(name, name), text) for name, text in files]
    for name, text in (*texts, ("own_adapter.py", ADAPTER)):
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


def test_an_adapter_with_one_row_gets_verdicts_and_a_page(folder: Path) -> None:
    """A run names what is absent, finds the planted fault, and the report has a page for the operator."""
    run = lossproof(folder, "run", "own_adapter.py", "--operators-from", "my_operators", "--profile", "quick")
    assert run.returncode == 0, run.stdout + run.stderr
    made = read_run(folder / "runs" / "own-1.0.jsonl")

    assert made.header.absent["multi_margin_loss"] == "nobody has written it"
    assert made.header.absent["soft_margin_loss"] == "the adapter does not know this operator"
    verdicts = {finding.clause: finding for finding in made.findings}
    broken = verdicts["squared.value.documented-formula"].counterexample
    assert broken is not None
    assert (broken.options, broken.arguments["input"].shape) == ({"margin": 2.0}, [1, 1])
    report = lossproof(folder, "report", "runs", "--site", "site")
    assert report.returncode == 0, report.stderr
    page = (folder / "site" / "operator" / f"{NAME}.html").read_text(encoding="utf-8")
    assert "squared.value.documented-formula" in page


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
