"""The programs of .ci that run printed programs: here under NumPy, in CI in every framework's environment."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.cases.drawing import Domain
from conformance.judging.answers import Variant
from conformance.operators.catalogue import OPERATORS
from conformance.running.reproducer import reproducer

ROOT = Path(__file__).resolve().parent.parent
CI = ROOT / ".ci"
PROGRAM = "import numpy as np\nprint(np.float32({}))"


@pytest.fixture(name="of_runs")
def _of_runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(sys, "path", [str(CI), *sys.path])
    yield importlib.import_module("check_reproducers")
    sys.modules.pop("check_reproducers")


@pytest.fixture(name="of_corpus")
def _of_corpus(of_runs: Any) -> Iterator[Any]:
    assert of_runs
    yield importlib.import_module("check_corpus")
    sys.modules.pop("check_corpus")


def test_every_case_of_the_corpus_runs_as_a_program(of_corpus: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """And shows what NumPy's port answers."""
    status = of_corpus.main("numpy")

    said = capsys.readouterr().out
    assert status == 0, said
    assert int(said.split()[1]) > 100


def test_a_program_that_shows_another_number_is_told(of_runs: Any, tmp_path: Path) -> None:
    """The claim is 0.25: a program that prints 0.25 shows it; 0.26, nothing and an error do not."""
    path = tmp_path / "run.jsonl"
    programs = [PROGRAM.format(0.25), PROGRAM.format(0.26), "x = 1", "raise ValueError"]
    path.write_text("\n".join(json.dumps(finding(text)) for text in programs), encoding="utf-8")
    shown = of_runs.findings(path)

    found = of_runs.every_answer([(each["counterexample"]["reproducer"], False) for each in shown])

    faults = [of_runs.fault(each, found.get(number)) for number, each in enumerate(shown)]
    assert [bool(said) for said in faults] == [False, True, True, True]
    assert "0.26" in faults[1]


def test_numbers_that_are_claimed_in_words_have_to_be_shown(of_runs: Any) -> None:
    """A relation has no number of its own: what its words name is printed, or the program does not show it."""
    told = finding(PROGRAM.format(0.25))
    told["counterexample"] |= {"value": None, "got": "0.25 (0x1p-2), the sum of the parts"}
    said = {text: {"printed": text, "raised": ""} for text in ("[0.25]\n[0.5]\n", "[0.26]\n")}

    assert [of_runs.fault(told, each) == "" for each in said.values()] == [True, False]


def test_a_program_that_should_die_and_lives_is_told(of_runs: Any) -> None:
    """The claim is a crash."""
    program = "import os\nos._exit(3)"
    dies, lives = of_runs.every_answer([(program, True)]), of_runs.every_answer([("x = 1", True)])

    assert of_runs.fault(finding(program, "crashes"), dies.get(0)) == ""
    assert "did not end" in of_runs.fault(finding("x = 1", "crashes"), lives.get(0))
    assert "ended" in of_runs.fault(finding(program), dies.get(0))


def finding(program: str, verdict: str = "deviates") -> dict[str, Any]:
    """A line of a run file whose program claims 0.25."""
    return {
        "kind": "finding",
        "clause": "hinge.value.documented-formula",
        "verdict": verdict,
        "variant": {"form": "native", "mode": "eager", "dtype": "float32"},
        "counterexample": {"reproducer": program, "got": "0.25", "value": (0.25).hex()},
    }


def test_a_wrapper_of_what_is_called_has_the_call_in_halves() -> None:
    """A function and what it is called with; a module is what was made before it is called."""
    operator = OPERATORS["hinge_embedding_loss"]
    case = Domain(operator, "float32").case(
        reduction="sum", arrays={"input": np.zeros(1), "target": np.ones(1)}, options={"margin": 0.5}
    )
    template = {
        "prelude": "",
        "array": "$values",
        "empty": "",
        "call": {"native": "f($tensors$options)", "module": "M($module_options)($tensors)"},
        "wrap": {"script": "script($callee)$rest"},
    }
    offer: Any = {"reproducer": template}

    for form, line in (
        ("native", "print(script(f)(input, target, reduction='sum', margin=0.5))"),
        ("module", "print(script(M(reduction='sum', margin=0.5))(input, target))"),
    ):
        shown = reproducer(case, Variant(operator.name, form, "script", "cpu", "float32"), offer)
        assert shown.splitlines()[-1] == line
