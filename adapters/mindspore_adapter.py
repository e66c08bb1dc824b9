"""MindSpore: ``ops`` and ``nn`` forms and a port, in PyNative and in graph mode."""

import functools
import importlib
import os
from typing import Any, Callable, Dict, List, Tuple

import numpy as np
from mindspore import nn, ops

TITLE = "MindSpore"
INSTALL = "'mindspore==2.10.*' 'numpy<2'"
FUNCTIONS = True
NEEDS = [
    {"versions": ">=2.10", "python": ">=3.10,<3.13", "packages": ["mindspore=={version}", "numpy<2"]},
    {"versions": ">=2.7.2", "python": ">=3.9,<3.13", "packages": ["mindspore=={version}", "numpy<2"]},
    {"versions": ">=2.7", "python": ">=3.9,<3.12", "packages": ["mindspore=={version}", "numpy<2"]},
    {"python": "<3.10", "packages": ["mindspore=={version}", "numpy<2"]},
]
OPERATORS: Dict[str, Dict[str, Any]] = {
    "multilabel_margin_loss": {
        "module": "MultilabelMarginLoss",
        "port": "multilabel_margin_loss",
        "arguments": ["input", "target"],
        "options": ["reduction"],
        "dtypes": {"target": "int32"},
        "gradients": ["input"],
        "further": [],
        "costs": ["quadratic-classes"],
    },
    "multilabel_soft_margin_loss": {
        "module": "MultiLabelSoftMarginLoss",
        "arguments": ["input", "target", "weight"],
        "options": ["reduction"],
        "dtypes": {},
        "gradients": ["input", "weight", "target"],
        "further": ["second"],
        "costs": [],
    },
    "multi_margin_loss": {
        "module": "MultiMarginLoss",
        "arguments": ["input", "target", "weight"],
        "options": ["reduction", "p", "margin"],
        "dtypes": {"target": "int64"},
        "gradients": ["input", "weight"],
        "further": [],
        "costs": [],
        "margin": {"native": "int", "module": "float"},
    },
    "soft_margin_loss": {
        "module": "SoftMarginLoss",
        "arguments": ["input", "target"],
        "options": ["reduction"],
        "dtypes": {},
        "gradients": ["input"],
        "further": [],
        "costs": [],
    },
    "hinge_embedding_loss": {
        "module": "HingeEmbeddingLoss",
        "arguments": ["input", "target"],
        "options": ["reduction", "margin"],
        "dtypes": {},
        "gradients": ["input"],
        "further": [],
        "costs": [],
    },
    "margin_ranking_loss": {
        "module": "MarginRankingLoss",
        "arguments": ["input1", "input2", "target"],
        "options": ["reduction", "margin"],
        "dtypes": {},
        "gradients": ["input1", "input2"],
        "further": [],
        "costs": [],
    },
}
_cells: Dict[Tuple[str, ...], Any] = {}
_gradients: Dict[Tuple[str, ...], Any] = {}


@functools.lru_cache(maxsize=None)
def _mindspore() -> Any:
    os.environ.setdefault("GLOG_v", "4")
    mindspore = importlib.import_module("mindspore")
    mindspore.set_device("CPU")
    return mindspore


def _beside(name: str) -> Any:
    """A module beside this file, which the worker finds."""
    return importlib.import_module("mindspore_" + name)


def describe() -> Dict[str, Any]:
    """What this MindSpore offers."""
    mindspore, offers = _mindspore(), _beside("offers")
    return {
        "contract": 2,
        "framework": "mindspore",
        "version": mindspore.__version__,
        "build": "cpu",
        "device": "cpu",
        "layouts": ["contiguous"],
        "compiled": ["graph"],
        "left_out": [],
        "facts": {"from two threads at once": offers.THREADS, "after a refused call": offers.AFTERWARDS},
        "operators": {name: offers.offer(name, row) for name, row in OPERATORS.items() if hasattr(ops, name)},
    }


def _as_arrays(tensors: Dict[str, Any]) -> Dict[str, Any]:
    return {name: _beside("programs").Held(tensor) for name, tensor in tensors.items()}


def evaluate(call: Dict[str, Any]) -> Dict[str, Any]:
    """One evaluation; see the contract."""
    mindspore = _mindspore()
    mindspore.set_context(mode=getattr(mindspore, _beside("offers").MODES[call["mode"]]))
    arguments = {given["name"]: _tensor(mindspore, given["array"]) for given in call["arguments"]}
    vectors = {name: _tensor(mindspore, plain) for name, plain in call["vectors"].items()}
    if call["operator"] == "echo":
        return {"value": _beside("programs").Held(arguments["input"])}
    try:
        cell = _cell(call, arguments.get("weight") if call["form"] == "module" else None)
        results = _results(mindspore, call, cell, arguments, vectors)
    except Exception as error:
        _beside("programs").wait_for_errors()
        return {"raised": error}
    reply = _as_arrays(results)
    if "after" in call["want"]:
        reply["after"] = _as_arrays(dict(vectors, **arguments))
    if "evidence" in call["want"] and call["mode"] == "graph":
        reply["evidence"] = _evidence(cell)
    return reply


def _evidence(cell: Any) -> str:
    return "%d graphs compiled" % len(cell.compile_cache) if cell.compile_cache else ""


def _results(
    mindspore: Any, call: Dict[str, Any], cell: Any, arguments: Dict[str, Any], vectors: Dict[str, Any]
) -> Dict[str, Any]:
    """The loss and what else is wanted, as tensors; a module with a weight has it already."""
    names = [name for name in arguments if name != "weight" or not isinstance(cell, _beside("programs").WeightedModule)]
    tensors = [arguments[name] for name in names]
    sources = _sources(call)
    results: Dict[str, Any] = {}
    if "inferred" in call["want"]:
        results["inferred"] = _finished(_beside("programs").Inferred(cell)(*tensors))
    else:
        results["value"] = _finished(cell(*tensors))
    if sources and set(sources) <= set(names):
        results.update(_slopes(call, cell, names, sources)(*tensors, vectors["cotangent"]))
    results.update(_further(mindspore, call, arguments, vectors, [name for name in sources if name not in names]))
    return results


def _sources(call: Dict[str, Any]) -> List[str]:
    """The arguments to which a gradient is wanted."""
    return [want.partition(":")[2] for want in call["want"] if want.startswith("gradient:")]


def _key(call: Dict[str, Any]) -> Tuple[str, ...]:
    given = ",".join(given["name"] for given in call["arguments"])
    function = repr(call.get("function"))
    return (call["operator"], call["form"], call["mode"], repr(sorted(call["options"].items())), given, function)


def _cell(call: Dict[str, Any], weight: Any) -> Any:
    """The loss as a Cell, made once for each set of options; a module with a weight is made for each weight."""
    if weight is not None:
        return _beside("programs").WeightedModule(_module(call)(weight=weight, **_options(call)))
    key = _key(call)
    if key not in _cells:
        _cells[key] = _new_cell(call)
    return _cells[key]


def _module(call: Dict[str, Any]) -> Any:
    return getattr(nn, OPERATORS[call["operator"]]["module"])


def _options(call: Dict[str, Any]) -> Dict[str, Any]:
    """The options in the types that the pages of this form ask for; a number that is no integer stays as it is."""
    wanted = OPERATORS.get(call["operator"], {}).get("margin", {}).get(call["form"])
    options = dict(call["options"])
    if wanted == "int" and float(options.get("margin", 1)).is_integer() and "margin" in options:
        options["margin"] = int(options["margin"])
    return options


def _new_cell(call: Dict[str, Any]) -> Any:
    programs = _beside("programs")
    if call["operator"] == "product":
        return programs.Product()
    if call["form"] == "module":
        return _module(call)(**_options(call))
    holder = _beside("port") if call["form"] == "port" else ops
    weighted = call["arguments"][-1]["name"] == "weight"
    function = call.get("function") or getattr(holder, call["operator"])
    return (programs.Weighted if weighted else programs.Native)(function, _options(call))


def _slopes(call: Dict[str, Any], cell: Any, names: List[str], sources: List[str]) -> Callable[..., Dict[str, Any]]:
    """The gradients of a Cell to some of its tensors, for a cotangent given last.

    The gradient to the first tensor is asked alone: to all tensors there may be none.
    """
    alone = sources == names[:1]
    gradient = _gradient(call, cell, alone=alone)

    def slopes(*tensors: Any) -> Dict[str, Any]:
        found = gradient(*tensors)
        given = [found] if alone else [found[names.index(name)] for name in sources]
        return {"gradient:" + name: _finished(slope) for name, slope in zip(sources, given)}

    return slopes


def _gradient(call: Dict[str, Any], cell: Any, *, alone: bool) -> Any:
    """The gradient of a Cell to its first tensor alone, or to all of them."""
    if isinstance(cell, _beside("programs").WeightedModule):
        return ops.GradOperation(get_all=not alone, sens_param=True)(cell)
    key = _key(call) + (str(alone),)
    if key not in _gradients:
        _gradients[key] = ops.GradOperation(get_all=not alone, sens_param=True)(cell)
    return _gradients[key]


def _further(
    mindspore: Any, call: Dict[str, Any], arguments: Dict[str, Any], vectors: Dict[str, Any], sources: List[str]
) -> Dict[str, Any]:
    """The derivatives that are wanted beside the gradients to a Cell's tensors."""
    names = list(arguments)

    def slope_to(name: str) -> Any:
        def weighed(array: Any) -> Any:
            given = [dict(arguments, **{name: array})[each] for each in names]
            return (_loss(call)(*given) * vectors["cotangent"]).sum()

        return mindspore.grad(weighed)

    found = {"gradient:" + name: _finished(slope_to(name)(arguments[name])) for name in sources}
    if "second" in call["want"]:

        def along(first: Any) -> Any:
            return (slope_to(names[0])(first) * vectors["tangent"]).sum()

        found["second"] = _finished(mindspore.grad(along)(arguments[names[0]]))
    return found


def _loss(call: Dict[str, Any]) -> Any:
    """The loss as a function of its tensors; a module gets its weight when it is made."""
    if call["form"] != "module":
        return _new_cell(call)
    weighted = call["arguments"][-1]["name"] == "weight"

    def loss(*tensors: Any) -> Any:
        weight = {"weight": tensors[-1]} if weighted else {}
        return _module(call)(**weight, **_options(call))(*(tensors[:-1] if weighted else tensors))

    return loss


def _tensor(mindspore: Any, plain: Dict[str, Any]) -> Any:
    if "list" in plain:
        return plain["list"]
    if plain["dtype"] == "bfloat16":
        bits = np.frombuffer(plain["data"], dtype=np.uint16).astype(np.uint32) << 16
        wide = bits.view(np.float32).reshape(plain["shape"])
        return mindspore.Tensor(wide).astype(mindspore.bfloat16)
    return mindspore.Tensor(np.frombuffer(plain["data"], dtype=plain["dtype"]).reshape(plain["shape"]).copy())


def _finished(tensor: Any) -> Any:
    """The tensor once it is computed: PyNative raises some errors only when a value is read."""
    tensor.asnumpy()
    return tensor
