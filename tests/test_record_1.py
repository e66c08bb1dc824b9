"""Run files of the first schema are still read, and nothing that they say is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from conformance.cases.corpus import numbers_of
from reports import record, record_1
from reports.lines import RunFileError
from reports.run_files import read_run

FILE = Path(__file__).with_name("run_1.jsonl")
"""A few lines of a run of torch by an earlier version of the suite."""

LINES: list[dict[str, Any]] = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
MOVED = {"input", "target", "weight", "shape", "target_dtype"}
"""Fields of the first schema that are arguments now."""


def plain(line: object) -> dict[str, Any]:
    """A line as JSON has it."""
    found: dict[str, Any] = json.loads(msgspec.json.encode(line))
    return found


def of_kind(kind: str) -> list[dict[str, Any]]:
    """The file's lines of a kind."""
    return [line for line in LINES if line["kind"] == kind]


def test_the_first_schema_is_known_by_its_first_line(tmp_path: Path) -> None:
    """Another file is not, nor one that is not there."""
    other = tmp_path / "other.jsonl"
    other.write_text('{"kind":"header","schema":"lossproof-run/2"}\n', encoding="utf-8")

    assert record_1.is_older(FILE)
    assert not record_1.is_older(other)
    assert not record_1.is_older(tmp_path / "nothing.jsonl")


def test_header_clauses_errors_and_footer_stay_as_they_are() -> None:
    """But for the schema's name; the way in which cases were drawn was not said."""
    run = read_run(FILE)

    assert plain(run.header) == {**LINES[0], "schema": "lossproof-run/2"}
    assert run.header.draws == 0
    assert [plain(clause) for clause in run.clauses] == of_kind("clause")
    assert [plain(line) for line in run.accuracy] == of_kind("accuracy")
    assert plain(run.footer) == LINES[-1]


def test_findings_keep_every_field() -> None:
    """A counterexample's arguments have names, shapes and dtypes of their own now."""
    run = read_run(FILE)

    assert len(run.findings) == len(of_kind("finding")) == 5
    for finding, before in zip(run.findings, of_kind("finding"), strict=True):
        now = plain(finding)
        shown, was = now.pop("counterexample"), before.pop("counterexample")
        assert now == before
        assert {name: shown[name] for name in was if name not in MOVED} == {
            name: value for name, value in was.items() if name not in MOVED
        }
        assert shown.get("kind", "") == before.get("problem", "")
        arguments = shown["arguments"]
        assert list(arguments) == [name for name in ("input", "target", "weight") if name in was]
        assert arguments["input"] == {"dtype": was["dtype"], "shape": was["shape"], "values": was["input"]}
        for name in ("target", "weight"):
            if name in was:
                assert arguments[name]["dtype"] == was["target_dtype" if name == "target" else "dtype"]
                assert numbers_of(arguments[name]["values"]).tolist() == numbers_of(was[name]).tolist()


def test_shapes_are_those_of_the_values_and_of_no_values() -> None:
    """A target of no rows has as many classes as the input; a weight has one for each class."""
    shapes = {
        finding.clause: {name: each.shape for name, each in finding.counterexample.arguments.items()}
        for finding in read_run(FILE).findings
        if finding.counterexample is not None
    }

    assert shapes["margin.shapes.empty-batch-sum"] == {"input": [0, 4], "target": [0, 4]}
    assert shapes["margin.gradients.subgradient-at-tie"] == {"input": [1, 2], "target": [1, 2]}
    assert shapes["soft.layout.bits"] == {"input": [4, 5], "target": [4, 5], "weight": [5]}


def test_labels_are_exact_and_indices_whole() -> None:
    """As a run of today writes them, so that the same witness is the same."""
    found = {finding.clause: finding.counterexample for finding in read_run(FILE).findings}
    tie, labels = found["margin.gradients.subgradient-at-tie"], found["soft.labels.minus-one"]

    assert tie is not None
    assert tie.arguments["target"].values == [[0, -1]]
    assert labels is not None
    assert labels.arguments["target"].values == [["0x0p+0", "-0x1p+0"]]
    assert isinstance(numbers_of(labels.arguments["target"].values)[0, 1].item(), float)


def test_options_weight_and_cotangent_are_kept() -> None:
    """None of the lines above has them all."""
    shown = record_1.Counterexample(
        input=[["0x1p+0"]], target=[1.0], weight="0x1p+1", cotangent="0x1.8p+0", options={"reduce": None},
        reduction=None, expected="e", got="g", reproducer="r", shape=[1, 1], dtype="float64", target_dtype="float64",
    )  # fmt: skip
    variant = record.VariantRecord(form="port", mode="eager", device="cpu", dtype="float64")
    line = record_1.Finding(
        operator="o", clause="c", level="implied", variant=variant, verdict="deviates", cases=1, seconds=0.0,
        counterexample=shown, problem="finite", failures=[record.Failure(case=1, problem="finite")], first=1,
    )  # fmt: skip

    finding = record_1.converted(line)

    assert isinstance(finding, record.Finding)
    assert (finding.failures, finding.first) == (line.failures, 1)
    assert finding.counterexample == record.Counterexample(
        arguments={
            "input": record.ArgumentRecord(dtype="float64", shape=[1, 1], values=[["0x1p+0"]]),
            "target": record.ArgumentRecord(dtype="float64", shape=[1], values=["0x1p+0"]),
            "weight": record.ArgumentRecord(dtype="float64", shape=[], values="0x1p+1"),
        },
        reduction=None, expected="e", got="g", reproducer="r", dtype="float64", options={"reduce": None},
        cotangent="0x1.8p+0", kind="finite",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"verdict":"observed"', '"verdict":"conforms"', "the digest is given as"),
        ('"cases":', '"draws":4,"cases":', "is not of lossproof-run/1"),
        ('"planned":5', '"planned":5,"draws":4', "line 1 is not of lossproof-run/1"),
    ],
)
def test_an_altered_file_of_the_first_schema_is_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    """In its own terms."""
    text = FILE.read_text(encoding="utf-8")
    path = tmp_path / "altered.jsonl"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")

    assert old in text
    with pytest.raises(RunFileError, match=says):
        read_run(path)
