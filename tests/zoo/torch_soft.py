"""The soft margin loss in torch as people port it, and as people get it wrong.

``multilabel_soft_margin_loss`` is right; every name of :data:`FAULTS` is a wrong one.
"""

# Faults are lambdas, whose parameters have no annotations.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

from tests.zoo import torch_soft_modes
from tests.zoo.entry import Fault, attributes, torch
from tests.zoo.soft_steps import check
from tests.zoo.torch_soft_steps import RIGHT, elements_of, reduce_rows, weigh

FAULTS: dict[str, Fault] = {}
"""The wrong implementations by name."""


def fault(name: str, words: str, corner: str = "", level: str = "implied", plain: str = "", **steps: Any) -> None:
    """Enter a mistake in some steps, or a ``loss`` that is wrong as a whole."""
    FAULTS[name] = Fault(steps.get("loss") or replace(RIGHT, **steps), words, corner, level, plain)


def _by_logarithms(up: Any, down: Any, y: Any) -> Any:
    return -(y * up + (1 - y) * down)


def _clamped(x: Any, y: Any) -> Any:
    """As binary cross-entropy of probabilities has it."""
    p = torch.sigmoid(x)
    return _by_logarithms(torch.log(p).clamp(min=-100), torch.log(1 - p).clamp(min=-100), y)


def _with_epsilon(x: Any, y: Any) -> Any:
    p = torch.sigmoid(x)
    return _by_logarithms(torch.log(p + 1e-8), torch.log(1 - p + 1e-8), y)


def _softplus_twice(x: Any) -> Any:
    """Both branches of a where, one of which overflows."""
    return torch.where(x > 0, x + torch.log1p(torch.exp(-x)), torch.log1p(torch.exp(x)))


def _kink_form(x: Any, y: Any) -> Any:
    return x.clamp(min=0) - x * y + torch.log1p(torch.exp(-x.abs()))


def _kink_detached(x: Any, y: Any) -> Any:
    return (x.relu() - x * y).detach() + torch.log1p(torch.exp(-x.abs()))


def _as_positive_weight(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
    """The weight as binary_cross_entropy_with_logits takes its pos_weight."""
    check(input, target, weight, reduction)
    elements = torch.nn.functional.binary_cross_entropy_with_logits(input, target, reduction="none", pos_weight=weight)
    return reduce_rows(elements.mean(dim=-1), reduction)


def _along_batch(elements: Any, weight: Any) -> Any:
    if weight is not None and elements.dim() == 2 and len(elements) == len(weight):
        return elements * weight[:, None]
    return weigh(elements, weight)


def _active_classes(elements: Any, weight: Any) -> Any:
    """Over the classes whose weight is not 0."""
    count = elements.shape[-1] if weight is None else int((weight != 0).sum())
    return elements.sum(dim=-1) / max(count, 1)


def _packed(tensor: Any) -> Any:
    """Elements one after the other from where the tensor begins, whatever its strides."""
    held = tensor.untyped_storage().nbytes() // tensor.element_size() - tensor.storage_offset()
    if tensor.dim() != 2 or tensor.numel() > held or not tensor.numel():
        return tensor
    return tensor.as_strided(tensor.shape, (tensor.shape[1], 1))


@functools.cache
def _by_hand(weighted: bool, divided: bool, upstream_used: bool) -> Any:
    """The losses of rows with a backward of its own."""

    class Rows(torch.autograd.Function):  # type: ignore[misc]  # torch is Any here
        @staticmethod
        def forward(ctx: Any, input: Any, target: Any, weight: Any) -> Any:
            ctx.save_for_backward(input, target, weight)
            return weigh(elements_of(input, target), weight).mean(dim=-1)

        @staticmethod
        def backward(ctx: Any, upstream: Any) -> tuple[Any, None, None]:
            x, y, weight = ctx.saved_tensors
            slopes = (1 - y) * torch.sigmoid(x) - y * torch.sigmoid(-x)
            slopes = slopes * weight if weighted else slopes
            slopes = slopes / x.shape[-1] if divided else slopes
            return slopes * (upstream if upstream_used else torch.ones_like(upstream))[..., None], None, None

    return Rows


def hand_written(*, weighted: bool = True, divided: bool = True, upstream_used: bool = True) -> Any:
    """The loss with a backward of its own, right unless told otherwise."""

    def loss(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
        check(input, target, weight, reduction)
        factor = torch.ones(input.shape[-1], dtype=input.dtype) if weight is None else weight
        return reduce_rows(_by_hand(weighted, divided, upstream_used).apply(input, target, factor), reduction)

    return loss


# The element.
fault(
    "logarithm_of_one_plus",
    "log(1 + exp(x)) is taken as it stands and overflows.",
    "scores beyond the exponential's range",
    elements=lambda x, y: y * torch.log(1 + torch.exp(-x)) + (1 - y) * torch.log(1 + torch.exp(x)),
)
fault(
    "unweighted_without_gradients",
    "Where nothing is recorded for a backward pass, a shorter way leaves out the weight.",
    "weights under no_grad and in inference mode",
    weigh=lambda elements, weight: weigh(elements, weight if torch.is_grad_enabled() else None),
)
fault(
    "labels_that_require_a_gradient",
    "Labels that require a gradient are taken as their sigmoids.",
    "labels that require a gradient",
    elements=lambda x, y: elements_of(x, torch.sigmoid(y) if y.requires_grad else y),
)
fault("logarithms_clamped", "Logarithms of probabilities are clamped at -100.", "probabilities of 0", elements=_clamped)
fault("epsilon_in_logarithm", "1e-8 is added inside each logarithm.", "losses above 18", elements=_with_epsilon)
fault(
    "both_branches_differentiated",
    "The branch that where does not take overflows, and its gradient is 0 times infinity.",
    "large scores",
    elements=lambda x, y: y * _softplus_twice(-x) + (1 - y) * _softplus_twice(x),
)
fault(
    "kink_of_clamp",
    "The gradient at a score of 0 is that of clamp and of |x|, which do not cancel.",
    "scores of exactly 0",
    elements=_kink_form,
)
fault(
    "kink_detached",
    "The piecewise linear part is cut off from the gradient.",
    plain="wrong wherever there is a gradient",
    elements=_kink_detached,
)
fault(
    "softplus_with_threshold",
    "torch's softplus is x above 20.",
    "float64, scores above 20",
    elements=lambda x, y: y * torch.nn.functional.softplus(-x) + (1 - y) * torch.nn.functional.softplus(x),
)
fault(
    "single_inside",
    "The loss is computed in float32.",
    "float64",
    scores=lambda input: input.float(),
    labels=lambda target: target.float(),
    weight=lambda weight: weight.float(),
    finish=lambda loss, input: loss.to(input.dtype),
)
fault(
    "labels_cast_to_integers",
    "Labels are cast to int64, and fractions become 0.",
    "fractional labels",
    "quality",
    labels=lambda target: target.long(),
)
fault("strides_ignored", "Memory is read as if it were contiguous.", "views", scores=_packed)
# The weight.
fault("positive_weight", "The weight multiplies the term of label 1 only.", "weights", loss=_as_positive_weight)
fault("weight_along_batch", "The weight is a column where N = C.", "weights where N = C", weigh=_along_batch)
fault(
    "weight_of_the_row",
    "The row is multiplied with the mean of the weights.",
    "weights",
    weigh=lambda elements, weight: elements if weight is None else elements * weight.mean(),
)
fault(
    "zero_weights_not_counted", "Classes of weight 0 are left out of C.", "weights of 0", over_classes=_active_classes
)
fault(
    "weight_clamped_in_place",
    "Negative weights are set to 0 in the caller's tensor.",
    "negative weights",
    weight=lambda weight: weight.clamp_(min=0),
)
# Reductions and the gradient.
fault(
    "none_keeps_classes",
    "Reduction none gives a loss for each class.",
    loss=lambda input, target, weight=None, reduction="mean": (
        weigh(elements_of(input, target), weight) if reduction == "none" else RIGHT(input, target, weight, reduction)
    ),
)
fault(
    "mean_over_both_axes_of_sum",
    "Reduction sum adds the classes as well.",
    loss=lambda input, target, weight=None, reduction="mean": (
        RIGHT(input, target, weight, reduction) * (input.shape[-1] if reduction == "sum" else 1)
    ),
)
fault(
    "backward_without_weight",
    "The hand-written backward lacks the weight.",
    "weights",
    loss=hand_written(weighted=False),
)
fault(
    "backward_undivided",
    "The hand-written backward is not divided by C.",
    plain="wrong wherever there is a gradient",
    loss=hand_written(divided=False),
)
fault(
    "backward_ignores_upstream",
    "The hand-written backward ignores the upstream gradient.",
    "upstream gradients other than 1",
    loss=hand_written(upstream_used=False),
)
FAULTS.update(torch_soft_modes.FAULTS)


def multilabel_soft_margin_loss(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
    """The right one."""
    return RIGHT(input, target, weight, reduction)


__getattr__ = attributes(FAULTS)
