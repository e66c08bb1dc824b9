"""The program that runs in a subject's own process and interpreter.

Sent as text by the gateway, so it imports the standard library only and keeps to the
syntax of Python 3.8. It loads one adapter as a file, then answers questions until the
channel closes.
"""

import importlib
import importlib.util
import os
import pickle
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

THREADS, CALLS = 2, 4
FUNCTIONS = {}  # type: dict[str, object]
DESCRIPTIONS = {}  # type: dict[str, object]
CALIBRATION = ("echo", "product")
BEFORE = {}  # type: dict[str, object]
PLACE = [os.path.dirname(os.path.abspath(__file__))] if "__file__" in globals() else []


def load_file(path, name):
    """Import the file at ``path`` under ``name`` and register it, as an import would."""
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError("%s is not a Python file" % path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class Beside:
    """Finds the modules beside an adapter, ``NAME_*.py`` beside ``NAME_adapter.py``, for its own imports."""

    def __init__(self, folder, prefix):
        self.folder, self.prefix = folder, prefix

    def find_spec(self, name, path=None, target=None):
        """As the import system asks its finders; None for a module of somebody else."""
        place = os.path.join(self.folder, name + ".py")
        if path is None and name.startswith(self.prefix) and os.path.exists(place):
            return importlib.util.spec_from_file_location(name, place)
        return None


def load_adapter(path):
    """Import an adapter that can import the modules beside it; its port comes first, if it has one."""
    folder, file = os.path.split(path)
    name = os.path.splitext(file)[0]
    if name.endswith("_adapter"):
        prefix = name[: -len("adapter")]
        sys.meta_path.insert(0, Beside(folder, prefix))
        if os.path.exists(os.path.join(folder, prefix + "port.py")):
            importlib.import_module(prefix + "port")
    return load_file(path, name)


def load_function(target):
    """The function that ``package.module:name`` or ``/path/file.py:name`` names; loaded once."""
    if target not in FUNCTIONS:
        place, _, name = target.rpartition(":")
        if place.endswith(".py"):
            sys.path.insert(0, os.path.dirname(place))
            module = load_file(place, "lossproof_target_%d" % len(FUNCTIONS))
        else:
            module = importlib.import_module(place)
        FUNCTIONS[target] = getattr(module, name)
    return FUNCTIONS[target]


def evaluate(adapter, call):
    """The adapter's reply; if the call names a function, it gets the function itself."""
    refuse_unknown(adapter, call)
    call = prepared(adapter, call)
    before = dict(effects().state_of(adapter), **BEFORE) if "state" in call["want"] else {}
    reply = evaluated(adapter, dict(call, want=[name for name in call["want"] if name not in BY_WORKER]))
    for name in BY_WORKER:
        if name in call["want"] and "raised" not in reply:
            reply = BY_WORKER[name](adapter, call, reply, before)
    return reply


def prepared(adapter, call):
    """The call with arrays for what was sent as ranges and fills, and with the function itself.

    Before the first call of somebody's own function, the settings are noted: it may change them once for all.
    """
    call = dict(
        call,
        arguments=[dict(given, array=array_of(given["array"])) for given in call["arguments"]],
        vectors={name: array_of(part) for name, part in call["vectors"].items()},
    )
    if "function" not in call:
        return call
    call = dict(call, function=load_function(call["function"]))
    if not BEFORE:
        BEFORE.update(effects().state_of(adapter))
    return call


def described(adapter):
    """What the adapter says about its framework; asked once."""
    if "" not in DESCRIPTIONS:
        DESCRIPTIONS[""] = adapter.describe()
    return DESCRIPTIONS[""]


def refuse_unknown(adapter, call):
    """Raise at an argument, an option or a want that the adapter does not list: nothing is dropped without a word."""
    if call["operator"] in CALIBRATION or "function" in call:
        return
    operators = described(adapter)["operators"]
    offer = operators.get(call["operator"])
    if offer is None:
        raise LookupError("operator %r: the adapter has %s" % (call["operator"], ", ".join(operators) or "none"))
    wants = ["value", "after", "inferred", "evidence"] + offer["offers"]
    for mode in offer.get("by_mode", {}).values():
        wants = wants + mode.get("offers", [])
    refuse(call["operator"], "argument", [given["name"] for given in call["arguments"]], offer["arguments"])
    refuse(call["operator"], "option", list(call["options"]), offer["options"])
    refuse(call["operator"], "want", call["want"], wants)


def refuse(operator, kind, names, known):
    """Raise at a name that is not among the known ones."""
    for name in names:
        if name not in known:
            listed = ", ".join(dict.fromkeys(known)) or "none"
            raise LookupError("%s: unknown %s %r; it takes %s" % (operator, kind, name, listed))


def evaluated(adapter, call):
    """The adapter's reply; what is no ``Exception`` (an exit, a panic of Rust) no adapter raises by itself."""
    try:
        return adapter.evaluate(call)
    except Exception:
        raise
    except BaseException as error:
        return {"raised": error}


def array_of(part):
    """An argument as the adapter takes it: a range of bit patterns or a fill becomes an array."""
    if "range" in part:
        return pattern_range(part["range"][0], part["range"][1], part["dtype"])
    if "fill" in part:
        return filled(part["fill"], part["shape"], part["dtype"])
    return part


def pattern_range(first, count, dtype):
    """An array of ``count`` consecutive bit patterns from ``first`` on, in a column."""
    import numpy as np

    unsigned = np.dtype({"bfloat16": "uint16"}.get(dtype, dtype.replace("float", "uint")))
    if first < 0 or count < 0 or first + count > 2 ** (8 * unsigned.itemsize):
        raise ValueError("%s has no %d bit patterns from %d on" % (dtype, count, first))
    patterns = np.arange(count, dtype="uint64") + np.uint64(first)
    return {"dtype": dtype, "shape": [count, 1], "data": patterns.astype(unsigned).tobytes()}


def filled(value, shape, dtype):
    """An array with one value in every place; for ``bfloat16`` a value of that format."""
    import numpy as np

    one = np.array(value, dtype="float32" if dtype == "bfloat16" else dtype)
    stored = (one.view("uint32") >> 16).astype("uint16") if dtype == "bfloat16" else one
    return {"dtype": dtype, "shape": list(shape), "data": np.full(shape, stored).tobytes()}


def threads(adapter, call, reply, before):
    """With the values of the same call from two threads."""
    return stacked(reply, from_threads(adapter, dict(call, want=["value"])))


def effect(name):
    """What the file beside this one does for a want."""

    def of(adapter, call, reply, before):
        return getattr(effects(), name)(evaluated, adapter, call, reply, before)

    return of


def effects():
    """The file ``worker_effects.py`` beside this one."""
    found = sys.modules.get("worker_effects")
    return found or load_file(os.path.join(PLACE[0], "worker_effects.py"), "worker_effects")


BY_WORKER = dict({name: effect(name) for name in ("kept", "shares", "state", "memory")}, threads=threads)


def from_threads(adapter, call):
    """Plain replies to the same call, asked several times from each of two threads that start together."""
    together = threading.Barrier(THREADS)

    def ask():
        together.wait()
        return [plain(evaluated(adapter, call)) for _ in range(CALLS)]

    with ThreadPoolExecutor(THREADS) as pool:
        running = [pool.submit(ask) for _ in range(THREADS)]
        return [reply for thread in running for reply in thread.result()]


def stacked(reply, replies):
    """A reply with the values of others on a new first axis, or the first exception among them."""
    for other in replies:
        if "raised" in other:
            return other
    values = [other["value"] for other in replies]
    kinds = {(value["dtype"], tuple(value["shape"])) for value in values}
    if len(kinds) > 1:
        raise ValueError("the same call from two threads gave arrays of %s" % sorted(kinds))
    data = b"".join(value["data"] for value in values)
    shape = [len(values), *values[0]["shape"]]
    return dict(reply, threads={"dtype": values[0]["dtype"], "shape": shape, "data": data})


def look_at(adapter, target):
    """Load somebody's own function, and say whether it has a gradient."""
    function = load_function(target)
    if not callable(function):
        raise TypeError("%s is a %s, no function" % (target, type(function).__name__))
    differentiates = getattr(adapter, "differentiates", None)
    return {"gradient": True if differentiates is None else bool(differentiates(function))}


def plain(reply):
    """A reply with its arrays as bytes and its exception as type, message and bases."""
    if isinstance(reply, dict):
        return {str(name): plain(part) for name, part in reply.items()}
    if isinstance(reply, (list, tuple)):
        return [plain(part) for part in reply]
    if isinstance(reply, BaseException):
        bases = [base.__name__ for base in type(reply).__mro__]
        message = str(reply).encode("utf-8", "replace").decode("utf-8")
        return {"type": type(reply).__name__, "message": message, "bases": bases}
    if hasattr(reply, "tobytes"):
        return {"dtype": str(reply.dtype), "shape": list(reply.shape), "data": reply.tobytes()}
    return reply


def answer(ask, *arguments):
    """The adapter's answer in plain data, or the exception that left it."""
    try:
        return {"answer": plain(ask(*arguments))}
    except BaseException as error:
        return fault(error)


def fault(error):
    """What went wrong in the adapter, in plain data."""
    said = {"type": type(error).__name__, "message": str(error), "trace": traceback.format_exc()}
    return {"fault": {name: text.encode("utf-8", "replace").decode("utf-8") for name, text in said.items()}}


def send(channel, number, reply):
    """Send the reply to a question, or what keeps it from being sent: nothing of it has gone out then."""
    try:
        channel.send(dict(reply, number=number))
    except Exception as error:
        channel.send(dict(fault(error), number=number))


def serve(channel):
    """Answer ``describe``, ``load`` and ``evaluate`` until the channel closes."""
    setup = channel.receive()
    os.setsid()
    PLACE[:] = [setup["beside"]]
    sys.dont_write_bytecode = True
    log = os.open(setup["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 2)
    threads = os.listdir("/proc/self/task") if os.path.isdir("/proc/self/task") else []
    channel.send({"pid": os.getpid(), "python": sys.version.split()[0], "threads": threads})
    sys.path += [folder for folder in setup["path"] if folder not in sys.path]
    loaded = answer(lambda: load_adapter(setup["adapter"]).__name__)
    adapter = sys.modules.get(loaded.get("answer"))
    while True:
        question = pickle.loads(channel.receive())  # noqa: S301 - the suite started this process, and asks it
        if adapter is None:
            reply = loaded
        elif question["ask"] == "describe":
            reply = answer(described, adapter)
        elif question["ask"] == "load":
            reply = answer(look_at, adapter, question["target"])
        else:
            reply = effects().timed(answer, evaluate, adapter, question["call"])
        send(channel, question["number"], reply)


if __name__ == "__channelexec__":
    serve(globals()["channel"])
