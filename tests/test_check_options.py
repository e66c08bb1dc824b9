"""``lossproof check``: what it wraps, whose tensors it takes, where its run goes, and what it shows of a relation."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from conformance.command.cli import cli
from reports.run_files import read_run

ROOT = Path(__file__).resolve().parent.parent
HINGE = ("--operator", "hinge_embedding_loss")
NUMPY = (*HINGE, "--framework", "numpy", "--dtype", "float32", "--cost", "cheap")
FUNCTIONS = """
    import numpy as np
    from numpy_port import hinge_embedding_loss as right, hinge_embedding_loss_gradient as right_gradient
    from numpy_port import multilabel_soft_margin_loss as soft
    from numpy_port import soft_margin_loss

    def wrapped(input, target, **options):
        if not input.size and options.get("reduction") == "sum":
            return np.ones((), dtype=input.dtype)
        return right(input, target, **options)

    def also_wrong(input, target, **options):
        return wrapped(input, target, **options) * np.float32(2 if input.ndim == 3 else 1)

    def affine(input, target, weight=None, **options):
        found = soft(input, target, weight=weight, **options)
        return found if weight is None else (found + 0.25 * (np.size(weight) > 1)).astype(input.dtype)

    def logistic(input, target, **options):
        return soft_margin_loss(input, target, **options)

    def logistic_gradient(input, target, cotangent, reduction="mean"):
        with np.errstate(over="ignore"):
            slopes = -target / (1 + np.exp(target * input))  # 0 where the exponential overflows
        return (slopes * cotangent / (input.size if reduction == "mean" else 1)).astype(input.dtype)
"""
ACCEPTED = """
[[accepted]]
clause = "hinge.shapes.empty-batch-sum"
framework = "numpy"
versions = ">=1"
variants = ["port eager cpu *"]
signature = "deviates: other"
why = "the port says so"
"""


def check(*words: str) -> Result:
    """The command, in this process."""
    return CliRunner().invoke(cli, ["check", *words])


@pytest.fixture(name="functions")
def _functions(tmp_path: Path) -> Path:
    path = tmp_path / "wrappers.py"
    head = f"import sys\nsys.path.insert(0, {str(ROOT / 'adapters')!r})\n"
    path.write_text(head + textwrap.dedent(FUNCTIONS), encoding="utf-8")
    return path


@pytest.fixture(name="accepted")
def _accepted(tmp_path: Path) -> Path:
    path = tmp_path / "accepted.toml"
    path.write_text(ACCEPTED, encoding="utf-8")
    return path


def test_what_is_accepted_of_the_framework_does_not_fail_what_wraps_it(functions: Path, accepted: Path) -> None:
    """Whichever form it was seen in; it is said, with the reason."""
    asked = (f"{functions}:wrapped", *NUMPY, "--clause", "hinge.shapes.*")
    alone, found = check(*asked), check(*asked, "--accept", str(accepted))

    assert (alone.exit_code, found.exit_code) == (1, 0), found.output
    assert "hinge.shapes.empty-batch-sum (implied): deviates" in alone.stdout
    lines = found.stdout.splitlines()
    assert "accepted: hinge.shapes.empty-batch-sum user eager float32, deviates: the port says so" in lines
    assert lines[-1].endswith(" 1 deviates, 11 conforms (1 accepted)")
    as_json = json.loads(check(*asked, "--accept", str(accepted), "--format", "json").stdout)
    assert [each["clause"] for each in as_json if "accepted" in each] == ["hinge.shapes.empty-batch-sum"]


def test_another_fault_is_not_accepted(functions: Path, accepted: Path) -> None:
    """Nor the same one after its date."""
    asked = ("--clause", "hinge.shapes.*", "--accept", str(accepted))
    assert check(f"{functions}:also_wrong", *NUMPY, *asked).exit_code == 1

    accepted.write_text(ACCEPTED + "until = 2020-01-01\n", encoding="utf-8")
    assert check(f"{functions}:wrapped", *NUMPY, *asked).exit_code == 1


def test_an_entry_without_a_reason_is_told_before_anything_runs(functions: Path, accepted: Path) -> None:
    """As ``lossproof gate`` tells it."""
    accepted.write_text(ACCEPTED.replace("the port says so", ""), encoding="utf-8")
    found = check(f"{functions}:wrapped", *NUMPY, "--accept", str(accepted))

    assert (found.exit_code, found.stderr.count("\n")) == (2, 1)
    assert "say in `why`" in found.stderr


def test_the_tensors_of_an_adapter_of_ones_own(functions: Path, tmp_path: Path) -> None:
    """``--adapter FILE`` instead of ``--framework``; the run file is kept where it is wanted."""
    adapter = str(ROOT / "adapters" / "numpy_adapter.py")
    asked = (f"{functions}:right", *HINGE, "--adapter", adapter, "--dtype", "float32", "--clause", "hinge.value.*")
    found = check(*asked, "--out", str(tmp_path / "kept"))

    assert found.exit_code == 0, found.output
    (path,) = (tmp_path / "kept").glob("*.jsonl")
    assert found.stdout.splitlines()[-1] == f"written to {path}"
    assert {finding.variant.form for finding in read_run(path).findings} == {"user"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "name the framework with --framework"),
        (("--framework", "numpy", "--adapter", "mine.py"), "name the framework with --framework"),
        (("--adapter", "mine.py"), "mine.py: no such file"),
        (("--adapter", "torch"), "no adapter that takes functions"),
        (("--adapter", str(ROOT / "tests" / "stand_in_adapter.py")), "no adapter that takes functions"),
    ],
)
def test_whose_tensors_is_not_clear(functions: Path, words: tuple[str, ...], says: str) -> None:
    """One line, before anything starts."""
    found = check(f"{functions}:right", *HINGE, *words)

    assert (found.exit_code, found.stderr.count("\n")) == (2, 1)
    assert says in found.stderr


@pytest.mark.parametrize(
    ("clause", "says"),
    [
        ("margin.value.*", "of another operator than hinge_embedding_loss: "),
        ("hinge.modes.module-same-as-function", "a function beside the module is nothing of a function: "),
    ],
)
def test_what_no_function_is_asked_is_said_before_a_framework_starts(functions: Path, clause: str, says: str) -> None:
    """The interpreter is not even looked at."""
    words = ("--framework", "torch", "--python", "/nowhere/python", "--level", "quality", "--clause", clause)
    found = check(f"{functions}:right", *HINGE, *words)

    assert found.exit_code == 2
    assert f"lossproof: nothing to ask: {says}" in found.stderr


def test_the_program_of_a_relation_makes_every_call(functions: Path) -> None:
    """A loss that is not linear in its weight: the program prints the losses that are held together."""
    words = (
        "--operator",
        "multilabel_soft_margin_loss",
        "--framework",
        "numpy",
        "--dtype",
        "float32",
        "--cost",
        "cheap",
    )
    found = check(f"{functions}:affine", *words, "--clause", "soft.weights.linear", "--format", "json")
    (finding,) = json.loads(found.stdout)
    shown = finding["counterexample"]

    done = subprocess.run([sys.executable, "-c", shown["reproducer"]], capture_output=True, text=True, check=True)
    printed = [float(line.strip("[]")) for line in done.stdout.splitlines()]
    assert len(printed) == 2, shown["reproducer"]  # the weight of 1 and of 0: their sum is the first of them again
    assert float(shown["got"].split()[0]) == pytest.approx(printed[0])
    assert printed[1] == pytest.approx(0.25)
    assert shown["reproducer"].count("import numpy as np") == 1


def test_a_sigmoid_that_is_0_where_it_is_subnormal_is_no_fault_below_quality(functions: Path) -> None:
    """A derivative as 1 / (1 + e^x) loses what is below the smallest normal number: careful software keeps it."""
    asked = (f"{functions}:logistic", "--operator", "soft_margin_loss", "--framework", "numpy", "--cost", "cheap")
    gradients = ("--clause", "logistic.gradients.*", "--format", "json")

    assert check(*asked, *gradients).exit_code == 0
    careful = check(*asked, *gradients, "--level", "quality")
    wrong = {each["clause"] for each in json.loads(careful.stdout) if each["verdict"] == "deviates"}
    assert wrong == {"logistic.gradients.small-derivatives-keep-their-digits"}
