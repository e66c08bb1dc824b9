"""PyTorch: functions and modules, eager, compiled, exported, traced, mapped, under autocast and other settings."""

import functools
import importlib
import importlib.metadata
import importlib.util
import os
import warnings
from typing import Any, Callable, Dict, List

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
_SAME_WIDTH = {"bfloat16": np.int16}


@functools.lru_cache(maxsize=None)
def _torch() -> Any:
    """Torch, imported late; what it compiles is kept for all workers of a run, which would take seconds for each."""
    shared = os.environ.get("LOSSPROOF_SHARED")
    if shared:
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", os.path.join(shared, "inductor"))
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
    warnings.filterwarnings("ignore")
    return importlib.import_module("torch")


def _beside(name: str) -> Any:
    """A module beside this file, which the worker has loaded."""
    return importlib.import_module("torch_" + name)


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
    offers = _beside("offers")
    missing = offers.missing_modes(torch)
    modes = [mode for mode in offers.MODES if mode not in missing]
    return {
        "contract": 2,
        "framework": "torch",
        "version": torch.__version__.split("+")[0],
        "build": "%s, git %s" % (torch.__version__, torch.version.git_version[:12]),
        "device": "cpu",
        "layouts": ["contiguous", "strided", "transposed", "broadcast", "misaligned", "read-only"],
        "compiled": [mode for mode in offers.BACKENDS + offers.EXPORTS + ("trace", "script") if mode in modes],
        "costs": {mode: offers.COSTS.get(mode, ["cheap"]) for mode in modes},
        "left_out": [{"mode": mode, "words": words} for mode, words in missing.items()],
        "facts": dict({"threads": torch.get_num_threads()}, **_versions()),
        "operators": {
            name: offers.offer(torch, name, row, modes)
            for name, row in OPERATORS.items()
            if hasattr(torch.nn.functional, name)
        },
    }


def _as_arrays(torch: Any, tensors: Dict[str, Any]) -> Dict[str, Any]:
    return {name: _plain(torch, tensor) for name, tensor in tensors.items()}


def evaluate(call: Dict[str, Any]) -> Dict[str, Any]:
    """One evaluation; see the contract."""
    torch = _torch()
    sent = {given["name"]: given["array"] for given in call["arguments"]}
    missing = _missing_dtypes(torch, list(sent.values()) + list(call["vectors"].values()))
    if missing:
        return {"raised": TypeError("torch %s has no tensors of %s" % (torch.__version__, " and ".join(missing)))}
    arguments = {name: _tensor(torch, plain, call["layout"]) for name, plain in sent.items()}
    vectors = {name: _tensor(torch, plain, call["layout"]) for name, plain in call["vectors"].items()}
    if call["operator"] == "echo":
        return {"value": _plain(torch, arguments["input"])}
    try:
        with _beside("settings").under(torch, call["mode"]):
            results = _results(torch, call, arguments, vectors)
    except Exception as error:
        return {"raised": error}
    return dict(_as_arrays(torch, results), **_beside_results(torch, call, arguments, vectors))


def _beside_results(
    torch: Any, call: Dict[str, Any], arguments: Dict[str, Any], vectors: Dict[str, Any]
) -> Dict[str, Any]:
    """What is wanted of a call beside its results."""
    told: Dict[str, Any] = {}
    if "after" in call["want"]:
        told["after"] = _as_arrays(torch, dict(vectors, **arguments))
    if not any(want.startswith("gradient:") for want in call["want"]):
        told["state"] = _marks(arguments)
    if "evidence" in call["want"]:
        told["evidence"] = _beside("programs").evidence(call)
    return told


def _missing_dtypes(torch: Any, sent: List[Dict[str, Any]]) -> List[str]:
    dtypes = [plain["dtype"] for plain in sent if "dtype" in plain]
    return [dtype for dtype in dtypes if not hasattr(torch, dtype)]


def _results(torch: Any, call: Dict[str, Any], arguments: Dict[str, Any], vectors: Dict[str, Any]) -> Dict[str, Any]:
    """The loss and what else is wanted, as tensors."""
    sources = [want.partition(":")[2] for want in call["want"] if want.startswith("gradient:")]
    for name in sources:
        arguments[name].requires_grad_()
    value = _run(torch, call, list(arguments.values()))
    results = {"value": value if isinstance(value, torch.Tensor) else torch.as_tensor(value, dtype=torch.float64)}
    if sources:
        tensors = [arguments[name] for name in sources]
        slopes = torch.autograd.grad(results["value"], tensors, vectors["cotangent"])
        results.update(zip(["gradient:" + name for name in sources], slopes))
    results.update(_beside("derivatives").wanted(torch, call, functools.partial(_run, torch, call), arguments, vectors))
    return results


def state() -> Dict[str, Any]:
    """Settings of torch that a call may leave otherwise."""
    torch = _torch()
    return {
        "default dtype of torch": str(torch.get_default_dtype()),
        "gradients of torch": torch.is_grad_enabled(),
        "deterministic algorithms of torch": torch.are_deterministic_algorithms_enabled(),
        "threads of torch": str(torch.get_num_threads()),
        "random numbers of torch": hash(torch.get_rng_state().numpy().tobytes()),
    }


def _marks(arguments: Dict[str, Any]) -> List[str]:
    """What a call without gradients left on the caller's tensors."""
    tensors = {name: tensor for name, tensor in arguments.items() if hasattr(tensor, "requires_grad")}
    return ["%s requires a gradient, and did not" % name for name, tensor in tensors.items() if tensor.requires_grad]


def _run(torch: Any, call: Dict[str, Any], tensors: List[Any]) -> Any:
    mode, loss, programs = call["mode"], _loss(torch, call), _beside("programs")
    if mode in ("eager", "script") or mode in _beside("settings").SETTINGS:
        return loss(*tensors)
    if mode == "autocast":
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return loss(*tensors)
    if mode == "vmap":
        return programs.vmapped(torch, loss, tensors)
    run = programs.compiled_run if mode in _beside("offers").BACKENDS else programs.program_run
    return run(torch, call, loss, tensors)


def _as_it_is(loss: Callable[..., Any]) -> Callable[..., Any]:
    return loss


def _loss(torch: Any, call: Dict[str, Any]) -> Callable[..., Any]:
    """The loss as a function of its tensors, the positional ones first; compiled from its source in mode ``script``."""
    operator, options = call["operator"], call["options"]
    if operator == "product":
        return lambda input, weight: input * weight
    made = functools.partial(_beside("programs").scripted, torch, call) if call["mode"] == "script" else _as_it_is
    names = [given["name"] for given in call["arguments"]]
    first = len([given for given in call["arguments"] if given["place"] == "positional"])
    if call["form"] == "module":
        module = getattr(torch.nn, OPERATORS[operator]["module"])
        return lambda *tensors: made(module(**dict(zip(names[first:], tensors[first:])), **options))(*tensors[:first])
    holder = _beside("port") if call["form"] == "port" else torch.nn.functional
    function = made(call.get("function") or getattr(holder, operator))
    return lambda *tensors: function(*tensors[:first], **dict(zip(names[first:], tensors[first:])), **options)


def _tensor(torch: Any, plain: Dict[str, Any], layout: str) -> Any:
    if "list" in plain:
        return plain["list"]
    stored = np.frombuffer(plain["data"], dtype=_SAME_WIDTH.get(plain["dtype"], plain["dtype"]))
    if layout != "read-only":
        stored = stored.copy()
    tensor = torch.from_numpy(stored).view(getattr(torch, plain["dtype"])).reshape(plain["shape"])
    if layout == "broadcast" and tensor.dim() in (1, 2):
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
