"""What the official pages say of the multi-label soft margin loss; every string under ``words`` is a quotation."""

from __future__ import annotations

from conformance.cases.operator import Example, Signature, Source
from conformance.operators.quoting import (
    DEFAULT,
    FLAG_PARAMETERS,
    FLAGS,
    REDUCTIONS,
    mindspore_class,
    mindspore_function,
    torch_class,
)

torch = torch_class("MultiLabelSoftMarginLoss")
mindspore = mindspore_function("multilabel_soft_margin_loss")
mindspore_module = mindspore_class("MultiLabelSoftMarginLoss")


def torch_1_8(words: str) -> Source:
    """A quotation of torch's page as it was in version 1.8.0."""
    address = "https://pytorch.org/docs/1.8.0/generated/torch.nn.MultiLabelSoftMarginLoss.html"
    return Source("torch.nn.MultiLabelSoftMarginLoss", address, "1.8.0", words)


FORMULA = torch(
    r"loss(x, y) = - \frac{1}{C} * \sum_i y[i] * \log((1 + \exp(-x[i]))^{-1}) "
    r"+ (1-y[i]) * \log\left(\frac{\exp(-x[i])}{(1 + \exp(-x[i]))}\right)"
)
_FORMULA_MINDSPORE = mindspore(
    r"- \frac{1}{N}\frac{1}{C}\sum_{i = 1}^{N} \sum_{j = 1}^{C}\left(output_{ij}\log\frac{1}{1 + e^{- input_{ij}}} "
    r"+ \left( 1 - output_{ij} \right)\log\frac{e^{-input_{ij}}}{1 + e^{-input_{ij}}} \right)"
)
WEIGHT = torch(
    "a manual rescaling weight given to each class. If given, it has to be a Tensor of size C. "
    "Otherwise, it is treated as if having all ones."
)
_SAME_SHAPE = torch("Target: (N, C), label targets must have the same shape as the input.")

PAGES = {
    "formula": (FORMULA, _FORMULA_MINDSPORE),
    "reductions": (torch(REDUCTIONS),),
    "default": (torch(DEFAULT), mindspore(DEFAULT)),
    "flags": (torch(FLAGS),),
    "weight": (WEIGHT, mindspore("weight will multiply to the loss of each class if given.")),
    "weight-as-a-number": (
        mindspore("weight (Union[Tensor, int, float], optional): The manual rescaling weight given to each class."),
    ),
    "shapes": (torch("Input: (N, C) where N is the batch size and C is the number of classes."),),
    "output": (torch("Output: scalar. If reduction is 'none', then (N)."),),
    "one-class": (FORMULA,),
    "same-shape": (_SAME_SHAPE,),
    "target-dtype": (_SAME_SHAPE,),
}
EXAMPLES = (
    Example(
        "mindspore-example",
        "The example of MindSpore's page gives 0.84693956 in float32, one unit in the last place from the exact value.",
        (
            mindspore("input = Tensor([[0.3, 0.6, 0.6], [0.9, 0.4, 0.2]])"),
            mindspore("target = Tensor([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])"),
            mindspore("0.84693956"),
        ),
        {"input": [[0.3, 0.6, 0.6], [0.9, 0.4, 0.2]], "target": [[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]},
        reduction="mean",
    ),
)
_WEIGHT_PARAMETER = ("weight", "None")
SIGNATURES = (
    Signature(
        "torch",
        "module",
        "",
        torch("class torch.nn.MultiLabelSoftMarginLoss(weight=None, size_average=None, reduce=None, reduction='mean')"),
        (_WEIGHT_PARAMETER, *FLAG_PARAMETERS),
    ),
    Signature(
        "mindspore",
        "native",
        ">=2.0",
        mindspore("mindspore.ops.multilabel_soft_margin_loss(input, target, weight=None, reduction='mean')"),
        (("input", ""), ("target", ""), _WEIGHT_PARAMETER, FLAG_PARAMETERS[-1]),
    ),
)
