"""PyTorch: ``torch.nn.functional`` and ``torch.nn``, eager, compiled, exported, traced, under vmap and autocast."""

import functools
import importlib
import importlib.metadata
import importlib.util
import inspect
import os
import shutil
import warnings
from typing import Any, Callable, Dict, List, Tuple

import numpy as np

TITLE = "PyTorch"
INSTALL = "torch==2.13.0"
FUNCTIONS = True
ENVIRONMENT = {"OMP_WAIT_POLICY": "passive"}
"""OpenMP's threads spin while they wait for work, and those of two workers keep each other from working."""

NEEDS = [
    {
        "versions": ">=2.15",
        "python": ">=3.11,<3.15",
        "packages": ["torch=={version}", "numpy", "onnx==1.23.2", "onnxruntime==1.32.0", "onnxscript==0.7.2"],
    },
    {
        "versions": ">=2.9",
        "python": ">=3.10,<3.15",
        "packages": ["torch=={version}", "numpy", "onnx==1.23.2", "onnxruntime==1.32.0", "onnxscript==0.7.2"],
    },
    {
        "versions": ">=2.6",
        "python": ">=3.10,<3.14",
        "packages": ["torch=={version}", "numpy", "onnx==1.23.2", "onnxruntime==1.32.0", "onnxscript==0.7.2"],
    },
    {"versions": ">=2.5", "python": ">=3.9,<3.14"},
    {"versions": ">=2.3", "python": ">=3.8,<3.13"},
    {"versions": ">=2.2", "python": ">=3.8,<3.13", "packages": ["torch=={version}", "numpy<2"]},
    {"versions": ">=1.13", "python": "<3.12", "packages": ["torch=={version}", "numpy<2"]},
    {"versions": ">=1.11", "python": "<3.11", "packages": ["torch=={version}", "numpy<2"]},
    {"python": "<3.10", "packages": ["torch=={version}", "numpy<2"]},
]
OPERATORS: Dict[str, Dict[str, Any]] = {
    "multilabel_margin_loss": {
        "module": "MultiLabelMarginLoss",
        "arguments": ["input", "target"],
        "options": ["reduction", "size_average", "reduce"],
        "dtypes": {"target": "int64"},
        "gradients": ["input"],
        "further": [],
    },
    "multilabel_soft_margin_loss": {
        "module": "MultiLabelSoftMarginLoss",
        "arguments": ["input", "target", "weight"],
        "options": ["reduction", "size_average", "reduce"],
        "dtypes": {},
        "gradients": ["input", "weight", "target"],
        "further": ["second", "forward"],
    },
    "multi_margin_loss": {
        "module": "MultiMarginLoss",
        "arguments": ["input", "target", "weight"],
        "options": ["reduction", "p", "margin", "size_average", "reduce"],
        "dtypes": {"target": "int64"},
        "gradients": ["input"],
        "further": [],
    },
    "soft_margin_loss": {
        "module": "SoftMarginLoss",
        "arguments": ["input", "target"],
        "options": ["reduction", "size_average", "reduce"],
        "dtypes": {},
        "gradients": ["input"],
        "further": ["second", "forward"],
    },
    "hinge_embedding_loss": {
        "module": "HingeEmbeddingLoss",
        "arguments": ["input", "target"],
        "options": ["reduction", "margin", "size_average", "reduce"],
        "dtypes": {},
        "gradients": ["input"],
        "further": ["forward"],
    },
    "margin_ranking_loss": {
        "module": "MarginRankingLoss",
        "arguments": ["input1", "input2", "target"],
        "options": ["reduction", "margin", "size_average", "reduce"],
        "dtypes": {},
        "gradients": ["input1", "input2"],
        "further": ["forward"],
    },
}
_BACKENDS = ("aot_eager", "inductor")
_EXPORTS = ("export", "export_decomposed", "onnx")
_MODES = ("eager", "vmap") + _BACKENDS + _EXPORTS + ("script", "autocast")
_PORT_MODES = ("eager", "vmap") + _BACKENDS
_COSTS = dict(
    {"script": ["expensive-shapes", "wrapper"], "autocast": ["wrapper"]},
    **{mode: ["expensive-shapes"] for mode in _BACKENDS},
    **{mode: ["expensive-shapes", "expensive-programs", "wrapper"] for mode in _EXPORTS},
)
_DTYPES = {
    "export_decomposed": ["float16", "float32"],
    "onnx": ["float16", "float32"],
    "autocast": ["float32", "float64"],
}
_ONNX = ("onnx", "onnxruntime", "onnxscript")
_SAME_WIDTH = {"bfloat16": np.int16}

_compiled: Dict[Tuple[str, ...], Callable[..., Any]] = {}
_graphs: Dict[Tuple[str, ...], int] = {}
_programs: Dict[Tuple[Any, ...], Tuple[Callable[..., Any], str]] = {}


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
    if not hasattr(torch, "autocast"):
        missing["autocast"] = "torch %s has no torch.autocast" % torch.__version__
    missing.update(_missing_exports(torch))
    return missing


def _missing_exports(torch: Any) -> Dict[str, str]:
    if not hasattr(torch, "export") or "dynamo" not in inspect.signature(torch.onnx.export).parameters:
        return dict.fromkeys(_EXPORTS, "torch %s has no torch.export, or none for ONNX" % torch.__version__)
    absent = [name for name in _ONNX if importlib.util.find_spec(name) is None]
    if absent:
        return {"onnx": "%s not installed; pip install %s" % (", ".join(absent), " ".join(absent))}
    return {}


def _versions() -> Dict[str, str]:
    """Of what runs the exported graphs, where it is there."""
    found = {}
    for name in ("onnx", "onnxscript", "onnxruntime"):
        if importlib.util.find_spec(name) is not None:
            found[name] = importlib.metadata.version(name)
    return found


def describe() -> Dict[str, Any]:
    """What this torch offers."""
    torch = _torch()
    missing = _missing_modes(torch)
    modes = [mode for mode in _MODES if mode not in missing]
    return {
        "contract": 2,
        "framework": "torch",
        "version": torch.__version__.split("+")[0],
        "build": "%s, git %s" % (torch.__version__, torch.version.git_version[:12]),
        "device": "cpu",
        "layouts": ["contiguous", "strided", "transposed", "broadcast", "misaligned", "read-only"],
        "compiled": [mode for mode in _BACKENDS + _EXPORTS + ("script",) if mode in modes],
        "costs": {mode: _COSTS.get(mode, ["cheap"]) for mode in modes},
        "left_out": [{"mode": mode, "words": words} for mode, words in missing.items()],
        "facts": dict({"threads": torch.get_num_threads()}, **_versions()),
        "operators": {name: _offer(name, modes) for name in OPERATORS if hasattr(torch.nn.functional, name)},
    }


_WRAP = {
    "eager": "$call",
    "vmap": "torch.func.vmap(lambda $tensors: $call)(*[torch.stack([each, each]) for each in ($tensors,)])[0]",
    "aot_eager": "torch.compile(lambda $tensors: $call, backend='aot_eager')($tensors)",
    "inductor": "torch.compile(lambda $tensors: $call, backend='inductor')($tensors)",
    "export": "program.module()($tensors)",
    "export_decomposed": "program.run_decompositions().module()($tensors)",
    "onnx": "session.run(None, dict(zip(names, [each.numpy() for each in ($tensors,)])))[0]",
    "script": "torch.jit.trace(lambda $tensors: $call, tuple(each.detach() for each in ($tensors,)))($tensors)",
    "autocast": "loss_of($tensors)",
}
_MODULE = "class Loss(torch.nn.Module):\n    def forward(self, $tensors):\n        return $call\n"
_EXPORTED = _MODULE + "program = torch.export.export(Loss(), ($tensors,))"
_DEFINE = {
    "export": _EXPORTED,
    "export_decomposed": _EXPORTED,
    "onnx": _MODULE + "import onnxruntime\n"
    "program = torch.onnx.export(Loss(), ($tensors,), dynamo=True, verbose=False)\n"
    "session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())\n"
    "names = [each.name for each in session.get_inputs()]",
    "autocast": "@torch.autocast('cpu', dtype=torch.bfloat16)\ndef loss_of($tensors):\n    return $call",
}


def _offer(operator: str, modes: List[str]) -> Dict[str, Any]:
    row = OPERATORS[operator]
    return {
        "forms": _forms(operator, "eager"),
        "modes": modes,
        "dtypes": ["float16", "bfloat16", "float32", "float64"],
        "arguments": row["arguments"],
        "options": row["options"],
        "argument_dtypes": row["dtypes"],
        "offers": _wants(operator, "eager"),
        "by_mode": {mode: _offer_of_mode(operator, mode) for mode in modes},
        "signature": {
            "native": _signature(getattr(_torch().nn.functional, operator)),
            "module": _signature(getattr(_torch().nn, row["module"])),
        },
        "reproducer": {
            "port_import": "from lossproof import port\ntorch_port = port('torch')\n",
            "prelude": "import torch\n$port_import",
            "array": "torch.tensor($values, dtype=torch.$dtype)",
            "empty": "torch.zeros($shape, dtype=torch.$dtype)",
            "call": {
                "native": "torch.nn.functional.%s($tensors$options)" % operator,
                "module": "torch.nn.%s($module_options)($tensors)" % row["module"],
                "port": "torch_port.%s($tensors$options)" % operator,
            },
            "wrap": _WRAP,
            "define": _DEFINE,
            "gradient": "torch.autograd.grad(loss, $to, cotangent)[0]",
            "before": "$to.requires_grad_()\nloss = $loss",
        },
    }


def _forms(operator: str, mode: str) -> List[str]:
    """The port is there for the margin loss, where this torch lets an operator say how it is mapped (2.5 and later)."""
    has_port = operator == "multilabel_margin_loss" and hasattr(_torch().library, "register_vmap")
    return ["native", "module"] + (["port"] if has_port and mode in _PORT_MODES else [])


def _signature(function: Any) -> List[Dict[str, str]]:
    """The parameters of a function, or of a class's constructor, with their defaults."""
    empty = inspect.Parameter.empty
    parameters = inspect.signature(function).parameters.values()
    return [{"name": each.name, "default": "" if each.default is empty else repr(each.default)} for each in parameters]


def _offer_of_mode(operator: str, mode: str) -> Dict[str, Any]:
    """What may be wanted, and the formats where they are fewer.

    CPU autocast computes this loss in float32 for half-precision scores and leaves float32 and
    float64 as they are. NumPy, through which ONNX Runtime gets its arrays, has no bfloat16. Programs
    that are decomposed or leave torch take long to make, so they are asked in two formats only.
    """
    offer: Dict[str, Any] = {"offers": _wants(operator, mode), "forms": _forms(operator, mode)}
    return dict(offer, dtypes=_DTYPES[mode]) if mode in _DTYPES else offer


def _wants(operator: str, mode: str) -> List[str]:
    """What may be wanted: a mode that compiles pays for each derivative anew, so it offers the usual ones."""
    row = OPERATORS[operator]
    if mode == "onnx":
        return ["value", "after"]
    if mode not in ("eager", "vmap"):
        return ["value", "after"] + ["gradient:" + name for name in row["gradients"] if name != "weight"][:2]
    wants = ["value", "after"] + ["gradient:" + name for name in row["gradients"]]
    transforms = hasattr(_torch(), "func")
    wants += [want for want in row["further"] if transforms or want != "forward"]
    wants += ["jacobian"] if transforms else []
    return wants + (["accumulated", "threads"] if mode == "eager" else [])


def evaluate(call: Dict[str, Any]) -> Dict[str, Any]:
    """One evaluation; see the contract."""
    torch = _torch()
    sent = {given["name"]: given["array"] for given in call["arguments"]}
    dtypes = [plain["dtype"] for plain in list(sent.values()) + list(call["vectors"].values()) if "dtype" in plain]
    missing = [dtype for dtype in dtypes if not hasattr(torch, dtype)]
    if missing:
        return {"raised": TypeError("torch %s has no tensors of %s" % (torch.__version__, " and ".join(missing)))}
    arguments = {name: _tensor(torch, plain, call["layout"]) for name, plain in sent.items()}
    vectors = {name: _tensor(torch, plain, call["layout"]) for name, plain in call["vectors"].items()}
    if call["operator"] == "echo":
        return {"value": _plain(torch, arguments["input"])}
    try:
        results = _results(torch, call, arguments, vectors)
    except Exception as error:
        return {"raised": error}
    reply: Dict[str, Any] = {name: _plain(torch, tensor) for name, tensor in results.items()}
    if "after" in call["want"]:
        reply["after"] = {name: _plain(torch, tensor) for name, tensor in dict(vectors, **arguments).items()}
    if "evidence" in call["want"]:
        reply["evidence"] = _evidence(call)
    return reply


def _results(torch: Any, call: Dict[str, Any], arguments: Dict[str, Any], vectors: Dict[str, Any]) -> Dict[str, Any]:
    """The loss and what else is wanted, as tensors."""
    sources = [want.partition(":")[2] for want in call["want"] if want.startswith("gradient:")]
    for name in sources:
        arguments[name].requires_grad_()
    results = {"value": _run(torch, call, list(arguments.values()))}
    if sources:
        tensors = [arguments[name] for name in sources]
        slopes = torch.autograd.grad(results["value"], tensors, vectors["cotangent"])
        results.update(zip(["gradient:" + name for name in sources], slopes))
    for want in set(call["want"]) & set(_DERIVATIVES):
        first, *others = [tensor.detach() for tensor in arguments.values()]
        loss = functools.partial(_loss_of_first, torch, call, others)
        results[want] = _DERIVATIVES[want](torch, loss, dict(vectors, first=first))
    return results


def _loss_of_first(torch: Any, call: Dict[str, Any], others: List[Any], first: Any) -> Any:
    return _run(torch, call, [first] + others)


def _accumulated(torch: Any, loss: Callable[..., Any], arrays: Dict[str, Any]) -> Any:
    """What a backward pass leaves where a gradient is held already."""
    input = arrays["first"].detach().clone().requires_grad_()
    input.grad = arrays["held"].clone()
    loss(input).backward(arrays["cotangent"])
    return input.grad


def _forward(torch: Any, loss: Callable[..., Any], arrays: Dict[str, Any]) -> Any:
    return torch.func.jvp(loss, (arrays["first"].detach(),), (arrays["tangent"],))[1]


def _second(torch: Any, loss: Callable[..., Any], arrays: Dict[str, Any]) -> Any:
    """Double backward: the Hessian is symmetric, so the tangent may be the second cotangent."""
    input = arrays["first"].detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(input), input, arrays["cotangent"], create_graph=True)
    return torch.autograd.grad(gradient, input, arrays["tangent"])[0]


def _jacobian(torch: Any, loss: Callable[..., Any], arrays: Dict[str, Any]) -> Any:
    return torch.func.jacrev(loss)(arrays["first"].detach())


_DERIVATIVES = {"accumulated": _accumulated, "forward": _forward, "second": _second, "jacobian": _jacobian}


def _run(torch: Any, call: Dict[str, Any], tensors: List[Any]) -> Any:
    mode = call["mode"]
    if mode == "eager":
        return _loss(torch, call)(*tensors)
    if mode == "autocast":
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return _loss(torch, call)(*tensors)
    if mode == "vmap":
        return _vmapped(torch, call, tensors)
    return _compiled_run(torch, call, tensors) if mode in _BACKENDS else _program_run(torch, call, tensors)


def _loss(torch: Any, call: Dict[str, Any]) -> Callable[..., Any]:
    """The loss as a function of its tensors, the positional ones first."""
    operator, options = call["operator"], call["options"]
    if operator == "product":
        return lambda input, weight: input * weight
    names = [given["name"] for given in call["arguments"]]
    first = len([given for given in call["arguments"] if given["place"] == "positional"])
    if call["form"] == "module":
        module = getattr(torch.nn, OPERATORS[operator]["module"])
        return lambda *tensors: module(**dict(zip(names[first:], tensors[first:])), **options)(*tensors[:first])
    holder = importlib.import_module("torch_port") if call["form"] == "port" else torch.nn.functional
    function = call.get("function") or getattr(holder, operator)
    return lambda *tensors: function(*tensors[:first], **dict(zip(names[first:], tensors[first:])), **options)


def _vmapped(torch: Any, call: Dict[str, Any], tensors: List[Any]) -> Any:
    """Map over a new leading axis of two: the case, and the case with its classes rolled."""
    decoy = tensors[0].detach().roll(1, dims=-1) if tensors[0].dim() else tensors[0].detach()
    pairs = [torch.stack([tensors[0], decoy])] + [torch.stack([tensor, tensor]) for tensor in tensors[1:]]
    return torch.func.vmap(_loss(torch, call))(*pairs)[0]


def _key(call: Dict[str, Any]) -> Tuple[str, ...]:
    given = ",".join(given["name"] for given in call["arguments"])
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


def _program_run(torch: Any, call: Dict[str, Any], tensors: List[Any]) -> Any:
    """Run the program that was traced from this function.

    A program of which no size is 0 or 1 serves every such shape, as far as the exporter kept
    its sizes free; a shape that it refuses gets one of its own.
    """
    shapes = tuple(tuple(tensor.shape) for tensor in tensors)
    own = (_key(call), shapes)
    shared = (_key(call), tuple(tuple(min(size, 2) for size in shape) for shape in shapes))
    if own not in _programs and shared in _programs:
        try:
            return _programs[shared][0](*tensors)
        except Exception:  # sizes that the exporter has fixed: the program for these very shapes decides
            _programs[own] = _new_program(torch, call, tensors, free=False)
    elif own not in _programs:
        _programs[own] = _new_program(torch, call, tensors, free=True)
        if call["mode"] != "script":
            _programs[shared] = _programs[own]
    return _programs[own][0](*tensors)


def _new_program(torch: Any, call: Dict[str, Any], tensors: List[Any], free: bool) -> Tuple[Callable[..., Any], str]:
    """A program for these arguments, and the evidence that it is one."""
    examples = tuple(tensor.detach() for tensor in tensors)
    if call["mode"] == "script":
        traced = torch.jit.trace(_loss(torch, call), examples, check_trace=False)
        return traced, "a TorchScript graph of %d nodes" % len(list(traced.graph.nodes()))
    module = _as_module(torch, _loss(torch, call))
    sizes = tuple(dict.fromkeys(range(tensor.dim()), torch.export.Dim.AUTO) for tensor in tensors) if free else None
    if call["mode"] == "onnx":
        return _onnx_program(torch, module, examples, sizes)
    exported = torch.export.export(module, examples, dynamic_shapes={"tensors": sizes} if free else None)
    if call["mode"] == "export_decomposed":
        exported = exported.run_decompositions()
    return exported.module(), "an exported graph of %d nodes" % len(exported.graph.nodes)


def _as_module(torch: Any, loss: Callable[..., Any]) -> Any:
    """The loss as the module that an exporter wants."""

    def forward(module: Any, *tensors: Any) -> Any:
        return loss(*tensors)

    return type("Loss", (torch.nn.Module,), {"forward": forward})()


def _onnx_program(torch: Any, module: Any, examples: Tuple[Any, ...], sizes: Any) -> Tuple[Callable[..., Any], str]:
    """The module exported to ONNX, as a function of tensors that ONNX Runtime computes."""
    runtime = importlib.import_module("onnxruntime")
    shapes = {"tensors": sizes} if sizes else None
    exported = torch.onnx.export(module, examples, dynamo=True, verbose=False, dynamic_shapes=shapes)
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = runtime.InferenceSession(
        exported.model_proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [each.name for each in session.get_inputs()]

    def run(*tensors: Any) -> Any:
        arrays = [tensor.detach().contiguous().numpy() for tensor in tensors]
        return torch.from_numpy(np.asarray(session.run(None, dict(zip(names, arrays)))[0]))

    return run, "an ONNX graph of %d nodes" % len(exported.model.graph)


def _evidence(call: Dict[str, Any]) -> str:
    """How many graphs were compiled for this function (graph breaks would have raised), or what was traced."""
    if call["mode"] not in _BACKENDS:
        return next((words for key, (_, words) in _programs.items() if key[0] == _key(call)), "")
    compiled = _graphs.get(_key(call), 0)
    return "%d graphs compiled, no graph break" % compiled if compiled else ""


def _tensor(torch: Any, plain: Dict[str, Any], layout: str) -> Any:
    if "list" in plain:
        return plain["list"]
    stored = np.frombuffer(plain["data"], dtype=_SAME_WIDTH.get(plain["dtype"], plain["dtype"]))
    if layout != "read-only":
        stored = stored.copy()
    tensor = torch.from_numpy(stored).view(getattr(torch, plain["dtype"])).reshape(plain["shape"])
    if layout == "broadcast" and tensor.dim() == 2:
        same = len({row.tobytes() for row in stored.reshape(plain["shape"])}) == 1
        return tensor[:1].expand(tensor.shape) if same else tensor
    return _laid_out(torch, tensor, layout)


def _laid_out(torch: Any, tensor: Any, layout: str) -> Any:
    """The same values in another place in memory."""
    if layout == "strided" and tensor.dim():
        apart = torch.zeros(tensor.shape[:-1] + (2 * tensor.shape[-1],), dtype=tensor.dtype)
        apart[..., ::2] = tensor
        return apart[..., ::2]
    if layout == "misaligned":
        moved = torch.zeros(tensor.numel() + 1, dtype=tensor.dtype)[1:].reshape(tensor.shape)
        return moved.copy_(tensor)
    if layout == "transposed":
        return tensor.t().contiguous().t() if tensor.dim() == 2 else tensor
    return tensor


def _plain(torch: Any, tensor: Any) -> Any:
    whole = tensor.detach().contiguous()
    if whole.dtype != torch.bfloat16:
        return whole.numpy()
    return {"dtype": "bfloat16", "shape": list(whole.shape), "data": whole.view(torch.int16).numpy().tobytes()}
