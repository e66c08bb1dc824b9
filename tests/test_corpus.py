"""The corpus: frozen, readable, grown by one command."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from conformance.cases import corpus
from conformance.cases.drawing import Domain
from conformance.cases.operator import Operator
from conformance.command.cli import cli
from conformance.operators.catalogue import OPERATORS
from conformance.operators.multilabel_margin_loss import OPERATOR as MARGIN
from conformance.running.discover import Spec
from conformance.running.plan import PROFILES, Filters
from conformance.running.run import Options, Progress, run_subject
from tests.laws import plain_dtypes

STAND_IN = Path(__file__).with_name("stand_in_adapter.py")
TARGETS = plain_dtypes(MARGIN)
FROZEN = 101
DIGEST = "aded12a7d089ac9e178132943f91df5d711400d1b177114f59e4a508e8467a36"
"""Of what the first entries say, however the file writes it: they never change."""


def content(entry: corpus.Entry) -> bytes:
    """What an entry says: names, numbers and shapes."""
    said = [entry.id, entry.showed, entry.operator, entry.reduction, sorted(entry.options.items())]
    arrays = {name: corpus.numbers_of(each.values, each.shape) for name, each in sorted(entry.arguments.items())}
    if entry.cotangent is not None:
        arrays["cotangent"] = corpus.numbers_of(entry.cotangent)
    numbers = [(name, array.shape, [one.hex() for one in array.reshape(-1).tolist()]) for name, array in arrays.items()]
    return repr((said, numbers)).encode()


def test_what_is_frozen_stays_as_it_is() -> None:
    """The first entries have the digest that they had when they were frozen; ids are unique and count up."""
    entries = corpus.read().entries
    digest = hashlib.sha256(b"".join(content(entry) for entry in entries[:FROZEN]))

    assert digest.hexdigest() == DIGEST
    for operator in OPERATORS.values():
        ids = [entry.id for entry in entries if entry.operator == operator.name]
        assert ids == [f"{operator.word}-{number:04d}" for number in range(1, len(ids) + 1)]


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=str)
def test_every_case_is_one_of_float64_and_most_are_of_bfloat16(operator: Operator) -> None:
    """A case whose numbers a format does not have is not asked in it."""
    every = corpus.cases(Domain(operator, "float64", plain_dtypes(operator)))
    narrow = corpus.cases(Domain(operator, "bfloat16", plain_dtypes(operator)))

    assert len(every) == sum(entry.operator == operator.name for entry in corpus.read().entries)
    assert len(every) / 2 < len(narrow) <= len(every) or not every
    for case in narrow:
        assert np.array_equal(case.format.round(case.first), case.first)


def test_a_variant_that_pays_for_shapes_gets_the_cases_of_its_shapes() -> None:
    """No other shape is compiled for the corpus."""
    found = corpus.cases(Domain(MARGIN, "float32", TARGETS, shapes=((1, 2),)))

    assert found
    assert {case["input"].shape for case in found} == {(1, 2)}


def test_a_find_is_promoted_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The counterexample of a run goes into the corpus under the next id, and not a second time."""
    monkeypatch.setenv("LOSSPROOF_FAULT", "duplicates-collapse")
    filters = Filters(dtypes=("float32",), clause="margin.labels.duplicates-count")
    options = Options(PROFILES["quick"], filters, sys.executable, out=tmp_path)
    run = run_subject(Spec("stand-in", STAND_IN), options, Progress()).path
    path = tmp_path / "corpus.json"
    words = ["promote", str(run), "--showed", "duplicates collapsed", "--to", str(path)]

    first, again = (CliRunner().invoke(cli, words) for _ in range(2))

    assert first.stdout.startswith("margin-0001: multilabel_margin_loss, input [['0x0p+0', '0x0p+0']]")
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert again.stdout == f"0 cases added to {path}\n"
    (entry,) = corpus.read(path).entries
    case = corpus.as_case(entry, Domain(MARGIN, "float32", TARGETS))
    assert entry.showed == "duplicates collapsed"
    assert len(set(case["target"].reshape(-1).tolist())) == 1


@pytest.mark.parametrize(("text", "says"), [("{}", "no corpus"), ('{"version": 1, "entries": []}', "of version 1")])
def test_another_file_is_refused(tmp_path: Path, text: str, says: str) -> None:
    """In one line that names the file."""
    path = tmp_path / "corpus.json"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(ValueError, match=says) as caught:
        corpus.read(path)
    assert str(path) in str(caught.value)
