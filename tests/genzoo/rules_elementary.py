"""Elementary functions in the forms that lose digits, overflow, are padded, clipped or switched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from reference.engine import expression as e
from reference.engine.formula import Graph
from reference.engine.node import Node
from reference.engine.words import exp, log, log1p, maximum, minimum, positive_part, sigmoid, sqrt, where
from tests.genzoo.changes import Change, Rule, first

_LOG_2 = 0.6931471805599453


@dataclass(frozen=True)
class Form:
    """Another form of a function."""

    name: str
    kind: str
    words: str
    make: Callable[[e.Expression], e.Expression]


def _clipped(p: e.Expression) -> e.Expression:
    return minimum(maximum(p, 1e-7), 1 - 1e-7)


_SOFTPLUS = (
    Form("naive", "a naive step", "as log(1 + e^a)", lambda a: log(1 + exp(a))),
    Form("log1p_of_exp", "a naive step", "as log1p(e^a)", lambda a: log1p(exp(a))),
    Form("log_of_sigmoid", "a naive step", "as -log(sigmoid(-a))", lambda a: -log(sigmoid(-a))),
    Form("log_of_rest", "a naive step", "as -log(1 - sigmoid(a))", lambda a: -log(1 - sigmoid(a))),
    Form("without_log1p", "a naive step", "as max(0, a) + log(1 + e^-|a|)", lambda a: positive_part(a) + _tail(a)),
    Form("padded", "an epsilon inside a logarithm", "as -log(sigmoid(-a) + 1e-7)", lambda a: -log(sigmoid(-a) + 1e-7)),
    Form("padded_less", "an epsilon inside a logarithm", "as -log(sigmoid(-a) + 1e-12)",
         lambda a: -log(sigmoid(-a) + 1e-12)),
    Form("clipped", "a clipped probability", "as -log of a probability from 1e-7 to 1 - 1e-7",
         lambda a: -log(_clipped(sigmoid(-a)))),
    Form("clamped", "a clamped logarithm", "at most 100", lambda a: minimum(_softplus(a), 100.0)),
    Form("from_20", "a switch too early", "as a above 20", lambda a: where(a > 20.0, a, _softplus(a))),
    Form("to_minus_20", "a switch too early", "as 0 below -20", lambda a: where(a > -20.0, _softplus(a), 0.0)),
    Form("hinge", "a function for another", "as max(0, a)", positive_part),
    Form("base_2", "a logarithm of base 2", "over log 2", lambda a: _softplus(a) / _LOG_2),
)  # fmt: skip


def _softplus(a: e.Expression) -> e.Expression:
    return e.Elementary((a,), "softplus")


def _tail(a: e.Expression) -> e.Expression:
    return log(1 + exp(-abs(a)))


_FORMS: dict[str, tuple[Form, ...]] = {
    "softplus": _SOFTPLUS,
    "sigmoid": (
        Form("naive", "a naive step", "as e^a / (1 + e^a)", lambda a: exp(a) / (1 + exp(a))),
        Form("clipped", "a clipped probability", "from 1e-7 to 1 - 1e-7", lambda a: _clipped(sigmoid(a))),
        Form("rest", "a naive step", "as 1 - sigmoid(-a)", lambda a: 1 - sigmoid(-a)),
    ),
    "exp": (
        Form("linear", "a function for another", "as 1 + a", lambda a: 1 + a),
        Form("clamped", "a clamped exponent", "of at most 50", lambda a: exp(minimum(a, 50.0))),
    ),
    "log": (
        Form("padded", "an epsilon inside a logarithm", "of a + 1e-7", lambda a: log(a + 1e-7)),
        Form("padded_less", "an epsilon inside a logarithm", "of a + 1e-12", lambda a: log(a + 1e-12)),
        Form("clipped", "a clipped probability", "of at least 1e-7", lambda a: log(maximum(a, 1e-7))),
        Form("base_2", "a logarithm of base 2", "over log 2", lambda a: log(a) / _LOG_2),
    ),
    "log1p": (Form("naive", "a naive step", "as log(1 + a)", lambda a: log(1 + a)),),
    "sqrt": (Form("padded", "an epsilon under a root", "of a + 1e-12", lambda a: sqrt(a + 1e-12)),),
}


def of_elementary(node: e.Elementary, graph: Graph) -> Iterator[Change]:
    """Other forms of an elementary function."""
    del graph
    for form in _FORMS.get(node.function, ()):
        yield Change(form.name, form.kind, form.words, partial(_made, form))


def _made(form: Form, graph: Graph, node: e.Elementary) -> Node:
    del graph
    return form.make(first(node))


RULES: dict[type[Node], Rule] = {e.Elementary: of_elementary}
"""By the kind of node."""
