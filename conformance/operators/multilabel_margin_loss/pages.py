"""What the official pages say of the multi-label margin loss; every string under ``words`` is a quotation."""

from __future__ import annotations

from conformance.cases.operator import Example, Signature
from conformance.operators.quoting import (
    DEFAULT,
    FLAG_PARAMETERS,
    FLAGS,
    REDUCTIONS,
    mindspore_function,
    torch_class,
)

torch = torch_class("MultiLabelMarginLoss")
mindspore = mindspore_function("multilabel_margin_loss")

_FORMULA = r"\text{loss}(x, y) = \sum_{ij}\frac{\max(0, 1 - (x[y[j]] - x[i]))}{\text{x.size}(0)}"
_BLOCK = "The criterion only considers a contiguous block of non-negative targets that starts at the front."

FORMULA = torch(_FORMULA)
EXCLUSION = torch("and i \\neq y[j] for all i and j")
BLOCK, BLOCK_MINDSPORE = torch(_BLOCK), mindspore(_BLOCK)
SHAPES = torch("Input: (C) or (N, C) where N is the batch size and C is the number of classes.")
PADDING = torch("label targets padded by -1 ensuring same shape as the input.")

PAGES = {
    "formula": (FORMULA, mindspore(_FORMULA)),
    "lattice": (BLOCK,),
    "reductions": (torch(REDUCTIONS),),
    "default": (torch(DEFAULT), mindspore(DEFAULT)),
    "flags": (torch(FLAGS),),
    "shapes": (
        SHAPES,
        mindspore("Tensor of shape (C) or (N, C), where N is the batch size and C is the number of classes."),
    ),
    "output": (
        torch("Output: scalar. If reduction is 'none', then (N)."),
        mindspore("If reduction is “none”, its shape is (N). Otherwise, a scalar value will be returned."),
    ),
    "one-class": (EXCLUSION,),
    "same-shape": (torch("Target: (C) or (N, C), label targets padded by -1 ensuring same shape as the input."),),
    "target-dtype": (mindspore("data type must be int32 and label targets padded by -1."), SHAPES),
}
EXAMPLES = (
    Example(
        "torch-example",
        "The example of torch's page gives 0.85.",
        (
            torch("x = torch.FloatTensor([[0.1, 0.2, 0.4, 0.8]]); y = torch.LongTensor([[3, 0, -1, 1]])"),
            torch("0.25 * ((1-(0.1-0.2)) + (1-(0.1-0.4)) + (1-(0.8-0.2)) + (1-(0.8-0.4)))"),
            torch("tensor(0.85...)"),
        ),
        {"input": [[0.1, 0.2, 0.4, 0.8]], "target": [[3, 0, -1, 1]]},
    ),
    Example(
        "mindspore-example",
        "The example of MindSpore's page gives 0.325.",
        (
            mindspore("inputs = Tensor(np.array([[0.1, 0.2, 0.4, 0.8], [0.2, 0.3, 0.5, 0.7]]), mindspore.float32)"),
            mindspore("target = Tensor(np.array([[1, 2, 0, 3], [2, 3, -1, 1]]), mindspore.int32)"),
            mindspore("0.325"),
        ),
        {"input": [[0.1, 0.2, 0.4, 0.8], [0.2, 0.3, 0.5, 0.7]], "target": [[1, 2, 0, 3], [2, 3, -1, 1]]},
    ),
)
SIGNATURES = (
    Signature(
        "torch",
        "module",
        "",
        torch("class torch.nn.MultiLabelMarginLoss(size_average=None, reduce=None, reduction='mean')"),
        FLAG_PARAMETERS,
    ),
    Signature(
        "mindspore",
        "native",
        ">=2.0",
        mindspore("mindspore.ops.multilabel_margin_loss(input, target, reduction='mean')"),
        (("input", ""), ("target", ""), FLAG_PARAMETERS[-1]),
    ),
)
