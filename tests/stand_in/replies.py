"""Replies of the stand-in: the NumPy port's, with one fault each."""

import importlib
from typing import Any

import numpy as np

MARGIN = "multilabel_margin_loss"
GRADIENT = "gradient:"


def _plain() -> Any:
    """The NumPy adapter, which the stand-in has loaded under its own name."""
    return importlib.import_module("numpy_adapter")


def sent(call: Any, name: Any) -> Any:
    """An argument or a vector of a call as an array; nothing if it is not there."""
    parts = dict(call["vectors"], **{given["name"]: given["array"] for given in call["arguments"]})
    return _plain()._array(parts[name]) if name in parts else None


def _with(call: Any, **changed: Any) -> Any:
    arrays = {
        name: {"dtype": str(array.dtype), "shape": list(array.shape), "data": array.tobytes()}
        for name, array in changed.items()
    }
    arguments = [dict(given, array=arrays.get(given["name"], given["array"])) for given in call["arguments"]]
    vectors = {name: arrays.get(name, array) for name, array in call["vectors"].items()}
    return dict(call, arguments=arguments, vectors=vectors)


def _without(call: Any, name: Any) -> Any:
    return dict(call, arguments=[given for given in call["arguments"] if given["name"] != name])


def _right(call: Any) -> Any:
    return _plain().evaluate(call)


def _labels_after_the_block_count(call: Any) -> Any:
    """Negative labels are skipped, not a terminator."""
    if call["operator"] != MARGIN:
        return _right(call)
    target = np.atleast_2d(sent(call, "target"))
    moved = np.full_like(target, -1)
    for row, labels in enumerate(target):
        kept = labels[labels >= 0]
        moved[row, : len(kept)] = kept
    return _right(_with(call, target=moved.reshape(sent(call, "target").shape)))


def _duplicates_collapse(call: Any) -> Any:
    """A label that stands twice counts once."""
    if call["operator"] != MARGIN:
        return _right(call)
    target = np.atleast_2d(sent(call, "target"))
    single = np.full_like(target, -1)
    for row, labels in enumerate(target):
        ends = np.flatnonzero(labels < 0)
        kept = list(dict.fromkeys(labels[: ends[0]].tolist() if len(ends) else labels.tolist()))
        single[row, : len(kept)] = kept
    return _right(_with(call, target=single.reshape(sent(call, "target").shape)))


def _scaled(call: Any, prefix: Any, factor: Any) -> Any:
    """What is wanted under names that begin so, times a factor."""
    reply = _right(call)
    for name in reply:
        if name.startswith(prefix):
            reply[name] = reply[name] * reply[name].dtype.type(factor)
    return reply


def _no_slope_by_weight(call: Any) -> Any:
    wanted = GRADIENT + "weight"
    reply = _right(dict(call, want=[name for name in call["want"] if name != wanted]))
    if wanted in call["want"]:
        reply[wanted] = sent(call, "weight") * 0
    return reply


def _one_loss_for_all_rows(call: Any) -> Any:
    """A loss that is not there for each row, and gradients without rows."""
    reply = _right(call)
    if call["options"].get("reduction") == "none" and "value" in reply:
        reply["value"] = reply["value"].reshape(-1)[:1].reshape(())
    for name in reply:
        if name.startswith(GRADIENT):
            reply[name] = reply[name].reshape(-1)
    return reply


def _by(call: Any, reduction: Any, factor: Any) -> Any:
    asked = call["options"].get("reduction", "mean")
    return _scaled(call, "value", factor) if asked == reduction else _right(call)


def _default_is_sum(call: Any) -> Any:
    """A reduction that is left out sums."""
    return _right(dict(call, options=dict({"reduction": "sum"}, **call["options"])))


def _cotangent_ignored(call: Any) -> Any:
    """The gradient is the one of a cotangent of ones."""
    cotangent = sent(call, "cotangent")
    return _right(call if cotangent is None else _with(call, cotangent=np.ones_like(cotangent)))


def _writes_input(call: Any) -> Any:
    reply = _right(call)
    if "after" in reply:
        first = call["arguments"][0]["name"]
        reply["after"][first] = reply["after"][first] * 0
    return reply


def _unbatched_adds_an_axis(call: Any) -> Any:
    reply = _right(call)
    shape = call["arguments"][0]["array"].get("shape", [])
    if len(shape) == 2 and "value" in reply and reply["value"].shape == ():
        reply["value"] = reply["value"].reshape(1)
    return reply


def _wide_result(call: Any) -> Any:
    reply = _right(call)
    if "value" in reply:
        reply["value"] = reply["value"].astype(np.float64)
    return reply


def _naive_soft(call: Any) -> Any:
    """log(1 + exp(x)), which overflows."""
    reply = _right(call)
    if call["operator"] != "multilabel_soft_margin_loss" or "value" not in call["want"]:
        return reply
    if "value" in reply and call["options"].get("reduction") == "none" and sent(call, "weight") is None:
        x, y = sent(call, "input"), sent(call, "target")
        with np.errstate(all="ignore"):
            losses = y * np.log(1 + np.exp(-x)) + (1 - y) * np.log(1 + np.exp(x))
        reply["value"] = (losses.sum(axis=-1) / x.shape[-1]).astype(x.dtype)
    return reply


def _sees_neighbours(call: Any) -> Any:
    reply = _right(call)
    if "value" in reply and reply["value"].ndim == 1 and len(reply["value"]) > 1:
        first = sent(call, call["arguments"][0]["name"])
        shifted = reply["value"] + reply["value"].dtype.type(0.25) * np.asarray(np.ptp(first[1:]) > 2)
        reply["value"] = shifted.astype(reply["value"].dtype)
    return reply


def _accepts_any_reduction(call: Any) -> Any:
    known = call["options"].get("reduction", "mean") in ("none", "sum", "mean")
    return _right(call if known else dict(call, options={}))


ODD: Any = {
    "one-loss-for-all-rows": _one_loss_for_all_rows,
    "refuses-the-first-weight-gradient": _no_slope_by_weight,
    "second-slope-negated": lambda call: _scaled(call, GRADIENT + "input2", -1),
}
"""Replies that only tests of the verdicts need."""

WRONG: Any = {
    "labels-after-the-block": _labels_after_the_block_count,
    "duplicates-collapse": _duplicates_collapse,
    "value-one-percent-large": lambda call: _by(call, "none", 1.01),
    "value-16-ulp-large": lambda call: _by(call, "none", 1 + 2.0**-19),
    "sum-is-mean": lambda call: _by(call, "sum", 0.5),
    "mean-not-divided": lambda call: _by(call, "mean", 3),
    "default-is-sum": _default_is_sum,
    "cotangent-ignored": _cotangent_ignored,
    "gradient-negated": lambda call: _scaled(call, GRADIENT, -1),
    "writes-its-input": _writes_input,
    "weight-ignored": lambda call: _right(_without(call, "weight")),
    "scalar-with-an-axis": _unbatched_adds_an_axis,
    "result-in-float64": _wide_result,
    "naive-soft-margin": _naive_soft,
    "rows-see-neighbours": _sees_neighbours,
    "any-reduction-accepted": _accepts_any_reduction,
}
"""Replies each of which breaks a clause."""
