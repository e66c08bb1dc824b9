"""What torch offers in which mode, and how a case is written in its terms: beside ``torch_adapter.py``."""

import importlib
import importlib.util
import inspect
import os
import shutil
from typing import Any, Dict, List

_settings = importlib.import_module("torch_settings")

BACKENDS = ("aot_eager", "inductor", "dynamic")
"""Modes that torch.compile makes: by a backend, or by ``aot_eager`` with every size left open."""

EXPORTS = ("export", "export_decomposed", "export_saved", "onnx")
MODES = ("eager", "vmap") + BACKENDS + EXPORTS + ("trace", "script", "autocast") + _settings.SETTINGS
PORT_MODES = ("eager", "vmap", "aot_eager", "inductor")
COSTS = dict(
    {"trace": ["expensive-shapes", "wrapper"], "script": ["wrapper"], "autocast": ["wrapper"]},
    **{mode: ["wrapper"] for mode in _settings.SETTINGS},
    # aot_eager runs the eager kernels behind the front end that inductor has too
    aot_eager=["expensive-shapes", "wrapper"],
    inductor=["expensive-shapes"],
    dynamic=["wrapper"],
    **{mode: ["expensive-shapes", "expensive-programs", "wrapper"] for mode in EXPORTS},
)
_DTYPES = {
    "export_decomposed": ["float16", "float32"],
    "export_saved": ["float32"],
    "dynamic": ["float32"],
    "onnx": ["float16", "float32"],
    "autocast": ["float32", "float64"],
}
_EAGER = ["accumulated", "threads", "kept", "shares", "state", "repeated", "altered", "recomputed"]
_EAGER += ["abstract", "grad-modes"]
_MEMORY = ["memory"] if os.access("/proc/self/clear_refs", os.W_OK) else []
"""Linux alone says how much memory a call takes."""

_ONNX = ("onnx", "onnxruntime", "onnxscript")


def missing_modes(torch: Any) -> Dict[str, str]:
    """Modes that this machine or this version cannot run, and why."""
    missing = {}
    if not hasattr(torch, "compile"):
        missing.update(dict.fromkeys(BACKENDS, "torch %s has no torch.compile" % torch.__version__))
    elif not any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "g++", "clang++", "c++")):
        missing["inductor"] = "no C++ compiler on this machine; install g++"
    if not hasattr(torch, "func"):
        missing["vmap"] = "torch %s has no torch.func" % torch.__version__
    if not hasattr(torch, "autocast"):
        missing["autocast"] = "torch %s has no torch.autocast" % torch.__version__
    missing.update(_missing_exports(torch))
    missing.update(_settings.missing(torch))
    return missing


def _missing_exports(torch: Any) -> Dict[str, str]:
    if not hasattr(torch, "export") or "dynamo" not in inspect.signature(torch.onnx.export).parameters:
        return dict.fromkeys(EXPORTS, "torch %s has no torch.export, or none for ONNX" % torch.__version__)
    absent = [name for name in _ONNX if importlib.util.find_spec(name) is None]
    if absent:
        return {"onnx": "%s not installed; pip install %s" % (", ".join(absent), " ".join(absent))}
    return {}


_WRAP = {
    "eager": "$call",
    "vmap": "torch.func.vmap(lambda $tensors: $call)(*[torch.stack([each, each]) for each in ($tensors,)])[0]",
    "aot_eager": "torch.compile(lambda $tensors: $call, backend='aot_eager')($tensors)",
    "inductor": "torch.compile(lambda $tensors: $call, backend='inductor')($tensors)",
    "dynamic": "torch.compile(lambda $tensors: $call, backend='aot_eager', dynamic=True)($tensors)",
    "export": "program.module()($tensors)",
    "export_decomposed": "program.run_decompositions().module()($tensors)",
    "export_saved": "torch.export.load(file).module()($tensors)",
    "onnx": "session.run(None, dict(zip(names, [each.numpy() for each in ($tensors,)])))[0]",
    "script": "torch.jit.script($callee)$rest",
    "trace": "torch.jit.trace(lambda $tensors: $call, tuple(each.detach() for each in ($tensors,)))($tensors)",
    "autocast": "loss_of($tensors)",
    "inference": "torch.inference_mode()(lambda $tensors: $call)($tensors)",
    "deterministic": "$call",
    "float64_default": "$call",
}
_MODULE = "class Loss(torch.nn.Module):\n    def forward(self, $tensors):\n        return $call\n"
_EXPORTED = _MODULE + "program = torch.export.export(Loss(), ($tensors,))"
_DEFINE = {
    "export": _EXPORTED,
    "export_decomposed": _EXPORTED,
    "export_saved": _EXPORTED + "\nimport io\nfile = io.BytesIO()\ntorch.export.save(program, file)\nfile.seek(0)",
    "onnx": _MODULE + "import onnxruntime\n"
    "program = torch.onnx.export(Loss(), ($tensors,), dynamo=True, verbose=False)\n"
    "session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())\n"
    "names = [each.name for each in session.get_inputs()]",
    "autocast": "@torch.autocast('cpu', dtype=torch.bfloat16)\ndef loss_of($tensors):\n    return $call",
    "deterministic": "torch.use_deterministic_algorithms(True)",
    "float64_default": "torch.set_default_dtype(torch.float64)",
}


_BEFORE = "$to.requires_grad_()\nloss = $loss\n"
_PAIRS = "*[torch.stack([each, each], -1) for each in ($tensors,)]"
_FURTHER = {
    "accumulated": "$to.requires_grad_()\n$to.grad = tangent\n$loss.backward(cotangent)\nprint($to.grad)",
    "forward": "print(torch.func.jvp(lambda $to: $loss, ($to,), (tangent,))[1])",
    "second": _BEFORE + "(slope,) = torch.autograd.grad(loss, $to, cotangent, create_graph=True)\n"
    "print(torch.autograd.grad(slope, $to, tangent)[0])",
    "jacobian": "print(torch.func.jacrev(lambda $to: $loss)($to))",
    "repeated": _BEFORE + "torch.autograd.grad(loss, $to, cotangent, retain_graph=True)\n"
    "print(torch.autograd.grad(loss, $to, cotangent)[0])",
    "altered": _BEFORE + "$last.detach().zero_()\nprint(torch.autograd.grad(loss, $to, cotangent)[0])",
    "recomputed": "from torch.utils.checkpoint import checkpoint\n"
    "$to.requires_grad_()\nloss = checkpoint(lambda $to: $loss, $to, use_reentrant=False)\n"
    "print(torch.autograd.grad(loss, $to, cotangent)[0])",
    "mapped-gradient": "def slope($to):\n    return torch.func.vjp(lambda $to: $call, $to)[1](cotangent)[0]\n"
    "print(torch.func.vmap(slope)(torch.stack([$to, $to]))[0])\n"
    "mapped = torch.func.vmap(lambda $to: $call)\n"
    "print(torch.func.vjp(mapped, torch.stack([$to, $to]))[1](torch.stack([cotangent, cotangent]))[0][0])",
    "mapped": "vmap = torch.func.vmap\nprint(vmap(lambda $tensors: $call, in_dims=-1)(" + _PAIRS + ")[0])\n"
    "print(vmap(lambda $to: $call)(torch.stack([$to, $to]))[0])",
    "abstract": "loss = (lambda $tensors: $call)(*[each.to('meta') for each in ($tensors,)])\n"
    "print(loss.dtype, tuple(loss.shape))\nprint($loss)",
    "grad-modes": "with torch.no_grad():\n    print($loss)\nwith torch.inference_mode():\n    print($loss)\n"
    "for each in ($tensors,):\n    each.requires_grad_(each.is_floating_point())\nprint($loss)",
    "kept": "kept = $loss\n$to = 1 - $to / 2\n$loss\nprint(kept)",
    "shares": "loss = $loss\nprint(loss.data_ptr(), [each.data_ptr() for each in ($tensors,)])",
    "state": "before = torch.get_default_dtype(), $to.requires_grad\n$loss\n"
    "print(before, (torch.get_default_dtype(), $to.requires_grad))",
    "memory": "import resource\nbefore = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n$loss\n"
    "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, 'KiB')",
}


def offer(torch: Any, operator: str, row: Dict[str, Any], modes: List[str]) -> Dict[str, Any]:
    """What torch offers of an operator, of which the adapter's table has this row."""
    return {
        "forms": _forms(torch, operator, "eager"),
        "modes": modes,
        "dtypes": ["float16", "bfloat16", "float32", "float64"],
        "arguments": row["arguments"],
        "options": row["options"],
        "argument_dtypes": row["dtypes"],
        "offers": _wants(torch, row, "eager"),
        "by_mode": {mode: _offer_of_mode(torch, operator, row, mode) for mode in modes},
        "signature": {
            "native": _signature(getattr(torch.nn.functional, operator)),
            "module": _signature(getattr(torch.nn, row["module"])),
        },
        "reproducer": _reproducer(operator, row["module"]),
    }


def _reproducer(operator: str, module: str) -> Dict[str, Any]:
    return {
        "port_import": "from lossproof import port\ntorch_port = port('torch')\n",
        "prelude": "import torch\n$port_import",
        "array": "torch.tensor($values, dtype=torch.$dtype)",
        "empty": "torch.zeros($shape, dtype=torch.$dtype)",
        "call": {
            "native": "torch.nn.functional.%s($tensors$options)" % operator,
            "module": "torch.nn.%s($module_options)($tensors)" % module,
            "port": "torch_port.%s($tensors$options)" % operator,
        },
        "wrap": _WRAP,
        "define": _DEFINE,
        "gradient": "torch.autograd.grad(loss, $to, cotangent)[0]",
        "derivatives": _FURTHER,
        "before": "$to.requires_grad_()\nloss = $loss",
    }


def _forms(torch: Any, operator: str, mode: str) -> List[str]:
    """The port is there for the margin loss, where this torch lets an operator say how it is mapped (2.5 and later)."""
    has_port = operator == "multilabel_margin_loss" and hasattr(torch.library, "register_vmap")
    return ["native", "module"] + (["port"] if has_port and mode in PORT_MODES else [])


def _signature(function: Any) -> List[Dict[str, str]]:
    """The parameters of a function, or of a class's constructor, with their defaults."""
    empty = inspect.Parameter.empty
    parameters = inspect.signature(function).parameters.values()
    return [{"name": each.name, "default": "" if each.default is empty else repr(each.default)} for each in parameters]


def _offer_of_mode(torch: Any, operator: str, row: Dict[str, Any], mode: str) -> Dict[str, Any]:
    """What may be wanted, and the formats where they are fewer.

    CPU autocast computes this loss in float32 for half-precision scores and leaves float32 and
    float64 as they are. NumPy, through which ONNX Runtime gets its arrays, has no bfloat16. Programs
    that are decomposed, saved or leave torch take long to make, so they are asked in one or two formats only.
    Inference mode keeps no graph, so there are no gradients. Inductor writes the margin loss as a loop
    over all pairs of classes: a row of 65,539 took 169 s, its gradient 113 s.
    """
    found: Dict[str, Any] = {"offers": _wants(torch, row, mode), "forms": _forms(torch, operator, mode)}
    if mode == "inductor" and operator == "multilabel_margin_loss":
        found["costs"] = COSTS[mode] + ["quadratic-classes"]
    return dict(found, dtypes=_DTYPES[mode]) if mode in _DTYPES else found


def _wants(torch: Any, row: Dict[str, Any], mode: str) -> List[str]:
    """What may be wanted: a mode that compiles pays for each derivative anew, so it offers the usual ones."""
    if mode in ("onnx", "inference"):
        return ["value", "after"]
    if mode not in ("eager", "vmap"):
        return ["value", "after"] + ["gradient:" + name for name in row["gradients"] if name != "weight"][:2]
    wants = ["value", "after"] + ["gradient:" + name for name in row["gradients"]]
    wants += _further(torch, row["further"])
    if mode != "eager":
        return wants
    return wants + _EAGER + _MEMORY + (["mapped", "mapped-gradient"] if hasattr(torch, "func") else [])


def _further(torch: Any, further: List[str]) -> List[str]:
    """Derivatives beyond the gradients: those that torch.func takes are there where it is."""
    if hasattr(torch, "func"):
        return further + ["jacobian"]
    return [want for want in further if want != "forward"]
