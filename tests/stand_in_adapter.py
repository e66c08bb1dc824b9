"""A subject made for the tests: the NumPy port, with one fault that LOSSPROOF_FAULT names."""

import importlib.util
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

ADAPTERS = Path(__file__).resolve().parent.parent / "adapters"
FAULT = os.environ.get("LOSSPROOF_FAULT", "")
MARK = Path(os.environ.get("LOSSPROOF_MARK", os.devnull))


def _load(name: str) -> Any:
    spec: Any = importlib.util.spec_from_file_location(name, str(ADAPTERS / (name + ".py")))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


port = _load("numpy_port")
plain = _load("numpy_adapter")


def describe() -> Any:
    """What NumPy offers, under another name, or what the fault makes of it."""
    if FAULT == "imports-slowly":
        time.sleep(2)
    description = plain.describe()
    description["framework"] = "stand-in"
    description["version"] = "1.0"
    return DESCRIBED.get(FAULT, lambda whole: whole)(description)


def _with_margin(description: Any, **changed: Any) -> Any:
    description["operators"]["multilabel_margin_loss"].update(changed)
    return description


def _with_weight_gradient(description: Any) -> Any:
    description["operators"]["multilabel_soft_margin_loss"]["offers"] += ["weight_gradient"]
    return description


NO_COMPILER = {"mode": "compiled", "words": "no C++ compiler on this machine; install g++"}
DESCRIBED: Any = {
    "describes-nothing": lambda whole: {},
    "describes-a-path": lambda whole: dict(whole, framework="../elsewhere"),
    "describes-an-unknown-dtype": lambda whole: _with_margin(whole, dtypes=["float33"]),
    "mode-left-out": lambda whole: dict(whole, left_out=[NO_COMPILER]),
    "refuses-the-first-weight-gradient": lambda whole: _with_weight_gradient(whole),
    "no-evidence": lambda whole: dict(whole, compiled=["eager"]),
    "declares-an-unknown-cost": lambda whole: _with_margin(whole, by_mode={"eager": {"costs": ["dear"]}}),
    "declares-itself-slow": lambda whole: _with_margin(whole, by_mode={"eager": {"costs": ["slow-calls"]}}),
    "offers-of-an-unknown-mode": lambda whole: _with_margin(whole, by_mode={"lazy": {"offers": ["value"]}}),
    "eager-offers-the-value-alone": lambda whole: _with_margin(
        whole, by_mode={"eager": {"offers": ["value"], "dtypes": ["float64"]}}
    ),
}


BROKEN_REPLIES: Any = {
    "returns-none": lambda: None,
    "returns-no-value": lambda: {"loss": np.zeros(2, np.float32)},
    "returns-objects": lambda: {"value": np.array([None, None])},
    "returns-what-cannot-be-sent": lambda: {"value": np.zeros(2, np.float32), "more": object()},
    "returns-short-bytes": lambda: {"value": {"dtype": "float32", "shape": [2], "data": b"1234"}},
}


class Panic(BaseException):
    """What is no ``Exception``, as code in Rust raises it."""


def evaluate(call: Any) -> Any:
    """One evaluation, faulty where the fault says so."""
    if FAULT in BROKEN_REPLIES and call["operator"] not in ("echo", "product"):
        return BROKEN_REPLIES[FAULT]()
    if call["operator"] == "echo" and FAULT == "unfaithful":
        return {"value": plain._array(call["arrays"]["input"]) * 1.5}
    if call["operator"] in ("echo", "product"):
        return plain.evaluate(call)
    if call["options"].get("reduction") == "sum":
        _misbehave()
    _misbehave_at_once(call)
    refusal = _refusal(call)
    if refusal is not None:
        return {"raised": refusal}
    return (WRONG.get(FAULT) or ODD.get(FAULT, plain.evaluate))(call)


def _refusal(call: Any) -> Any:
    if FAULT == "refuses-the-first-weight-gradient" and "weight_gradient" in call["want"] and not MARK.exists():
        MARK.touch()
        return IndexError("the first one")
    if FAULT in ("refuses", "dies-once-and-refuses"):
        return NotImplementedError("no kernel for 'cpu'")
    if FAULT == "refuses-sum" and call["options"].get("reduction") == "sum":
        return NotImplementedError("no kernel for 'sum'")
    if FAULT == "refuses-threads" and threading.current_thread() is not threading.main_thread():
        return RuntimeError("one thread at a time")
    return None


def _misbehave_at_once(call: Any) -> None:
    if FAULT == "always-sleeps" and call["operator"] == "multilabel_margin_loss":
        time.sleep(60)
    if FAULT == "dies-once-and-refuses" and not MARK.exists():
        MARK.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def _misbehave() -> None:
    if FAULT == "panics":
        raise Panic("unwrap on None")
    if FAULT == "sigkill":
        os.kill(os.getpid(), signal.SIGKILL)
    if FAULT == "abort":
        os.abort()
    if FAULT == "exit":
        os._exit(3)
    if FAULT == "sleep":
        time.sleep(60)
    if FAULT in ("sleeps-once", "computes-once") and not MARK.exists():
        MARK.touch()
        _take_long()
    if FAULT == "adapter-raises":
        raise RuntimeError("the adapter is broken")


def _take_long() -> None:
    """Sleep for a minute, or compute for 0.5 s of processor time, however long that takes."""
    if FAULT == "sleeps-once":
        time.sleep(60)
    started = time.process_time()
    while time.process_time() - started < 0.5:
        pass


def _with(call: Any, **changed: Any) -> Any:
    arrays = dict(call["arrays"])
    for name, array in changed.items():
        arrays[name] = {"dtype": str(array.dtype), "shape": list(array.shape), "data": array.tobytes()}
    return dict(call, arrays=arrays)


def _target(call: Any) -> Any:
    return plain._array(call["arrays"]["target"])


def _labels_after_the_block_count(call: Any) -> Any:
    """Negative labels are skipped, not a terminator."""
    if call["operator"] != "multilabel_margin_loss":
        return plain.evaluate(call)
    target = np.atleast_2d(_target(call))
    moved = np.full_like(target, -1)
    for row, labels in enumerate(target):
        kept = labels[labels >= 0]
        moved[row, : len(kept)] = kept
    return plain.evaluate(_with(call, target=moved.reshape(_target(call).shape)))


def _duplicates_collapse(call: Any) -> Any:
    """A label that stands twice counts once."""
    if call["operator"] != "multilabel_margin_loss":
        return plain.evaluate(call)
    target = np.atleast_2d(_target(call))
    single = np.full_like(target, -1)
    for row, labels in enumerate(target):
        ends = np.flatnonzero(labels < 0)
        kept = list(dict.fromkeys(labels[: ends[0]].tolist() if len(ends) else labels.tolist()))
        single[row, : len(kept)] = kept
    return plain.evaluate(_with(call, target=single.reshape(_target(call).shape)))


def _scaled(call: Any, name: Any, factor: Any) -> Any:
    reply = plain.evaluate(call)
    if name in reply:
        reply[name] = reply[name] * reply[name].dtype.type(factor)
    return reply


def _no_slope_by_weight(call: Any) -> Any:
    reply = plain.evaluate(dict(call, want=[name for name in call["want"] if name != "weight_gradient"]))
    if "weight_gradient" in call["want"]:
        reply["weight_gradient"] = plain._array(call["arrays"]["weight"]) * 0
    return reply


def _one_loss_for_all_rows(call: Any) -> Any:
    """A loss that is not there for each row, and a gradient without rows."""
    reply = plain.evaluate(call)
    if call["options"].get("reduction") == "none" and "value" in reply:
        reply["value"] = reply["value"].reshape(-1)[:1].reshape(())
    if "gradient" in reply:
        reply["gradient"] = reply["gradient"].reshape(-1)
    return reply


def _by(call: Any, reduction: Any, factor: Any) -> Any:
    return (
        _scaled(call, "value", factor)
        if call["options"].get("reduction", "mean") == reduction
        else plain.evaluate(call)
    )


def _default_is_sum(call: Any) -> Any:
    """A reduction that is left out sums."""
    return plain.evaluate(dict(call, options=dict({"reduction": "sum"}, **call["options"])))


def _cotangent_ignored(call: Any) -> Any:
    """The gradient is the one of a cotangent of ones."""
    if "cotangent" not in call["arrays"]:
        return plain.evaluate(call)
    return plain.evaluate(_with(call, cotangent=np.ones_like(plain._array(call["arrays"]["cotangent"]))))


def _writes_input(call: Any) -> Any:
    reply = plain.evaluate(call)
    if "after" in reply:
        reply["after"]["input"] = reply["after"]["input"] * 0
    return reply


def _weight_ignored(call: Any) -> Any:
    return plain.evaluate(
        dict(call, arrays={name: array for name, array in call["arrays"].items() if name != "weight"})
    )


def _unbatched_adds_an_axis(call: Any) -> Any:
    reply = plain.evaluate(call)
    if len(call["arrays"]["input"].get("shape", [])) == 2 and "value" in reply and reply["value"].shape == ():
        reply["value"] = reply["value"].reshape(1)
    return reply


def _wide_result(call: Any) -> Any:
    reply = plain.evaluate(call)
    if "value" in reply:
        reply["value"] = reply["value"].astype(np.float64)
    return reply


def _naive_soft(call: Any) -> Any:
    """log(1 + exp(x)), which overflows."""
    if call["operator"] != "multilabel_soft_margin_loss" or "value" not in call["want"]:
        return plain.evaluate(call)
    reply = plain.evaluate(call)
    if "value" in reply and call["options"].get("reduction") == "none" and "weight" not in call["arrays"]:
        x, y = plain._array(call["arrays"]["input"]), _target(call)
        with np.errstate(all="ignore"):
            losses = y * np.log(1 + np.exp(-x)) + (1 - y) * np.log(1 + np.exp(x))
        reply["value"] = (losses.sum(axis=-1) / x.shape[-1]).astype(x.dtype)
    return reply


def _sees_neighbours(call: Any) -> Any:
    reply = plain.evaluate(call)
    if "value" in reply and reply["value"].ndim == 1 and len(reply["value"]) > 1:
        shifted = reply["value"] + reply["value"].dtype.type(0.25) * np.asarray(
            np.ptp(plain._array(call["arrays"]["input"])[1:]) > 2
        )
        reply["value"] = shifted.astype(reply["value"].dtype)
    return reply


def _accepts_any_reduction(call: Any) -> Any:
    known = call["options"].get("reduction", "mean") in ("none", "sum", "mean")
    return plain.evaluate(call if known else dict(call, options={}))


ODD: Any = {
    "one-loss-for-all-rows": _one_loss_for_all_rows,
    "refuses-the-first-weight-gradient": _no_slope_by_weight,
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
    "gradient-negated": lambda call: _scaled(call, "gradient", -1),
    "writes-its-input": _writes_input,
    "weight-ignored": _weight_ignored,
    "scalar-with-an-axis": _unbatched_adds_an_axis,
    "result-in-float64": _wide_result,
    "naive-soft-margin": _naive_soft,
    "rows-see-neighbours": _sees_neighbours,
    "any-reduction-accepted": _accepts_any_reduction,
}
