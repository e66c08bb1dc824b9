"""What a call takes and leaves behind: time, a result that a later call overwrites, shared memory, changed settings.

Loaded by the worker in the subject's own interpreter: syntax of Python 3.8, the standard library and NumPy.
"""

import gc
import locale
import os
import pickle
import random
import signal
import sys
import threading
import time
import warnings

import numpy as np

ONE, TINY, STEP = 1.0, 2.0**-60, 2.0**-52
NORMAL, SUBNORMAL, HALF, LARGE = 2.0**-1022, 2.0**-1074, 0.5, 2.0**60
"""Held under names, so that what is made of them is computed when it is asked for."""

HANDLED = ("SIGINT", "SIGTERM", "SIGFPE")

WAITS = []  # type: list[int]
"""The file that counts this process's waits for a core; it stays open."""


def kept(evaluated, adapter, call, reply, before):
    """The value as it was, and as it stands after a call with the vector ``other`` as the first argument."""
    first, others = call["arguments"][0], call["arguments"][1:]
    again = dict(call, arguments=[dict(first, array=call["vectors"]["other"]), *others], want=["value"])
    value = reply["value"].copy() if hasattr(reply["value"], "tobytes") else reply["value"]
    after = evaluated(adapter, again)
    return after if "raised" in after else dict(reply, value=value, kept=reply["value"])


def shares(evaluated, adapter, call, reply, before):
    """The names of the arguments in whose memory the value lies."""
    arrays = {name: array for name, array in reply.get("after", {}).items() if hasattr(array, "tobytes")}
    value = reply["value"] if hasattr(reply["value"], "tobytes") else np.zeros(0)
    return dict(reply, shares=[name for name, array in arrays.items() if np.shares_memory(value, array)])


def state(evaluated, adapter, call, reply, before):
    """What a call left otherwise than it found it, in words; the adapter may have found more."""
    now = state_of(adapter)
    changed = [told(name, was, now[name]) for name, was in before.items() if now[name] != was]
    running = threading.active_count()
    with warnings.catch_warnings():
        warnings.resetwarnings()  # what a first call imports may add filters, so a second one is looked at
        evaluated(adapter, dict(call, want=["value"]))
        changed += ["filters of warnings: changed"] if warnings.filters else []
    more = threading.active_count() - running  # a first call may start some that all later ones use
    changed += ["threads of Python: %d more after each call" % more] if more > 0 else []
    return dict(reply, state=reply.get("state", []) + changed)


def memory(evaluated, adapter, call, reply, before):
    """The bytes by which the process grows at its peak in a call: the fewest of three, after one that came before."""
    again = dict(call, want=[want for want in call["want"] if want != "memory"])
    taken = []
    for _ in range(3):
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")  # the kernel counts the peak anew
        start = resident("VmRSS")
        found = evaluated(adapter, again)
        if "raised" in found:
            return found
        taken.append(resident("VmHWM") - start)
    return dict(reply, memory=np.asarray(min(taken), dtype="int64"))


def resident(name):
    """Bytes in memory: now (``VmRSS``), or at the peak (``VmHWM``)."""
    with open("/proc/self/status") as file:
        held = dict(line.split(":", 1) for line in file)
    return int(held[name].split()[0]) * 1024


def told(name, was, now):
    """A change in words; of a digest there is nothing to tell."""
    return "%s: changed" % name if isinstance(was, int) else "%s: %s, was %s" % (name, now, was)


def state_of(adapter):
    """What a call may leave otherwise: of Python, NumPy and processor, and what the adapter names of its framework."""
    known = {
        "NumPy's handling of errors": sorted(np.geterr().items()),
        "NumPy's way of printing": str(np.get_printoptions()),
        "NumPy's random numbers": hash(pickle.dumps(np.random.get_state(legacy=False))),
        "Python's random numbers": hash(random.getstate()),
        "working folder": os.getcwd(),
        "garbage collection": "on" if gc.isenabled() else "off",
        "limit of recursion": str(sys.getrecursionlimit()),
        "locale": locale.setlocale(locale.LC_ALL),
        "handlers of signals": hash(tuple(signal.getsignal(getattr(signal, name)) for name in HANDLED)),
        "rounding of the processor": rounding(),
        "subnormal numbers of the processor": subnormal_numbers(),
    }
    return dict(known, **getattr(adapter, "state", dict)())


def rounding():
    """Where the processor rounds."""
    if ONE + (STEP - TINY) == ONE:
        return "towards 0" if -ONE - TINY == -ONE else "downwards"
    return "upwards" if ONE + TINY > ONE else "to nearest"


def subnormal_numbers():
    """What becomes of subnormal results and arguments: a library made for speed may flush those of all others."""
    kept = {"results": NORMAL * HALF, "arguments": SUBNORMAL * LARGE}
    return ", ".join("%s %s" % (name, "kept" if value else "flushed to 0") for name, value in kept.items())


def waited():
    """Seconds for which this process's main thread had no core; None where the kernel does not count them."""
    try:
        if not WAITS:
            WAITS.append(os.open("/proc/self/schedstat", os.O_RDONLY | os.O_CLOEXEC))
        return int(os.pread(WAITS[0], 256, 0).split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return None


def timed(answer, *question):
    """An answer, with its seconds and those of them without a core: no wait of the process that asked is among them.

    The waits are read outside the seconds, so that no wait between two readings counts as the answer's own time.
    """
    before, began = waited(), time.monotonic()
    reply = answer(*question)
    ended, after = time.monotonic(), waited()
    lost = None if before is None or after is None else after - before
    return dict(reply, seconds=ended - began, waited=lost)
