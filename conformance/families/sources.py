"""The official pages on which clauses rest, and the words that each clause cites.

Every string under ``words`` is a quotation of the page named beside it.
"""

from __future__ import annotations

from conformance.cases.case import MARGIN, SOFT
from conformance.judging.clause import Source

_TORCH = "https://docs.pytorch.org/docs/2.13/generated/torch.nn."
_MINDSPORE = "https://www.mindspore.cn/docs/en/stable/api_python/"


def torch_margin(words: str) -> Source:
    """A quotation of torch's page of the margin loss."""
    return Source("torch.nn.MultiLabelMarginLoss", f"{_TORCH}MultiLabelMarginLoss.html", "2.13", words)


def torch_soft(words: str) -> Source:
    """A quotation of torch's page of the soft margin loss."""
    return Source("torch.nn.MultiLabelSoftMarginLoss", f"{_TORCH}MultiLabelSoftMarginLoss.html", "2.13", words)


def torch_soft_1_8(words: str) -> Source:
    """A quotation of torch's page of the soft margin loss as it was in version 1.8.0."""
    address = "https://pytorch.org/docs/1.8.0/generated/torch.nn.MultiLabelSoftMarginLoss.html"
    return Source("torch.nn.MultiLabelSoftMarginLoss", address, "1.8.0", words)


def mindspore_margin(words: str) -> Source:
    """A quotation of MindSpore's page of the margin loss."""
    address = f"{_MINDSPORE}ops/mindspore.ops.multilabel_margin_loss.html"
    return Source("mindspore.ops.multilabel_margin_loss", address, "2.10.0", words)


def mindspore_soft(words: str) -> Source:
    """A quotation of MindSpore's page of the soft margin loss, as a function."""
    address = f"{_MINDSPORE}ops/mindspore.ops.multilabel_soft_margin_loss.html"
    return Source("mindspore.ops.multilabel_soft_margin_loss", address, "2.10.0", words)


def mindspore_soft_module(words: str) -> Source:
    """A quotation of MindSpore's page of the soft margin loss, as a module."""
    address = f"{_MINDSPORE}nn/mindspore.nn.MultiLabelSoftMarginLoss.html"
    return Source("mindspore.nn.MultiLabelSoftMarginLoss", address, "2.10.0", words)


MARGIN_FORMULA = torch_margin(r"\text{loss}(x, y) = \sum_{ij}\frac{\max(0, 1 - (x[y[j]] - x[i]))}{\text{x.size}(0)}")
MARGIN_FORMULA_MINDSPORE = mindspore_margin(
    r"\text{loss}(x, y) = \sum_{ij}\frac{\max(0, 1 - (x[y[j]] - x[i]))}{\text{x.size}(0)}"
)
MARGIN_EXCLUSION = torch_margin(r"and i \neq y[j] for all i and j")
MARGIN_BLOCK = torch_margin(
    "The criterion only considers a contiguous block of non-negative targets that starts at the front."
)
MARGIN_BLOCK_MINDSPORE = mindspore_margin(
    "The criterion only considers a contiguous block of non-negative targets that starts at the front."
)
MARGIN_SHAPES = torch_margin("Input: (C) or (N, C) where N is the batch size and C is the number of classes.")
MARGIN_SHAPES_MINDSPORE = mindspore_margin(
    "Tensor of shape (C) or (N, C), where N is the batch size and C is the number of classes."
)
MARGIN_OUTPUT = torch_margin("Output: scalar. If reduction is 'none', then (N).")
MARGIN_OUTPUT_MINDSPORE = mindspore_margin(
    "If reduction is “none”, its shape is (N). Otherwise, a scalar value will be returned."
)
_REDUCTIONS = (
    "'none': no reduction will be applied, 'mean': the sum of the output will be divided by the number of elements "
    "in the output, 'sum': the output will be summed."
)
_FLAGS = (
    "size_average and reduce are in the process of being deprecated, and in the meantime, specifying either of those "
    "two args will override reduction."
)
_DEFAULT = "Default: 'mean'"
MARGIN_REDUCTIONS, SOFT_REDUCTIONS = torch_margin(_REDUCTIONS), torch_soft(_REDUCTIONS)
MARGIN_DEFAULT, SOFT_DEFAULT = torch_margin(_DEFAULT), torch_soft(_DEFAULT)
MARGIN_FLAGS, SOFT_FLAGS = torch_margin(_FLAGS), torch_soft(_FLAGS)
MARGIN_DEFAULT_MINDSPORE, SOFT_DEFAULT_MINDSPORE = mindspore_margin(_DEFAULT), mindspore_soft(_DEFAULT)

SOFT_FORMULA = torch_soft(
    r"loss(x, y) = - \frac{1}{C} * \sum_i y[i] * \log((1 + \exp(-x[i]))^{-1}) "
    r"+ (1-y[i]) * \log\left(\frac{\exp(-x[i])}{(1 + \exp(-x[i]))}\right)"
)
SOFT_FORMULA_MINDSPORE = mindspore_soft(
    r"- \frac{1}{N}\frac{1}{C}\sum_{i = 1}^{N} \sum_{j = 1}^{C}\left(output_{ij}\log\frac{1}{1 + e^{- input_{ij}}} "
    r"+ \left( 1 - output_{ij} \right)\log\frac{e^{-input_{ij}}}{1 + e^{-input_{ij}}} \right)"
)
SOFT_WEIGHT = torch_soft(
    "a manual rescaling weight given to each class. If given, it has to be a Tensor of size C. "
    "Otherwise, it is treated as if having all ones."
)
SOFT_WEIGHT_MINDSPORE = mindspore_soft("weight will multiply to the loss of each class if given.")
SOFT_SHAPES = torch_soft("Input: (N, C) where N is the batch size and C is the number of classes.")
SOFT_OUTPUT = torch_soft("Output: scalar. If reduction is 'none', then (N).")

FORMULAS = {MARGIN: (MARGIN_FORMULA,), SOFT: (SOFT_FORMULA,)}
"""The formula of each operator's page."""
