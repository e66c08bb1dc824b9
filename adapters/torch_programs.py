"""Torch's losses under vmap, compiled, exported and traced: beside ``torch_adapter.py``."""

import functools
import importlib
import io
from typing import Any, Callable, Dict, List, Tuple

import numpy as np

_compiled: Dict[Tuple[str, ...], Callable[..., Any]] = {}
_graphs: Dict[Tuple[str, ...], int] = {}
_programs: Dict[Tuple[Any, ...], Tuple[Callable[..., Any], str]] = {}
_scripts: Dict[Callable[..., Any], Any] = {}


@functools.lru_cache(maxsize=None)
def _dynamo() -> Any:
    """The compiler front end, told to fail rather than to fall back to eager."""
    dynamo = importlib.import_module("torch._dynamo")
    for name in ("cache_size_limit", "recompile_limit", "accumulated_cache_size_limit", "accumulated_recompile_limit"):
        if hasattr(dynamo.config, name):
            setattr(dynamo.config, name, 100000)
    return dynamo


Loss = Callable[..., Any]
"""The loss as a function of its tensors, the positional ones first."""


def vmapped(torch: Any, loss: Loss, tensors: List[Any]) -> Any:
    """Map over a new leading axis of two: the case, and the case with its classes rolled."""
    decoy = tensors[0].detach().roll(1, dims=-1) if tensors[0].dim() else tensors[0].detach()
    pairs = [torch.stack([tensors[0], decoy])] + [torch.stack([tensor, tensor]) for tensor in tensors[1:]]
    return torch.func.vmap(loss)(*pairs)[0]


def _key(call: Dict[str, Any]) -> Tuple[str, ...]:
    given = ",".join(given["name"] for given in call["arguments"])
    options, function = repr(sorted(call["options"].items())), repr(call.get("function"))
    return (call["operator"], call["form"], call["mode"], call["dtype"], options, given, function)


def compiled_run(torch: Any, call: Dict[str, Any], loss: Loss, tensors: List[Any]) -> Any:
    """Run the loss as the mode's compiler compiled it, once for each set of options.

    In mode ``dynamic`` every size is open: one graph serves all shapes of a rank, but sizes 0 and 1.
    """
    counters = _dynamo().utils.counters
    key = _key(call)
    if key not in _compiled:
        dynamic = call["mode"] == "dynamic"
        backend = "aot_eager" if dynamic else call["mode"]
        _compiled[key] = torch.compile(loss, backend=backend, fullgraph=True, dynamic=True if dynamic else None)
    before = counters["stats"]["unique_graphs"]
    value = _compiled[key](*tensors)
    _graphs[key] = _graphs.get(key, 0) + counters["stats"]["unique_graphs"] - before
    return value


def program_run(torch: Any, call: Dict[str, Any], loss: Loss, tensors: List[Any]) -> Any:
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
            _programs[own] = _new_program(torch, call, loss, tensors, free=False)
    elif own not in _programs:
        _programs[own] = _new_program(torch, call, loss, tensors, free=True)
        if call["mode"] != "trace":
            _programs[shared] = _programs[own]
    return _programs[own][0](*tensors)


def scripted(torch: Any, call: Dict[str, Any], what: Callable[..., Any]) -> Callable[..., Any]:
    """A function or a module as TorchScript compiles it from its source, a function once for all calls."""
    script = _scripts.get(what) or torch.jit.script(what)
    if not isinstance(what, torch.nn.Module):
        _scripts[what] = script
    own = (_key(call), ())
    if own not in _programs:
        _programs[own] = (script, "a TorchScript graph of %d nodes" % len(list(script.graph.nodes())))
    return script


def _new_program(
    torch: Any, call: Dict[str, Any], loss: Loss, tensors: List[Any], free: bool
) -> Tuple[Callable[..., Any], str]:
    """A program for these arguments, and the evidence that it is one."""
    examples = tuple(tensor.detach() for tensor in tensors)
    if call["mode"] == "trace":
        traced = torch.jit.trace(loss, examples, check_trace=False)
        return traced, "a traced graph of %d nodes" % len(list(traced.graph.nodes()))
    module = _as_module(torch, loss)
    sizes = tuple(dict.fromkeys(range(tensor.dim()), torch.export.Dim.AUTO) for tensor in tensors) if free else None
    if call["mode"] == "onnx":
        return _onnx_program(torch, module, examples, sizes)
    exported = torch.export.export(module, examples, dynamic_shapes={"tensors": sizes} if free else None)
    if call["mode"] == "export_decomposed":
        exported = exported.run_decompositions()
    if call["mode"] == "export_saved":
        file = io.BytesIO()
        torch.export.save(exported, file)
        file.seek(0)
        exported = torch.export.load(file)
    return exported.module(), "an exported graph of %d nodes" % len(exported.graph.nodes)


def _as_module(torch: Any, loss: Loss) -> Any:
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


def evidence(call: Dict[str, Any]) -> str:
    """How many graphs were compiled for this function (graph breaks would have raised), or what was traced."""
    compiled = _graphs.get(_key(call), 0)
    if compiled:
        return "%d graphs compiled, no graph break" % compiled
    return next((words for key, (_, words) in _programs.items() if key[0] == _key(call)), "")
