"""Drawn cases: valid ones of any operator, with its options, optional arguments and free axes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest

from conformance.cases.case import Case
from conformance.cases.drawing import Domain, Drawn, Fixed, Setting, drawn
from conformance.cases.operator import Argument, Operator
from conformance.cases.random_bits import RandomBits
from conformance.judging.expectation import compute
from conformance.operators.catalogue import OPERATORS, clauses
from reference.formats import FORMATS, Arithmetic
from tests.laws import plain_dtypes
from tests.made_operators import CHOICE, MADE, PAIR, PIXELS

EVERY = (*OPERATORS.values(), *MADE)
REDUCTIONS = (None, "none", "sum", "mean")


def cases_of(operator: Operator, draw: Drawn, count: int = 60, dtype: str = "float32") -> list[Case]:
    """Cases of an operator in a format."""
    return draw.cases(Domain(operator, dtype, plain_dtypes(operator)), count, "test", 0)


def optional_of(arguments: Sequence[Argument]) -> tuple[str, ...]:
    """The names of those that a call may leave out."""
    return tuple(argument.name for argument in arguments if argument.optional)


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("operator", EVERY, ids=str)
def test_every_drawn_case_is_in_the_oracles_domain(operator: Operator, dtype: str) -> None:
    """Scores of every size, with and without optional arguments, options and cotangents, in their format."""
    for given in ((), optional_of(operator.arguments)):
        for case in cases_of(operator, drawn(REDUCTIONS, given=given, cotangent=True), dtype=dtype):
            answer = compute(case, Arithmetic(FORMATS[dtype]), as_documented=False)

            assert answer.value.low.shape == case.result_shape
            assert answer.gradient.low.shape == case.first.shape
            assert case.upstream().shape == case.result_shape
            assert optional_of(case.given) == given
            for argument in case.given:
                values = case[argument.name]
                assert argument.whole_numbers is (values.dtype == np.int64)
                assert argument.whole_numbers or np.array_equal(case.format.round(values), values)


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=str)
def test_most_plain_cases_have_a_loss(operator: Operator) -> None:
    """A batch whose loss is 0 shows little: not more than half of them are so."""
    cases = cases_of(operator, drawn(("sum",), scores="plain", labels="plain"), 200)
    losses = [float(compute(case, Arithmetic(case.format), as_documented=False).value.low) for case in cases]

    assert np.mean(np.array(losses) == 0) < 0.5


@pytest.mark.parametrize("operator", EVERY, ids=str)
def test_every_size_and_reduction_is_met(operator: Operator) -> None:
    """Each size of an axis between its ends, free axes absent and present."""
    cases = cases_of(operator, drawn(REDUCTIONS), 200)

    assert {case.reduction for case in cases} == set(REDUCTIONS)
    for axis, (least, most) in operator.sizes.items():
        present = {case.sizes[axis] for case in cases if axis in case.sizes}
        assert present == set(range(least, most + 1))
        assert any(axis not in case.sizes for case in cases) is (axis in operator.free)


def test_a_later_free_axis_is_there_only_behind_the_earlier_ones() -> None:
    """An array of three dimensions has the first free axis, and both axes are met."""
    cases = cases_of(PIXELS, drawn(), 200)

    assert {tuple(axis for axis in ("d1", "d2") if axis in case.sizes) for case in cases} == {
        (),
        ("d1",),
        ("d1", "d2"),
    }
    assert {case["input"].ndim - case["target"].ndim for case in cases} == {1}
    assert any((case["target"] == -100).any() for case in cases)


def test_options_are_left_at_their_default_or_take_another_value() -> None:
    """Each value as often as the others, whatever the other options do; or one, all or none of them."""
    cases = cases_of(CHOICE, drawn(), 300)

    assert {tuple(sorted(case.options)) for case in cases} == {(), ("margin",), ("margin", "p"), ("p",)}
    assert {case.options["margin"] for case in cases if "margin" in case.options} == {0.5, 2.0, -1.0}
    assert 100 < sum("p" in case.options for case in cases) < 200
    assert not any(case.options for case in cases_of(CHOICE, drawn(options="none")))
    assert {len(case.options) for case in cases_of(CHOICE, drawn(options="one"))} == {1}
    assert {len(case.options) for case in cases_of(CHOICE, drawn(options="all"))} == {2}


@pytest.mark.parametrize("operator", EVERY, ids=str)
def test_what_has_few_values_is_met_in_pairs(operator: Operator) -> None:
    """Each reduction with each number of free axes, each option's value, and each optional argument, in few cases."""
    cases = cases_of(operator, drawn(REDUCTIONS, sometimes=optional_of(operator.arguments)), 36)
    optional = any(argument.optional for argument in operator.arguments)

    free = set(operator.free) & set(operator.sizes)
    ranks = {(case.reduction, len(set(case.sizes) & free)) for case in cases}
    given = {(case.reduction, bool(optional_of(case.given))) for case in cases}
    assert ranks == set(itertools.product(REDUCTIONS, range(len(free) + 1)))
    assert given == set(itertools.product(REDUCTIONS, (False, True) if optional else (False,)))
    for option in operator.options:
        values = {(case.reduction, case.options.get(option.name)) for case in cases}
        assert values == set(itertools.product(REDUCTIONS, (None, *option.values)))


def test_further_settings_are_taken_in_turn() -> None:
    """Each with each reduction."""
    further: list[Setting] = [{"reduce": True}, {"reduce": False}]
    cases = cases_of(PAIR, drawn(REDUCTIONS, options="none", further=lambda domain: further), 16)

    found = {(case.reduction, case.options["reduce"]) for case in cases}
    assert found == set(itertools.product(REDUCTIONS, (True, False)))


def test_optional_arguments_are_given_by_name_or_role() -> None:
    """And left out otherwise."""
    assert not any("weight" in case.arrays for case in cases_of(CHOICE, drawn()))
    assert all("weight" in case.arrays for case in cases_of(CHOICE, drawn(given=("weight",))))
    signed = cases_of(CHOICE, drawn(given=("weight",), weights=("signed",)))
    assert all((case["weight"] != 0).all() for case in signed)
    assert any((case["weight"] < 0).any() for case in signed)


def test_sizes_can_be_fixed_and_have_a_least() -> None:
    """A fixed free axis is present."""
    assert {case.classes for case in cases_of(CHOICE, drawn(sizes={"C": 3}))} == {3}
    assert {case.classes for case in cases_of(CHOICE, drawn(least={"C": 5}))} == {5, 6}
    assert {case.sizes.get("d1") for case in cases_of(PIXELS, drawn(sizes={"d1": 7}))} == {7}


def test_a_variant_that_pays_for_shapes_gets_its_shapes_alone() -> None:
    """As many cases of each; and those of fewer shapes, or fewer of them, are among them."""
    few = Domain(CHOICE, "float32", shapes=((2, 4),))
    more = Domain(CHOICE, "float32", shapes=((2, 4), (8, 3)))

    some, all_of_them = drawn().cases(few, 5, "test", 0), drawn().cases(more, 20, "test", 0)

    assert [case["input"].shape for case in all_of_them].count((2, 4)) == 10
    assert {case["input"].shape for case in all_of_them} == {(2, 4), (8, 3)}
    assert {case.digest() for case in some} <= {case.digest() for case in all_of_them}
    free = drawn().cases(Domain(PIXELS, "float32", shapes=((2, 4),)), 5, "test", 0)
    assert {case["input"].shape for case in free} == {(2, 4)}


def test_cases_follow_from_name_and_seed_and_fewer_are_among_more() -> None:
    """Equal ones count once."""
    domain = Domain(PAIR, "float32")
    draw = drawn(REDUCTIONS)
    first, again, other = (draw.cases(domain, 30, name, 0) for name in ("a", "a", "b"))

    assert [case.digest() for case in first] == [case.digest() for case in again]
    assert not {case.digest() for case in first} & {case.digest() for case in other}
    assert {case.digest() for case in first} <= {case.digest() for case in draw.cases(domain, 60, "a", 0)}
    alike = drawn().map(lambda case: case.replace(input1=np.zeros(1), input2=np.zeros(1), target=np.ones(1)))
    assert 1 <= len(alike.cases(domain, 30, "a", 0)) <= 2


def test_cases_are_changed_with_and_without_further_bits() -> None:
    """By what the domain allows."""

    def rolled(case: Case, bits: RandomBits, domain: Domain) -> Case:
        assert domain.operator is CHOICE
        return case.replace(input=np.full(case.first.shape, float(bits.integer(20, 30))))

    doubled = cases_of(CHOICE, drawn().map(lambda case: case.replace(input=2 * case.first)))
    assert [case.first.tolist() for case in doubled] == [
        (2 * case.first).tolist() for case in cases_of(CHOICE, drawn())
    ]
    assert {case.first.flat[0] for case in cases_of(CHOICE, drawn().then(rolled))} == set(map(float, range(20, 30)))


def test_written_cases_are_all_there_whatever_the_count() -> None:
    """In their order."""
    fixed = Fixed(lambda domain: [domain.case(input1=np.full(1, float(place))) for place in range(5)])

    assert [case["input1"].item() for case in fixed.cases(Domain(PAIR, "float32"), 1, "x", 9)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=str)
def test_every_drawn_case_keeps_what_its_clause_is_about(operator: Operator) -> None:
    """What a witness must keep, the cases that it is searched among have; most of them at least."""
    for clause in clauses(operator=operator.name):
        if isinstance(clause.draw, Drawn):
            cases = clause.draw.cases(Domain(operator, "float32", plain_dtypes(operator)), 20, clause.id, 0)
            assert cases, clause.id
            assert np.mean([clause.keeps(case) for case in cases]) > 0.4, clause.id


def test_where_a_setting_is_a_program_options_keep_their_defaults_and_cases_are_few() -> None:
    """Unless many settings are the question: then all options have their defaults, or another value each."""
    domain = Domain(CHOICE, "float32", plain_dtypes(CHOICE), shapes=((2, 4),), programs=True)

    def settings(draw: Drawn, domain: Domain = domain) -> list[Setting]:
        return [case.options for case in draw.cases(domain, 20, "test", 0)]

    others = {option.name: option.values[0] for option in CHOICE.options}
    assert all(each == {} for each in settings(drawn()))
    assert all(each in ({}, others) for each in settings(drawn(options="many")))
    assert others in settings(drawn(options="many"))
    assert len(settings(drawn().fewer(3).map(lambda case: case))) == 3
    cheap = Domain(CHOICE, "float32", plain_dtypes(CHOICE))
    assert len(settings(drawn().fewer(3), cheap)) > len(settings(drawn().fewer(3).at_most(5), cheap)) == 5
    more = Domain(CHOICE, "float32", plain_dtypes(CHOICE), shapes=((2, 4), (8, 3)), programs=True)
    assert len(settings(drawn().fewer(3), more)) == len(settings(drawn(), more)) > 3
