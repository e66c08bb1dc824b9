"""What a call may hold and what comes back under which name: the contract, on NumPy and the stand-in."""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from adapters.arrays import from_plain, to_plain
from adapters.contract import FURTHER, Call, Reply, reply_fault
from adapters.description import OperatorOffer
from adapters.gateway import WorkerHung
from conformance.cases.case import Case
from conformance.judging.answers import Array, Variant
from conformance.judging.bench import Bench, Limits
from conformance.judging.subject import Subject
from conformance.operators.multilabel_margin_loss import OPERATOR as MARGIN
from conformance.running.discover import Spec
from conformance.running.plan import PROFILES, Filters
from conformance.running.run import Options, Progress, run_subject
from tests.calls import NUMPY, STAND_IN, answer, call
from tests.test_plan import offer

WORKER: Any = importlib.import_module("adapters.worker")


def test_the_same_call_from_two_threads_comes_back_stacked() -> None:
    """Every value of every thread, beside the value of the call alone."""
    reply = answer(call("value", "threads"))

    alone, together = from_plain(reply.get("value", to_plain(np.zeros(0)))), reply.get("threads")
    assert together is not None
    assert together["shape"] == [8, 2]
    assert together["dtype"] == "float32"
    assert (from_plain(together) == alone).all()


def test_what_is_raised_in_a_thread_is_what_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A framework that answers in the main thread only refuses the call."""
    monkeypatch.setenv("LOSSPROOF_FAULT", "refuses-threads")

    reply = answer(call("value", "threads"), STAND_IN)

    assert reply.get("raised", {}).get("message") == "one thread at a time"
    assert "threads" not in reply


@pytest.mark.parametrize("want", FURTHER)
def test_a_further_want_is_answered_by_an_array_under_its_own_name(want: str) -> None:
    """A reply without it, or with anything else in its place, breaks the contract."""
    value: Any = to_plain(np.zeros(2))
    asked = call("value", want)

    assert reply_fault({"value": value, want: value}, asked) == ""
    assert reply_fault({"value": value}, asked) == f"{want!r} was wanted and is missing; the reply has value"
    assert reply_fault({"value": value, want: [0.0, 0.0]}, asked) == f"{want!r} is no array of numbers"
    assert reply_fault({"value": value, want: {**value, "shape": [3]}}, asked) == f"{want!r} is no array of numbers"


def test_a_further_want_comes_back_by_its_name() -> None:
    """As clauses ask for it."""
    bench = Bench(NUMPY, sys.executable, Path(tempfile.gettempdir()))
    variant = Variant(MARGIN.name, "port", "eager", "cpu", "float32")
    dtypes = (("target", "int64"),)
    asked = Subject(variant, bench, Limits(), MARGIN, dtypes, ("value", "threads"))
    arrays = {"input": np.array([[0.0, 1.0]]), "target": np.array([[1, -1]])}
    case = Case(MARGIN, "float32", arrays, dict(dtypes))

    try:
        got = asked.derived(case, "threads")
    finally:
        bench.close()

    assert got.shape == (8, 1)
    assert (got.values == 0.0).all()


@pytest.mark.parametrize(
    ("dtype", "first", "expected"),
    [
        ("float16", 0x3C00, [1.0, 1.0 + 2.0**-10]),
        ("bfloat16", 0x3F80, [1.0, 1.0 + 2.0**-7]),
        ("float32", 0x3F800000, [1.0, 1.0 + 2.0**-23]),
        ("float64", 0x3FF0000000000000, [1.0, 1.0 + 2.0**-52]),
        ("float32", 0xFF7FFFFF, [-float(np.finfo(np.float32).max), -np.inf]),
        ("float32", 0, [0.0, 2.0**-149]),
    ],
)
def test_a_range_is_consecutive_bit_patterns_in_a_column(dtype: str, first: int, expected: list[float]) -> None:
    """The worker makes an array of it, of the format's width."""
    made = WORKER.array_of({"range": [first, 2], "dtype": dtype})

    assert from_plain(made).astype(np.float64).tolist() == [[value] for value in expected]
    assert made["dtype"] == dtype


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_range_may_hold_every_pattern_of_a_format(dtype: str) -> None:
    """The last of 65,536 is the NaN of all ones."""
    made = WORKER.array_of({"range": [0, 65536], "dtype": dtype})

    assert made["shape"] == [65536, 1]
    assert np.array_equal(np.frombuffer(made["data"], np.uint16), np.arange(65536, dtype=np.uint16))


@pytest.mark.parametrize(("first", "count"), [(2**32 - 1, 2), (-1, 1), (0, -1), (2**32, 1)])
def test_a_range_beyond_the_last_pattern_is_refused(first: int, count: int) -> None:
    """It does not begin again at zero."""
    with pytest.raises(ValueError, match=f"float32 has no {count} bit patterns from {first} on"):
        WORKER.array_of({"range": [first, count], "dtype": "float32"})


@pytest.mark.parametrize(
    ("dtype", "value"), [("float16", 0.5), ("bfloat16", -1.5), ("float32", np.nan), ("float64", -0.0), ("int64", -1)]
)
def test_a_fill_is_one_value_in_every_place(dtype: str, value: float) -> None:
    """In its dtype and shape, empty ones too."""
    made = WORKER.array_of({"fill": value, "shape": [2, 3], "dtype": dtype})

    assert np.array_equal(from_plain(made), np.full((2, 3), value, from_plain(made).dtype), equal_nan=True)
    assert np.signbit(from_plain(made)).all() == np.signbit(value)
    assert WORKER.array_of({"fill": value, "shape": [0, 3], "dtype": dtype})["data"] == b""


def test_a_call_may_name_its_arrays_by_range_and_fill() -> None:
    """An adapter answers as if the arrays had been sent."""
    soft = "multilabel_soft_margin_loss"
    scores = np.arange(0x3F000000, 0x3F000003, dtype=np.uint32).view(np.float32).reshape(3, 1)
    labels = np.full((3, 1), np.float32(0.5))

    reply = answer(
        call(
            "value", "after", operator=soft,
            input={"range": [0x3F000000, 3], "dtype": "float32"},
            target={"fill": 0.5, "shape": [3, 1], "dtype": "float32"},
        )
    )  # fmt: skip

    assert reply == answer(call("value", "after", operator=soft, input=to_plain(scores), target=to_plain(labels)))
    assert reply.get("after", {})["input"] == to_plain(scores)


def test_a_signature_breaks_the_contract_where_it_is_no_list_of_parameters() -> None:
    """What a framework declares is text: a name and the default's ``repr``."""
    good = {"native": [{"name": "reduction", "default": "'mean'"}]}

    assert msgspec.convert({**offer(), "signature": good}, type=OperatorOffer).get("signature") == good
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**offer(), "signature": {"native": ["reduction"]}}, type=OperatorOffer)


@pytest.mark.parametrize("operator", ["echo", "product"])
def test_calibration_asks_again_with_longer_limits_if_the_worker_hung(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, operator: str
) -> None:
    """A busy machine holds up a first call, too; without a second try the variant would have no verdict."""
    limits: list[float] = []
    evaluate = Bench.evaluate

    def hung_once(bench: Bench, call: Call, limit: Limits, *, compiled: bool) -> Reply:
        if call["operator"] == operator:
            limits.append(limit.call)
            if len(limits) == 1:
                raise WorkerHung("no answer within 60 s; the worker was killed")
        return evaluate(bench, call, limit, compiled=compiled)

    monkeypatch.setattr(Bench, "evaluate", hung_once)
    filters = Filters((MARGIN.name,), dtypes=("float32",), clause="margin.value.sum-of-rows")
    options = Options(PROFILES["quick"], filters, sys.executable, out=tmp_path)
    outcome = run_subject(Spec("numpy", NUMPY), options, Progress())

    assert [finding.verdict for finding in outcome.findings] == ["conforms"]
    assert limits[:2] == [60.0, 180.0]


def test_a_complex_result_is_its_real_part_or_no_number() -> None:
    """Some losses of torch take complex scores, and answer with complex losses."""
    got = Array.of(to_plain(np.array([2, 1j, 3 + 0j]), "complex64"))

    assert got.dtype == "complex64"
    assert np.array_equal(got.values, [2.0, np.nan, 3.0], equal_nan=True)
