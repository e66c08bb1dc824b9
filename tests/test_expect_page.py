"""``docs/expect.md`` is followed to the letter: its programs run in an empty folder and print what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lossproof

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "expect.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```.*?```text\n(.*?)```", PAGE, re.DOTALL)


def run(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A program of the page, beside this checkout, with warnings as errors."""
    path = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", "-c", program]
    return subprocess.run(command, cwd=folder, env=path, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("program", "printed"), PROGRAMS, ids=["soft_margin", "textbook", "huber"])
def test_a_program_of_the_page_prints_what_the_page_says(program: str, printed: str, tmp_path: Path) -> None:
    """The second one fails its check: the message is its last lines."""
    done = run(program, tmp_path)

    if "outside the bound" in printed:
        assert done.stderr.endswith(f"lossproof.Deviation: {printed}")
        assert run(program.replace('"float32")', '"float32", documented=True)'), tmp_path).returncode == 0
    else:
        assert done.stdout == printed, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_every_word_and_every_kind_is_on_the_page() -> None:
    """Who has the page alone knows what a formula may be made of."""
    classes = {"Expression", "Integers", "Mask"}

    assert set(re.findall(r"words\.(\w+)", PAGE)) == set(lossproof.words.__all__) - classes
    assert all(f"| `{kind}` |" in PAGE for kind in ("score", "number", "sign", "unit", "class"))


def test_the_examples_of_the_docstrings_hold() -> None:
    """Those of ``help(lossproof)``."""
    done = subprocess.run([sys.executable, "-m", "doctest", "lossproof.py"], cwd=ROOT, capture_output=True, check=False)

    assert done.stdout == b""
