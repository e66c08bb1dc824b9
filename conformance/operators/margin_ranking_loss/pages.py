"""What the official pages say of the margin ranking loss; every string under ``words`` is a quotation."""

from __future__ import annotations

from conformance.cases.operator import Example, Signature
from conformance.operators.quoting import (
    DEFAULT,
    FLAG_PARAMETERS,
    FLAGS,
    REDUCTIONS,
    mindspore_class,
    mindspore_function,
    torch_class,
)

torch = torch_class("MarginRankingLoss")
mindspore = mindspore_function("margin_ranking_loss")
mindspore_module = mindspore_class("MarginRankingLoss")

FORMULA = torch(r"\text{loss}(x1, x2, y) = \max(0, -y * (x1 - x2) + \text{margin})")
_FORMULA_MINDSPORE = mindspore(
    r"\text{loss}(input1, input2, target) = \max(0, -target * (input1 - input2) + \text{margin})"
)
LABELS = torch("a label 1D mini-batch or 0D Tensor y (containing 1 or -1)")
MARGIN = torch("Has a default value of 0.")
TARGET = torch("Target: (N) or (), same shape as the inputs.")

PAGES = {
    "formula": (FORMULA, _FORMULA_MINDSPORE),
    "reductions": (torch(REDUCTIONS),),
    "default": (torch(DEFAULT), mindspore(DEFAULT)),
    "flags": (torch(FLAGS),),
    "options": (MARGIN,),
    "shapes": (
        torch("Input1: (N) or () where N is the batch size."),
        torch("Input2: (N) or (), same shape as the Input1."),
    ),
    "output": (torch("Output: scalar. If reduction is 'none' and Input size is not (), then (N)."),),
    "same-shape": (TARGET,),
    "target-dtype": (TARGET,),
    "labels": (LABELS,),
}
_INPUTS = {"input1": [0.3864, -2.4093, -1.4076], "input2": [-0.6012, -1.6681, 1.2928], "target": [-1.0, -1.0, 1.0]}
EXAMPLES = (
    Example(
        "mindspore-example",
        "The example of MindSpore's page gives 1.2293333.",
        (
            mindspore("input1 = Tensor(np.array([0.3864, -2.4093, -1.4076]), mindspore.float32)"),
            mindspore("input2 = Tensor(np.array([-0.6012, -1.6681, 1.2928]), mindspore.float32)"),
            mindspore("target = ops.Sign()(Tensor(np.array([-2, -2, 3]), mindspore.float32))"),
            mindspore("1.2293333"),
        ),
        _INPUTS,
    ),
)
_MARGIN = ("margin", "0.0")
SIGNATURES = (
    Signature(
        "torch",
        "module",
        "",
        torch("class torch.nn.MarginRankingLoss(margin=0.0, size_average=None, reduce=None, reduction='mean')"),
        (_MARGIN, *FLAG_PARAMETERS),
    ),
    Signature(
        "mindspore",
        "native",
        ">=2.0",
        mindspore("mindspore.ops.margin_ranking_loss(input1, input2, target, margin=0.0, reduction='mean')"),
        (("input1", ""), ("input2", ""), ("target", ""), _MARGIN, FLAG_PARAMETERS[-1]),
    ),
)
