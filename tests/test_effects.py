"""What a function leaves behind, and faults beyond the drawn sizes: found by ``check`` in functions of NumPy."""

from __future__ import annotations

import json
import os
import platform
import textwrap
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from conformance.command.cli import cli

X86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="the bits that are set are this processor's")
ROOT = Path(__file__).resolve().parent.parent
HINGE, SOFT = "hinge_embedding_loss", "multilabel_soft_margin_loss"
FUNCTIONS = """
    import ctypes
    import gc
    import os
    import random
    import threading
    import warnings

    import numpy as np
    from numpy_port import hinge_embedding_loss, multilabel_soft_margin_loss as soft

    BUFFERS = {}

    def right(input, target, **options):
        return soft(input, target, **options)

    def overwritten(input, target, **options):
        value = np.asarray(soft(input, target, **options))
        kept = BUFFERS.setdefault((value.shape, value.dtype), np.empty_like(value))
        kept[...] = value
        return kept

    def own_input(input, target, margin=1.0, reduction="mean"):
        same = reduction == "none" and (target == 1).all()
        return input if same else hinge_embedding_loss(input, target, margin=margin, reduction=reduction)

    def loud(input, target, **options):
        np.seterr(under="warn")
        return soft(input, target, **options)

    def seeded(input, target, **options):
        np.random.seed(0)
        return soft(input, target, **options)

    def drawing(input, target, **options):
        np.random.random()
        return soft(input, target, **options)

    def shuffled(input, target, **options):
        random.random()
        return soft(input, target, **options)

    def silent(input, target, **options):
        warnings.filters.insert(0, ("ignore", None, Warning, None, 0))
        return soft(input, target, **options)

    def rounds_up(input, target, **options):
        ctypes.CDLL(None).fesetround(0x800)
        return soft(input, target, **options)

    def flushing(input, target, **options):
        environment = (ctypes.c_uint32 * 8)()
        ctypes.CDLL(None).fegetenv(environment)
        environment[7] |= 0x8040
        ctypes.CDLL(None).fesetenv(environment)
        return soft(input, target, **options)

    def uncollected(input, target, **options):
        gc.disable()
        return soft(input, target, **options)

    def printing(input, target, **options):
        np.set_printoptions(precision=3)
        return soft(input, target, **options)

    def waiting(input, target, **options):
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        return soft(input, target, **options)

    def pooled(input, target, **options):
        if not BUFFERS:
            BUFFERS["thread"] = threading.Thread(target=threading.Event().wait, daemon=True)
            BUFFERS["thread"].start()
        return soft(input, target, **options)

    def one_row_less(input, target, reduction="mean", **options):
        if reduction != "mean" or input.ndim < 2 or len(input) <= 4:
            return soft(input, target, reduction=reduction, **options)
        return (soft(input, target, reduction="sum", **options) / (len(input) - 1)).astype(input.dtype)

    def counts_in_16_bits(input, target, reduction="mean", **options):
        if reduction != "mean" or input.ndim < 2:
            return soft(input, target, reduction=reduction, **options)
        return (soft(input, target, reduction="sum", **options) / np.uint16(len(input) & 65535)).astype(input.dtype)

    def all_pairs(input, target, **options):
        np.maximum(input[..., :, None], input[..., None, :])
        return soft(input, target, **options)

    def late(input, target, **options):
        value = soft(input, target, **options)
        BUFFERS["calls"] = BUFFERS.get("calls", 0) + 1
        return value if BUFFERS["calls"] > 1 else np.zeros_like(value)

    def larger_with_four_axes(input, target, margin=1.0, reduction="mean"):
        value = hinge_embedding_loss(input, target, margin=margin, reduction=reduction)
        return value if input.ndim < 4 else np.asarray(value * value.dtype.type(1.5))

    def last_of_11_classes(input, target, **options):
        if input.shape[-1] != 11:
            return soft(input, target, **options)
        return soft(input[..., :10], target[..., :10], **{**options, "weight": None})

    def last_of_33_classes(input, target, **options):
        if input.shape[-1] < 33:
            return soft(input, target, **options)
        return soft(input[..., :32], target[..., :32], **{**options, "weight": None})
"""


def check(folder: Path, name: str, operator: str, *words: str) -> tuple[int, list[dict[str, Any]]]:
    """The exit status, and what deviates, in float32."""
    path = folder / "functions.py"
    path.write_text(f"import sys\nsys.path.insert(0, {str(ROOT / 'adapters')!r})\n" + textwrap.dedent(FUNCTIONS))
    target = ["check", f"{path}:{name}", "--operator", operator, "--framework", "numpy", "--dtype", "float32"]
    found = CliRunner().invoke(cli, [*target, "--cost", "cheap", "--format", "json", *words])
    return found.exit_code, [each for each in json.loads(found.stdout) if each["verdict"] == "deviates"]


@pytest.mark.parametrize(
    ("name", "operator", "sentence", "said"),
    [
        ("overwritten", SOFT, "layout.result-kept", ""),
        ("own_input", HINGE, "layout.result-apart", "the memory of input"),
        ("loud", SOFT, "layout.settings-as-before", "NumPy's handling of errors"),
        ("seeded", SOFT, "layout.settings-as-before", "NumPy's random numbers: changed"),
        ("drawing", SOFT, "layout.settings-as-before", "NumPy's random numbers: changed"),
        ("shuffled", SOFT, "layout.settings-as-before", "Python's random numbers: changed"),
        ("silent", SOFT, "layout.settings-as-before", "filters of warnings: changed"),
        ("uncollected", SOFT, "layout.settings-as-before", "garbage collection: off, was on"),
        ("printing", SOFT, "layout.settings-as-before", "NumPy's way of printing: "),
        ("waiting", SOFT, "layout.settings-as-before", "threads of Python: 1 more after each call"),
        pytest.param("rounds_up", SOFT, "layout.settings-as-before", "rounding of the processor: upwards", marks=X86),
        pytest.param("flushing", SOFT, "layout.settings-as-before", "results flushed to 0, arguments", marks=X86),
    ],
)
def test_what_a_call_leaves_behind_is_found(tmp_path: Path, name: str, operator: str, sentence: str, said: str) -> None:
    """By the clause that says so, and by no other of its family."""
    status, deviating = check(tmp_path, name, operator, "--clause", "*.layout.[rs]e*")

    assert status == 1
    assert {each["clause"].partition(".")[2] for each in deviating} == {sentence}
    assert all(said in each["counterexample"]["got"] for each in deviating)


def test_a_mean_that_is_wrong_for_more_than_four_rows_is_found_with_five(tmp_path: Path) -> None:
    """No drawn batch has so many; the witness has no more than it needs."""
    status, deviating = check(tmp_path, "one_row_less", SOFT, "--clause", "soft.shapes.numbers-of-rows")

    assert status == 1
    assert [each["counterexample"]["arguments"]["input"]["shape"] for each in deviating] == [[5, 1]]
    assert deviating[0]["counterexample"]["reduction"] == "mean"


def test_a_count_of_rows_in_16_bits_is_found(tmp_path: Path) -> None:
    """More than 2^16 rows wrap it."""
    words = ("--clause", "soft.numbers.mean-of-equal-rows", "--level", "quality")

    assert check(tmp_path, "counts_in_16_bits", SOFT, *words)[0] == 1
    assert check(tmp_path, "right", SOFT, *words) == (0, [])


@pytest.mark.parametrize(("name", "classes"), [("last_of_11_classes", 11), ("last_of_33_classes", 33)])
def test_classes_behind_a_vector_are_found_missing(tmp_path: Path, name: str, classes: int) -> None:
    """With as few classes as show it: 11 are a vector of 8 and a rest of 3."""
    status, deviating = check(tmp_path, name, SOFT, "--clause", "soft.shapes.sizes-of-a-row")

    assert status == 1
    assert deviating[0]["counterexample"]["arguments"]["input"]["shape"][-1] == classes


def test_a_first_call_that_is_wrong_is_found(tmp_path: Path) -> None:
    """In a second process as well, where nothing was asked before."""
    status, deviating = check(tmp_path, "late", SOFT, "--clause", "soft.[lv]*")

    assert status == 1
    assert [(each["clause"], each["repeatable"]) for each in deviating] == [("soft.layout.first-call", True)]


def test_scores_of_four_axes_are_asked(tmp_path: Path) -> None:
    """No drawn case has more than three; the witness keeps four, of one place each."""
    status, deviating = check(tmp_path, "larger_with_four_axes", HINGE, "--clause", "hinge.shapes.*")

    assert status == 1
    assert [each["clause"] for each in deviating] == ["hinge.shapes.many-axes"]
    assert deviating[0]["counterexample"]["arguments"]["input"]["shape"] == [1, 1, 1, 1]


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="the kernel does not count memory anew")
def test_a_table_of_all_pairs_is_found_by_its_memory(tmp_path: Path) -> None:
    """A value that is right, and 64 MiB for rows of 32 KiB in all."""
    words = ("--clause", "soft.cost.memory", "--level", "quality")

    status, deviating = check(tmp_path, "all_pairs", SOFT, *words)

    assert status == 1
    assert "bytes for 16,384 numbers" in deviating[0]["counterexample"]["got"]
    assert check(tmp_path, "right", SOFT, *words) == (0, [])


def test_what_all_calls_share_is_not_left_behind_by_one(tmp_path: Path) -> None:
    """A thread that a first call starts and later ones use."""
    assert check(tmp_path, "pooled", SOFT, "--clause", "*.layout.settings-as-before") == (0, [])


def test_a_right_function_leaves_nothing_behind(tmp_path: Path) -> None:
    """Nor is it accused for its sizes."""
    for clause in ("*.layout.[rs]e*", "soft.shapes.[ns]*"):
        assert check(tmp_path, "right", SOFT, "--clause", clause) == (0, [])


def test_what_was_not_asked_is_said_with_the_reason(tmp_path: Path) -> None:
    """A function of NumPy without a gradient beside it, and without a mapping function; a clause of another level."""
    path = tmp_path / "functions.py"
    path.write_text(f"import sys\nsys.path.insert(0, {str(ROOT / 'adapters')!r})\n" + textwrap.dedent(FUNCTIONS))
    words = ["check", f"{path}:right", "--operator", SOFT, "--framework", "numpy", "--dtype", "float32"]

    whole = CliRunner().invoke(cli, [*words, "--clause", "soft.[gmv]*.[mors]*"])
    nothing = CliRunner().invoke(cli, [*words, "--clause", "soft.gradients.second"])

    (line,) = [line for line in whole.output.splitlines() if line.startswith("not asked, because it is not on offer: ")]
    assert "a mapping function: soft.modes.mapped-along-any-axis" in line
    assert "a gradient: soft.gradients." in line
    assert nothing.exit_code == 2
    assert "--clause soft.gradients.second: of level quality, which --level does not ask" in nothing.stderr
