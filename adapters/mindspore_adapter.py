"""MindSpore: ``ops`` and ``nn`` forms and a port, in PyNative and in graph mode."""

import functools
import importlib
import inspect
import os
from typing import Any, Dict, List, Tuple

import numpy as np
from mindspore import nn, ops

TITLE = "MindSpore"
INSTALL = "'mindspore==2.10.*' 'numpy<2'"
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
_MODES = {"pynative": "PYNATIVE_MODE", "graph": "GRAPH_MODE"}

_THREADS = (
    "not asked: PyNative is not safe from several threads, whatever is computed; now and then a call dies, hangs or "
    "gives a wrong result (docs/deviations.md), so that a verdict would be luck"
)

_cells: Dict[Tuple[str, ...], Any] = {}
_gradients: Dict[Tuple[str, ...], Any] = {}


@functools.lru_cache(maxsize=None)
def _mindspore() -> Any:
    os.environ.setdefault("GLOG_v", "4")
    mindspore = importlib.import_module("mindspore")
    mindspore.set_device("CPU")
    return mindspore


class _Native(nn.Cell):
    """One call of a function, with the options left out that the caller left out."""

    def __init__(self, function: Any, options: Dict[str, Any]) -> None:
        super().__init__()
        self.function = function
        self.options = options

    def construct(self, *tensors: Any) -> Any:
        return self.function(*tensors, **self.options)


class _Weighted(nn.Cell):
    """The same with a weight for each class, which is the last of the tensors."""

    def __init__(self, function: Any, options: Dict[str, Any]) -> None:
        super().__init__()
        self.function = function
        self.options = options

    def construct(self, *tensors: Any) -> Any:
        return self.function(*tensors[:-1], weight=tensors[-1], **self.options)


class _WeightedModule(nn.Cell):
    """A module that is given its weight when it is made, as its page says."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module

    def construct(self, *tensors: Any) -> Any:
        return self.module(*tensors)


class _Product(nn.Cell):
    """Input times weight: calibration."""

    def construct(self, input: Any, weight: Any) -> Any:
        return input * weight


class _Inferred(nn.Cell):
    """Zeros of the shape and dtype that the compiler infers for a loss."""

    def __init__(self, loss: Any) -> None:
        super().__init__()
        self.loss = loss

    def construct(self, *tensors: Any) -> Any:
        loss = self.loss(*tensors)
        return ops.zeros(loss.shape, loss.dtype)


def describe() -> Dict[str, Any]:
    """What this MindSpore offers."""
    mindspore = _mindspore()
    return {
        "contract": 2,
        "framework": "mindspore",
        "version": mindspore.__version__,
        "build": "cpu",
        "device": "cpu",
        "layouts": ["contiguous"],
        "compiled": ["graph"],
        "left_out": [],
        "facts": {"from two threads at once": _THREADS},
        "operators": {name: _offer(name, row) for name, row in OPERATORS.items() if hasattr(ops, name)},
    }


def _offer(operator: str, row: Dict[str, Any]) -> Dict[str, Any]:
    usual = ["value", "after", "inferred"] + ["gradient:" + name for name in row["gradients"] if name != "weight"]
    usual = [want for want in usual if want != "gradient:target"]
    forms = ["native", "module"] + (["port"] if "port" in row else [])
    call = {
        "native": "ops.%s($tensors$options)" % operator,
        "module": "nn.%s($module_options)($tensors)" % row["module"],
        "port": "mindspore_port.%s($tensors$options)" % operator,
    }
    further = ["gradient:" + name for name in row["gradients"]] + row["further"]
    return {
        "forms": forms,
        "modes": list(_MODES),
        "dtypes": ["float16", "bfloat16", "float32", "float64"],
        "arguments": row["arguments"],
        "options": row["options"],
        "argument_dtypes": row["dtypes"],
        "offers": usual + [want for want in further if want not in usual],
        "by_mode": {
            "pynative": {"costs": ["slow-calls"] + row["costs"]},
            "graph": {"offers": usual, "costs": ["expensive-shapes"] + row["costs"]},
        },
        "signature": {"native": _signature(getattr(ops, operator)), "module": _signature(getattr(nn, row["module"]))},
        "reproducer": {
            "port_import": "from lossproof import port\nmindspore_port = port('mindspore')\n",
            "prelude": "import mindspore\nfrom mindspore import Tensor, nn, ops\n${port_import}"
            "mindspore.set_context(mode=mindspore.$mode)\n",
            "modes": _MODES,
            "array": "Tensor($values, mindspore.$dtype)",
            "empty": "ops.zeros($shape, mindspore.$dtype)",
            "call": {form: call[form] for form in forms},
            "define": {
                "pynative": "def loss_of($tensors):\n    return $call",
                "graph": "@mindspore.jit\ndef loss_of($tensors):\n    return $call",
            },
            "wrap": dict.fromkeys(_MODES, "loss_of($tensors)"),
            "integers": {form: ["margin"] for form, kind in row.get("margin", {}).items() if kind == "int"},
            "before": "def scalar($to):\n    return ($loss * cotangent).sum()",
            "gradient": "mindspore.grad(scalar)($to)",
        },
    }


def _signature(function: Any) -> List[Dict[str, str]]:
    """The parameters of a function, or of a class's constructor, with their defaults."""
    empty = inspect.Parameter.empty
    parameters = inspect.signature(function).parameters.values()
    return [{"name": each.name, "default": "" if each.default is empty else repr(each.default)} for each in parameters]


def evaluate(call: Dict[str, Any]) -> Dict[str, Any]:
    """One evaluation; see the contract."""
    mindspore = _mindspore()
    mindspore.set_context(mode=getattr(mindspore, _MODES[call["mode"]]))
    arguments = {given["name"]: _tensor(mindspore, given["array"]) for given in call["arguments"]}
    vectors = {name: _tensor(mindspore, plain) for name, plain in call["vectors"].items()}
    if call["operator"] == "echo":
        return {"value": _plain(mindspore, arguments["input"])}
    weight = arguments.get("weight") if call["form"] == "module" else None
    names = [name for name in arguments if weight is None or name != "weight"]
    tensors = [arguments[name] for name in names]
    sources = [want.partition(":")[2] for want in call["want"] if want.startswith("gradient:")]
    results: Dict[str, Any] = {}
    try:
        cell = _cell(call, weight)
        if "inferred" in call["want"]:
            results["inferred"] = _finished(_Inferred(cell)(*tensors))
        else:
            results["value"] = _finished(cell(*tensors))
        if sources and set(sources) <= set(names):
            slopes = _gradient(call, cell)(*tensors, vectors["cotangent"])
            results.update({"gradient:" + name: _finished(slopes[names.index(name)]) for name in sources})
        results.update(_further(mindspore, call, arguments, vectors, [name for name in sources if name not in names]))
    except Exception as error:
        return {"raised": error}
    reply: Dict[str, Any] = {name: _plain(mindspore, tensor) for name, tensor in results.items()}
    if "after" in call["want"]:
        reply["after"] = {name: _plain(mindspore, tensor) for name, tensor in dict(vectors, **arguments).items()}
    if "evidence" in call["want"] and call["mode"] == "graph":
        reply["evidence"] = "%d graphs compiled" % len(cell.compile_cache) if cell.compile_cache else ""
    return reply


def _key(call: Dict[str, Any]) -> Tuple[str, ...]:
    given = ",".join(given["name"] for given in call["arguments"])
    return (call["operator"], call["form"], call["mode"], repr(sorted(call["options"].items())), given)


def _cell(call: Dict[str, Any], weight: Any) -> Any:
    """The loss as a Cell, made once for each set of options; a module with a weight is made for each weight."""
    if weight is not None:
        return _WeightedModule(_module(call)(weight=weight, **_options(call)))
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
    if call["operator"] == "product":
        return _Product()
    if call["form"] == "module":
        return _module(call)(**_options(call))
    holder = importlib.import_module("mindspore_port") if call["form"] == "port" else ops
    weighted = call["arguments"][-1]["name"] == "weight"
    return (_Weighted if weighted else _Native)(getattr(holder, call["operator"]), _options(call))


def _gradient(call: Dict[str, Any], cell: Any) -> Any:
    """The gradients of a Cell to all its tensors, for a cotangent given last."""
    if isinstance(cell, _WeightedModule):
        return ops.GradOperation(get_all=True, sens_param=True)(cell)
    key = _key(call)
    if key not in _gradients:
        _gradients[key] = ops.GradOperation(get_all=True, sens_param=True)(cell)
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


def _plain(mindspore: Any, tensor: Any) -> Any:
    if tensor.dtype != mindspore.bfloat16:
        return tensor.asnumpy()
    wide = tensor.astype(mindspore.float32).asnumpy()
    stored = (wide.view(np.uint32) >> 16).astype(np.uint16)
    return {"dtype": "bfloat16", "shape": list(wide.shape), "data": stored.tobytes()}
