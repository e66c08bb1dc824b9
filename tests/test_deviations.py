"""The page of deviations: each has a command, and the command is checked where its framework is."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "deviations.md"


@pytest.fixture
def checker(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program that CI runs in each framework's environment."""
    spec = importlib.util.spec_from_file_location("check_deviations", ROOT / ".ci" / "check_deviations.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "check_deviations", module)
    spec.loader.exec_module(module)
    return module


def test_every_deviation_has_a_command_that_is_checked(checker: ModuleType) -> None:
    """As many commands as bold titles, each with what it prints."""
    text = PAGE.read_text(encoding="utf-8")
    body = text[: text.index("## What was recorded")]

    assert len(checker.claims(text)) == len(re.findall(r"^\*\*", body, re.MULTILINE)) > 5


def test_a_command_that_prints_something_else_is_seen(checker: ModuleType) -> None:
    """A deviation that went away, or a page that is wrong."""
    text = '## NumPy 2.4\n\n    python -c "print(1 + 1)"\n\nExpected `3`, printed `{}`.\n'
    right, wrong = (checker.claims(text.format(printed))[0] for printed in ("2", "4"))

    assert checker.run(right) == ""
    assert "here: 2" in checker.run(wrong)


def test_another_version_is_said_and_not_run() -> None:
    """The page names the version that it speaks of."""
    command = [sys.executable, str(ROOT / ".ci" / "check_deviations.py"), "numpy"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert said.startswith("numpy 2.")
