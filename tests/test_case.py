"""A case of any operator: its axes, cuts, changes and digest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance.cases.case import Case
from conformance.cases.minimise import kept_places
from tests.made_operators import CHOICE, PAGE, PAIR, PIXELS, chosen

THREE = chosen(([0.0, 1.0, 2.0, 3.0], 3), ([4.0, 5.0, 6.0, 7.0], 1), ([8.0, 9.0, 10.0, 11.0], 3))


def pixels(rows: int, *free: int, ignored: bool = True) -> Case:
    """A case of three classes with these free axes; its last place is ignored."""
    input = np.arange(float(rows * 3 * int(np.prod(free)))).reshape(rows, 3, *free)
    target = np.full((rows, *free), 2)
    target.reshape(-1)[-1] = -100 if ignored else 2
    return Case(PIXELS, "float32", {"input": input, "target": target}, {"target": "int64"})


@pytest.mark.parametrize(
    ("case", "sizes", "result"),
    [
        (THREE, {"N": 3, "C": 4}, (3,)),
        (THREE.replace(reduction="sum"), {"N": 3, "C": 4}, ()),
        (THREE.replace(reduction=None), {"N": 3, "C": 4}, ()),
        (THREE.some_rows(slice(0, 1)).unbatched(), {"C": 4}, ()),
        (THREE.replace(weight=np.ones(4)), {"N": 3, "C": 4}, (3,)),
        (pixels(2), {"N": 2, "C": 3}, (2,)),
        (pixels(2, 5), {"N": 2, "C": 3, "d1": 5}, (2, 5)),
        (pixels(2, 5, 1), {"N": 2, "C": 3, "d1": 5, "d2": 1}, (2, 5, 1)),
        (pixels(1, 5, 1).unbatched(), {"N": 3, "C": 5, "d1": 1}, (3, 1)),
        (Case(PAIR, "float64", {"input1": np.zeros(2)}), {"N": 2}, (2,)),
    ],
)
def test_sizes_and_shape_follow_from_the_axes(case: Case, sizes: dict[str, int], result: tuple[int, ...]) -> None:
    """Free axes are absent from the last, the batch axis after them; a case without it has one row."""
    assert case.sizes == sizes
    assert case.result_shape == result
    assert (case.rows, case.classes) == (sizes.get("N", 1), sizes.get("C", 1))
    assert case.has_batch is ("N" in sizes)


def test_axes_are_those_that_an_array_of_so_many_dimensions_has() -> None:
    """One of another rank has none."""
    input, target = PIXELS.arguments

    assert [PIXELS.axes_of(input, rank) for rank in range(6)] == [
        (),
        ("C",),
        ("N", "C"),
        ("N", "C", "d1"),
        ("N", "C", "d1", "d2"),
        (),
    ]
    assert [PIXELS.axes_of(target, rank) for rank in (0, 1, 3)] == [(), ("N",), ("N", "d1", "d2")]
    assert CHOICE.axes_of(CHOICE.arguments[2], 1) == ("C",)
    assert CHOICE.axes_of(CHOICE.arguments[0], 3) == ()
    assert [PIXELS.allows(input, rank) for rank in range(6)] == [False, True, True, True, True, False]
    assert [CHOICE.allows(CHOICE.arguments[1], rank) for rank in range(3)] == [True, True, False]
    assert [CHOICE.allows(CHOICE.arguments[2], rank) for rank in range(3)] == [False, True, False]


def test_a_program_has_rows_and_the_next_axis() -> None:
    """Free axes are absent; an operator without a second axis has rows alone."""
    assert CHOICE.program((8, 3)) == {"N": 8, "C": 3}
    assert PIXELS.program((2, 4)) == {"N": 2, "C": 4}
    assert PAIR.program((5, 2)) == {"N": 5}


def test_an_operator_knows_its_arguments() -> None:
    """By name and by role; a wrong name is answered with the right ones."""
    assert [argument.name for argument in PAIR.scores] == ["input1", "input2"]
    assert [argument.name for argument in CHOICE.weights] == ["weight"]
    assert (CHOICE.has("weight"), CHOICE.has("margin"), str(CHOICE)) == (True, False, "choice_loss")
    assert CHOICE.argument("target").whole_numbers
    assert not CHOICE.argument("input").whole_numbers
    assert CHOICE.quoted("reductions", "formula") == (PAGE,)
    with pytest.raises(KeyError, match="choice_loss has no argument 'labels'; it has input, target, weight"):
        CHOICE.argument("labels")


def test_places_are_chosen_in_every_array_that_has_the_axis() -> None:
    """Rows of scores, indices and cotangent; classes of scores and weight; a batch axis behind another."""
    case = THREE.replace(weight=np.arange(4.0), cotangent=np.arange(3.0))

    rows, classes = case.some_rows(np.array([2, 0])), case.places("C", slice(1, 3))

    assert rows["input"].tolist() == [[8.0, 9.0, 10.0, 11.0], [0.0, 1.0, 2.0, 3.0]]
    assert (rows["target"].tolist(), rows["weight"].tolist()) == ([3, 3], [0.0, 1.0, 2.0, 3.0])
    assert rows.cotangent is not None
    assert rows.cotangent.tolist() == [2.0, 0.0]
    assert classes["input"].tolist() == [[1.0, 2.0], [5.0, 6.0], [9.0, 10.0]]
    assert (classes["target"].tolist(), classes["weight"].tolist()) == ([3, 1, 3], [1.0, 2.0])
    inner = pixels(2, 3, 2).replace(cotangent=np.arange(12.0).reshape(2, 3, 2)).places("d2", slice(1, 2))
    assert (inner["input"].shape, inner["target"].shape, inner.result_shape) == ((2, 3, 3, 1), (2, 3, 1), (2, 3, 1))
    assert inner.cotangent is not None
    assert inner.cotangent.reshape(-1).tolist() == [1.0, 3.0, 5.0, 7.0, 9.0, 11.0]


def test_a_cotangent_of_a_reduced_result_is_not_cut() -> None:
    """It has no axis."""
    case = THREE.replace(reduction="sum", cotangent=np.array(2.0)).some_rows(slice(0, 1))

    assert case.cotangent == 2.0


def test_indices_are_renamed_where_their_axis_is_cut() -> None:
    """Places that stay keep their meaning; what names none stays as it is."""
    cut = THREE.cut("C", kept_places(4, 0, 1))
    ignoring = pixels(2, 2).cut("C", kept_places(3, 0, 1))

    assert cut is not None
    assert cut["target"].tolist() == [2, 0, 2]
    assert cut["input"][0].tolist() == [1.0, 2.0, 3.0]
    assert ignoring is not None
    assert ignoring["target"].tolist() == [[1, 1], [1, -100]]
    assert ignoring["target"].dtype == np.int64


def test_a_place_that_is_named_does_not_go() -> None:
    """No case means the same without it."""
    assert THREE.cut("C", kept_places(4, 1, 2)) is None
    assert THREE.some_rows(slice(0, 1)).cut("C", kept_places(4, 1, 2)) is not None


def test_a_case_loses_its_batch_axis_and_gets_it_back() -> None:
    """Arguments without it, such as a weight, stay as they are."""
    one = THREE.some_rows(slice(1, 2)).replace(weight=np.arange(4.0), cotangent=np.array([0.5]))

    alone = one.unbatched()

    assert (alone["input"].shape, alone["target"].shape, alone["weight"].shape) == ((4,), (), (4,))
    assert alone.cotangent is not None
    assert alone.cotangent.shape == alone.result_shape == ()
    assert alone.batched().digest() == one.digest()
    summed = one.replace(reduction="sum", cotangent=np.array(0.5))
    assert summed.unbatched().batched().digest() == summed.digest()


def test_parts_are_replaced_by_name() -> None:
    """Arguments, which may be left out, and fields."""
    case = THREE.replace(weight=np.ones(4), options={"margin": 2.0}, reduction=None)

    assert [argument.name for argument in case.given] == ["input", "target", "weight"]
    assert case.keywords == {"margin": 2.0}
    assert (case.option("margin"), case.option("p"), THREE.option("margin")) == (2.0, 1, 1.0)
    left_out = case.replace(weight=None)
    assert left_out.get("weight") is None
    assert left_out.options == {"margin": 2.0}
    assert THREE.get("weight") is None
    assert set(case.replace(arrays={"input": case["input"]}).arrays) == {"input"}
    assert (case.dtype_of("target"), case.dtype_of("weight")) == ("int64", "float32")
    assert case.elements == 12 + 3 + 4


def test_an_adapter_gets_every_argument_that_is_given() -> None:
    """In its dtype and place, the positional ones first; lists where they are wanted; the cotangent apart."""
    case = THREE.replace(weight=np.ones(4), no_tensors=("target",))

    given = {each["name"]: (each["place"], each["array"].get("dtype")) for each in case.call_arguments()}

    assert list(given.items()) == [
        ("input", ("positional", "float32")),
        ("target", ("positional", None)),
        ("weight", ("keyword", "float32")),
    ]
    assert case.call_arguments()[1]["array"] == {"list": [3, 1, 3]}
    assert case.plain_cotangent()["dtype"] == "float32"
    assert case.upstream().tolist() == [1.0, 1.0, 1.0]
    assert [each["name"] for each in THREE.call_arguments()] == ["input", "target"]


CHANGES: dict[str, dict[str, Any]] = {
    "a number": {"input": THREE["input"] + 1},
    "a sign of zero": {"input": np.where(THREE["input"] == 0, -0.0, THREE["input"])},
    "an index": {"target": np.array([3, 1, 2])},
    "a weight": {"weight": np.ones(4)},
    "a cotangent": {"cotangent": np.ones(3)},
    "an option": {"options": {"margin": 1.0}},
    "the reduction": {"reduction": "sum"},
    "no reduction": {"reduction": None},
    "the format": {"dtype": "float64"},
    "another dtype": {"dtypes": {"target": "int32"}},
    "the layout": {"layout": "strided"},
    "a list": {"no_tensors": ("target",)},
    "a shape": {"input": THREE["input"].reshape(3, 1, 4)},
}


def test_whatever_a_subject_is_given_is_in_the_digest() -> None:
    """And nothing else: a copy has the digest of what it copies."""
    digests = {name: THREE.replace(**change).digest() for name, change in CHANGES.items()}

    assert len({THREE.digest(), *digests.values()}) == len(CHANGES) + 1
    assert THREE.replace(input=THREE["input"].copy()).digest() == THREE.digest()
    assert THREE.replace(input=np.asfortranarray(THREE["input"])).digest() == THREE.digest()
