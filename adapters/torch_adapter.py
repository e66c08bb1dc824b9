"""PyTorch: ``torch.nn.functional`` and ``torch.nn``, eager, compiled and under vmap."""

import functools
import importlib
import os
import shutil
import warnings
from typing import Any, Callable, Dict, List, Tuple

import numpy as np

_CLASSES = {
    "multilabel_margin_loss": "MultiLabelMarginLoss",
    "multilabel_soft_margin_loss": "MultiLabelSoftMarginLoss",
}
_BACKENDS = ("aot_eager", "inductor")
_SAME_WIDTH = {"bfloat16": np.int16}

_compiled: Dict[Tuple[str, ...], Callable[..., Any]] = {}
_graphs: Dict[Tuple[str, ...], int] = {}


@functools.lru_cache(maxsize=None)
def _torch() -> Any:
    """Torch, imported late, with its compiler's files in the worker's own folder."""
    scratch = os.environ.get("LOSSPROOF_SCRATCH")
    if scratch:
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", os.path.join(scratch, "inductor"))
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
    warnings.filterwarnings("ignore")
    return importlib.import_module("torch")


@functools.lru_cache(maxsize=None)
def _dynamo() -> Any:
    """The compiler front end, told to fail rather than to fall back to eager."""
    dynamo = importlib.import_module("torch._dynamo")
    for name in ("cache_size_limit", "recompile_limit", "accumulated_cache_size_limit", "accumulated_recompile_limit"):
        if hasattr(dynamo.config, name):
            setattr(dynamo.config, name, 100000)
    return dynamo


def _missing_modes(torch: Any) -> Dict[str, str]:
    """Modes that this machine or this version cannot run, and why."""
    missing = {}
    if not hasattr(torch, "compile"):
        missing.update(dict.fromkeys(_BACKENDS, "torch %s has no torch.compile" % torch.__version__))
    elif not any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "g++", "clang++", "c++")):
        missing["inductor"] = "no C++ compiler on this machine; install g++"
    if not hasattr(torch, "func"):
        missing["vmap"] = "torch %s has no torch.func" % torch.__version__
    return missing


def describe() -> Dict[str, Any]:
    """What this torch offers."""
    torch = _torch()
    missing = _missing_modes(torch)
    modes = [mode for mode in ("eager", "vmap") + _BACKENDS if mode not in missing]
    return {
        "framework": "torch",
        "version": torch.__version__.split("+")[0],
        "build": "%s, git %s" % (torch.__version__, torch.version.git_version[:12]),
        "device": "cpu",
        "layouts": ["contiguous", "strided", "transposed", "broadcast"],
        "compiled": [mode for mode in _BACKENDS if mode in modes],
        "slow": [],
        "dear": [],
        "left_out": [{"mode": mode, "words": words} for mode, words in missing.items()],
        "facts": {"threads": torch.get_num_threads()},
        "operators": {name: _offer(name, modes) for name in _CLASSES},
    }


def _offer(operator: str, modes: List[str]) -> Dict[str, Any]:
    soft = operator == "multilabel_soft_margin_loss"
    return {
        "forms": ["native", "module"],
        "modes": modes,
        "dtypes": ["float16", "bfloat16", "float32", "float64"],
        "target_dtype": "same" if soft else "int64",
        "offers": ["value", "gradient", "after"],
        "legacy": ["size_average", "reduce"],
        "reproducer": {
            "prelude": "import torch\n",
            "array": "torch.tensor($values, dtype=torch.$dtype)",
            "empty": "torch.zeros($shape, dtype=torch.$dtype)",
            "call": {
                "native": "torch.nn.functional.%s(input, target$options)" % operator,
                "module": "torch.nn.%s($module_options)(input, target)" % _CLASSES[operator],
            },
            "wrap": {
                "eager": "$call",
                "vmap": "torch.func.vmap(lambda input, target: $call)"
                "(torch.stack([input, input]), torch.stack([target, target]))[0]",
                "aot_eager": "torch.compile(lambda input, target: $call, backend='aot_eager')(input, target)",
                "inductor": "torch.compile(lambda input, target: $call, backend='inductor')(input, target)",
            },
            "gradient": "torch.autograd.grad(loss, input, cotangent)[0]",
            "before": "input.requires_grad_()\nloss = $loss",
        },
    }


def evaluate(call: Dict[str, Any]) -> Dict[str, Any]:
    """One evaluation; see the contract."""
    torch = _torch()
    arrays = {name: _tensor(torch, plain, call["layout"]) for name, plain in call["arrays"].items()}
    if call["operator"] == "echo":
        return {"value": _plain(torch, arrays["input"])}
    wants_gradient = "gradient" in call["want"]
    tensors = [arrays[name] for name in ("input", "target", "weight") if name in arrays]
    if wants_gradient:
        arrays["input"].requires_grad_()
    reply: Dict[str, Any] = {}
    try:
        loss = _run(torch, call, tensors)
        if wants_gradient:
            (gradient,) = torch.autograd.grad(loss, arrays["input"], arrays["cotangent"])
            reply["gradient"] = gradient
    except Exception as error:
        return {"raised": error}
    reply = {name: _plain(torch, tensor) for name, tensor in dict(reply, value=loss).items()}
    if "after" in call["want"]:
        reply["after"] = {name: _plain(torch, tensor) for name, tensor in arrays.items()}
    if "evidence" in call["want"]:
        reply["evidence"] = _evidence(call)
    return reply


def _run(torch: Any, call: Dict[str, Any], tensors: List[Any]) -> Any:
    if call["mode"] == "eager":
        return _loss(torch, call)(*tensors)
    if call["mode"] == "vmap":
        return _vmapped(torch, call, tensors)
    return _compiled_run(torch, call, tensors)


def _loss(torch: Any, call: Dict[str, Any]) -> Callable[..., Any]:
    """The loss as a function of input, target and, where given, weight."""
    operator, options = call["operator"], call["options"]
    if operator == "product":
        return lambda input, weight: input * weight
    if call["form"] != "module":
        function = call.get("function") or getattr(torch.nn.functional, operator)
        if "weight" in call["arrays"]:
            return lambda input, target, weight: function(input, target, weight=weight, **options)
        return lambda input, target: function(input, target, **options)
    module = getattr(torch.nn, _CLASSES[operator])
    if "weight" in call["arrays"]:
        return lambda input, target, weight: module(weight=weight, **options)(input, target)
    return lambda input, target: module(**options)(input, target)


def _vmapped(torch: Any, call: Dict[str, Any], tensors: List[Any]) -> Any:
    """Map over a new leading axis of two: the case, and the case with its classes rolled."""
    decoy = tensors[0].detach().roll(1, dims=-1) if tensors[0].dim() else tensors[0].detach()
    pairs = [torch.stack([tensors[0], decoy])] + [torch.stack([tensor, tensor]) for tensor in tensors[1:]]
    return torch.func.vmap(_loss(torch, call))(*pairs)[0]


def _key(call: Dict[str, Any]) -> Tuple[str, ...]:
    given = ",".join(sorted(call["arrays"]))
    options, function = repr(sorted(call["options"].items())), repr(call.get("function"))
    return (call["operator"], call["form"], call["mode"], call["dtype"], options, given, function)


def _compiled_run(torch: Any, call: Dict[str, Any], tensors: List[Any]) -> Any:
    counters = _dynamo().utils.counters
    key = _key(call)
    if key not in _compiled:
        _compiled[key] = torch.compile(_loss(torch, call), backend=call["mode"], fullgraph=True)
    before = counters["stats"]["unique_graphs"]
    loss = _compiled[key](*tensors)
    _graphs[key] = _graphs.get(key, 0) + counters["stats"]["unique_graphs"] - before
    return loss


def _evidence(call: Dict[str, Any]) -> str:
    """How many graphs were compiled for this function; graph breaks would have raised."""
    compiled = _graphs.get(_key(call), 0)
    return "%d graphs compiled, no graph break" % compiled if compiled else ""


def _tensor(torch: Any, plain: Dict[str, Any], layout: str) -> Any:
    if "list" in plain:
        return plain["list"]
    stored = np.frombuffer(plain["data"], dtype=_SAME_WIDTH.get(plain["dtype"], plain["dtype"])).copy()
    tensor = torch.from_numpy(stored).view(getattr(torch, plain["dtype"])).reshape(plain["shape"])
    return _laid_out(torch, tensor, layout)


def _laid_out(torch: Any, tensor: Any, layout: str) -> Any:
    """The same values in another place in memory."""
    if layout == "strided" and tensor.dim():
        apart = torch.zeros(tensor.shape[:-1] + (2 * tensor.shape[-1],), dtype=tensor.dtype)
        apart[..., ::2] = tensor
        return apart[..., ::2]
    if layout == "transposed":
        return tensor.t().contiguous().t() if tensor.dim() == 2 else tensor
    if layout == "broadcast" and tensor.dim() == 2:
        same = tensor.shape[0] > 0 and bool((tensor == tensor[:1]).all())
        return tensor[:1].expand(tensor.shape) if same else tensor
    return tensor


def _plain(torch: Any, tensor: Any) -> Any:
    whole = tensor.detach().contiguous()
    if whole.dtype != torch.bfloat16:
        return whole.numpy()
    return {"dtype": "bfloat16", "shape": list(whole.shape), "data": whole.view(torch.int16).numpy().tobytes()}
