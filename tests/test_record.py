"""A run file that is cut short, altered or of another schema is refused by name and line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from conformance.cases.drawing import Domain
from conformance.operators.catalogue import clauses
from conformance.operators.multilabel_margin_loss import OPERATOR as MARGIN
from conformance.running.discover import find_subject
from conformance.running.plan import PROFILES, Filters
from conformance.running.run import Options, Progress, run_subject
from reports.lines import RunFileError
from reports.record import Finding, Header
from reports.run_files import RunWriter, json_schema, read_run
from tests.laws import plain_dtypes


@pytest.fixture(scope="module")
def run_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real run of NumPy, a few clauses."""
    filters = Filters(dtypes=("float32",), clause="margin.labels.[bdo]*")
    options = Options(PROFILES["quick"], filters, sys.executable, out=tmp_path_factory.mktemp("runs"))
    return run_subject(find_subject("numpy"), options, Progress()).path


def test_a_run_is_read_back(run_file: Path) -> None:
    """Header, clauses, findings and footer, each in its place."""
    run = read_run(run_file)

    assert run.name.startswith("numpy ")
    assert run.header.planned == len(run.findings) == 4
    assert [clause.id for clause in run.clauses] == [finding.clause for finding in run.findings]
    assert run.footer.complete is True
    assert run.footer.counts == {"conforms": 2, "observed": 2}


def test_a_run_holds_the_errors_of_each_variant(run_file: Path) -> None:
    """Every compared element is counted once in each distribution, and none is worse than the worst."""
    run = read_run(run_file)

    assert [(line.variant.dtype, line.quantity) for line in run.accuracy] == [("float32", "value")]
    accuracy = run.accuracy[0]
    compared = [clause for clause in clauses("margin.labels.[bd]*") if clause.level != "open"]
    domain = Domain(MARGIN, "float32", plain_dtypes(MARGIN))
    drawn = [case for clause in compared for case in clause.draw.cases(domain, 20, clause.id, run.header.seed)]
    assert accuracy.elements == sum(case.rows for case in drawn) > 80
    assert sum(accuracy.shares_of_bound.values()) == sum(accuracy.ulps.values()) == accuracy.elements
    assert 0 < float(accuracy.worst.share_of_bound) <= 1
    assert "more" not in accuracy.shares_of_bound
    largest = max(float(finding.worst.share_of_bound) for finding in run.findings if finding.worst)
    assert largest == accuracy.worst.share_of_bound


def test_every_line_obeys_the_published_schema(run_file: Path) -> None:
    """What the schema says is what is written, special fields included."""
    validator: Any = jsonschema.Draft202012Validator(json_schema())

    for line in run_file.read_text(encoding="utf-8").splitlines():
        assert list(validator.iter_errors(json.loads(line))) == []


def _cut_in_the_line(lines: list[bytes]) -> bytes:
    return b"".join(lines)[:-40]


def _without_footer(lines: list[bytes]) -> bytes:
    return b"".join(lines[:-1])


def _finding_dropped(lines: list[bytes]) -> bytes:
    return b"".join(lines[:-2] + lines[-1:])


def _verdict_changed(lines: list[bytes]) -> bytes:
    return b"".join(lines).replace(b'"verdict":"conforms"', b'"verdict":"deviates"', 1)


def _unknown_field(lines: list[bytes]) -> bytes:
    return b"".join([lines[0].replace(b'"seed":0', b'"seed":0,"sead":1'), *lines[1:]])


def _not_a_number(lines: list[bytes]) -> bytes:
    return b"".join(line.replace(b'"seconds":', b'"seconds":NaN,"x":') for line in lines)


def _two_headers(lines: list[bytes]) -> bytes:
    return b"".join([lines[0], *lines])


def _empty(lines: list[bytes]) -> bytes:
    return b"" * len(lines)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (_cut_in_the_line, "is cut short"),
        (_without_footer, "there is no footer after line"),
        (_finding_dropped, "the digest is given as"),
        (_verdict_changed, "the digest is given as"),
        (_unknown_field, "line 1 is not of lossproof-run/2: Object contains unknown field `sead`"),
        (_not_a_number, "is not of lossproof-run/2"),
        (_two_headers, "line 2 is a second header"),
        (_empty, "line 1 is not a header"),
    ],
)
def test_a_damaged_file_is_refused(
    run_file: Path, tmp_path: Path, damage: Callable[[list[bytes]], bytes], says: str
) -> None:
    """The message names the file and what is wrong with it."""
    broken = tmp_path / "broken.jsonl"
    broken.write_bytes(damage(run_file.read_bytes().splitlines(keepends=True)))

    with pytest.raises(RunFileError) as refused:
        read_run(broken)

    assert str(refused.value).startswith(str(broken))
    assert says in str(refused.value)


def test_an_interrupted_run_leaves_the_finished_one_alone(run_file: Path, tmp_path: Path) -> None:
    """Lines go to a partial file, which no reader accepts, until the footer is written."""
    finished = tmp_path / "numpy-1.0.jsonl"
    finished.write_bytes(run_file.read_bytes())
    run = read_run(run_file)

    with RunWriter(finished) as writer:
        writer.write(run.header)
        writer.write(run.findings[0])

    assert finished.read_bytes() == run_file.read_bytes()
    with pytest.raises(RunFileError, match=r"partial\.jsonl: there is no footer after line 2"):
        read_run(tmp_path / "numpy-1.0.partial.jsonl")


def test_a_missing_file_is_refused() -> None:
    """A name that leads nowhere is said, not ignored."""
    with pytest.raises(RunFileError, match="cannot be read"):
        read_run(Path("nowhere.jsonl"))


def test_the_fields_that_others_read_keep_their_names() -> None:
    """Outside checks read these; a change here breaks them."""
    assert {"operator", "clause", "level", "variant", "verdict", "cases", "counterexample"} <= set(
        Finding.__struct_fields__
    )
    assert {"suite", "subject", "profile", "seed", "planned", "machine", "measured"} <= set(Header.__struct_fields__)
