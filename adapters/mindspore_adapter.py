"""MindSpore: ``ops`` and ``nn`` forms and a port, in PyNative and in graph mode."""

import functools
import importlib
import inspect
import os
from typing import Any, Dict, List, Tuple

import numpy as np
from mindspore import nn, ops

NEEDS = [
    {"versions": ">=2.10", "python": ">=3.10,<3.13", "packages": ["mindspore=={version}", "numpy<2"]},
    {"versions": ">=2.7.2", "python": ">=3.9,<3.13", "packages": ["mindspore=={version}", "numpy<2"]},
    {"versions": ">=2.7", "python": ">=3.9,<3.12", "packages": ["mindspore=={version}", "numpy<2"]},
    {"python": "<3.10", "packages": ["mindspore=={version}", "numpy<2"]},
]
_CLASSES = {
    "multilabel_margin_loss": "MultilabelMarginLoss",
    "multilabel_soft_margin_loss": "MultiLabelSoftMarginLoss",
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

    def construct(self, input: Any, target: Any) -> Any:
        return self.function(input, target, **self.options)


class _Weighted(nn.Cell):
    """The same with a weight for each class."""

    def __init__(self, function: Any, options: Dict[str, Any]) -> None:
        super().__init__()
        self.function = function
        self.options = options

    def construct(self, input: Any, target: Any, weight: Any) -> Any:
        return self.function(input, target, weight=weight, **self.options)


class _WeightedModule(nn.Cell):
    """A module that is given its weight when it is made, as its page says."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module

    def construct(self, input: Any, target: Any) -> Any:
        return self.module(input, target)


class _Product(nn.Cell):
    """Input times weight: calibration."""

    def construct(self, input: Any, weight: Any) -> Any:
        return input * weight


class _Inferred(nn.Cell):
    """Zeros of the shape and dtype that the compiler infers for a loss."""

    def __init__(self, loss: Any) -> None:
        super().__init__()
        self.loss = loss

    def construct(self, input: Any, target: Any) -> Any:
        loss = self.loss(input, target)
        return ops.zeros(loss.shape, loss.dtype)


def describe() -> Dict[str, Any]:
    """What this MindSpore offers."""
    mindspore = _mindspore()
    return {
        "framework": "mindspore",
        "version": mindspore.__version__,
        "build": "cpu",
        "device": "cpu",
        "layouts": ["contiguous"],
        "compiled": ["graph"],
        "left_out": [],
        "facts": {"from two threads at once": _THREADS},
        "operators": {
            "multilabel_margin_loss": _offer(
                "multilabel_margin_loss", ["native", "module", "port"], "int32", ["quadratic-classes"]
            ),
            "multilabel_soft_margin_loss": _offer("multilabel_soft_margin_loss", ["native", "module"], "same", []),
        },
    }


def _offer(operator: str, forms: List[str], target_dtype: str, costs: List[str]) -> Dict[str, Any]:
    call = {
        "native": "ops.%s(input, target$options)" % operator,
        "module": "nn.%s($module_options)(input, target)" % _CLASSES[operator],
        "port": "mindspore_port.%s(input, target$options)" % operator,
    }
    return {
        "forms": forms,
        "modes": list(_MODES),
        "dtypes": ["float16", "bfloat16", "float32", "float64"],
        "target_dtype": target_dtype,
        "offers": ["value", "gradient", "after", "inferred"] + _further_wants(operator),
        "by_mode": {
            "pynative": {"costs": ["slow-calls"] + costs},
            "graph": {"offers": ["value", "gradient", "after", "inferred"], "costs": ["expensive-shapes"] + costs},
        },
        "legacy": [],
        "signature": {
            "native": _signature(getattr(ops, operator)),
            "module": _signature(getattr(nn, _CLASSES[operator])),
        },
        "reproducer": {
            "port_import": "from lossproof import port\nmindspore_port = port('mindspore')\n",
            "prelude": "import mindspore\nfrom mindspore import Tensor, nn, ops\n${port_import}"
            "mindspore.set_context(mode=mindspore.$mode)\n",
            "array": "Tensor($values, mindspore.$dtype)",
            "empty": "ops.zeros($shape, mindspore.$dtype)",
            "call": {form: call[form] for form in forms},
            "define": {
                "pynative": "def loss_of(input, target):\n    return $call",
                "graph": "@mindspore.jit\ndef loss_of(input, target):\n    return $call",
            },
            "wrap": dict.fromkeys(_MODES, "loss_of(input, target)"),
            "before": "def scalar(input):\n    return ($loss * cotangent).sum()",
            "gradient": "mindspore.grad(scalar)(input)",
        },
    }


def _signature(function: Any) -> List[Dict[str, str]]:
    """The parameters of a function, or of a class's constructor, with their defaults."""
    empty = inspect.Parameter.empty
    parameters = inspect.signature(function).parameters.values()
    return [{"name": each.name, "default": "" if each.default is empty else repr(each.default)} for each in parameters]


def _further_wants(operator: str) -> List[str]:
    """What may be wanted beyond the usual; PyNative only, because a graph pays for each derivative anew."""
    return ["weight_gradient", "target_gradient", "second"] if operator == "multilabel_soft_margin_loss" else []


def evaluate(call: Dict[str, Any]) -> Dict[str, Any]:
    """One evaluation; see the contract."""
    mindspore = _mindspore()
    mindspore.set_context(mode=getattr(mindspore, _MODES[call["mode"]]))
    arrays = {name: _tensor(mindspore, plain) for name, plain in call["arrays"].items()}
    if call["operator"] == "echo":
        return {"value": _plain(mindspore, arrays["input"])}
    in_module = call["form"] == "module" and "weight" in arrays
    names = [name for name in ("input", "target", "weight") if name in arrays and not (in_module and name == "weight")]
    tensors = [arrays[name] for name in names]
    results: Dict[str, Any] = {}
    try:
        cell = _cell(call, arrays.get("weight") if in_module else None)
        if "inferred" in call["want"]:
            results["inferred"] = _finished(_Inferred(cell)(*tensors))
        else:
            results["value"] = _finished(cell(*tensors))
        if "gradient" in call["want"]:
            results["gradient"] = _finished(_gradient(call, cell)(*tensors, arrays["cotangent"]))
        results.update(_further(mindspore, call, arrays))
    except Exception as error:
        return {"raised": error}
    reply: Dict[str, Any] = {name: _plain(mindspore, tensor) for name, tensor in results.items()}
    if "after" in call["want"]:
        reply["after"] = {name: _plain(mindspore, tensor) for name, tensor in arrays.items()}
    if "evidence" in call["want"] and call["mode"] == "graph":
        reply["evidence"] = "%d graphs compiled" % len(cell.compile_cache) if cell.compile_cache else ""
    return reply


def _key(call: Dict[str, Any]) -> Tuple[str, ...]:
    given = ",".join(sorted(call["arrays"]))
    return (call["operator"], call["form"], call["mode"], repr(sorted(call["options"].items())), given)


def _cell(call: Dict[str, Any], module_weight: Any) -> Any:
    """The loss as a Cell, made once for each set of options."""
    if module_weight is not None:
        return _WeightedModule(getattr(nn, _CLASSES[call["operator"]])(weight=module_weight, **call["options"]))
    key = _key(call)
    if key not in _cells:
        _cells[key] = _new_cell(call)
    return _cells[key]


def _new_cell(call: Dict[str, Any]) -> Any:
    if call["operator"] == "product":
        return _Product()
    if call["form"] == "module":
        return getattr(nn, _CLASSES[call["operator"]])(**call["options"])
    holder = importlib.import_module("mindspore_port") if call["form"] == "port" else ops
    kind = _Weighted if "weight" in call["arrays"] else _Native
    return kind(getattr(holder, call["operator"]), call["options"])


def _gradient(call: Dict[str, Any], cell: Any) -> Any:
    """The gradient of a Cell to its first input, for a cotangent given last."""
    if isinstance(cell, _WeightedModule):
        return ops.GradOperation(sens_param=True)(cell)
    key = _key(call)
    if key not in _gradients:
        _gradients[key] = ops.GradOperation(sens_param=True)(cell)
    return _gradients[key]


def _further(mindspore: Any, call: Dict[str, Any], arrays: Dict[str, Any]) -> Dict[str, Any]:
    """The derivatives that are wanted beside the gradient to the input."""
    names = [name for name in ("input", "target", "weight") if name in arrays]

    def slope_to(name: str) -> Any:
        def weighed(array: Any) -> Any:
            given = [dict(arrays, **{name: array})[each] for each in names]
            return (_loss(call)(*given) * arrays["cotangent"]).sum()

        return mindspore.grad(weighed)

    def second() -> Any:
        def along(input: Any) -> Any:
            return (slope_to("input")(input) * arrays["tangent"]).sum()

        return mindspore.grad(along)(arrays["input"])

    ways = {
        "weight_gradient": lambda: slope_to("weight")(arrays["weight"]),
        "target_gradient": lambda: slope_to("target")(arrays["target"]),
        "second": second,
    }
    return {name: _finished(way()) for name, way in ways.items() if name in call["want"]}


def _loss(call: Dict[str, Any]) -> Any:
    """The loss as a function of input, target and, where given, weight; a module gets its weight when it is made."""
    if call["form"] != "module":
        return _new_cell(call)
    module = getattr(nn, _CLASSES[call["operator"]])

    def loss(input: Any, target: Any, *weight: Any) -> Any:
        return module(*weight, **call["options"])(input, target)

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
