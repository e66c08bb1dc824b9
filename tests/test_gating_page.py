"""The walk-through of docs/gating.md, followed to the letter in an empty folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "gating.md"
SHELL, GIT = shutil.which("bash") or "", shutil.which("git") or ""


def blocks(text: str) -> list[str]:
    """The indented blocks of a page, each as a program of the shell."""
    found = re.findall(r"(?:^ {4}.*\n|^\n(?= {4}))+", text, flags=re.MULTILINE)
    return ["\n".join(line[4:] for line in block.strip("\n").splitlines()) for block in found if block.strip()]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a wheel of this checkout, as a user's index would have it."""
    folder = tmp_path_factory.mktemp("wheels")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True)
    return folder


def test_the_walk_through_does_what_it_says(tmp_path: Path, wheels: Path) -> None:
    """Every command ends well; the gate says 0, the baseline moves on, the summary and the page are written.

    Of the losses one is run.
    """
    text = PAGE.read_text(encoding="utf-8").replace("--profile quick", "--profile quick --operator soft_margin_loss")
    program = "set -eu\n" + "\n".join(blocks(text)) + "\n"
    summary = tmp_path / "summary.md"
    environment = {
        **os.environ,
        "PIP_FIND_LINKS": f"{wheels} {os.environ.get('PIP_FIND_LINKS', '')}".strip(),
        "LOSSPROOF_CACHE": str(tmp_path / "cache"),
        "GITHUB_STEP_SUMMARY": str(summary),
        "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org",
    }  # fmt: skip

    done = subprocess.run(
        [SHELL, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing stands against the upgrade" in done.stdout
    repository = tmp_path / "my-model"
    log = subprocess.run([GIT, "log", "--format=%s"], cwd=repository, capture_output=True, text=True, check=True)
    assert log.stdout.splitlines()[0] == "NumPy 2.4.6"
    assert "## numpy 2.3.5 → numpy 2.4.6: nothing stands against the upgrade" in summary.read_text(encoding="utf-8")
    assert "numpy 2.4.6" in (repository / "gate.html").read_text(encoding="utf-8")
    assert '"version":"2.4.6"' in (repository / "reports/baselines/numpy.jsonl").read_text(encoding="utf-8")


def test_the_workflow_gates_with_the_same_commands() -> None:
    """What continuous integration runs is what the page has tried before."""
    program = "\n".join(blocks(PAGE.read_text(encoding="utf-8")))

    for command in re.findall(r"- run: (lossproof .*)", program):
        name = command.split(" --candidate")[0]
        assert f".lossproof/bin/{name}" in program, command


def test_every_exit_status_is_explained() -> None:
    """0 and those of the design, each in a row of the table."""
    rows = re.findall(r"^\| (\d) \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert rows == ["0", "1", "3", "4", "5", "6"]
