"""What the official pages say of the multi-class margin loss; every string under ``words`` is a quotation."""

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

torch = torch_class("MultiMarginLoss")
mindspore = mindspore_function("multi_margin_loss")
mindspore_module = mindspore_class("MultiMarginLoss")

_FORMULA = r"\text{loss}(x, y) = \frac{\sum_i \max(0, \text{margin} - x[y] + x[i])^p}{\text{x.size}(0)}"

FORMULA = torch(_FORMULA)
WEIGHTED = torch(r"\text{loss}(x, y) = \frac{\sum_i w[y] * \max(0, \text{margin} - x[y] + x[i])^p}{\text{x.size}(0)}")
WEIGHTED_MODULE = mindspore_module(
    r"\text{loss}(x, y) = \frac{\sum_i \max(0, w[y] * (\text{margin} - x[y] + x[i]))^p}{\text{x.size}(0)}"
)
EXCLUSION = torch(r"where i \in \left\{0, \; \cdots , \; \text{x.size}(0) - 1\right\} and i \neq y.")
POWERS = torch("Has a default value of 1. 1 and 2 are the only supported values.")
MARGIN = torch("margin (float, optional): Has a default value of 1.")
TARGET = torch(r"Target: (N) or (), where each value is 0 \leq \text{targets}[i] \leq C-1.")
WEIGHT = torch(
    "a manual rescaling weight given to each class. If given, it has to be a Tensor of size C. "
    "Otherwise, it is treated as if having all ones."
)

PAGES = {
    "formula": (FORMULA, mindspore(_FORMULA)),
    "reductions": (torch(REDUCTIONS),),
    "default": (torch(DEFAULT), mindspore(DEFAULT)),
    "flags": (torch(FLAGS),),
    "options": (POWERS, MARGIN),
    "weight": (WEIGHT, WEIGHTED),
    "shapes": (torch("Input: (N, C) or (C), where N is the batch size and C is the number of classes."), TARGET),
    "output": (torch("Output: scalar. If reduction is 'none', then same shape as the target."),),
    "one-class": (EXCLUSION,),
    "same-shape": (TARGET,),
    "target-dtype": (mindspore("Ground truth labels, with shape (N,). Data type only support int64."), TARGET),
    "labels": (TARGET, mindspore("The value of target should be non-negative, less than C.")),
}
EXAMPLES = (
    Example(
        "torch-example",
        "The example of torch's page gives 0.325.",
        (
            torch("x = torch.tensor([[0.1, 0.2, 0.4, 0.8]]); y = torch.tensor([3])"),
            torch("0.25 * ((1-(0.8-0.1)) + (1-(0.8-0.2)) + (1-(0.8-0.4)))"),
            torch("tensor(0.32...)"),
        ),
        {"input": [[0.1, 0.2, 0.4, 0.8]], "target": [3]},
    ),
    Example(
        "mindspore-example",
        "The example of MindSpore's page gives 0.6666667.",
        (
            mindspore("inputs = Tensor(np.ones(shape=[3, 3]), mindspore.float32)"),
            mindspore("target = Tensor(np.array([1, 2, 1]), mindspore.int64)"),
            mindspore("0.6666667"),
        ),
        {"input": [[1.0, 1.0, 1.0]] * 3, "target": [1, 2, 1], "weight": [1.0, 1.0, 1.0]},
    ),
)
_P, _WEIGHT = ("p", "1"), ("weight", "None")
SIGNATURES = (
    Signature(
        "torch",
        "module",
        "",
        torch(
            "class torch.nn.MultiMarginLoss"
            "(p=1, margin=1.0, weight=None, size_average=None, reduce=None, reduction='mean')"
        ),
        (_P, ("margin", "1.0"), _WEIGHT, *FLAG_PARAMETERS),
    ),
    Signature(
        "mindspore",
        "native",
        ">=2.0",
        mindspore("mindspore.ops.multi_margin_loss(input, target, p=1, margin=1, weight=None, reduction='mean')"),
        (("input", ""), ("target", ""), _P, ("margin", "1"), _WEIGHT, FLAG_PARAMETERS[-1]),
    ),
)
