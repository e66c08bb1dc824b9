"""What MindSpore offers in which mode, and how a case is written in its terms: beside ``mindspore_adapter.py``."""

import inspect
from typing import Any, Dict, List

from mindspore import nn, ops

MODES = {"pynative": "PYNATIVE_MODE", "graph": "GRAPH_MODE"}

THREADS = (
    "not asked: PyNative is not safe from several threads, whatever is computed; now and then a call dies, hangs or "
    "gives a wrong result (docs/deviations.md), so that a verdict would be luck"
)

AFTERWARDS = (
    "not asked of PyNative: now and then a valid call raises the error of the refused call before it "
    "(docs/deviations.md), so that a verdict would be luck; the adapter waits for it after each refusal"
)

_SECOND = """def weighed($to):
    return ($loss * cotangent).sum()
def along($to):
    return (mindspore.grad(weighed)($to) * tangent).sum()
print(mindspore.grad(along)($to))"""


def offer(operator: str, row: Dict[str, Any]) -> Dict[str, Any]:
    """What MindSpore offers of an operator, of which the adapter's table has this row."""
    usual = ["value", "after", "inferred"] + ["gradient:" + name for name in row["gradients"] if name != "weight"]
    usual = [want for want in usual if want != "gradient:target"]
    forms = ["native", "module"] + (["port"] if "port" in row else [])
    further = ["gradient:" + name for name in row["gradients"]] + row["further"] + ["kept", "shares", "state"]
    return {
        "forms": forms,
        "modes": list(MODES),
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
        "integers": _integers(row),
        "reproducer": _reproducer(operator, row, forms),
    }


def _integers(row: Dict[str, Any]) -> Dict[str, List[str]]:
    """The options that a form takes as integers only."""
    return {form: ["margin"] for form, kind in row.get("margin", {}).items() if kind == "int"}


def _reproducer(operator: str, row: Dict[str, Any], forms: List[str]) -> Dict[str, Any]:
    call = {
        "native": "ops.%s($tensors$options)" % operator,
        "module": "nn.%s($module_options)($tensors)" % row["module"],
        "port": "mindspore_port.%s($tensors$options)" % operator,
    }
    return {
        "port_import": "from lossproof import port\nmindspore_port = port('mindspore')\n",
        "prelude": "import mindspore\nfrom mindspore import Tensor, nn, ops\n${port_import}"
        "mindspore.set_context(mode=mindspore.$mode)\n",
        "modes": MODES,
        "array": "Tensor($values, mindspore.$dtype)",
        "empty": "ops.zeros($shape, mindspore.$dtype)",
        "call": {form: call[form] for form in forms},
        "define": {
            "pynative": "def loss_of($tensors):\n    return $call",
            "graph": "@mindspore.jit\ndef loss_of($tensors):\n    return $call",
        },
        "wrap": dict.fromkeys(MODES, "loss_of($tensors)"),
        "before": "def of_one($to):\n    return $loss",
        "gradient": "mindspore.vjp(of_one, $to)[1](cotangent)[0]",
        "derivatives": {"second": _SECOND},
    }


def _signature(function: Any) -> List[Dict[str, str]]:
    """The parameters of a function, or of a class's constructor, with their defaults."""
    empty = inspect.Parameter.empty
    parameters = inspect.signature(function).parameters.values()
    return [{"name": each.name, "default": "" if each.default is empty else repr(each.default)} for each in parameters]
