"""CuPy as a subject: what it offers on this machine, which way it runs, and every clause without a GPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.arrays import from_plain, to_plain
from adapters.contract import Call
from adapters.gateway import Worker
from conformance.command.show import ways
from conformance.operators.multilabel_margin_loss import OPERATOR as MARGIN
from conformance.operators.multilabel_soft_margin_loss import OPERATOR as SOFT
from conformance.running.discover import ADAPTERS, find_function, find_subject
from conformance.running.plan import PROFILES, Filters
from conformance.running.run import Options, Progress, run_subject
from tests.kernels import PORT, needs_compiler

ADAPTER = ADAPTERS / "cupy_adapter.py"


def call(device: str, dtype: str, layout: str) -> Call:
    """One row with two labels, in a format and a layout."""
    arrays = {
        "input": to_plain(np.array([[0.125, 0.25, 0.5, 0.75]]), dtype),
        "target": to_plain(np.array([[3, 0, -1, 1]])),
    }
    return {
        "operator": MARGIN.name,
        "form": "port",
        "mode": "eager",
        "device": device,
        "dtype": dtype,
        "arguments": [{"name": name, "place": "positional", "array": array} for name, array in arrays.items()],
        "vectors": {"cotangent": to_plain(np.array([0.5]), dtype)},
        "options": {"reduction": "none"},
        "layout": layout,
        "want": ["value", "gradient:input", "after"],
    }


def test_it_answers_in_every_format_and_layout() -> None:
    """The same numbers, and its arguments stay as they are."""
    needs_compiler()
    with Worker(ADAPTER, sys.executable) as worker:
        description = worker.describe()
        assert description["device"] in ("emulated", "cuda")
        assert description["facts"]["kernels"] == f"sha256:{PORT.digest()}"
        for dtype in description["operators"][MARGIN.name]["dtypes"]:
            for layout in description["layouts"]:
                asked = call(description["device"], dtype, layout)
                reply = worker.evaluate(asked, 60.0)

                plain: Any = {name: reply.get(name) for name in ("value", "gradient:input", "after")}
                assert from_plain(plain["value"]).tolist() == [0.9375]
                assert from_plain(plain["gradient:input"]).tolist() == [[-0.25, 0.25, 0.25, -0.25]]
                sent = {given["name"]: given["array"] for given in asked["arguments"]}
                assert plain["after"] == {**sent, **asked["vectors"]}


def test_every_clause_conforms_in_a_half_format(tmp_path: Path) -> None:
    """The quick cases, emulated; the longer ones are asked by ``lossproof run cupy``."""
    needs_compiler()
    filters = Filters(dtypes=("bfloat16",))

    outcome = run_subject(
        find_subject("cupy"), Options(PROFILES["quick"], filters, sys.executable, out=tmp_path), Progress()
    )

    assert outcome.complete
    assert {finding.verdict for finding in outcome.findings} <= {"conforms", "observed"}
    assert len(outcome.findings) > 100


FUNCTIONS = """
import numpy as np
from cupy_port import multilabel_soft_margin_loss as soft

BUFFERS = {}

def reused(input, target, **options):
    value = soft(input, target, **options)
    kept = BUFFERS.setdefault((value.shape, str(value.dtype)), np.empty_like(value))
    kept[...] = value
    return kept

def its_own(input, target, **options):
    return soft(input, target, **options)
"""


@pytest.mark.parametrize(("name", "broken"), [("reused", {"soft.layout.result-kept"}), ("its_own", set[str]())])
def test_a_buffer_that_a_later_call_overwrites_is_seen(tmp_path: Path, name: str, broken: set[str]) -> None:
    """In both formats: of bfloat16 a kernel gives the bits."""
    needs_compiler()
    (tmp_path / "kernels.py").write_text(f"import sys\nsys.path.insert(0, {str(ADAPTERS)!r})\n{FUNCTIONS}")
    filters = Filters((SOFT.name,), dtypes=("bfloat16", "float32"), clause="soft.layout.[rs]e*")
    spec = find_function(f"{tmp_path / 'kernels.py'}:{name}", SOFT.name, "cupy")

    found = run_subject(spec, Options(PROFILES["quick"], filters, sys.executable, out=tmp_path), Progress()).findings

    deviating = [(finding.clause, finding.variant.dtype) for finding in found if finding.verdict == "deviates"]
    assert {clause for clause, _ in deviating} == broken
    assert len(deviating) == 2 * len(broken)
    assert len(found) == 6


def test_a_machine_without_anything_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, by itself and in ``lossproof doctor``."""
    environment = {**os.environ, "PATH": "", "CXX": ""}
    done = subprocess.run(
        [sys.executable, "-B", str(ADAPTER)], env=environment, capture_output=True, text=True, check=True
    )
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("CXX", "")

    assert done.stdout.count("\n") == 1
    assert "install g++ to emulate" in done.stdout
    assert ways(sys.executable, "cupy") == f"; {done.stdout.strip()}"
    assert ways(sys.executable, "numpy") == ""
