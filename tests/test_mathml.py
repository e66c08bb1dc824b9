"""Formulas on pages: every node has words, the losses read as their pages print them, and texts are escaped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reference.engine import expression as e
from reference.engine import masks as m
from reference.engine.formula import Formula
from reference.engine.markup import Tree
from reference.engine.mathml import tree_of, written
from reference.engine.node import Node
from reference.engine.words import count, counted, exp, log1p, logsumexp, maximum, sigmoid, sqrt, where
from reports.site import MATHEMATICS, write_site
from tests.engine.cases import FORMULAS
from tests.html_pages import read_pages
from tests.made_runs import CLAUSES, HOSTILE, MARGIN, SOFT, make_run

NOT_ON_PAGES = {Node, e.Expression, m.Mask, m.Integers}
"""What other kinds of nodes are made of."""

NAMED = "∃ j′ : target_j′ = c ∧ (∀ j′′ ≤ j′ : target_j′′ ≥ 0)"
READ = {
    "multilabel_margin_loss": {
        "": f"[∑_[j , c : (∀ j′ ≤ j : target_j′ ≥ 0) ∧ ¬ ({NAMED})] max (0 , 1 − input_target_j + input_c)] / [C]"
    },
    "multilabel_soft_margin_loss": {
        "": "[− ∑_[c] weight_c · (target_c · log ([1] / [1 + e^(− input_c)])"
        " + (1 − target_c) · log ([e^(− input_c)] / [1 + e^(− input_c)]))] / [C]"
    },
    "multi_margin_loss": {
        "p=1": "[∑_[c : target ≠ c] weight_target · max (0 , margin − input_target + input_c)] / [C]",
        "p=2": "[∑_[c : target ≠ c] weight_target · max (0 , margin − input_target + input_c)^2] / [C]",
    },
    "soft_margin_loss": {"": "log (1 + e^(− target · input))"},
    "hinge_embedding_loss": {"": "{input if target = 1 ; max (0 , margin − input) else"},
    "margin_ranking_loss": {"": "max (0 , − target · (input1 − input2) + margin)"},
}


_SIGNS = {"mfrac": "[{}] / [{}]", "munder": "{}_[{}]", "msub": "{}_{}"}


def read(tree: Any) -> str:
    """A tree in one line."""
    if isinstance(tree, str):
        return tree.strip()
    tag, *parts = tree
    words = [read(part) for part in parts]
    if tag in _SIGNS:
        return _SIGNS[tag].format(*words)
    if tag == "msup":
        return f"{words[0]}^({words[1]})" if " " in words[1] else f"{words[0]}^{words[1]}"
    text = (" ; " if tag == "mtable" else " ").join(words)
    for loose, tight in (("( ", "("), (" )", ")"), ("{ ", "{"), (" }", "}"), ("| ", "|"), (" |", "|")):
        text = text.replace(loose, tight)
    return text


def tags(tree: Tree) -> Iterator[str]:
    """The tags of a tree."""
    parts: list[Tree] = [part for part in tree[1:] if not isinstance(part, str)]
    yield tree[0]
    for part in parts:
        yield from tags(part)


def kinds(of: type[Node]) -> Iterator[type[Node]]:
    """A kind of node and those that are kinds of it."""
    yield of
    for kind in of.__subclasses__():
        yield from kinds(kind)


@pytest.mark.parametrize("name", FORMULAS)
def test_a_loss_reads_as_its_page_prints_it(name: str) -> None:
    """Of one sample, with every optional argument, for each setting that chooses among formulas."""
    found = written(FORMULAS[name])

    assert {words: read(tree) for words, tree in found.items()} == READ[name]
    assert {tag for tree in found.values() for tag in tags(tree)} <= set(MATHEMATICS)


def test_every_kind_of_node_has_its_words() -> None:
    """A formula of the user's own is never half a page."""
    own = {kind for kind in kinds(Node) if kind.__module__.startswith("reference.")} - NOT_ON_PAGES
    assert own <= set(tree_of.registry)


def test_the_words_of_a_formula_of_the_users_own() -> None:
    """What the six losses do not say."""
    x, margin = e.Argument((), "x", ("C",)), e.Option((), "margin")
    places = {"C": ["mi", "c"]}
    said = {
        "[∑_[c′] x_c′] / [# {c′ : x_c′ > 0}]": x.total("C") / counted(x > 0, "C"),
        "log ∑_[c′] e^x_c′": logsumexp(x, "C"),
        "max (x_c , − 0.5)": maximum(x, -0.5),
        "|x_c − margin|^2": abs(x - margin) ** 2,
        "(x_c + 1)^3": (x + 1) ** 3,
        "log (1 + x_c)": log1p(x),
        "[1] / [1 + e^(− (x_c + 1))]": sigmoid(x + 1),
        "e^x_c · ({x_c if x_c ≥ 1 ; 2 else)": exp(x) * where(x >= 1, x, 2),
        "x_c": sqrt(x),
        "C · J": count("C", "J"),
        "{0 if x_c ≤ 1 ∧ (x_c = 2 ∨ ¬ (∃ c′ : x_c′ > 0)) ; 1 else": where(
            (x <= 1) & (x.equals(2) | ~(x > 0).any("C")), 0, 1
        ),
    }
    for words, node in said.items():
        assert read(tree_of(node, places)) == words
    assert tree_of(sqrt(x), places)[0] == "msqrt"


def test_a_mean_of_its_own_is_written_too() -> None:
    """A mean over what counts is a second formula."""

    def loss(input: e.Expression, target: m.Integers, weight: e.Expression) -> e.Expression:
        return -weight.at(target, axis="C") * input.at(target, axis="C")

    def mean(input: e.Expression, target: m.Integers, weight: e.Expression) -> e.Expression:
        return loss(input, target, weight).total("N") / weight.at(target, axis="C").total("N")

    arguments = FORMULAS["multi_margin_loss"].arguments
    of_nll = Formula("nll", arguments, documented=loss, careful=loss, mean=mean)

    found = {words: read(tree) for words, tree in written(of_nll).items()}

    assert found[""] == "− weight_target · input_target"
    assert found["mean"] == "[∑_[n] − weight_target_n · input_n , target_n] / [∑_[n] weight_target_n]"


def test_the_page_of_a_loss_shows_its_formula(tmp_path: Path) -> None:
    """From the first run that has it; what a run file says beside known tags is text."""
    strange: Tree = ["script", HOSTILE, [["b"], "x"], []]
    shown = {MARGIN: {"p=1": ["mi", "first"], HOSTILE: strange}}
    runs = [
        make_run(tmp_path / "a.jsonl", "torch", "2.9.1", CLAUSES, formulas=shown),
        make_run(tmp_path / "b.jsonl", "torch", "2.13.0", CLAUSES, formulas={MARGIN: {"": ["mi", "second"]}}),
    ]
    pages = read_pages(write_site(runs, tmp_path / "site").parent)

    page = pages[f"operator/{MARGIN}.html"]
    assert "formula" in page.ids
    assert ("mi", {}) in page.tags
    assert "script" not in {tag for tag, _ in page.tags}
    assert page.said().count(HOSTILE) == 2
    assert "first" in page.said()
    assert "second" not in page.said()
    assert "formula" not in pages[f"operator/{SOFT}.html"].ids
