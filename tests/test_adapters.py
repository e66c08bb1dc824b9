"""What adapters say and answer beyond a value and a gradient: the contract, on NumPy and the stand-in."""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
import pytest

from adapters.contract import (
    FURTHER,
    Call,
    Description,
    OperatorOffer,
    Reply,
    dtypes_of,
    from_plain,
    reply_fault,
    to_plain,
    wants_of,
)
from adapters.gateway import Worker
from conformance.cases.case import MARGIN, Case
from conformance.cases.strategies import Domain
from conformance.judging.bench import Bench, Limits
from conformance.judging.clause import CLAUSES
from conformance.judging.subject import Subject, Variant
from conformance.operators.multilabel_soft_margin_loss.extremes import half_scores
from conformance.running.describe import with_function
from conformance.running.discover import ADAPTERS, Function, Spec, UsageError
from conformance.running.plan import PROFILES, Filters, asks, variants
from conformance.running.run import Options, Outcome, Progress, run_subject

STAND_IN = Path(__file__).with_name("stand_in_adapter.py")
NO_BENCH: Any = None


def offer(**more: Any) -> OperatorOffer:
    """An offer of two modes, of which the second is as ``more`` says."""
    plain: OperatorOffer = {
        "forms": ["native", "module"],
        "modes": ["eager", "packed"],
        "dtypes": ["float16", "float32"],
        "target_dtype": "int64",
        "offers": ["value", "gradient", "threads", "forward"],
        "legacy": [],
    }
    packed: Any = more
    if packed:
        plain["by_mode"] = {"packed": packed}
    return plain


def description(**more: Any) -> Description:
    """A description with the margin loss in two modes, the second of them compiled."""
    plain: Any = {
        "framework": "stand-in",
        "version": "1.0",
        "build": "",
        "device": "cpu",
        "layouts": ["contiguous"],
        "compiled": ["packed"],
        "left_out": [],
        "facts": {},
        "operators": {MARGIN: offer()},
    }
    plain.update(more)
    return cast(Description, plain)


def subject(mode: str = "eager", form: str = "native", *costs: str) -> Subject:
    """A variant of some cost classes."""
    variant = Variant(MARGIN, form, mode, "cpu", "float32")
    classes = frozenset([*costs, *(["expensive-shapes"] if mode == "packed" else [])])
    return Subject(
        variant, NO_BENCH, Limits(), "int64", ("value", "gradient"), compiled=mode == "packed", costs=classes
    )


def run_stand_in(monkeypatch: pytest.MonkeyPatch, out: Path, fault: str, filters: Filters) -> Outcome:
    """Run the stand-in as it behaves under LOSSPROOF_FAULT."""
    monkeypatch.setenv("LOSSPROOF_FAULT", fault)
    return run_subject(
        Spec("stand-in", STAND_IN), Options(PROFILES["quick"], filters, sys.executable, out=out), Progress()
    )


def test_a_mode_without_an_offer_of_its_own_has_the_operators() -> None:
    """What ``by_mode`` does not name stays as the operator says."""
    assert wants_of(offer(dtypes=["float32"]), "packed") == ["value", "gradient", "threads", "forward"]
    assert dtypes_of(offer(offers=["value"]), "packed") == ["float16", "float32"]
    assert wants_of(offer(offers=["value"]), "packed") == ["value"]
    assert wants_of(offer(offers=["value"]), "eager") == ["value", "gradient", "threads", "forward"]


def test_a_mode_is_planned_with_its_own_dtypes() -> None:
    """Formats that one mode lacks are not asked of it, and those that only one has can be named."""
    whole = description(operators={MARGIN: offer(dtypes=["float64"])})

    planned = {(variant.mode, variant.dtype) for variant in variants(whole, PROFILES["standard"], Filters())}

    assert planned == {("eager", "float16"), ("eager", "float32"), ("packed", "float64")}
    assert {variant.mode for variant in variants(whole, PROFILES["standard"], Filters(dtypes=("float64",)))} == {
        "packed"
    }


def test_a_mode_is_planned_with_its_own_forms() -> None:
    """A port that cannot be exported is not asked for in modes that export."""
    whole = description(operators={MARGIN: offer(forms=["native"])})

    planned = {(variant.mode, variant.form) for variant in variants(whole, PROFILES["standard"], Filters())}

    assert planned == {("eager", "native"), ("eager", "module"), ("packed", "native")}


def test_a_mode_is_asked_for_what_it_offers_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A mode that offers no gradient is asked no clause about one."""
    outcome = run_stand_in(
        monkeypatch, tmp_path, "eager-offers-the-value-alone", Filters(clause="margin.*", operators=(MARGIN,))
    )

    needs = {CLAUSES[finding.clause].needs for finding in outcome.findings}
    assert "gradient" not in needs
    assert "value" in needs
    assert {finding.variant.dtype for finding in outcome.findings} == {"float64"}


def test_offers_of_a_mode_that_is_not_there_break_the_contract(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A misspelt mode would otherwise be overlooked."""
    with pytest.raises(UsageError, match="describe\\(\\) has 'lazy' in by_mode; there are the modes eager"):
        run_stand_in(monkeypatch, tmp_path, "offers-of-an-unknown-mode", Filters())


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_every_half_score_is_asked_in_calls_that_a_loop_can_answer(dtype: str) -> None:
    """Each finite score with both labels, a few thousand in a call; nothing where a row takes long."""
    cases = half_scores(Domain(dtype, "same"))
    asked = {
        (score.hex(), label) for case in cases for score, label in zip(case.input.flat, case.target.flat, strict=True)
    }

    assert len(asked) == sum(len(case.input) for case in cases) == {"float16": 126_976, "bfloat16": 130_560}[dtype]
    assert max(len(case.input) for case in cases) < 5000
    assert half_scores(Domain(dtype, "same", lattice=2)) == []


@pytest.mark.parametrize("mode", ["eager", "packed"])
def test_a_wrapping_mode_is_asked_the_few_clauses(mode: str) -> None:
    """The rest is asked of the modes that it wraps, compiled or not."""
    standard, wrapping = PROFILES["standard"], description(costs={mode: ["wrapper"]})
    of_margin = [clause for clause in CLAUSES.values() if clause.operator == MARGIN]

    asked = [clause for clause in of_margin if asks(clause, subject(mode), description(), standard)]
    few = [clause for clause in of_margin if asks(clause, subject(mode), wrapping, standard)]

    assert 0 < len(few) < len(asked)
    assert few == [clause for clause in of_margin if asks(clause, subject("packed", "module"), description(), standard)]


def test_modes_of_expensive_programs_are_left_to_the_longer_profiles_unless_they_are_named() -> None:
    """A quick run compiles nothing that takes long and was not asked for."""
    expensive = description(costs={"packed": ["expensive-programs"]})

    def modes(profile: str, *named: str) -> set[str]:
        return {variant.mode for variant in variants(expensive, PROFILES[profile], Filters(modes=named))}

    assert modes("quick") == {"eager"}
    assert modes("quick", "packed") == {"packed"}
    assert modes("standard") == {"eager", "packed"}


def test_a_quick_run_asks_other_modes_for_their_formula_alone_unless_they_are_named() -> None:
    """Compiled modes in float32 and by the function only; what is named is asked in full, or at least asked."""
    quick = PROFILES["quick"]
    whole = description()
    of_margin = [clause for clause in CLAUSES.values() if clause.operator == MARGIN]
    named = quick.for_filters(Filters(modes=("packed",)))

    planned = {
        (variant.form, variant.dtype) for variant in variants(whole, quick, Filters()) if variant.mode == "packed"
    }
    asked = [clause.id for clause in of_margin if asks(clause, subject("packed"), whole, quick)]
    in_module = [clause.id for clause in of_margin if asks(clause, subject("packed", "module"), whole, named)]

    assert planned == {("native", "float32")}
    assert asked == ["margin.value.documented-formula"]
    assert in_module == ["margin.value.documented-formula"]
    assert quick.for_filters(Filters()) is quick
    assert named.others == ("*",) != quick.others


class _Bench:
    """A bench whose worker loads any function and says that it has a gradient."""

    @property
    def worker(self) -> _Bench:
        return self

    def load(self, target: str) -> bool:
        return bool(target)


def test_somebodys_own_function_is_not_asked_for_what_it_may_lack() -> None:
    """It need not be exportable nor differentiable twice, and is no slower than the framework's operator must be."""
    bench: Any = _Bench()
    spec = Spec("stand-in", STAND_IN, function=Function("own.py:loss", MARGIN))

    costs = {"packed": ["wrapper"], "eager": ["slow-calls", "slow-rows", "expensive-shapes"]}

    changed = with_function(spec, description(costs=costs), bench)

    own = changed["operators"][MARGIN]
    assert own["modes"] == ["eager"]
    assert wants_of(own, "eager") == ["value", "gradient", "threads"]
    assert changed.get("costs") == {"eager": ["expensive-shapes"]}


NUMPY = ADAPTERS / "numpy_adapter.py"
WORKER: Any = importlib.import_module("adapters.worker")


def call(*want: str, layout: str = "contiguous", **arrays: Any) -> Call:
    """The margin loss of a batch of two rows of three classes, for what is wanted of it."""
    given: dict[str, Any] = {
        "input": to_plain(np.array([[0.0, 1.0, 0.5], [2.0, 0.0, 0.25]], np.float32)),
        "target": to_plain(np.array([[1, -1, 0], [2, 0, -1]])),
        **arrays,
    }
    return {
        "operator": MARGIN,
        "form": "port",
        "mode": "eager",
        "device": "cpu",
        "dtype": "float32",
        "arrays": given,
        "options": {"reduction": "none"},
        "layout": layout,
        "want": list(want),
    }


def answer(asked: Call, adapter: Path = NUMPY) -> Reply:
    """What a worker of its own answers."""
    with Worker(adapter, sys.executable) as worker:
        return worker.evaluate(asked, 60.0)


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
    variant = Variant(MARGIN, "port", "eager", "cpu", "float32")
    asked = Subject(variant, bench, Limits(), "int64", ("value", "threads"))
    case = Case(MARGIN, "float32", np.array([[0.0, 1.0]]), np.array([[1, -1]]), "int64")

    try:
        got = asked.derived(case, "threads")
    finally:
        bench.close()

    assert got.shape == (8, 1)
    assert (got.values == 0.0).all()


LAYOUTS = ("contiguous", "strided", "reversed", "transposed", "broadcast", "read-only", "misaligned")


@pytest.fixture(scope="module")
def adapter() -> Any:
    """The NumPy adapter, loaded as a worker loads it."""
    return WORKER.load_adapter(str(NUMPY))


def test_numpy_offers_every_layout(adapter: Any) -> None:
    """Each that the contract names."""
    assert tuple(adapter.describe()["layouts"]) == LAYOUTS


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 3), (2, 0)])
def test_a_layout_keeps_the_values(adapter: Any, layout: str, shape: tuple[int, ...]) -> None:
    """In every shape, empty ones and scalars too."""
    sent = np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape) - 1

    laid = adapter._array(to_plain(sent), layout)

    assert laid.dtype == sent.dtype
    assert np.array_equal(laid, sent)
    assert laid.shape == sent.shape


def test_a_layout_is_what_its_name_says(adapter: Any) -> None:
    """By NumPy's own flags and strides."""
    sent = np.arange(6, dtype=np.float32).reshape(2, 3)
    laid = {layout: adapter._array(to_plain(sent), layout) for layout in LAYOUTS}

    assert {name: array.strides for name, array in laid.items()} == {
        "contiguous": (12, 4),
        "strided": (24, 8),
        "reversed": (-12, -4),
        "transposed": (4, 8),
        "broadcast": (12, 4),
        "read-only": (12, 4),
        "misaligned": (12, 4),
    }
    assert [name for name, array in laid.items() if not array.flags.writeable] == ["read-only"]
    assert [name for name, array in laid.items() if not array.flags.aligned] == ["misaligned"]


def test_rows_that_are_all_the_same_are_stored_once(adapter: Any) -> None:
    """Layout ``broadcast``, which keeps other values as they are, and a zero's sign is one."""
    same, other = np.array([[1.0, -0.0], [1.0, -0.0]]), np.array([[1.0, -0.0], [1.0, 0.0]])

    stored, kept = (adapter._array(to_plain(array), "broadcast") for array in (same, other))

    assert stored.strides == (0, 8)
    assert np.array_equal(np.signbit(stored), np.signbit(same))
    assert np.array_equal(np.signbit(kept), np.signbit(other))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_answer_does_not_depend_on_the_layout(adapter: Any, layout: str) -> None:
    """Bit for bit, in NumPy."""
    asked = call("value", layout=layout)

    assert adapter.evaluate(asked)["value"].tolist() == adapter.evaluate(call("value"))["value"].tolist()


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
    asked = call("value", "after", input={"range": [0x3F000000, 3], "dtype": "float32"})
    asked["arrays"] = {**asked["arrays"], "target": {"fill": 0.5, "shape": [3, 1], "dtype": "float32"}}
    asked["operator"] = "multilabel_soft_margin_loss"
    sent = np.arange(0x3F000000, 0x3F000003, dtype=np.uint32).view(np.float32).reshape(3, 1)

    reply = answer(asked)

    whole = {**asked, "arrays": {"input": to_plain(sent), "target": to_plain(np.full((3, 1), np.float32(0.5)))}}
    assert reply == answer(cast(Call, whole))
    assert reply.get("after", {})["input"] == to_plain(sent)


def test_a_signature_breaks_the_contract_where_it_is_no_list_of_parameters() -> None:
    """What a framework declares is text: a name and the default's ``repr``."""
    good = {"native": [{"name": "reduction", "default": "'mean'"}]}

    assert msgspec.convert({**offer(), "signature": good}, type=OperatorOffer).get("signature") == good
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**offer(), "signature": {"native": ["reduction"]}}, type=OperatorOffer)
