"""Dtypes: of the result, and of arguments in another one than the page or the scores have."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import Domain, Fixed, drawn
from conformance.cases.operator import Argument, Operator
from conformance.judging.answers import Refused
from conformance.judging.compare import assert_dtype
from conformance.judging.shared import shared
from conformance.judging.subject import Subject

_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool")
_FLOATS = ("float16", "float32", "float64")
_NO_SCORES = ("int8", "int32", "int64", "bool", "complex64")
_HOLDS_MINUS_ONE = ("int8", "int16", "int32", "int64", "float16", "float32", "float64")


@shared(
    "dtypes.result",
    "quality",
    why="A loss in another dtype than its scores loses digits or costs memory that nobody asked for.",
    cases=drawn(("none", "mean"), scores="plain", labels="plain"),
    needs="inferred",
    also=("narrow", "wrapped"),
)
def result_has_the_dtype_of_the_scores(subject: Subject, case: Case) -> None:
    """The loss has the dtype of the input."""
    got = subject.result_of(case)

    assert_dtype(got, case.dtype)


def target_of(operator: Operator) -> Argument | None:
    """The argument that says what is right."""
    found = [argument for argument in operator.arguments if argument.role in ("labels", "indices")]
    return found[0] if found else None


def _targets(domain: Domain) -> list[Case]:
    """Two scores, and labels that every dtype can hold."""
    target = target_of(domain.operator)
    if domain.shapes or target is None:
        return []
    return [_with_target(domain, target, name) for name in (*_INTEGERS, *_FLOATS)]


def _two_labels(target: Argument, dtype: str) -> list[float]:
    """Valid labels of two classes; -1 is among them if it means something and the dtype holds it."""
    minus = dtype in _HOLDS_MINUS_ONE
    if target.role == "labels" and -1.0 in target.plainer:
        return [1, -1 if minus else 1]
    return [0, -1 if minus else 0] if -1 in target.keep else [1, 0]


def _with_target(domain: Domain, target: Argument, dtype: str) -> Case:
    scores = np.array([[0.25, 0.5]])
    axes = len([axis for axis in target.axes if axis not in domain.operator.free])
    labels = _two_labels(target, dtype)
    values = np.array([labels] if axes > 1 else labels, dtype=np.int64 if target.whole_numbers else np.float64)
    if axes == 1 and "C" not in domain.operator.sizes:
        scores = scores[0]
    elif axes == 1:
        values = values[:1]
    arrays = {argument.name: scores for argument in domain.operator.scores}
    case = domain.case(arrays={**arrays, target.name: values})
    return case.replace(dtypes={**case.dtypes, target.name: dtype})


@shared(
    "dtypes.targets",
    "open",
    "target-dtype",
    why="One page names a dtype for targets, the others show one in their examples; what the others do is recorded.",
    cases=Fixed(_targets),
    also=("narrow",),
    applies=lambda operator: target_of(operator) is not None,
)
def targets_of_every_dtype(subject: Subject, case: Case) -> str:
    """What targets of every integer, boolean and floating dtype give, scores of the variant's dtype beside them."""
    target = target_of(case.operator)
    return _what_comes(subject, case, case.dtype_of(target.name) if target else "")


def _what_comes(subject: Subject, case: Case, dtype: str) -> str:
    """What an argument of a dtype gives, in words."""
    try:
        got = subject.evaluate(case).value
    except Refused as refused:
        return f"{dtype} refused: {refused.signature}"
    expected = subject.expected_loss(case, as_documented=True)
    admitted = (
        got.values.size == expected.low.size
        and expected.admits(got.values.reshape(expected.low.shape), case.format).all()
    )
    words = "the formula's loss" if admitted else "another loss"
    return f"{dtype}: {words}" + (f", as {got.dtype}" if got.dtype != case.dtype else "")


def _scores(domain: Domain) -> list[Case]:
    """Scores of 0 and 1, all of one dtype that is no floating one: the same in every variant, so float32 is asked."""
    if domain.shapes or domain.dtype != "float32":
        return []
    target = target_of(domain.operator)
    case = _with_target(domain, target, domain.case().dtype_of(target.name)) if target else None
    return [_as_dtype(case, name) for name in _NO_SCORES] if case else []


def _as_dtype(case: Case, dtype: str) -> Case:
    arrays = {each.name: np.resize([0.0, 1.0], case[each.name].shape) for each in case.operator.scores}
    return case.replace(**arrays, dtypes={**case.dtypes, **dict.fromkeys(arrays, dtype)})


@shared(
    "dtypes.scores",
    "open",
    why="The pages show floating-point scores and say nothing of others: whether they are refused is recorded.",
    cases=Fixed(_scores),
    applies=lambda operator: target_of(operator) is not None,
)
def scores_of_no_floating_dtype(subject: Subject, case: Case) -> str:
    """What scores of integer, boolean and complex dtypes give."""
    return _what_comes(subject, case, case.dtype_of(case.operator.scores[0].name))


def _weights(domain: Domain) -> list[Case]:
    """Weights of 1 and 2 in the floating dtypes that the scores do not have."""
    target = target_of(domain.operator)
    if domain.shapes or target is None:
        return []
    case = _with_target(domain, target, domain.case().dtype_of(target.name))
    case = case.replace(weight=np.resize([1.0, 2.0], case.classes))
    others = [name for name in _FLOATS if name != domain.dtype]
    return [case.replace(dtypes={**case.dtypes, "weight": name}) for name in others]


@shared(
    "dtypes.weights",
    "open",
    why="Mixed precision hands over float32 weights beside float16 scores; no page speaks of it.",
    cases=Fixed(_weights),
    also=("narrow",),
    applies=lambda operator: operator.has("weight"),
)
def weights_of_another_dtype(subject: Subject, case: Case) -> str:
    """What weights of another floating dtype than the scores' give."""
    return _what_comes(subject, case, case.dtype_of("weight"))
