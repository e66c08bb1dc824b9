"""Laws asked in this process: a subject whose worker is a Python function, right or with one fault."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from adapters.arrays import from_plain
from conformance.cases.case import Case
from conformance.cases.drawing import Domain
from conformance.cases.operator import Operator
from conformance.judging.answers import Refused, Undecided, Variant
from conformance.judging.bench import Bench, Limits
from conformance.judging.clause import Clause
from conformance.judging.compare import Deviation
from conformance.judging.subject import Subject
from conformance.operators.catalogue import OPERATORS, clauses
from reference.formats import Float64
from tests import stand_in_adapter

worker: Any = importlib.import_module("adapters.worker")

Array = npt.NDArray[Any]
Answer = Callable[[Any], Any]
"""Takes a call, gives a reply."""

LAYOUTS = ("contiguous", "strided")
OFFERS = (
    "value",
    "gradient",
    "gradient:weight",
    "gradient:target",
    "after",
    "accumulated",
    "forward",
    "second",
    "jacobian",
    "threads",
    "kept",
    "shares",
    "state",
    "repeated",
    "altered",
    "recomputed",
    "mapped",
    "mapped-gradient",
    "abstract",
    "grad-modes",
    "memory",
    "layouts",
    "another-mode",
    "another-form",
    "signature",
)


def plain_dtypes(operator: Operator) -> tuple[tuple[str, str], ...]:
    """Indices as int64, everything else as the scores are."""
    return tuple((argument.name, "int64") for argument in operator.arguments if argument.whole_numbers)


class Here:
    """In the place of a bench: answers in this process."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def evaluate(self, call: Any, limits: Limits, *, compiled: bool) -> Any:
        """The reply, as it would come through a worker."""
        del limits, compiled
        return worker.plain(self.answer(call))

    def discard(self) -> None:
        """There is no process to be started anew."""


def subject(clause: Clause, answer: Answer, dtype: str = "float64") -> Subject:
    """A subject of a clause's operator that answers so."""
    form = clause.binding.forms[-1] if clause.binding.forms else "port"
    variant = Variant(clause.operator.name, form, "other", "cpu", dtype)
    dtypes = plain_dtypes(clause.operator)
    found = Subject(variant, cast(Bench, Here(answer)), Limits(), clause.operator, dtypes, OFFERS)
    return replace(found, layouts=LAYOUTS, first_mode="eager")


def broken(name: str, answer: Answer, dtype: str = "float64") -> bool:
    """Whether one of a clause's cases breaks it."""
    (clause,) = clauses(name)
    asked = subject(clause, answer, dtype)
    for case in clause.draw.cases(Domain(clause.operator, dtype, asked.dtypes), 20, clause.id, 0):
        try:
            clause.law(asked, case)
        except (Deviation, Refused):
            return True
        except Undecided:
            return False
    return False


def _with_gradient(call: Any, arrays: dict[str, Array]) -> Any:
    """A call that wants the loss and its first gradient as well, for its cotangent or for ones."""
    shape = plain_shape(call, arrays) if call["options"].get("reduction") == "none" else ()
    ones: Array = np.ones(shape)
    asked = _with(call, "cotangent", arrays.get("cotangent", ones))
    asked["want"] = list(dict.fromkeys([*asked["want"], "value", f"gradient:{next(iter(arrays))}"]))
    return asked


def right(call: Any) -> Any:
    """The NumPy port, with every further want computed from its gradient and the formulas."""
    arrays = sent(call)
    first = next(iter(arrays))
    want = [word for word in call["want"] if word in _FURTHER]
    asked = dict(call, want=[word for word in call["want"] if word not in want])
    if want:
        asked = _with_gradient(asked, arrays)
    reply: dict[str, Any] = stand_in_adapter.plain.evaluate(asked)
    if "raised" in reply:
        return reply
    arrays = sent(asked)
    known = {**reply, "gradient": reply[f"gradient:{first}"]} if want else reply
    whole = {**reply, **{word: _FURTHER[word](call, arrays, known) for word in want}}
    return {word: whole[word] for word in {"value", *call["want"]} & set(whole)}


def sent(call: Any) -> dict[str, Array]:
    """Arguments and vectors of a call; lists stay lists."""
    named = {given["name"]: given["array"] for given in call["arguments"]} | call["vectors"]
    return {name: plain["list"] if "list" in plain else from_plain(plain) for name, plain in named.items()}


def plain_shape(call: Any, arrays: dict[str, Array]) -> tuple[int, ...]:
    """The shape of the result of reduction ``none``."""
    operator = OPERATORS[call["operator"]]
    case = Case(operator, call["dtype"], {name: array for name, array in arrays.items() if operator.has(name)})
    return case.result_shape


def _with(call: Any, name: str, array: Array) -> Any:
    stored = np.asarray(array, dtype=call["dtype"])
    plain = {"dtype": call["dtype"], "shape": list(stored.shape), "data": stored.tobytes()}
    return dict(call, vectors={**call["vectors"], name: plain})


def _scale(call: Any, arrays: dict[str, Array]) -> Float64:
    """W g / C, of the input's shape."""
    rows, classes = arrays["input"].shape
    upstream = np.broadcast_to(arrays["cotangent"].reshape(-1, 1), (rows, classes)).astype(np.float64)
    weight = arrays["weight"] if "weight" in arrays else np.ones(classes)
    mean = call["options"].get("reduction") == "mean"
    return np.asarray(upstream * weight / classes / (rows if mean else 1), dtype=np.float64)


def _second(call: Any, arrays: dict[str, Array], reply: Any) -> Array:
    del reply
    if call["operator"] == "multilabel_margin_loss":
        return np.zeros_like(arrays["input"])
    decay = np.exp(-np.abs(arrays["input"]))
    if call["operator"] == "soft_margin_loss":
        mean = call["options"].get("reduction") == "mean"
        scale = arrays["cotangent"] / (arrays["input"].size if mean else 1)
        return np.asarray(scale * arrays["tangent"] * decay / (1 + decay) ** 2)
    return np.asarray(_scale(call, arrays) * arrays["tangent"] * decay / (1 + decay) ** 2)


def _by_weight(call: Any, arrays: dict[str, Array], reply: Any) -> Array:
    del reply
    plain = {name: array for name, array in arrays.items() if name != "weight"}
    losses = np.logaddexp(0, -arrays["input"]) * arrays["target"]
    losses += np.logaddexp(0, arrays["input"]) * (1 - arrays["target"])
    return np.asarray((losses * _scale(call, plain)).sum(axis=0))


def _forward(call: Any, arrays: dict[str, Array], reply: Any) -> Array:
    """Each element of the result has scores of its own."""
    inner = tuple(range(len(plain_shape(call, arrays)), reply["gradient"].ndim))
    return np.asarray((arrays["tangent"] * reply["gradient"]).sum(axis=inner))


def _jacobian(call: Any, arrays: dict[str, Array], reply: Any) -> Array:
    shape, gradient = plain_shape(call, arrays), reply["gradient"]
    elements = int(np.prod(shape))
    blocks = np.zeros((elements, elements, gradient.size // elements), dtype=gradient.dtype)
    blocks[np.arange(elements), np.arange(elements)] = gradient.reshape(elements, -1)
    return blocks.reshape(*shape, *gradient.shape)


_FURTHER: dict[str, Callable[[Any, dict[str, Array], Any], Array | list[str]]] = {
    "accumulated": lambda call, arrays, reply: arrays["held"] + reply["gradient"],
    "forward": _forward,
    "second": _second,
    "jacobian": _jacobian,
    "gradient:weight": _by_weight,
    "gradient:target": lambda call, arrays, reply: -arrays["input"] * _scale(call, arrays),
    "threads": lambda call, arrays, reply: np.stack([reply["value"]] * 4),
    "kept": lambda call, arrays, reply: reply["value"],
    "repeated": lambda call, arrays, reply: reply["gradient"],
    "altered": lambda call, arrays, reply: reply["gradient"],
    "recomputed": lambda call, arrays, reply: reply["gradient"],
    "mapped-gradient": lambda call, arrays, reply: np.stack([reply["gradient"]] * 3),
    "mapped": lambda call, arrays, reply: np.stack([reply["value"]] * 4),
    "abstract": lambda call, arrays, reply: np.zeros_like(reply["value"]),
    "grad-modes": lambda call, arrays, reply: np.stack([reply["value"]] * 3),
    "memory": lambda call, arrays, reply: np.asarray(2**20),
    "shares": lambda call, arrays, reply: [],
    "state": lambda call, arrays, reply: [],
}
