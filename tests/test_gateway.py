"""How a worker is started: under which interpreter, with which variables; and what a call of it took."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from adapters.constants import constant
from adapters.gateway import Worker, WorkerError
from adapters.processes import Took
from conformance.running.discover import built_in
from tests.calls import NUMPY, STAND_IN, call


def test_an_interpreter_may_be_named_with_two_slashes(tmp_path: Path) -> None:
    """As paths put together by scripts are."""
    python = sys.executable.replace("/", "//", 2)

    with Worker(STAND_IN, python, temporary=tmp_path) as worker:
        assert worker.describe()["framework"] == "stand-in"


def test_an_interpreter_that_is_not_there_is_said_in_one_line() -> None:
    """The message names the interpreter."""
    with pytest.raises(WorkerError, match=r"^/nowhere/python: the worker did not start"):
        Worker(STAND_IN, "/nowhere/python")


@pytest.mark.parametrize(("own", "expected"), [(None, "passive"), ("active", "active")])
def test_an_adapter_sets_variables_for_its_process_unless_the_user_did(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own: str | None, expected: str
) -> None:
    """They are set before the process starts; a user's own choice stays."""
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    if own:
        monkeypatch.setenv("OMP_WAIT_POLICY", own)
    adapter = tmp_path / "patient_adapter.py"
    adapter.write_text(
        "import os\n\nENVIRONMENT = {'OMP_WAIT_POLICY': 'passive'}\n\n\n"
        "def describe():\n    return {'build': os.environ['OMP_WAIT_POLICY']}\n"
    )

    with Worker(adapter, temporary=tmp_path) as worker:
        assert worker.describe()["build"] == expected


@pytest.mark.parametrize("stated", ["['A']", "{'A': 1}", "{'A': chr(65)}"])
def test_variables_that_are_no_strings_are_refused(tmp_path: Path, stated: str) -> None:
    """Before a process starts, with the name of the file."""
    adapter = tmp_path / "odd_adapter.py"
    adapter.write_text(f"ENVIRONMENT = {stated}\n")

    with pytest.raises(WorkerError, match=r"odd_adapter\.py: ENVIRONMENT is not a dictionary of strings"):
        Worker(adapter, temporary=tmp_path)


def test_threads_of_torch_do_not_spin() -> None:
    """Two workers of torch share the cores."""
    assert constant(built_in()["torch"], "ENVIRONMENT") == {"OMP_WAIT_POLICY": "passive"}


@pytest.mark.parametrize("counted", [True, False], ids=["waits are counted", "waits are not counted"])
def test_what_a_call_takes_ends_with_its_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, counted: bool
) -> None:
    """However late the suite itself comes to look: on a busy machine it waits for a core as well."""
    with Worker(NUMPY, temporary=tmp_path) as worker:
        worker.evaluate(call("value"), 60.0)
        worker.evaluate(call("value"), 60.0)
        time.sleep(1.0)
        if not counted:
            monkeypatch.setattr(worker, "_took", Took(0.01, None))

        assert worker.own_seconds() < 0.5
