"""What is asked follows from what an adapter offers, by operator and by mode."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from adapters.description import Description, OperatorOffer, dtypes_of, wants_of
from conformance.cases.drawing import Domain
from conformance.cases.whole_numbers import with_integers
from conformance.judging.answers import Variant
from conformance.judging.bench import Limits
from conformance.judging.clause import Clause
from conformance.judging.subject import Subject
from conformance.operators.catalogue import CLAUSES
from conformance.operators.multi_margin_loss import OPERATOR as MULTI
from conformance.operators.multilabel_margin_loss import OPERATOR as MARGIN
from conformance.operators.multilabel_soft_margin_loss import OPERATOR as SOFT
from conformance.operators.multilabel_soft_margin_loss.extremes import half_scores
from conformance.running.describe import with_function
from conformance.running.discover import Function, Spec, UsageError
from conformance.running.left_out import left_out_by_profile
from conformance.running.plan import PROFILES, Filters, Profile, asks, cases_for, variants
from conformance.running.run import Options, Outcome, Progress, run_subject

STAND_IN = Path(__file__).with_name("stand_in_adapter.py")
NO_BENCH: Any = None
OF_MARGIN = [clause for clause in CLAUSES.values() if clause.operator is MARGIN]


def offer(**more: Any) -> OperatorOffer:
    """An offer of two modes, of which the second is as ``more`` says."""
    plain: OperatorOffer = {
        "forms": ["native", "module"],
        "modes": ["eager", "packed"],
        "dtypes": ["float16", "float32"],
        "arguments": ["input", "target"],
        "options": ["reduction"],
        "argument_dtypes": {"target": "int64"},
        "offers": ["value", "gradient:input", "threads", "forward"],
    }
    packed: Any = more
    if packed:
        plain["by_mode"] = {"packed": packed}
    return plain


def description(**more: Any) -> Description:
    """A description with the margin loss in two modes, the second of them compiled."""
    plain: Any = {
        "contract": 2,
        "framework": "stand-in",
        "version": "1.0",
        "build": "",
        "device": "cpu",
        "layouts": ["contiguous"],
        "compiled": ["packed"],
        "left_out": [],
        "facts": {},
        "operators": {MARGIN.name: offer()},
    }
    plain.update(more)
    return cast(Description, plain)


def subject(mode: str = "eager", form: str = "native", *costs: str) -> Subject:
    """A variant of some cost classes."""
    return Subject(
        variant=Variant(MARGIN.name, form, mode, "cpu", "float32"),
        bench=NO_BENCH,
        limits=Limits(),
        operator=MARGIN,
        dtypes=(("target", "int64"),),
        offers=("value", "gradient"),
        compiled=mode == "packed",
        costs=frozenset([*costs, *(["expensive-shapes"] if mode == "packed" else [])]),
    )


def run_stand_in(monkeypatch: pytest.MonkeyPatch, out: Path, fault: str, filters: Filters) -> Outcome:
    """Run the stand-in as it behaves under LOSSPROOF_FAULT."""
    monkeypatch.setenv("LOSSPROOF_FAULT", fault)
    return run_subject(
        Spec("stand-in", STAND_IN), Options(PROFILES["quick"], filters, sys.executable, out=out), Progress()
    )


def test_a_mode_without_an_offer_of_its_own_has_the_operators() -> None:
    """What ``by_mode`` does not name stays as the operator says."""
    assert wants_of(offer(dtypes=["float32"]), "packed") == ["value", "gradient:input", "threads", "forward"]
    assert dtypes_of(offer(offers=["value"]), "packed") == ["float16", "float32"]
    assert wants_of(offer(offers=["value"]), "packed") == ["value"]
    assert wants_of(offer(offers=["value"]), "eager") == ["value", "gradient:input", "threads", "forward"]


def test_a_mode_is_planned_with_its_own_dtypes() -> None:
    """Formats that one mode lacks are not asked of it, and those that only one has can be named."""
    whole = description(operators={MARGIN.name: offer(dtypes=["float64"])})

    planned = {(variant.mode, variant.dtype) for variant in variants(whole, PROFILES["standard"], Filters())}

    assert planned == {("eager", "float16"), ("eager", "float32"), ("packed", "float64")}
    assert {variant.mode for variant in variants(whole, PROFILES["standard"], Filters(dtypes=("float64",)))} == {
        "packed"
    }


def test_a_mode_is_planned_with_its_own_forms() -> None:
    """A port that cannot be exported is not asked for in modes that export."""
    whole = description(operators={MARGIN.name: offer(forms=["native"])})

    planned = {(variant.mode, variant.form) for variant in variants(whole, PROFILES["standard"], Filters())}

    assert planned == {("eager", "native"), ("eager", "module"), ("packed", "native")}


def test_a_mode_is_asked_for_what_it_offers_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A mode that offers no gradient is asked no clause about one."""
    outcome = run_stand_in(
        monkeypatch, tmp_path, "eager-offers-the-value-alone", Filters(clause="margin.*", operators=(MARGIN.name,))
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
    cases = half_scores(Domain(SOFT, dtype))
    asked = {
        (score.hex(), label)
        for case in cases
        for score, label in zip(case.first.flat, case["target"].flat, strict=True)
    }

    assert len(asked) == sum(case.rows for case in cases) == {"float16": 126_976, "bfloat16": 130_560}[dtype]
    assert max(case.rows for case in cases) < 5000
    assert half_scores(Domain(SOFT, dtype, lattice=2)) == []


@pytest.mark.parametrize("mode", ["eager", "packed"])
def test_a_wrapping_mode_is_asked_the_few_clauses(mode: str) -> None:
    """The rest is asked of the modes that it wraps, compiled or not."""
    standard, wrapping = PROFILES["standard"], description(costs={mode: ["wrapper"]})

    asked = [clause for clause in OF_MARGIN if asks(clause, subject(mode), description(), standard)]
    few = [clause for clause in OF_MARGIN if asks(clause, subject(mode), wrapping, standard)]

    assert 0 < len(few) < len(asked)
    assert {clause.id for clause in few} == {clause.id for clause in asked if "wrapped" in clause.also}


def test_a_module_is_asked_whether_it_is_its_function_and_what_binds_modules_alone() -> None:
    """Its function is asked the rest; without one that takes the same options, or named, the module is asked it all."""
    forms = ("native", "module")
    torch = description(framework="torch", version="2.13.0", operators={MARGIN.name: {**offer(), "forms": [*forms]}})
    alone = description(framework="torch", version="2.13.0", operators={MARGIN.name: {**offer(), "forms": ["module"]}})
    integers = description(
        framework="torch",
        version="2.13.0",
        operators={MARGIN.name: {**offer(), "forms": [*forms], "integers": {"native": ["margin"]}}},
    )
    standard = PROFILES["standard"]

    def asked(profile: Profile, dtype: str = "float32", mode: str = "eager", whole: Description = torch) -> set[str]:
        variant = Variant(MARGIN.name, "module", mode, "cpu", dtype)
        offers = ("value", "gradient", "another-form", "signature")
        of = replace(subject(mode, "module"), variant=variant, offers=offers)
        return {clause.id for clause in OF_MARGIN if asks(clause, of, whole, profile)}

    same, signature = "margin.modes.module-same-as-function", "margin.legacy.module-signature"
    assert asked(PROFILES["quick"]) == asked(standard) == asked(standard, "float64") == {same, signature}
    assert asked(standard, mode="packed") == asked(PROFILES["quick"], mode="packed") == set()
    whole = asked(PROFILES["thorough"])
    named = PROFILES["quick"].for_filters(Filters(forms=("module",)))
    assert {same, signature, "margin.value.documented-formula"} < whole
    assert whole == asked(standard, whole=alone) == asked(standard, whole=integers) == asked(named)


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
    named = quick.for_filters(Filters(modes=("packed",)))

    packed = [variant for variant in variants(whole, quick, Filters()) if variant.mode == "packed"]
    asked = [clause.id for clause in OF_MARGIN if asks(clause, subject("packed"), whole, quick)]
    in_module = [clause.id for clause in OF_MARGIN if asks(clause, subject("packed", "module"), whole, named)]

    assert [(variant.form, variant.dtype) for variant in packed] == [("native", "float32")]
    assert asked == in_module == ["margin.value.documented-formula", "margin.layout.first-call"]
    assert (quick.for_filters(Filters()), named.others) == (quick, "all")


class _Bench:
    """A bench whose worker loads any function and says that it has a gradient."""

    @property
    def worker(self) -> _Bench:
        return self

    def load(self, target: str) -> bool:
        return bool(target)


def test_somebodys_own_function_is_not_asked_for_what_it_may_lack() -> None:
    """It is no slower than the framework's operator must be, and a derivative it may refuse."""
    bench: Any = _Bench()
    spec = Spec("stand-in", STAND_IN, function=Function("own.py:loss", MARGIN.name))

    costs = {"packed": ["wrapper"], "eager": ["slow-calls", "slow-rows", "expensive-shapes"]}

    changed = with_function(spec, description(costs=costs), bench)

    own = changed["operators"][MARGIN.name]
    assert own["modes"] == ["eager", "packed"]
    assert wants_of(own, "eager") == ["value", "gradient:input", "threads", "forward"]
    assert changed.get("costs") == {"eager": ["expensive-shapes"], "packed": ["expensive-shapes"]}


def test_a_module_is_held_against_its_function_where_both_pages_take_the_options() -> None:
    """A function that takes whole margins only says nothing of a module's margin of 0.3."""
    module = replace(subject(form="module"), operator=MULTI, common=with_integers(MULTI, ("margin",)))
    compared, alone = CLAUSES["multi.modes.module-same-as-function"], CLAUSES["multi.options.each-value"]

    def margins(clause: Clause) -> set[Any]:
        return {case.options.get("margin") for case in cases_for(clause, module, PROFILES["standard"], 0)}

    assert margins(compared) == {None, 2.0, 3.0}
    assert margins(alone) == {None, 2.0, 3.0, 0.3, -0.5}


def test_the_few_cases_of_slow_calls_differ_in_what_has_few_values() -> None:
    """Every reduction, option's value and number of rows that six of them can hold."""
    slow = replace(subject("eager", "native", "slow-calls"), operator=MULTI)
    few = cases_for(CLAUSES["multi.options.each-value"], slow, PROFILES["quick"], 0)

    assert len(few) == PROFILES["quick"].few_cases
    assert {case.reduction for case in few} == {"none", "sum", "mean"}
    assert {case.rows for case in few} == {1, 2, 3, 4}
    assert {(name, value) for case in few for name, value in case.options.items()} == {
        ("p", 2),
        *(("margin", value) for value in (2.0, 3.0, 0.3, -0.5)),
    }


def test_a_compiled_mode_gets_two_settings_of_the_options_and_each_of_them_alone() -> None:
    """All defaults or none, for every setting is another program; a rounded margin, which codegen may keep wider."""
    packed = replace(subject("packed"), operator=MULTI)

    def settings(clause: str) -> set[tuple[tuple[str, Any], ...]]:
        cases = cases_for(CLAUSES[f"multi.{clause}"], packed, PROFILES["standard"], 0)
        return {tuple(sorted(case.options.items())) for case in cases}

    assert settings("value.documented-formula") == {(), (("margin", 0.3), ("p", 2))}
    assert settings("options.each-value") == {(("margin", 0.3),), (("p", 2),)}
    assert settings("value.lattice") == {(), (("margin", 0.3),), (("p", 2),)}


def test_the_header_says_what_the_profile_leaves_out() -> None:
    """Formats, modes and modules, with the clauses that are asked all the same; nothing of thorough."""
    quick, standard = (left_out_by_profile(PROFILES[name]) for name in ("quick", "standard"))

    assert left_out_by_profile(PROFILES["thorough"]) == []
    assert quick[:2] == [
        "formats other than float32, float64",
        "of compiled modes: all clauses but layout.first-call, value.documented-formula",
    ]
    assert "of modes that wrap the first one: everything" in quick
    narrower = "of modes other than the first, in formats narrower than float32: all clauses but"
    assert any(line.startswith(narrower) for line in standard)
    of_both = "layout.first-call, modes.agree-with-the-first, options.each-value"
    assert f"of modes other than the first, in float64: all clauses but {of_both}" in standard
    assert quick[-1] == standard[-1]
    assert standard[-1].startswith("of modules whose function takes the same options: everything in compiled modes;")
