"""What the contract asks of every adapter, and what the suite makes of one that breaks it."""

from __future__ import annotations

import ast
import operator
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from adapters.arrays import to_plain
from adapters.constants import constant
from adapters.contract import VERSION
from adapters.gateway import AdapterFault
from conformance.command.cli import cli
from conformance.judging.bench import Limits
from conformance.operators.catalogue import OPERATORS
from conformance.running.discover import Spec, UsageError, built_in, find_function, with_functions
from conformance.running.plan import PROFILES, Filters
from conformance.running.run import Options, Outcome, Progress, run_subject
from reports.run_files import read_run
from tests.calls import NUMPY, STAND_IN, answer, call

ONE_CLAUSE = Filters(("multilabel_margin_loss",), dtypes=("float32",), clause="margin.value.documented-formula")
SUMS_FIRST = Filters(("multilabel_margin_loss",), dtypes=("float32",), clause="margin.value.[dst]*")
LACKING = f"""
    import importlib.util
    import sys

    OPERATORS = {{"margin_ranking_loss": {{"absent": "this framework has no such loss"}}}}
    LACKS = ("margin_ranking_loss", "soft_margin_loss")


    def load(path, name):
        spec = importlib.util.spec_from_file_location(name, path)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
        return sys.modules[name]


    load({str(NUMPY.with_name("numpy_port.py"))!r}, "numpy_port")
    evaluate = load({str(NUMPY)!r}, "numpy_adapter").evaluate


    def describe():
        whole = sys.modules["numpy_adapter"].describe()
        return dict(whole, operators={{name: row for name, row in whole["operators"].items() if name not in LACKS}})
"""


@pytest.fixture
def lacking(tmp_path: Path) -> Path:
    """An adapter of a framework without two of the operators, of which its table names one."""
    path = tmp_path / "lacking_adapter.py"
    path.write_text(textwrap.dedent(LACKING), encoding="utf-8")
    return path


def run(adapter: Path, out: Path, filters: Filters = ONE_CLAUSE) -> Outcome:
    """Run an adapter in the quick profile."""
    options = Options(PROFILES["quick"], filters, sys.executable, out=out, limits=Limits(60.0, 60.0))
    return run_subject(Spec(adapter.stem.removesuffix("_adapter"), adapter), options, Progress())


def tables() -> dict[str, dict[str, Any]]:
    """The table of each adapter that comes with the suite."""
    return {name: constant(path, "OPERATORS") for name, path in built_in().items()}


def test_every_adapter_has_a_row_for_every_operator() -> None:
    """What a framework does not have stands there with the reason."""
    assert {name: set(table) for name, table in tables().items()} == {name: set(OPERATORS) for name in built_in()}


NAME = operator.attrgetter("name")


def test_a_row_names_arguments_and_options_of_its_operator() -> None:
    """Gradients are to arguments that it takes, and an absent row is that and nothing else."""
    rows = [(OPERATORS[name], row) for table in tables().values() for name, row in table.items()]

    for known, row in rows:
        if "absent" in row:
            assert set(row) == {"absent"}
            continue
        options = {*map(NAME, known.options), "reduction", "size_average", "reduce"}
        assert row["arguments"] == list(map(NAME, known.arguments))
        assert set(row["options"]) <= options
        assert set(row["gradients"]) <= set(row["arguments"])
        assert set(row["dtypes"]) == {argument.name for argument in known.arguments if argument.whole_numbers}


def test_the_constants_of_the_adapters_are_what_their_names_say() -> None:
    """Each has a title and says what pip is told; somebody's own function is tested where the adapter says so."""
    adapters = built_in()

    assert all(isinstance(constant(path, "TITLE"), str) for path in adapters.values())
    assert all(isinstance(constant(path, "INSTALL"), str) for path in adapters.values())
    assert with_functions(adapters) == ["cupy", "jax", "mindspore", "numpy", "tensorflow", "torch"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("INSTALL = 3", "INSTALL is 3; it must be a str"),
        ("INSTALL = 'odd==' + str(1)", "INSTALL cannot be read"),
    ],
)
def test_a_constant_of_another_kind_is_refused_in_one_line(tmp_path: Path, line: str, says: str) -> None:
    """With the file and the constant's name."""
    adapter = tmp_path / "odd_adapter.py"
    adapter.write_text(f"{line}\n", encoding="utf-8")

    with pytest.raises(UsageError) as refused:
        Spec("odd", adapter).install_command("python")

    assert str(refused.value).startswith(f"{adapter}: {says}")


def test_what_is_installed_without_a_constant_is_what_the_subject_is_called(tmp_path: Path) -> None:
    """A version that was asked for comes first."""
    adapter = tmp_path / "odd_adapter.py"
    adapter.write_text("INSTALL = 'odd-cpu'\n", encoding="utf-8")

    assert Spec("odd", adapter).install_command("python") == "python -m pip install odd-cpu"
    assert Spec("odd", adapter, "1.2").install_command("python") == "python -m pip install odd==1.2"
    adapter.write_text("", encoding="utf-8")
    assert Spec("odd", adapter).install_command("python") == "python -m pip install odd"


def test_a_function_of_a_framework_that_takes_none_is_refused() -> None:
    """The line names those that do."""
    with pytest.raises(UsageError, match="--framework theano: no such framework; there are cupy, jax"):
        find_function("own.py:loss", "soft_margin_loss", "theano")


SCALAR: Any = to_plain(np.ones(3, np.float32))


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (call("value", weight=SCALAR), "multilabel_margin_loss: unknown argument 'weight'; it takes input, target"),
        ({"options": {"margin": 2.0}}, "multilabel_margin_loss: unknown option 'margin'; it takes reduction"),
        (call("value", "second"), "multilabel_margin_loss: unknown want 'second'; it takes value, after, inferred"),
        (call("value", "gradient:target"), "multilabel_margin_loss: unknown want 'gradient:target'; it takes value"),
        (call("value", operator="hinge"), "operator 'hinge': the adapter has multilabel_margin_loss, "),
    ],
    ids=["argument", "option", "want", "gradient", "operator"],
)
def test_what_the_adapter_does_not_list_is_refused_by_the_worker(asked: Any, says: str) -> None:
    """The line names it and what is known; no adapter can drop it without a word."""
    whole: Any = asked if "want" in asked else {**call("value"), **asked}

    with pytest.raises(AdapterFault) as refused:
        answer(whole)

    assert refused.value.headline.startswith(f"LookupError: {says}")


def test_an_option_that_is_not_listed_is_a_harness_error_of_the_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whoever left it out, the framework is not blamed."""
    monkeypatch.setenv("LOSSPROOF_FAULT", "offers-no-options")

    outcome = run(STAND_IN, tmp_path)

    assert [finding.verdict for finding in outcome.findings] == ["harness-error"]
    assert "unknown option 'reduction'; it takes none" in outcome.findings[0].words
    assert not outcome.complete


@pytest.mark.parametrize("fault", ["forks", "replies-late"])
def test_a_reply_to_another_question_blames_no_framework(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: str
) -> None:
    """A second reply to one question is no answer to the next: the cell that gets it has no verdict, and no other."""
    monkeypatch.setenv("LOSSPROOF_FAULT", fault)
    monkeypatch.setenv("LOSSPROOF_MARK", str(tmp_path / "done"))

    outcome = run(STAND_IN, tmp_path / "runs", SUMS_FIRST)

    verdicts = {finding.clause: finding.verdict for finding in outcome.findings}
    assert (tmp_path / "done").exists()
    assert set(verdicts.values()) == {"conforms", "harness-error"}
    (broken,) = [finding for finding in outcome.findings if finding.verdict == "harness-error"]
    assert "got a reply to another question" in broken.words
    assert not outcome.complete


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("describes-another-contract", "describe() is made for version 3 of the contract; this suite speaks 2"),
        ("describes-nothing", "describe() breaks the contract: Object missing required field `contract`"),
    ],
)
def test_an_adapter_of_another_contract_is_refused_with_both_numbers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: str, says: str
) -> None:
    """Whatever else has changed in its description; without a number there is no telling."""
    monkeypatch.setenv("LOSSPROOF_FAULT", fault)

    with pytest.raises(UsageError) as refused:
        run(STAND_IN, tmp_path)

    assert says in str(refused.value)
    assert list(tmp_path.iterdir()) == []
    assert VERSION == 2


def test_a_port_that_refuses_every_valid_case_is_our_own_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is never unsupported: a harness error, with what the port said, and the run is incomplete."""
    monkeypatch.setenv("LOSSPROOF_FAULT", "port-refuses")

    outcome = run(STAND_IN, tmp_path, SUMS_FIRST)

    assert {finding.verdict for finding in outcome.findings} == {"harness-error"}
    words = {finding.words for finding in outcome.findings}
    assert words == {"the port refuses every valid case: NotImplementedError: no kernel for 'cpu'"}
    assert not outcome.complete


def test_operators_that_a_framework_does_not_have_stand_in_the_header(lacking: Path, tmp_path: Path) -> None:
    """In its adapter's words, or in ours if the adapter does not know the operator either."""
    outcome = run(lacking, tmp_path / "runs")

    assert read_run(outcome.path).header.absent == {
        "margin_ranking_loss": "this framework has no such loss",
        "soft_margin_loss": "the adapter does not know this operator",
    }


@pytest.mark.parametrize(
    ("operator", "says"),
    [
        ("margin_ranking_loss", "this framework has no such loss"),
        ("soft_margin_loss", "the adapter does not know this operator"),
    ],
)
def test_an_absent_operator_on_the_command_line_is_one_line_and_exit_2(
    lacking: Path, tmp_path: Path, operator: str, says: str
) -> None:
    """It says that it is absent, from what, and why."""
    found = CliRunner().invoke(cli, ["run", str(lacking), "--operator", operator, "--out", str(tmp_path / "runs")])

    assert found.exit_code == 2
    assert found.stderr == f"lossproof: --operator {operator}: absent from numpy {np.__version__}: {says}\n"
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("table", ["dict(soft_margin_loss={})", "{'soft_margin_loss': 'absent'}"])
def test_a_table_that_is_no_literal_is_refused(lacking: Path, tmp_path: Path, table: str) -> None:
    """It must be read where the framework is not installed."""
    text = lacking.read_text(encoding="utf-8")
    (assignment,) = (line for line in text.splitlines() if line.startswith("OPERATORS"))
    assert ast.parse(assignment)
    lacking.write_text(text.replace(assignment, f"OPERATORS = {table}"), encoding="utf-8")

    with pytest.raises(UsageError, match=r"lacking_adapter\.py: OPERATORS cannot be read"):
        run(lacking, tmp_path / "runs")


def test_the_gradient_to_each_array_of_scores_is_asked_and_the_wrong_one_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A fault in the gradient to the second input alone: the witness differentiates to that one."""
    filters = Filters(("margin_ranking_loss",), dtypes=("float32",), clause="ranking.gradients.of-rows")
    assert [finding.verdict for finding in run(STAND_IN, tmp_path, filters).findings] == ["conforms"]
    monkeypatch.setenv("LOSSPROOF_FAULT", "second-slope-negated")

    (finding,) = run(STAND_IN, tmp_path, filters).findings

    assert finding.verdict == "deviates"
    assert finding.counterexample is not None
    last = finding.counterexample.reproducer.splitlines()[-1]
    assert "numpy_port.margin_ranking_loss_gradient(input1, input2, target, cotangent" in last
    assert "to='input2'" in last
