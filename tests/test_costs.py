"""What is asked follows from declared cost classes and from coarse steps, never from how busy the machine is."""

from __future__ import annotations

import json
import re
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from unittest.mock import Mock

import pytest
from click.testing import CliRunner, Result

from adapters.description import Description, costs_of
from adapters.gateway import WorkerHung
from conformance.cases.drawing import Fixed
from conformance.cases.trials import Budget
from conformance.command.cli import cli
from conformance.judging.answers import Variant
from conformance.judging.bench import Bench, Limits
from conformance.judging.subject import Subject
from conformance.operators.catalogue import CLAUSES
from conformance.operators.multilabel_margin_loss import OPERATOR
from conformance.running.calibrate import probe, settle_costs
from conformance.running.costs import FUNCTION_COSTS, cost_facts, cost_lines, domain_of
from conformance.running.discover import Spec, SubjectFailed, built_in
from conformance.running.measuring import measured_costs
from conformance.running.plan import PROFILES, Filters, cases_for
from conformance.running.run import Options, Progress, run_subject

ROOT = Path(__file__).resolve().parent.parent
STAND_IN = Path(__file__).with_name("stand_in_adapter.py")
MARGIN = OPERATOR.name
MANY = "margin.labels.many-classes"
FUNCTIONS = """
    import time
    import numpy as np
    import numpy_port

    def right(input, target, reduction="mean"):  # a loop over rows
        rows = zip(np.atleast_2d(input), np.atleast_2d(target))
        losses = np.array([numpy_port.multilabel_margin_loss(*row, "none") for row in rows], input.dtype)
        return numpy_port._reduce(losses, reduction, np.ndim(input) == 2)

    def wrong_for_three_rows(input, target, reduction="mean"):
        time.sleep(0.01)
        loss = right(input, target, reduction)
        return loss * loss.dtype.type(1.5) if np.shape(input)[:-1] == (3,) else loss

    def labels_of_16_bits(input, target, reduction="mean"):
        time.sleep(0.01)
        return right(input, np.asarray(target).astype(np.int16).astype(np.int64), reduction)
"""


Seconds = Callable[[int, int, bool], float]
"""Of rows, classes and whether the shape is new."""

Memory = Callable[[int], int]
"""Bytes of classes."""


class Clock:
    """A bench whose worker takes as long, and as much memory, as a formula of rows, classes and call says."""

    def __init__(self, seconds: Seconds, bytes_of_classes: Memory = lambda classes: 8 * classes) -> None:
        self._seconds, self._bytes = seconds, bytes_of_classes
        self._last, self._peak = 0.0, 0
        self._seen: set[tuple[int, ...]] = set()
        self.calls = 0

    @property
    def worker(self) -> Clock:
        """It is its own worker."""
        return self

    def evaluate(self, call: Any, limits: Limits, *, compiled: bool) -> Any:
        """Take as long as the formula says."""
        del compiled
        rows, classes = call["arguments"][0]["array"]["shape"]
        self._last = self._seconds(rows, classes, (rows, classes) not in self._seen)
        self._peak = self._bytes(classes)
        self._seen.add((rows, classes))
        self.calls += 1
        if self._last > limits.call:
            raise WorkerHung("no answer")
        return {}

    def own_seconds(self) -> float:
        """What the last call took."""
        return self._last

    def forget_peak(self) -> None:
        """Nothing was taken."""
        self._peak = 0

    def peak_bytes(self) -> int:
        """What the last call took."""
        return self._peak


def subject(bench: object = None, *costs: str, function: str = "f.py:f", dtype: str = "float32") -> Subject:
    """A variant of some cost classes."""
    variant = Variant(MARGIN, "user", "eager", "cpu", dtype)
    dtypes = (("target", "int64"),)
    return Subject(
        variant, cast(Bench, bench), Limits(), OPERATOR, dtypes, ("value",), function=function, costs=frozenset(costs)
    )


FORMULAS: dict[str, tuple[Seconds, Memory | None, set[str]]] = {
    "vectorised": (lambda rows, classes, new: 3e-4 + 1e-7 * rows + 1e-8 * classes, None, set()),
    "an eager framework": (lambda rows, classes, new: 5e-3 + 2e-7 * rows, None, set()),
    "sleeps 10 ms": (lambda rows, classes, new: 0.01 + 1e-7 * rows, None, set()),
    "sleeps 200 ms": (lambda rows, classes, new: 0.2 + 1e-7 * rows, None, {"slow-calls"}),
    "a loop over rows": (lambda rows, classes, new: 1e-4 + 2e-5 * rows, None, {"slow-rows"}),
    "nested loops": (lambda rows, classes, new: 1e-4 + 2e-6 * rows * classes + 2e-4 * rows, None, {"slow-rows"}),
    "sleeps 10 ms a row": (lambda rows, classes, new: 0.01 * rows, None, {"expensive-rows"}),
    "a table of pairs": (lambda rows, classes, new: 1e-4 + 1e-9 * classes**2, lambda c: c**2, {"quadratic-classes"}),
    "a loop over pairs": (lambda rows, classes, new: 1e-4 + 1e-7 * classes**2, None, {"quadratic-classes"}),
    "a compiler": (lambda rows, classes, new: 1e-3 + 0.1 * new, None, {"expensive-shapes"}),
}


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("load", [1.0, 3.0], ids=["idle", "everything three times as slow"])
def test_a_function_is_in_the_same_class_on_a_machine_three_times_as_slow(name: str, load: float) -> None:
    """The steps lie far from what implementations of either side take."""
    seconds, memory, classes = FORMULAS[name]
    clock = Clock(lambda rows, classes, new: load * seconds(rows, classes, new), *([memory] if memory else []))

    assert measured_costs(subject(clock), probe) == classes
    assert clock.calls < 40


def test_one_format_is_measured_for_all_and_what_is_stated_is_not_measured() -> None:
    """A format that computes slowly does not change what another is asked."""
    clock = Clock(lambda rows, classes, new: 0.2)
    half, single = subject(clock, dtype="float16"), subject(clock, dtype="float32")
    stated, declared = subject(), subject(function="")

    half, single = settle_costs([half, single], ())
    (stated,) = settle_costs([stated], ("slow-rows", "cheap"))
    (declared,) = settle_costs([declared], ())

    assert half.costs == single.costs == {"slow-calls"}
    assert stated.costs == {"slow-rows"}
    assert declared.costs == frozenset()


@pytest.mark.parametrize("profile", ["quick", "standard", "thorough"])
@pytest.mark.parametrize("cost", [cost for cost in FUNCTION_COSTS if cost != "quadratic-classes"])
def test_the_largest_row_is_in_every_class(profile: str, cost: str) -> None:
    """Labels beyond 2^15 are asked of whatever costs much, but not of a table of pairs, which would be gigabytes."""
    asked = cases_for(CLAUSES[MANY], subject(None, cost), PROFILES[profile], 0)
    quadratic = cases_for(CLAUSES[MANY], subject(None, "quadratic-classes"), PROFILES[profile], 0)

    assert max(case.classes for case in asked) == 2**16 + 3
    assert [case.classes for case in quadratic] == [130, 300]


@pytest.mark.parametrize("profile", ["quick", "standard", "thorough"])
@pytest.mark.parametrize("cost", ["cheap", "slow-calls", "slow-rows", "expensive-rows", "quadratic-classes"])
def test_every_number_of_rows_is_asked_in_every_class_without_programs(profile: str, cost: str) -> None:
    """A function that is wrong for three rows only is found by each property that draws batches."""
    cases = cases_for(CLAUSES["margin.value.documented-formula"], subject(None, cost), PROFILES[profile], 0)

    assert {case.rows for case in cases} == {1, 2, 3, 4}
    assert len(cases) == (PROFILES[profile].few_cases if cost == "slow-calls" else PROFILES[profile].cases)


def test_a_longer_profile_asks_a_slow_variant_what_a_shorter_one_does() -> None:
    """Of every drawn property."""

    def digests(profile: str, clause: Any) -> set[str]:
        return {case.digest() for case in cases_for(clause, subject(None, "slow-calls"), PROFILES[profile], 0)}

    for clause in CLAUSES.values():
        if clause.operator is OPERATOR and not isinstance(clause.draw, Fixed):
            assert digests("quick", clause) <= digests("standard", clause) <= digests("thorough", clause), clause.id


@pytest.mark.parametrize(
    ("cost", "lattice"), [("cheap", 5), ("slow-rows", 3), ("expensive-shapes", 3), ("expensive-rows", 2)]
)
def test_the_lattice_follows_from_the_class(cost: str, lattice: int) -> None:
    """In calls that the class can answer."""
    assert domain_of(subject(None, cost), PROFILES["thorough"]).lattice == lattice


def description(**costs: list[str]) -> Description:
    """A description of one operator with these costs of its modes."""
    plain: Any = {"compiled": [], "costs": costs, "operators": {MARGIN: {"modes": [*costs]}}}
    return cast(Description, plain)


def test_the_header_names_the_classes_and_what_each_left_out() -> None:
    """Modes that a profile leaves out whole among them; a line each for people."""
    told = description(eager=["slow-calls"], onnx=["expensive-programs"], vmap=["cheap"])
    planned = {
        Variant(MARGIN, "native", "eager", "cpu", "float32"): frozenset({"slow-calls"}),
        Variant(MARGIN, "native", "vmap", "cpu", "float32"): frozenset[str](),
    }

    facts = cost_facts(told, planned, PROFILES["quick"])

    assert facts["costs"] == [
        f"{MARGIN} eager: slow-calls",
        f"{MARGIN} onnx: expensive-programs",
        f"{MARGIN} vmap: cheap",
    ]
    assert cost_lines(facts) == [
        f"cost class cheap ({MARGIN} vmap): leaves out nothing",
        f"cost class expensive-programs ({MARGIN} onnx): leaves out the whole mode, "
        "because every new program takes long; --mode asks it",
        f"cost class slow-calls ({MARGIN} eager): leaves out 14 of 20 cases of each drawn property, "
        "all but 6 of the corpus and of long rows, because every call takes long",
    ]


def test_an_operator_may_cost_otherwise_than_its_mode() -> None:
    """What ``by_mode`` says comes first; compiled modes pay for shapes without saying so."""
    told: Any = description(eager=["slow-calls"], jit=["cheap"])
    told["compiled"] = ["jit"]

    assert costs_of(told, MARGIN, "eager") == {"slow-calls"}
    assert costs_of(told, MARGIN, "jit") == {"expensive-shapes"}
    told["operators"][MARGIN]["by_mode"] = {"eager": {"costs": ["cheap"]}}
    assert costs_of(told, MARGIN, "eager") == frozenset()


def test_a_declared_cost_stands_in_the_header_and_an_unknown_one_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Readers of a run see what its plan was made from."""
    filters = Filters(operators=(MARGIN,), dtypes=("float32",), clause="*.documented-formula")
    options = Options(PROFILES["quick"], filters, sys.executable, out=tmp_path)
    monkeypatch.setenv("LOSSPROOF_FAULT", "declares-itself-slow")

    header = run_subject(Spec("stand-in", STAND_IN), options, Progress()).header

    assert header.measured["costs"] == [f"{MARGIN} eager: slow-calls"]
    monkeypatch.setenv("LOSSPROOF_FAULT", "declares-an-unknown-cost")
    with pytest.raises(SubjectFailed, match="the cost class 'dear'; there are cheap, slow-calls"):
        run_subject(Spec("stand-in", STAND_IN), options, Progress())


def test_every_adapter_declares_what_its_modes_cost() -> None:
    """A clock decides nothing of what a framework is asked."""
    for path in built_in().values():
        text = path.read_text(encoding="utf-8")
        assert re.search(r'"costs": ', text), path
        assert not re.search(r'"(slow|dear|costly|secondary)": ', text), path
    for path in (ROOT / "conformance").rglob("*.py"):
        timed = path.name == "judge.py"  # seconds for the record
        assert timed or "perf_counter" not in path.read_text(encoding="utf-8"), path


def check(folder: Path, name: str, *words: str) -> Result:
    """Check one of the functions above, in float32 and without naming its cost."""
    path = folder / "functions.py"
    path.write_text(f"import sys\nsys.path.insert(0, {str(ROOT / 'adapters')!r})\n" + textwrap.dedent(FUNCTIONS))
    target = ["check", f"{path}:{name}", "--operator", MARGIN, "--framework", "numpy", "--dtype", "float32"]
    return CliRunner().invoke(cli, [*target, *words])


@pytest.mark.parametrize(
    ("name", "clause"),
    [("wrong_for_three_rows", "margin.value.sum-of-rows"), ("labels_of_16_bits", MANY)],
)
def test_a_fault_is_found_in_a_function_that_sleeps_10_ms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, clause: str
) -> None:
    """In the class that it is measured to be in: that a call takes long hides neither."""
    monkeypatch.setattr("conformance.running.witness._budget", Mock(return_value=Budget(40)))
    found = check(tmp_path, name, "--clause", clause, "--format", "json")

    finding = json.loads(found.stdout)[0]
    assert (found.exit_code, finding["verdict"]) == (1, "deviates")
    assert set(finding["costs"]) == {"slow-rows"}


def test_a_fault_for_three_rows_is_found_in_slow_calls_and_the_class_is_named(tmp_path: Path) -> None:
    """A user who states that calls are slow is asked fewer cases, of every number of rows."""
    words = ("--clause", "margin.value.[sdm]*", "--cost", "slow-calls")

    for style in ("text", "markdown"):
        found = check(tmp_path, "wrong_for_three_rows", *words, "--format", style)
        assert found.exit_code == 1
        assert f"cost class slow-calls ({MARGIN} eager): leaves out 14 of 20 cases" in found.stdout


def test_a_right_case_is_a_case(tmp_path: Path) -> None:
    """The class of a function that conforms is named as well; an unknown one is a wrong word."""
    assert "cost class slow-rows" in check(tmp_path, "right", "--clause", "margin.value.sum-of-rows").stdout
    wrong = check(tmp_path, "right", "--cost", "dear")
    assert (wrong.exit_code, "'dear' is not one of 'cheap'" in wrong.stderr) == (2, True)
