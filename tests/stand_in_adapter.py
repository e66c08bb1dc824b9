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

TESTS = Path(__file__).resolve().parent
ADAPTERS = TESTS.parent / "adapters"
FAULT = os.environ.get("LOSSPROOF_FAULT", "")
MARK = Path(os.environ.get("LOSSPROOF_MARK", os.devnull))


def _load(folder: Path, name: str) -> Any:
    spec: Any = importlib.util.spec_from_file_location(name, str(folder / (name + ".py")))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


port = _load(ADAPTERS, "numpy_port")
plain = _load(ADAPTERS, "numpy_adapter")
replies = _load(TESTS / "stand_in", "replies")
ODD, WRONG = replies.ODD, replies.WRONG


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


def _native(description: Any) -> Any:
    """The same as if it were a framework's own function, which may refuse what it likes."""
    for offer in description["operators"].values():
        offer["forms"] = ["native"]
        offer["reproducer"]["call"] = {"native": offer["reproducer"]["call"]["port"]}
    return description


def _with_weight_gradient(description: Any) -> Any:
    description["operators"]["multilabel_soft_margin_loss"]["offers"] += ["gradient:weight"]
    return description


NO_COMPILER = {"mode": "compiled", "words": "no C++ compiler on this machine; install g++"}
DESCRIBED: Any = {
    "describes-nothing": lambda whole: {},
    "describes-a-path": lambda whole: dict(whole, framework="../elsewhere"),
    "describes-another-contract": lambda whole: {"contract": 3, "framework": "stand-in"},
    "describes-an-unknown-dtype": lambda whole: _with_margin(whole, dtypes=["float33"]),
    "mode-left-out": lambda whole: dict(whole, left_out=[NO_COMPILER]),
    "refuses": _native,
    "dies-once-and-refuses": _native,
    "refuses-the-first-weight-gradient": _with_weight_gradient,
    "offers-no-options": lambda whole: _with_margin(whole, options=[]),
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
        return {"value": replies.sent(call, "input") * 1.5}
    if call["operator"] in ("echo", "product"):
        return plain.evaluate(call)
    if call["options"].get("reduction") == "sum":
        _misbehave()
        _misbehave_once()
    _misbehave_at_once(call)
    refusal = _refusal(call)
    if refusal is not None:
        return {"raised": refusal}
    return (WRONG.get(FAULT) or ODD.get(FAULT, plain.evaluate))(call)


def _refusal(call: Any) -> Any:
    if FAULT == "refuses-the-first-weight-gradient" and "gradient:weight" in call["want"] and not MARK.exists():
        MARK.touch()
        return IndexError("the first one")
    if FAULT in ("refuses", "port-refuses", "dies-once-and-refuses"):
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
    if FAULT == "adapter-raises":
        raise RuntimeError("the adapter is broken")


def _misbehave_once() -> None:
    if FAULT in ONCE and not MARK.exists():
        MARK.touch()
        ONCE[FAULT]()


def _reply_late() -> None:
    """Answer the question before this one once more, before this one is answered."""
    frame: Any = sys._getframe()
    while "channel" not in frame.f_locals:
        frame = frame.f_back
    serving = frame.f_locals
    wrong = {"dtype": "float32", "shape": [], "data": b"\0\0\xc0\x7f"}
    serving["channel"].send({"number": serving["question"]["number"] - 1, "answer": {"value": wrong}})


def _take_long() -> None:
    """Sleep for a minute, or compute for 0.5 s of processor time, however long that takes."""
    if FAULT == "sleeps-once":
        time.sleep(60)
    started = time.process_time()
    while time.process_time() - started < 0.5:
        pass


ONCE: Any = {
    "sleeps-once": _take_long,
    "computes-once": _take_long,
    "forks": os.fork,
    "replies-late": _reply_late,
}
"""What is done at the first sum; a process that forks answers the question twice."""
