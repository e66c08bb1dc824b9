"""What the official pages say of the two-class logistic loss; every string under ``words`` is a quotation."""

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

torch = torch_class("SoftMarginLoss")
mindspore = mindspore_function("soft_margin_loss")
mindspore_module = mindspore_class("SoftMarginLoss")

_FORMULA = r"\text{loss}(x, y) = \sum_i \frac{\log(1 + \exp(-y[i]*x[i]))}{\text{x.nelement}()}"

FORMULA = torch(_FORMULA)
LABELS = torch("input tensor x and target tensor y (containing 1 or -1)")
TARGET = torch("Target: (*), same shape as the input.")

PAGES = {
    "formula": (FORMULA, mindspore(_FORMULA)),
    "reductions": (torch(REDUCTIONS),),
    "default": (torch(DEFAULT), mindspore(DEFAULT)),
    "flags": (torch(FLAGS),),
    "shapes": (torch("Input: (*), where * means any number of dimensions."),),
    "output": (torch("Output: scalar. If reduction is 'none', then (*), same shape as input."),),
    "same-shape": (TARGET,),
    "target-dtype": (TARGET,),
    "labels": (LABELS,),
}
EXAMPLES = (
    Example(
        "mindspore-example",
        "The example of MindSpore's page gives 0.6764238.",
        (
            mindspore("logits = Tensor([[0.3, 0.7], [0.5, 0.5]], mindspore.float32)"),
            mindspore("labels = Tensor([[-1, 1], [1, -1]], mindspore.float32)"),
            mindspore("0.6764238"),
        ),
        {"input": [[0.3, 0.7], [0.5, 0.5]], "target": [[-1.0, 1.0], [1.0, -1.0]]},
    ),
)
SIGNATURES = (
    Signature(
        "torch",
        "module",
        "",
        torch("class torch.nn.SoftMarginLoss(size_average=None, reduce=None, reduction='mean')"),
        FLAG_PARAMETERS,
    ),
    Signature(
        "mindspore",
        "native",
        ">=2.0",
        mindspore("mindspore.ops.soft_margin_loss(input, target, reduction='mean')"),
        (("input", ""), ("target", ""), FLAG_PARAMETERS[-1]),
    ),
)
