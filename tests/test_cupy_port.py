"""The CUDA kernels, emulated and, where there is a GPU, on it: each form within its bound, in any order of threads."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest

from reference.formats import FORMATS, Arithmetic
from reference.margin import margin_loss
from reference.nonfinite import margin_classes
from reference.soft_margin import soft_margin_loss
from tests.kernels import (
    LARGE,
    LAUNCHES,
    PORT,
    SMALL,
    WARPS,
    engine_of,
    large_answers,
    large_answers_emulated,
    needs_compiler,
    numbers,
    probe,
    run,
    same,
    stored,
    with_limits,
)
from tests.zoo import families

ENGINES = ("small", "warps", "device", "device-warps")
SHAPES = ((6, 1), (6, 3), (5, 9), (4, 40), (2, 150), (140, 3))
REDUCTIONS = ("none", "sum", "mean")


@pytest.fixture(autouse=True)
def compiler() -> None:
    """Every test here compiles the kernels, or looks at what a compiler made of them."""
    needs_compiler()


def answers(engine: Any, operator: str, arrays: dict[str, Any], reduction: str, dtype: str, target: str) -> Any:
    """Loss and gradient of arrays of float64 in a format."""
    taken = {name: stored(values, dtype) for name, values in arrays.items() if name != "target"}
    taken["target"] = arrays["target"].astype(target) if operator == "margin" else stored(arrays["target"], dtype)
    plain = {name: array for name, array in taken.items() if name != "cotangent"}
    return run(engine, operator, plain, reduction), run(engine, operator, taken, reduction)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("dtype", FORMATS)
def test_the_margin_loss_is_within_its_bound(dtype: str, name: str) -> None:
    """Loss and gradient of every family of scores and targets, in every reduction and type of labels."""
    format = FORMATS[dtype]
    for place, family in enumerate(families.FAMILIES):
        for turn, shape in enumerate(SHAPES):
            generator = np.random.default_rng([place, *shape])
            scores, target = families.scores(family, generator, format, shape), families.targets(generator, shape)
            reduction = REDUCTIONS[(place + turn) % 3]
            cotangent = format.round(generator.choice([1.0, -0.5, 3.0], shape[:1] if reduction == "none" else ()))
            expected = margin_loss(scores, target, reduction, Arithmetic(format), cotangent)

            arrays = {"input": scores, "target": target, "cotangent": np.asarray(cotangent)}
            loss, slope = answers(engine_of(name), "margin", arrays, reduction, dtype, ("int32", "int64")[turn % 2])

            assert expected.value.admits(numbers(loss), format).all(), (family, shape)
            assert expected.gradient.admits(numbers(slope), format).all(), (family, shape)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("dtype", FORMATS)
def test_the_soft_margin_loss_is_within_its_bound(dtype: str, name: str) -> None:
    """Loss and gradient of every family, with fractional labels and with weights, to the careful bound."""
    format = FORMATS[dtype]
    for place, family in enumerate(families.FAMILIES):
        for turn, shape in enumerate(SHAPES):
            generator = np.random.default_rng([place, *shape])
            scores = families.scores(family, generator, format, shape)
            labels = families.labels(generator, shape, format, soft=turn % 2 == 1)
            weight = format.round(generator.choice([1.0, 0.0, -0.5, 3.0], shape[1]))
            reduction = REDUCTIONS[(place + turn) % 3]
            cotangent = format.round(generator.choice([1.0, -0.5, 3.0], shape[:1] if reduction == "none" else ()))
            expected = soft_margin_loss(scores, labels, reduction, Arithmetic(format), cotangent, weight)

            arrays = {"input": scores, "target": labels, "weight": weight, "cotangent": np.asarray(cotangent)}
            loss, slope = answers(engine_of(name), "soft", arrays, reduction, dtype, "")

            assert expected.value.admits(numbers(loss), format).all(), (family, shape)
            assert expected.gradient.admits(numbers(slope), format).all(), (family, shape)


@pytest.mark.parametrize("name", ["small", "device"])
@pytest.mark.parametrize("dtype", FORMATS)
def test_the_sorted_form_is_rounded_once(dtype: str, name: str) -> None:
    """Losses of hundreds of labels are the nearest values of the format; in float64, which has no wider one, nearly."""
    format = FORMATS[dtype]
    for place, family in enumerate(families.FAMILIES):
        generator = np.random.default_rng(place)
        scores = families.scores(family, generator, format, (2, 700))
        target = np.where(np.arange(700) < 300, [generator.permutation(700) for _ in range(2)], -1)
        expected = margin_loss(scores, target, "none", Arithmetic(format)).value

        got = numbers(run(engine_of(name), "margin", {"input": stored(scores, dtype), "target": target}, "none"))

        assert expected.share(got, format).max() < 0.01
        assert dtype == "float64" or expected.ulps(got, format).max() < 0.5001, family


@pytest.mark.parametrize(("rows", "classes", "labels"), [(200, 10, 3), (130, 300, 3), (2, 1000, 500), (1, 6000, 5000)])
@pytest.mark.parametrize("dtype", ["float16", "float64"])
@pytest.mark.parametrize("name", ["small", "device"])
def test_launches_as_large_as_a_gpus_are_within_their_bound(
    name: str, dtype: str, rows: int, classes: int, labels: int
) -> None:
    """Up to 512 threads a block and 8 labels in registers: what the device is given, emulated or there."""
    generator, format = np.random.default_rng(0), FORMATS[dtype]
    scores = format.round(generator.normal(size=(rows, classes)))
    target = np.where(np.arange(classes) < labels, [generator.permutation(classes) for _ in range(rows)], -1)
    expected = margin_loss(scores, target, "mean", Arithmetic(format), np.ones(()))
    engine = with_limits(name, LAUNCHES.DEVICE)

    arrays = {"input": scores, "target": target, "cotangent": np.ones(())}
    loss, slope = answers(engine, "margin", arrays, "mean", dtype, "int64")

    assert expected.value.admits(numbers(loss), format).all()
    assert expected.gradient.admits(numbers(slope), format).all()


@pytest.mark.parametrize("name", ["small", "device"])
def test_both_forms_and_all_places_of_the_sort_agree_at_their_thresholds(name: str) -> None:
    """One row on either side of each limit: direct or sorted, in shared memory or in stretches that are merged."""
    generator = np.random.default_rng(0)
    scores = generator.integers(-8, 9, (1, 64)) / 4  # quarters over a power of two: no sum rounds
    for labels in (1, 2, 3, 7, 8, 9, 16, 17, 32, 33, 63, 64):
        target = np.where(np.arange(64) < labels, generator.permutation(64), -1)[np.newaxis]
        expected = margin_loss(scores, target, "none", Arithmetic(FORMATS["float64"])).value.middle
        for direct in (0, 2, 8):
            for key_bytes in (64, 256, 512):
                limits = SMALL._replace(direct=direct, key_bytes=key_bytes)
                got = run(with_limits(name, limits), "margin", {"input": scores, "target": target}, "none")
                assert got == expected, (labels, limits)


@pytest.mark.parametrize("name", ENGINES)
def test_no_order_of_the_threads_changes_a_bit(name: str) -> None:
    """Twenty schedules of every form, or as many calls of the GPU, give the same losses, sums and gradients."""
    engine = engine_of(name)

    first = probe(engine)

    assert all(same(probe(engine), first) for _ in range(20))


def test_a_compiler_that_checks_jumps_is_told_not_to() -> None:
    """Ubuntu's g++ and others have ``_FORTIFY_SOURCE`` set: a jump between fibers would abort the process."""
    fortified = PORT.emulated(limits=LAUNCHES.DEVICE, flags=["-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=3"])

    assert same(probe(fortified), probe(with_limits("small", LAUNCHES.DEVICE)))


def test_every_barrier_of_the_source_is_reached() -> None:
    """No ``__syncthreads`` stands in code that the tests never run."""
    engine = PORT.emulated()
    probe(engine)
    lines = PORT.source().decode().splitlines()
    library = engine.library("float32", "long long")
    library.reached_lines.restype = ctypes.POINTER(ctypes.c_ubyte)
    reached = library.reached_lines()

    barriers = [number for number, line in enumerate(lines, 1) if "__syncthreads" in line]

    assert len(barriers) > 15
    assert [lines[number - 1].strip() for number in barriers if not reached[number]] == []


@pytest.mark.parametrize("name", ["small", "device"])
@pytest.mark.parametrize("direct", [0, 8])
@pytest.mark.parametrize("dtype", FORMATS)
def test_special_scores_have_the_limit_of_the_formula(dtype: str, direct: int, name: str) -> None:
    """NaN and infinities, alone and together, in the direct form, in the sorted one and in short rows."""
    generator = np.random.default_rng(1)
    special = generator.choice([np.nan, np.inf, -np.inf, 0.25, -3.0], (300, 6), p=[0.05, 0.15, 0.15, 0.35, 0.3])
    target = families.targets(generator, special.shape)
    engine = with_limits(name, WARPS._replace(direct=direct))

    for rows in (slice(None), slice(0, 100)):  # many rows: one thread each
        arrays = {"input": stored(special[rows], dtype), "target": target[rows]}
        got = numbers(run(engine, "margin", arrays, "none"))
        for value, stated in zip(got, margin_classes(special[rows], target[rows], "none"), strict=True):
            assert stated.admits(value)


@pytest.mark.parametrize("name", ["small", "device"])
def test_a_label_of_no_class_makes_its_row_nan(name: str) -> None:
    """Loss and gradient of that row alone, also where 32 bits of the label would name a class."""
    for rows in (3, 200):
        input, target = np.zeros((rows, 4)), np.full((rows, 4), -1)
        target[:, 0] = 1
        target[1, 1:3] = 2**32, -1
        arrays = {"input": input, "target": target}
        loss = run(engine_of(name), "margin", arrays, "none")
        slope = run(engine_of(name), "margin", {**arrays, "cotangent": np.ones(rows)}, "none")

        assert np.flatnonzero(np.isnan(loss)).tolist() == [1]
        assert np.isnan(slope).any(axis=1).tolist() == np.isnan(slope).all(axis=1).tolist()
        assert np.flatnonzero(np.isnan(slope[:, 0])).tolist() == [1]


@pytest.mark.parametrize("name", ["small", "device"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_every_half_is_read_and_written_as_it_is(dtype: str, name: str) -> None:
    """A soft margin loss's gradient of label 1 and score -inf is the cotangent's negative, rounded once."""
    every = np.arange(1 << 16, dtype=np.uint16).reshape(-1, 1)
    cotangent = every.view(np.float16) if dtype == "float16" else every
    score, label = (np.full(every.shape, value) for value in (-np.inf, 1.0))

    arrays = {"input": stored(score, dtype), "target": stored(label, dtype), "cotangent": cotangent.reshape(-1)}
    got = run(engine_of(name), "soft", arrays, "none")

    with np.errstate(invalid="ignore"):
        assert np.array_equal(numbers(got), -numbers(cotangent), equal_nan=True)


@pytest.mark.parametrize("name", ["small", "device"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_double_is_rounded_once_to_a_half(dtype: str, name: str) -> None:
    """To nearest and to even, subnormal numbers and overflow too: each half over three classes."""
    every = np.arange(1 << 16, dtype=np.uint16)
    with np.errstate(invalid="ignore"):  # signalling NaNs, which go at once
        values = numbers(every.view(np.float16) if dtype == "float16" else every)
    values = values[np.isfinite(values)]
    score, label = (np.full((len(values), 3), value) for value in (-np.inf, 1.0))

    arrays = {"input": score, "target": label, "cotangent": values}
    got = run(engine_of(name), "soft", {key: stored(array, dtype) for key, array in arrays.items()}, "none")

    assert np.array_equal(numbers(got)[:, 0], FORMATS[dtype].round(-values / 3))


@pytest.mark.parametrize("name", ["small", "device"])
def test_a_batch_may_be_empty_and_a_row_without_classes(name: str) -> None:
    """None, 0 and 0 / 0 of no rows; 0 / 0 of a row without classes; nothing to differentiate."""
    for operator, target in (("margin", np.int64), ("soft", np.float64)):
        empty = {"input": np.zeros((0, 3)), "target": np.zeros((0, 3), target)}
        bare = {"input": np.zeros((2, 0)), "target": np.zeros((2, 0), target)}
        engine = engine_of(name)

        assert run(engine, operator, empty, "none").shape == (0,)
        assert run(engine, operator, empty, "sum") == 0
        assert np.isnan(run(engine, operator, empty, "mean"))
        assert np.isnan(run(engine, operator, bare, "none")).tolist() == [True, True]
        assert run(engine, operator, {**bare, "cotangent": np.ones(2)}, "none").shape == (2, 0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"target": np.zeros((2, 4), np.int64)}, "target has shape (2, 4), input has (2, 3)"),
        ({"target": np.zeros((2, 3), np.int16)}, "target has dtype int16; it takes int32 or int64"),
        ({"input": np.zeros((2, 3), np.int32)}, "input has dtype int32; there are float16, bfloat16"),
        ({"input": [[0.0] * 3] * 2}, "arguments are builtins.list, numpy.ndarray; all must be CuPy arrays"),
        ({"reduction": "avg"}, "reduction 'avg': there are none, sum, mean"),
    ],
)
def test_what_it_does_not_take_is_named(change: dict[str, Any], words: str) -> None:
    """With the wrong value and what is on offer."""
    arguments: dict[str, Any] = {"input": np.zeros((2, 3)), "target": np.zeros((2, 3), np.int64)}

    with pytest.raises((TypeError, ValueError)) as caught:
        PORT.multilabel_margin_loss(**{**arguments, **change})

    assert str(caught.value).startswith(words)


def test_an_index_beyond_two_to_the_31_is_one() -> None:
    """The last rows of 8 GiB of scores, without the memory: only what is touched is there."""
    assert large_answers_emulated() == LARGE


def test_an_index_beyond_two_to_the_31_is_one_on_a_gpu() -> None:
    """With the memory: 32 GiB for scores, labels and slopes."""
    engine = engine_of("device")
    if engine.arrays.cuda.runtime.memGetInfo()[0] < 70 << 30:
        pytest.skip("the GPU has less than 70 GiB of free memory")

    assert large_answers(engine, engine.arrays.zeros) == LARGE
