"""Each clause that the zoo does not have a fault for is broken by one that is made for it, and by no right answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from conformance.cases.drawing import Domain
from conformance.judging.clause import Clause
from conformance.operators.catalogue import clauses
from tests.laws import Answer, broken, plain_dtypes, right, sent

State = dict[str, Any]


def changed(word: str, change: Callable[[Any], Any]) -> Callable[[State], Answer]:
    """A fault in one part of the reply."""

    def make(state: State) -> Answer:
        del state

        def answer(call: Any) -> Any:
            reply = right(call)
            return {**reply, word: change(reply[word])} if word in reply else reply

        return answer

    return make


def where(holds: Callable[[Any], bool], change: Callable[[Any], Any] = lambda value: value * 1.5 + 1) -> Any:
    """A fault in the value of some calls."""

    def make(state: State) -> Answer:
        del state

        def answer(call: Any) -> Any:
            reply = right(call)
            return {**reply, "value": change(reply["value"])} if "value" in reply and holds(call) else reply

        return answer

    return make


def slope_where(
    holds: Callable[[Any], bool], change: Callable[[Any], Any] = lambda slope: slope * 1.5 + 1
) -> Callable[[State], Answer]:
    """A fault in every gradient of some calls."""

    def make(state: State) -> Answer:
        del state

        def answer(call: Any) -> Any:
            reply = right(call)
            wrong = [name for name in reply if name.startswith("gradient:") and holds(call)]
            return {**reply, **{name: change(reply[name]) for name in wrong}}

        return answer

    return make


def after_refusals(state: State) -> Answer:
    """Wrong once something was refused."""

    def answer(call: Any) -> Any:
        reply = right(call)
        state["spoilt"] = state.get("spoilt", False) or "raised" in reply
        return {**reply, "value": reply["value"] + 1} if state["spoilt"] and "value" in reply else reply

    return answer


def nan_for_zero(gradient: Any) -> Any:
    """NaN where nothing counts."""
    return np.where(gradient == 0, np.nan, gradient)


def threads_apart(state: State) -> Answer:
    """Each thread sees another part of the result."""

    def spoil(values: Any) -> Any:
        return np.stack([value * place for place, value in enumerate(values)])

    return changed("threads", spoil)(state)


def counting(state: State) -> Answer:
    """Another last digit at every call."""

    def answer(call: Any) -> Any:
        state["calls"] = state.get("calls", 0) + 1
        reply = right(call)
        return {**reply, "value": reply["value"] * (1 + 1e-15 * state["calls"]) + 1e-300} if "value" in reply else reply

    return answer


def wrong_at_first(state: State) -> Answer:
    """Right from the second call on."""

    def answer(call: Any) -> Any:
        state["calls"] = state.get("calls", 0) + 1
        reply = right(call)
        return {**reply, "value": reply["value"] + 1} if state["calls"] == 1 else reply

    return answer


def scores(call: Any) -> Any:
    """The scores of a call."""
    return next(iter(sent(call).values()))


def block_length(call: Any) -> int:
    """Length of the first row's block."""
    row = sent(call)["target"].reshape(-1).tolist()
    return row.index(-1) if -1 in row else len(row)


def accepts(**changes: Any) -> Callable[[State], Answer]:
    """Answers every call that would be refused."""

    def make(state: State) -> Answer:
        del state

        def answer(call: Any) -> Any:
            reply = right(call)
            return {"value": np.zeros(()), **changes} if "raised" in reply else reply

        return answer

    return make


def permuted_labels(call: Any) -> bool:
    """Whether the first label is greater than the second."""
    row = sent(call)["target"].reshape(-1).tolist()
    return len(row) > 1 and row[0] > row[1] >= 0


FAULTS: dict[str, Callable[[State], Answer]] = {
    "*.value.not-negative": changed("value", lambda value: -value),
    "*.value.convex": changed("value", np.tanh),
    "*.value.monotone": changed("value", lambda value: -value),
    "*.numbers.signed-zeros": where(lambda call: bool(np.signbit(scores(call))[scores(call) == 0].any())),
    "*.layout.same-result": where(lambda call: call["layout"] == "strided"),
    "*.layout.same-call-twice": counting,
    "*.layout.first-call": wrong_at_first,
    "*.layout.two-threads": threads_apart,
    "*.layout.result-kept": changed("kept", lambda value: value + 1),
    "*.layout.result-apart": changed("shares", lambda names: ["input"]),
    "*.layout.settings-as-before": changed("state", lambda names: ["default dtype: float64, was float32"]),
    "*.modes.mapped-along-any-axis": changed("mapped", lambda value: value + 1),
    "*.modes.gradients-on-and-off": changed("grad-modes", lambda value: value + 1),
    "*.modes.without-data": changed("abstract", lambda value: np.float32(value)),
    "*.cost.memory": changed("memory", lambda taken: taken * 64),
    "*.gradients.repeated": changed("repeated", lambda value: value / 2 + 1e-9),
    "*.gradients.recomputed": changed("recomputed", lambda value: value / 2 + 1e-9),
    "*.gradients.mapped": changed("mapped-gradient", lambda value: value / 2 + 1e-9),
    "*.gradients.arguments-altered": changed("altered", lambda value: value / 2 + 1e-9),
    "*.gradients.empty-batch": slope_where(lambda call: scores(call).size == 0, lambda slope: np.zeros(3)),
    "*.shapes.numbers-of-rows": where(lambda call: scores(call).shape[0] == 129),
    "*.gradients.numbers-of-rows": slope_where(lambda call: scores(call).shape[0] == 512),
    "*.shapes.sizes-of-a-row": where(lambda call: scores(call).shape[1] == 33),
    "*.gradients.sizes-of-a-row": slope_where(lambda call: scores(call).shape[1] == 17),
    "*.shapes.many-axes": where(lambda call: scores(call).ndim == 5),
    "*.gradients.many-axes": slope_where(lambda call: scores(call).ndim == 4),
    "*.options.far-values": where(lambda call: abs(call["options"].get("margin", 0.0)) > 3),
    "*.gradients.of-far-options": slope_where(lambda call: abs(call["options"].get("margin", 0.0)) > 3),
    "*.shapes.special-neighbours": where(lambda call: bool(np.isnan(scores(call)).any()), lambda value: value * np.nan),
    "*.shapes.another-place": where(lambda call: len(scores(call)) == 1),
    "*.modes.agree-with-the-first": where(lambda call: call["mode"] != "eager"),
    "*.modes.module-same-as-function": where(lambda call: call["form"] != "native"),
    "*.errors.shapes-differ": accepts(),
    "*.errors.in-pairs": accepts(),
    "*.errors.works-afterwards": after_refusals,
    "*.gradients.accumulated": changed("accumulated", lambda value: value * 1.001),
    "*.gradients.forward": changed("forward", lambda value: value * 1.001),
    "*.gradients.jacobian": changed("jacobian", lambda value: value + 1e-9),
    "*.gradients.second": changed("second", lambda value: value * 1.001 + 1e-9),
    "*.value.corpus": changed("value", lambda value: value * 1.001),
    "*.gradients.corpus": changed("gradient:input", lambda value: value * 1.001),
    "margin.value.zero-when-every-margin-is-met": changed("value", lambda value: value + 1e-9),
    "margin.numbers.translation": where(lambda call: scores(call).max() > 5),
    "margin.labels.any-order": where(permuted_labels),
    "margin.labels.first-negative-in-every-place": where(lambda call: block_length(call) == 0),
    "margin.gradients.sum-to-zero": changed("gradient:input", lambda value: value + 1e-9),
    "margin.gradients.zero-where-nothing-counts": changed(
        "gradient:input", lambda value: np.where(value == 0, np.nan, value)
    ),
    "soft.weights.linear": changed("value", lambda value: value + 1),
    "soft.labels.linear": where(lambda call: bool((sent(call)["target"] == 0.5).all())),
    "soft.errors.weight-size": accepts(),
    "soft.gradients.zero-weight": changed("gradient:input", lambda value: np.where(value == 0, 1e-30, value)),
    "soft.gradients.of-weight": changed("gradient:weight", lambda value: value * 1.001),
    "soft.gradients.of-labels": changed("gradient:target", lambda value: value * 1.001 + 1e-9),
    "*.legacy.module-signature": lambda state: right,
    "*.legacy.function-signature": lambda state: right,
}
"""By pattern of clauses, a fault that breaks them."""


def has_cases(clause: Clause) -> bool:
    """Whether there is anything to ask: the corpus has no cases of some operators."""
    domain = Domain(clause.operator, "float64", plain_dtypes(clause.operator))
    return bool(clause.draw.cases(domain, 1, clause.id, 0))


NAMED = [(clause.id, pattern) for pattern in FAULTS for clause in clauses(pattern) if has_cases(clause)]


@pytest.mark.parametrize(("name", "pattern"), NAMED, ids=[name for name, _ in NAMED])
def test_a_fault_that_a_clause_is_made_for_breaks_it(name: str, pattern: str) -> None:
    """On one of its first twenty cases."""
    assert broken(name, FAULTS[pattern]({}))


@pytest.mark.parametrize("name", [name for name, _ in NAMED if "signature" not in name])
def test_a_right_answer_breaks_nothing(name: str) -> None:
    """Neither in float64 nor in float32."""
    assert not broken(name, right)
    assert not broken(name, right, "float32")


def test_each_pattern_names_clauses() -> None:
    """None of the table's lines is idle."""
    assert all(clauses(pattern) for pattern in FAULTS)
