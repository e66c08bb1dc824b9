"""A loss whose target is any number: description, verdicts, gradients to both arguments, mistakes of its author."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FORMULA = '''
"""Half the squared error up to delta, linear beyond, of each element."""
from reference.engine.formula import ArgumentSpec, Formula
from reference.engine.words import where


def documented(input, target, delta):
    size = abs(input - target)
    return where(size <= delta, 0.5 * size**2, delta * (size - 0.5 * delta))


FORMULA = Formula(
    name="huber_loss",
    arguments=(
        ArgumentSpec("input", "N? D", differentiable=True),
        ArgumentSpec("target", "N? D", domain="finite", differentiable=True),
    ),
    options={"delta": 1.0},
    documented=documented,
    careful=documented,
)
'''
DESCRIPTION = """
from conformance.cases.operator import Argument, Operator, Option, Source
from conformance.cases.values import scores

from .formula import FORMULA


def largest(format):
    return 2.0 ** (format.largest_exponent - 8)


def argument(name):
    values = scores(largest, largest)
    return Argument(name, ("N", "D"), "scores", values, lattice=lambda _: (-2.0, 0.0, 1.0), differentiable=True)


def page(words):
    return (Source("f.huber_loss", "https://example.org", "1.0", words),)


OPERATOR = Operator(
    name="huber_loss",
    word="huber",
    title="Huber loss",
    arguments=(argument("input"), argument("target")),
    result=("N", "D"),
    formula=FORMULA,
    options=(Option("delta", (2.0, 0.5), 1.0),),
    sizes={"N": (1, 4), "D": (1, 5)},
    cuts=("N", "D"),
    pages={"formula": page("0.5 d^2 up to delta"), "same-shape": page("Target: the input's shape.")},
    properties=frozenset({"not-negative", "convex"}),
)
"""
LOSSES = """
import numpy as np


def huber(input, target, delta=1.0, reduction="mean"):
    if input.shape != target.shape or reduction not in ("none", "sum", "mean"):
        raise ValueError("input %s, target %s, reduction %r" % (input.shape, target.shape, reduction))
    one = input.dtype.type
    size = np.abs(input - target)
    with np.errstate(over="ignore"):
        losses = np.where(size <= delta, one(0.5) * size * size, one(delta) * (size - one(0.5 * delta)))
    return losses if reduction == "none" else getattr(losses, reduction)(dtype=losses.dtype)


def huber_gradient(input, target, cotangent, delta=1.0, reduction="mean", to="input"):
    slopes = np.clip(input - target, -delta, delta)
    slopes = -slopes if to == "target" else slopes
    return (slopes * cotangent / (input.size if reduction == "mean" else 1)).astype(input.dtype)
"""


def check(folder: Path, *edits: tuple[str, str], role: str = "scores") -> subprocess.CompletedProcess[str]:
    """``check`` of the function with some of the text replaced, in float32."""
    files = {"operators/huber_loss/formula.py": FORMULA, "operators/huber_loss/__init__.py": DESCRIPTION}
    for name, text in {**files, "losses.py": LOSSES}.items():
        for old, new in edits:
            text = text.replace(old, new)
        if role != "scores":
            text = text.replace(', argument("target")', f', replace(argument("target"), role="{role}")')
            text = text.replace("from .formula", "from dataclasses import replace\nfrom .formula")
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    words = ["--framework", "numpy", "--operators-from", "operators", "--operator", "huber_loss", "--dtype", "float32"]
    command = [sys.executable, str(ROOT / "lossproof.py"), "check", "losses.py:huber", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("role", ["scores", "labels"])
def test_a_right_regression_loss_conforms(tmp_path: Path, role: str) -> None:
    """Whether its target is called scores or labels."""
    found = check(tmp_path, role=role)

    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize(
    ("role", "clause"), [("scores", "huber.gradients.of-rows"), ("labels", "huber.gradients.of-labels")]
)
def test_the_gradient_to_the_target_is_asked(tmp_path: Path, role: str, clause: str) -> None:
    """Its sign turned is found, and the program asks for that gradient."""
    found = check(tmp_path, ("-slopes if", "slopes if"), role=role)

    assert found.returncode == 1
    assert clause in found.stdout
    assert "to='target'" in found.stdout


@pytest.mark.parametrize(
    ("edit", "clause"),
    [
        (("    return losses if", "    losses[size > 1e20] = np.nan\n    return losses if"), "huber.numbers"),
        (("    slopes = -slopes", "    slopes += 0 * (input - target) ** 2\n    slopes = -slopes"), "huber.gradients"),
    ],
    ids=["value", "gradient"],
)  # fmt: skip
def test_nan_is_no_rounding_of_a_part_that_is_not_taken(tmp_path: Path, edit: tuple[str, str], clause: str) -> None:
    """The square of a large difference overflows, and the formula does not take it there."""
    found = check(tmp_path, edit)

    assert found.returncode == 1
    assert clause in found.stdout


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (('"convex"', '"konvex"'), "properties: no 'konvex'; there are convex"),
        (('"formula": page', '"formulas": page'), "pages: no 'formulas'; there are default"),
        (('"scores", values', '"label", values'), "the role of input: no 'label'; there are indices"),
        (('domain="finite"', 'domain="real"'), "target: no domain 'real'; there are finite"),
        (("(2.0, 0.5), 1.0)", "(2.0, 0.5), 3.0)"), "defaults {'delta': 3.0}, those of the formula are {'delta': 1.0}"),
        (('Option("delta"', 'Option("beta"'), "defaults {'beta': 1.0}, those of the formula are {'delta': 1.0}"),
        (('domain="finite", differentiable=True', 'domain="finite"'), "target is differentiable in one of"),
        (('argument("input"), argument("target")', 'argument("target"), argument("input")'),
         "arguments target, input, those of the formula are input, target"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)  # fmt: skip
def test_a_mistake_in_the_description_is_told_in_a_line(tmp_path: Path, edit: tuple[str, str], says: str) -> None:
    """Exit status 2, before anything is asked."""
    found = check(tmp_path, edit)

    assert found.returncode == 2
    assert says in found.stderr
    assert found.stderr.count("\n") == 1
