"""The catalogue is in order, and its clauses catch what they must and nothing else."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from conformance.cases.case import Case
from conformance.cases.drawing import Domain
from conformance.families.value import example_case
from conformance.judging.expectation import expectation
from conformance.operators.catalogue import clauses
from conformance.operators.multilabel_margin_loss import OPERATOR as MARGIN
from conformance.operators.multilabel_soft_margin_loss import OPERATOR as SOFT
from conformance.running.discover import Spec, find_subject
from conformance.running.plan import PROFILES, Filters
from conformance.running.run import Options, Outcome, Progress, run_subject
from reference.formats import FORMATS, Arithmetic
from reports.record import Finding
from tests.laws import plain_dtypes

STAND_IN = Path(__file__).with_name("stand_in_adapter.py")
ROOT = STAND_IN.parent.parent
MARGIN32, SOFT32 = Domain(MARGIN, "float32", plain_dtypes(MARGIN)), Domain(SOFT, "float32")

CAUGHT_BY = {
    "labels-after-the-block": "margin.labels.block-ends-at-first-negative",
    "duplicates-collapse": "margin.labels.duplicates-count",
    "value-one-percent-large": "margin.value.documented-formula",
    "value-16-ulp-large": "margin.value.documented-formula",
    "sum-is-mean": "margin.value.sum-of-rows",
    "mean-not-divided": "margin.value.mean-of-rows",
    "default-is-sum": "margin.value.default-is-mean",
    "cotangent-ignored": "margin.gradients.of-rows",
    "gradient-negated": "soft.gradients.of-rows",
    "writes-its-input": "margin.layout.arguments-not-written",
    "weight-ignored": "soft.weights.each-class",
    "scalar-with-an-axis": "margin.shapes.result",
    "result-in-float64": "soft.dtypes.result",
    "naive-soft-margin": "soft.numbers.no-spurious-overflow",
    "rows-see-neighbours": "soft.shapes.rows-independent",
    "any-reduction-accepted": "margin.errors.reduction-name",
}
"""Each fault of the stand-in, and a clause that is made for it."""


def stand_in() -> ModuleType:
    """The stand-in's module, loaded here for its list of faults."""
    spec = importlib.util.spec_from_file_location("stand_in_adapter", STAND_IN)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("dear", [False, True], ids=["every shape is cheap", "each shape costs"])
def test_what_a_shorter_profile_asks_a_longer_one_asks_too(*, dear: bool) -> None:
    """So that whatever the quick profile catches, the standard one catches."""
    quick, standard = PROFILES["quick"], PROFILES["standard"]
    for clause in clauses():
        domain = Domain(clause.operator, "float32", plain_dtypes(clause.operator))
        short = replace(domain, shapes=quick.shapes if dear else (), lattice=quick.lattice)
        long = replace(domain, shapes=standard.shapes if dear else (), lattice=3 if dear else standard.lattice)
        few = clause.draw.cases(short, quick.few_cases if dear else quick.cases, clause.id, 0)
        many = clause.draw.cases(long, standard.few_cases if dear else standard.cases, clause.id, 0)
        assert {case.digest() for case in few} <= {case.digest() for case in many}, clause.id


def run_quick(spec: Spec, out: Path, filters: Filters) -> Outcome:
    """A quick run under this interpreter."""
    return run_subject(spec, Options(PROFILES["quick"], filters, sys.executable, out=out), Progress())


def broken(outcome: Outcome) -> dict[str, Finding]:
    """The findings that are no conformance, by clause."""
    return {f.clause: f for f in outcome.findings if f.verdict not in ("conforms", "observed")}


def test_every_fault_of_the_stand_in_has_its_clause() -> None:
    """The table above is the stand-in's own list."""
    assert set(CAUGHT_BY) == set(stand_in().WRONG)


@pytest.mark.parametrize(("fault", "clause"), CAUGHT_BY.items())
def test_a_wrong_implementation_is_caught(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: str, clause: str
) -> None:
    """The clause made for the fault deviates, repeatably, with a counterexample and a reproducer."""
    monkeypatch.setenv("LOSSPROOF_FAULT", fault)
    finding = broken(run_quick(Spec("stand-in", STAND_IN), tmp_path, Filters(dtypes=("float32",), clause=clause)))[
        clause
    ]

    assert finding.verdict == "deviates"
    assert finding.repeatable is True
    assert finding.counterexample is not None
    assert finding.counterexample.reproducer.endswith(")")


def test_a_counterexample_is_small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Duplicates that collapse show on one row, two places and two classes at the least."""
    monkeypatch.setenv("LOSSPROOF_FAULT", "duplicates-collapse")
    filters = Filters(dtypes=("float32",), clause="margin.labels.duplicates-count")
    shown = run_quick(Spec("stand-in", STAND_IN), tmp_path, filters).findings[0].counterexample

    assert shown is not None
    assert shown.arguments["input"].shape == shown.arguments["target"].shape == [1, 2]
    assert shown.arguments["target"].values in ([[0, 0]], [[1, 1]])
    assert shown.arguments["input"].values == [["0x0p+0", "0x0p+0"]]
    assert shown.expected.startswith("1.0 ")
    assert shown.got.startswith("0.5 ")


def printed_example(domain: Domain, name: str) -> Case:
    """An example of a page by its name."""
    return example_case(next(example for example in domain.operator.examples if example.name == name), domain)


def test_ids_levels_and_sources_are_in_order() -> None:
    """At least thirty clauses; documented ones quote a page; the others say why."""
    found = clauses()

    assert len(found) >= 30
    for clause in found:
        assert clause.statement.endswith(".")
        assert clause.level == "documented" or clause.why
        for source in clause.sources:
            assert source.address.startswith("https://")
            assert source.version
            assert source.words


@pytest.mark.parametrize(
    ("name", "printed", "digits"), [("torch-example", "0.8500", 4), ("mindspore-example", "0.325", 3)]
)
def test_the_oracle_gives_the_numbers_that_the_pages_print(name: str, printed: str, digits: int) -> None:
    """Rounded to the digits of the page."""
    case = printed_example(MARGIN32, name)
    value = expectation(case, Arithmetic(FORMATS["float32"])).value.low

    assert f"{float(value):.{digits}f}" == printed


def test_mindspores_soft_margin_number_lies_within_the_bound() -> None:
    """0.84693956 is a float32 beside the correctly rounded one; the bound admits it."""
    case = printed_example(SOFT32, "mindspore-example")
    value = expectation(case, Arithmetic(FORMATS["float32"])).value
    printed = np.asarray(np.float64(np.float32("0.84693956")))

    assert value.admits(printed, case.format).all()
    assert 0.5 < float(value.ulps(printed, case.format)) < 8


def test_the_same_seed_draws_the_same_cases() -> None:
    """Cases depend on clause, domain, count and seed, on nothing else."""
    clause = clauses("margin.value.documented-formula")[0]
    first, again = (clause.draw.cases(MARGIN32, 30, clause.id, 0) for _ in range(2))
    other = clause.draw.cases(MARGIN32, 30, clause.id, 1)

    assert [case.digest() for case in first] == [case.digest() for case in again]
    assert [case.digest() for case in first] != [case.digest() for case in other]


def test_a_reproducer_runs_as_it_stands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run from a file it prints the expected number, because the stand-in's framework is the right NumPy port."""
    monkeypatch.setenv("LOSSPROOF_FAULT", "duplicates-collapse")
    filters = Filters(dtypes=("float32",), clause="margin.labels.duplicates-count")
    shown = run_quick(Spec("stand-in", STAND_IN), tmp_path, filters).findings[0].counterexample
    assert shown is not None
    script = tmp_path / "reproducer.py"
    script.write_text(shown.reproducer, encoding="utf-8")
    command = [sys.executable, str(script)]
    printed = subprocess.run(command, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True).stdout

    assert printed == "[1.]\n"
    assert shown.expected.startswith("1.0 ")


def test_a_reproducer_of_a_gradient_prints_the_gradient(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Not the loss."""
    monkeypatch.setenv("LOSSPROOF_FAULT", "gradient-negated")
    filters = Filters(dtypes=("float32",), clause="soft.gradients.of-rows")
    shown = run_quick(Spec("stand-in", STAND_IN), tmp_path, filters).findings[0].counterexample

    assert shown is not None
    assert "multilabel_soft_margin_loss_gradient(input, target, cotangent, reduction='none')" in shown.reproducer


def test_the_witness_of_a_tail_is_one_label_behind_one_negative(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Two classes, a -1 and one label after it."""
    monkeypatch.setenv("LOSSPROOF_FAULT", "labels-after-the-block")
    filters = Filters(dtypes=("float32",), clause="margin.labels.block-ends-at-first-negative")
    shown = run_quick(Spec("stand-in", STAND_IN), tmp_path, filters).findings[0].counterexample

    assert shown is not None
    assert shown.arguments["target"].values in ([[-1, 0]], [[-1, 1]])


def test_a_reproducer_of_an_empty_batch_keeps_its_shape(tmp_path: Path) -> None:
    """No elements, but four classes."""
    filters = Filters(dtypes=("float32",), clause="margin.shapes.empty-batch-mean")
    shown = run_quick(find_subject("numpy"), tmp_path, filters).findings[0].counterexample

    assert shown is not None
    assert "input = np.zeros((0, 4), dtype=np.float32)" in shown.reproducer
    assert shown.arguments["input"].shape == [0, 4]
