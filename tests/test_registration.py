"""How laws become clauses: of one operator, of every operator that has what they need, or of what it lists."""

from __future__ import annotations

import dataclasses
from types import ModuleType

import numpy as np
import pytest

import conformance.judging.shared as registration
from conformance.cases.case import Case
from conformance.cases.drawing import Domain, drawn
from conformance.cases.operator import Example, Operator
from conformance.families.value import example_case, examples_of_the_pages
from conformance.judging.answers import Variant
from conformance.judging.clause import TORCH_NATIVE, Clause, clauses_of
from conformance.judging.shared import SHARED, generated, shared
from conformance.judging.subject import Subject
from conformance.operators import catalogue
from conformance.operators.catalogue import CLAUSES, OPERATORS
from tests.made_operators import CHOICE, MADE, PAGE, PAIR

CASES = drawn()
UNQUOTED = dataclasses.replace(CHOICE, pages={})


def law(subject: Subject, case: Case) -> None:
    """What it says, in words that are so many that they
    go on in another line.
    """  # noqa: D205 (a statement is one sentence)
    del subject, case


@pytest.fixture
def families(monkeypatch: pytest.MonkeyPatch) -> list[registration.Declare]:
    """The list of what makes clauses of every operator, empty."""
    empty: list[registration.Declare] = []
    monkeypatch.setattr(registration, "SHARED", empty)
    return empty


def declared(families: list[registration.Declare], operator: Operator) -> dict[str, Clause]:
    """The clauses that the families make of an operator."""
    register: dict[str, Clause] = {}
    for declare in families:
        declare(operator, register)
    return register


def test_a_clause_is_registered_with_its_docstring_in_one_line() -> None:
    """Under its id; or with a statement of its own."""
    register: dict[str, Clause] = {}
    clause = clauses_of(CHOICE, register)

    assert clause("choice.value.one", "documented", PAGE, cases=CASES, also=("narrow",))(law) is law
    clause("choice.value.two", "open", cases=CASES, why="w", statement="Said otherwise.")(law)

    one, two = register.values()
    assert (one.id, one.operator, one.family, one.level) == ("choice.value.one", CHOICE, "value", "documented")
    assert [one.statement, two.statement] == [
        "What it says, in words that are so many that they go on in another line.",
        "Said otherwise.",
    ]
    assert one.sources == (PAGE,)
    assert one.also == frozenset({"narrow"})
    assert one.law is law


@pytest.mark.parametrize("name", ["choice.value", "pair.value.one", "choice.guesses.one", "choice.value.one.more"])
def test_an_id_of_another_form_is_refused(name: str) -> None:
    """It is operator, family and sentence."""
    with pytest.raises(ValueError, match=f"clause id '{name}': taken, or not choice.family.sentence"):
        clauses_of(CHOICE, {})(name, "implied", cases=CASES)(law)


def test_an_id_is_taken_once_and_a_documented_clause_names_its_page() -> None:
    """Each mistake is told where it is made."""
    clause = clauses_of(CHOICE, {})
    clause("choice.value.one", "implied", cases=CASES)(law)

    with pytest.raises(ValueError, match="taken"):
        clause("choice.value.one", "implied", cases=CASES)(law)
    with pytest.raises(ValueError, match=r"choice\.value\.two: a documented clause names its page"):
        clause("choice.value.two", "documented", cases=CASES)(law)


def test_a_shared_law_is_a_clause_of_every_operator_that_it_applies_to(families: list[registration.Declare]) -> None:
    """Under each operator's word, with the sentences of its own pages."""
    shared("value.same", "documented", "formula", "nothing", cases=CASES, needs="gradient", also=("brief",))(law)
    shared("weights.some", "implied", cases=CASES, why="w", applies=lambda one: bool(one.weights))(law)
    shared("modes.native", "quality", cases=CASES, why="w", binding=TORCH_NATIVE)(law)

    assert list(declared(families, CHOICE)) == ["choice.value.same", "choice.weights.some", "choice.modes.native"]
    assert list(declared(families, PAIR)) == ["pair.modes.native"], "nothing quoted, no weights"
    same, _, native = declared(families, CHOICE).values()
    assert same.sources == (PAGE,)
    assert (same.needs, list(same.also)) == ("gradient", ["brief"])
    assert native.binding == TORCH_NATIVE


def test_a_documented_law_of_which_the_pages_are_silent_is_left_out_or_of_another_level(
    families: list[registration.Declare],
) -> None:
    """Documented is what is quoted; other levels need no page and quote what there is."""
    shared("value.gone", "documented", "formula", cases=CASES)(law)
    shared("value.implied", "documented", "formula", cases=CASES, unquoted="implied", why="w")(law)
    shared("value.quality", "quality", "formula", cases=CASES, why="w")(law)

    levels = {clause.id: clause.level for clause in declared(families, UNQUOTED).values()}
    assert levels == {"choice.value.implied": "implied", "choice.value.quality": "quality"}
    levels = {clause.id: clause.level for clause in declared(families, CHOICE).values()}
    assert levels == {
        "choice.value.gone": "documented",
        "choice.value.implied": "documented",
        "choice.value.quality": "quality",
    }


def test_clauses_are_generated_of_what_an_operator_lists(families: list[registration.Declare]) -> None:
    """In the order in which the families say it."""

    def of_options(operator: Operator, register: dict[str, Clause]) -> None:
        for option in operator.options:
            name = f"{operator.word}.options.{option.name}"
            clauses_of(operator, register)(name, "implied", cases=CASES, why="w")(law)

    shared("value.first", "implied", cases=CASES, why="w")(law)
    assert generated(of_options) is of_options
    shared("value.last", "implied", cases=CASES, why="w")(law)

    assert list(declared(families, CHOICE)) == [
        "choice.value.first",
        "choice.options.margin",
        "choice.options.p",
        "choice.value.last",
    ]


def test_each_example_of_the_pages_is_a_clause_and_a_case() -> None:
    """With its reduction and options, in the domain's format."""
    printed = Example(
        "page-example", "The page gives 1.", (PAGE,), {"input": [[0.1, 0.2]], "target": [1]}, "sum", {"margin": 2.0}
    )
    operator = dataclasses.replace(CHOICE, examples=(printed,))
    register: dict[str, Clause] = {}

    examples_of_the_pages(operator, register)

    (clause,) = register.values()
    assert (clause.id, clause.level, clause.statement) == (
        "choice.value.page-example",
        "documented",
        "The page gives 1.",
    )
    domain = Domain(operator, "float16", (("target", "int64"),))
    (case,) = clause.draw.cases(domain, 20, clause.id, 0)
    assert case.digest() == example_case(printed, domain).digest()
    assert case["input"].tolist() == np.array([[0.1, 0.2]], dtype=np.float16).astype(float).tolist()
    assert case["target"].dtype == np.int64
    assert (case.reduction, dict(case.options)) == ("sum", {"margin": 2.0})


@pytest.mark.parametrize("operator", MADE, ids=str)
def test_the_families_make_clauses_of_any_operator(operator: Operator) -> None:
    """Each under its word, with cases to ask where its draw has any for the operator."""
    register = declared(SHARED, operator)

    assert len(register) > 20
    assert {name.split(".")[0] for name in register} == {operator.word}
    for clause in register.values():
        dtypes = tuple((argument.name, "int64") for argument in operator.arguments if argument.whole_numbers)
        cases = clause.draw.cases(Domain(operator, "float32", dtypes), 6, clause.id, 0)
        assert all(case.operator is operator for case in cases), clause.id


def test_a_name_or_word_of_another_operator_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a new one is taken with its clauses, those of its package last."""
    monkeypatch.setattr(catalogue, "OPERATORS", dict(OPERATORS))
    monkeypatch.setattr(catalogue, "CLAUSES", dict(CLAUSES))
    package = ModuleType("made")
    package.__file__ = "made.py"
    package.__path__ = []
    for wrong in (dataclasses.replace(CHOICE, word="margin"), dataclasses.replace(CHOICE, name="soft")):
        package.__dict__["OPERATOR"] = wrong
        with pytest.raises(ValueError, match=r"the name .* or the word .* is taken"):
            catalogue.add(package)
    package.__dict__["OPERATOR"] = CHOICE

    assert catalogue.add(package) is CHOICE
    assert catalogue.clauses(operator="choice_loss") == catalogue.clauses("choice.*")
    assert len(catalogue.clauses("choice.*")) > 20
    with pytest.raises(ValueError, match=r"the name .* or the word .* is taken"):
        catalogue.add(package)


def test_a_clause_binds_variants_of_its_operator_alone() -> None:
    """And of the framework, form and version that it names."""
    register: dict[str, Clause] = {}
    clauses_of(CHOICE, register)("choice.value.one", "implied", cases=CASES, binding=TORCH_NATIVE)(law)
    (clause,) = register.values()

    def bound(operator: str, form: str, framework: str = "torch") -> bool:
        return clause.binds(framework, "2.13.0", Variant(operator, form, "eager", "cpu", "float32"))

    assert bound("choice_loss", "native")
    assert not bound("pair_loss", "native")
    assert not bound("choice_loss", "port")
    assert not bound("choice_loss", "native", "jax")
