"""``lossproof check`` of operators with options, indices and several inputs: right functions, and faults in them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from conformance.command.cli import cli
from conformance.command.show import can_find
from conformance.running.discover import ADAPTERS
from tests.kernels import promised

TORCH = os.environ.get("LOSSPROOF_TORCH", sys.executable)
"""An interpreter that has torch, if this one has not."""

MULTI = """
    import numpy as np


    def prepared(input, target, p, margin, weight, reduction):
        if reduction not in ("none", "sum", "mean") or p not in (1, 2):
            raise ValueError("reduction or power")
        if np.ndim(input) not in (1, 2) or np.shape(input)[:-1] != np.shape(target):
            raise ValueError("shapes")
        if weight is not None and np.shape(weight) != np.shape(input)[-1:]:
            raise ValueError("weight")
        scores, labels = np.atleast_2d(input), np.atleast_1d(target)
        if ((labels < 0) | (labels >= scores.shape[1])).any():
            raise IndexError("class")
        rows = np.arange(len(labels))
        gaps = (margin - scores[rows, labels][:, np.newaxis]) + scores
        factors = np.ones_like(scores) if weight is None else weight[labels][:, np.newaxis] * np.ones_like(scores)
        factors[rows, labels] = 0
        return rows, labels, np.where(gaps <= 0, 0, gaps).astype(scores.dtype), factors


    def loss(input, target, p=1, margin=1.0, weight=None, reduction="mean"):
        rows, labels, gaps, factors = prepared(input, target, p, margin, weight, reduction)
        gaps[rows, labels] = 0
        losses = (factors * gaps**p).sum(axis=1, dtype=gaps.dtype) / gaps.dtype.type(gaps.shape[1])
        if reduction == "none":
            return losses if np.ndim(input) == 2 else losses[0]
        total = losses.sum(dtype=losses.dtype)
        wide = np.result_type(losses, np.float32)  # the sum of half-precision losses may overflow, their mean may not
        return total if reduction == "sum" else losses.mean(dtype=wide).astype(losses.dtype)


    def loss_gradient(input, target, cotangent, p=1, margin=1.0, weight=None, reduction="mean"):
        rows, labels, gaps, factors = prepared(input, target, p, margin, weight, reduction)
        slopes = factors * ((gaps > 0) if p == 1 else 2 * gaps) / gaps.dtype.type(gaps.shape[1])
        slopes[rows, labels] = 0
        slopes[rows, labels] = -slopes.sum(axis=1, dtype=slopes.dtype)
        if reduction == "mean":
            slopes = slopes / slopes.dtype.type(len(slopes))
        slopes = slopes * np.broadcast_to(cotangent, labels.shape)[:, np.newaxis]
        return slopes.astype(input.dtype).reshape(input.shape)
"""
RANKING = """
    import torch


    def loss(input1, input2, target, margin=0.0, reduction="mean"):
        if not input1.shape == input2.shape == target.shape or reduction not in ("none", "sum", "mean"):
            raise ValueError("shapes or reduction")
        losses = torch.clamp_min(-target * (input1 - input2) + margin, 0)
        return losses if reduction == "none" else getattr(losses, reduction)()
"""
FAULTS = {
    "margin ignored": ("(margin - scores", "(1 - scores"),
    "a large margin without its fraction": ("(margin - scores", "(min(margin, max(3, int(margin))) - scores"),
    "p ignored": ("gaps**p", "gaps"),
    "weight of the wrong class": ("weight[labels][:, np.newaxis]", "weight"),
    "weight ignored in the gradient": ("slopes = factors *", "slopes = np.where(factors, 1, 0) *"),
    "the power's factor is missing": ("else 2 * gaps", "else gaps"),
}
RANKING_FAULTS = {
    "sign of y": ("-target * ", "target * "),
    "margin ignored": (" + margin", ""),
    "gradient to input2 negated": ("- input2)", "- (input2.detach() - (input2 - input2.detach())))"),
    "inputs swapped": ("(input1 - input2)", "(input2 - input1)"),
}


def check(folder: Path, text: str, fault: tuple[str, str], *words: str) -> Result:
    """The command on a function with another text in the place of one."""
    source = textwrap.dedent(text)
    old, new = fault
    assert source.count(old) == 1 or old == new
    path = folder / "own_losses.py"
    path.write_text(source.replace(old, new), encoding="utf-8")
    return CliRunner().invoke(cli, ["check", f"{path}:loss", *words])


def of_multi(folder: Path, fault: tuple[str, str], *words: str) -> Result:
    """The same of the multi-class margin loss, in NumPy."""
    return check(folder, MULTI, fault, "--operator", "multi_margin_loss", "--framework", "numpy", *words)


def of_ranking(folder: Path, fault: tuple[str, str], *words: str) -> Result:
    """The same of the margin ranking loss, in torch."""
    promised("torch", there=can_find(TORCH, "torch"))
    framework = ("--operator", "margin_ranking_loss", "--framework", "torch", "--python", TORCH)
    return check(folder, RANKING, fault, *framework, *words)


def broken(found: Result) -> dict[str, Any]:
    """The counterexamples by clause."""
    findings = json.loads(found.stdout)
    return {each["clause"]: each["counterexample"] for each in findings if each["verdict"] == "deviates"}


def printed(python: str, counterexample: Any) -> str:
    """What a counterexample's reproducer prints."""
    command = [python, "-c", counterexample["reproducer"]]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_right_function_with_options_and_a_weight_conforms(tmp_path: Path) -> None:
    """In every format, at the highest level, with the gradient beside it."""
    found = of_multi(tmp_path, ("", ""), "--level", "quality")

    assert (found.exit_code, found.stderr) == (0, ""), found.stdout


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_an_option_or_a_weight_is_found(tmp_path: Path, fault: str) -> None:
    """The witness runs, in the function's own file."""
    found = of_multi(tmp_path, FAULTS[fault], "--dtype", "float32", "--format", "json")

    witnesses = broken(found)
    assert found.exit_code == 1
    assert any("gradient" in clause for clause in witnesses) or "gradient" not in fault
    assert all(printed(sys.executable, witness) for witness in witnesses.values() if "gradient" in fault)


def test_a_right_function_of_two_inputs_conforms(tmp_path: Path) -> None:
    """With torch's own gradients to both."""
    found = of_ranking(tmp_path, ("", ""), "--level", "quality")

    assert (found.exit_code, found.stderr) == (0, ""), found.stdout


@pytest.mark.parametrize("fault", RANKING_FAULTS)
def test_a_fault_in_a_function_of_two_inputs_is_found(tmp_path: Path, fault: str) -> None:
    """The witness of a wrong gradient to the second input alone differentiates to that input."""
    found = of_ranking(tmp_path, RANKING_FAULTS[fault], "--dtype", "float32", "--format", "json")

    witnesses = broken(found)
    assert found.exit_code == 1
    if "gradient" not in fault:
        assert "ranking.value.documented-formula" in witnesses
        return
    assert "ranking.gradients.of-rows" in witnesses
    assert "ranking.value.documented-formula" not in witnesses
    shown = [each for clause, each in witnesses.items() if clause.startswith("ranking.gradients.of-")]
    assert all("input2.requires_grad_()" in each["reproducer"] for each in shown)
    assert all("tensor(" in printed(TORCH, each) for each in shown)


TWICE = """
    import sys

    import numpy as np

    sys.path.insert(0, {adapters!r})
    from numpy_port import {name} as right


    def twice(*arguments, **options):
        loss = np.asarray(right(*arguments, **options))
        return np.stack([loss, loss], axis=-1)
"""


@pytest.mark.parametrize("name", ["multilabel_margin_loss", "multilabel_soft_margin_loss", "multi_margin_loss"])
def test_a_result_of_another_shape_is_a_deviation_for_every_clause(tmp_path: Path, name: str) -> None:
    """No law fails itself over it."""
    text = TWICE.format(adapters=str(ADAPTERS), name=name)
    (tmp_path / "mine.py").write_text(textwrap.dedent(text), encoding="utf-8")
    words = ["--framework", "numpy", "--operator", name, "--dtype", "float32", "--level", "quality", "--format", "json"]

    found = CliRunner().invoke(cli, ["check", f"{tmp_path / 'mine.py'}:twice", *words])

    findings = json.loads(found.stdout)
    assert {each["clause"]: each["words"] for each in findings if each["verdict"] == "harness-error"} == {}
    assert found.exit_code == 1
