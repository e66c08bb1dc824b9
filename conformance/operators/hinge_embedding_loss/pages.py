"""What the official pages say of the hinge embedding loss; every string under ``words`` is a quotation."""

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

torch = torch_class("HingeEmbeddingLoss")
mindspore = mindspore_function("hinge_embedding_loss")
mindspore_module = mindspore_class("HingeEmbeddingLoss")

FORMULA = torch(
    r"l_n = \begin{cases} x_n, & \text{if}\; y_n = 1,\\ \max \{0, margin - x_n\}, & \text{if}\; y_n = -1, \end{cases}"
)
_FORMULA_MINDSPORE = mindspore(
    r"l_n = \begin{cases} x_n, & \text{if}\; y_n = 1,\\ \max \{0, \Delta - x_n\}, & \text{if}\; y_n = -1, \end{cases}"
)
LABELS = torch("an input tensor x and a labels tensor y (containing 1 or -1)")
MARGIN = torch("Has a default value of 1.")
TARGET = torch("Target: (*), same shape as the input")

PAGES = {
    "formula": (FORMULA, _FORMULA_MINDSPORE),
    "reductions": (torch(REDUCTIONS),),
    "default": (torch(DEFAULT), mindspore(DEFAULT)),
    "flags": (torch(FLAGS),),
    "options": (MARGIN,),
    "shapes": (
        torch("Input: (*) where * means, any number of dimensions. The sum operation operates over all the elements."),
    ),
    "output": (torch("Output: scalar. If reduction is 'none', then same shape as the input"),),
    "same-shape": (TARGET,),
    "target-dtype": (TARGET,),
    "labels": (LABELS,),
}
EXAMPLES = (
    Example(
        "mindspore-example",
        "The example of MindSpore's page gives 0.16666667.",
        (
            mindspore("logits = Tensor(arr1, mindspore.float32): 0.9, -1.2, 2, 0.8, 3.9, 2, 1, 0, -1 as (3, 3)"),
            mindspore("labels = Tensor(arr2, mindspore.float32): 1, 1, -1, 1, -1, 1, -1, 1, 1 as (3, 3)"),
            mindspore("0.16666667"),
        ),
        {
            "input": [[0.9, -1.2, 2.0], [0.8, 3.9, 2.0], [1.0, 0.0, -1.0]],
            "target": [[1.0, 1.0, -1.0], [1.0, -1.0, 1.0], [-1.0, 1.0, 1.0]],
        },
    ),
)
_MARGIN = ("margin", "1.0")
SIGNATURES = (
    Signature(
        "torch",
        "module",
        "",
        torch("class torch.nn.HingeEmbeddingLoss(margin=1.0, size_average=None, reduce=None, reduction='mean')"),
        (_MARGIN, *FLAG_PARAMETERS),
    ),
    Signature(
        "mindspore",
        "native",
        ">=2.0",
        mindspore("mindspore.ops.hinge_embedding_loss(inputs, targets, margin=1.0, reduction='mean')"),
        (("inputs", ""), ("targets", ""), _MARGIN, FLAG_PARAMETERS[-1]),
    ),
)
