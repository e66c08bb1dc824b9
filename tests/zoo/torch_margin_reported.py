"""Mistakes with the margin loss in torch that are like those that users reported of losses."""

# Faults are lambdas, whose parameters have no annotations.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.zoo.entry import Fault, torch
from tests.zoo.torch_margin_steps import RIGHT, reduce_rows

FAULTS: dict[str, Fault] = {}
"""The wrong implementations by name."""

_GRID = 65535
_BUFFERS: dict[Any, Any] = {}


def fault(name: str, words: str, corner: str, loss: Any, level: str = "implied") -> None:
    """Enter a mistake."""
    FAULTS[name] = Fault(loss, words, corner, level)


def _of_rows(reduce: Callable[[Any, str, Any], Any]) -> Callable[..., Any]:
    """The loss whose rows are right and whose reduction is not."""

    def loss(input: Any, target: Any, reduction: str = "mean") -> Any:
        if reduction not in ("sum", "mean") or input.dim() < 2:
            return RIGHT(input, target, reduction)
        return reduce(RIGHT(input, target, "none"), reduction, input)

    return loss


def _behind_the_grid(input: Any, target: Any, reduction: str = "mean") -> Any:
    """Rows that no block of a grid takes stay 0."""
    if input.dim() < 2 or len(input) <= _GRID:
        return RIGHT(input, target, reduction)
    losses = RIGHT(input, target, "none")
    losses = torch.cat([losses[:_GRID], torch.zeros_like(losses[_GRID:])])
    return losses if reduction == "none" else getattr(losses, reduction)()


def _in_own_format(losses: Any, reduction: str, input: Any) -> Any:
    """Divided after the sum is rounded to the scores' format."""
    return losses.sum() if reduction == "sum" else losses.sum() / max(len(losses), 1) if len(losses) else losses.mean()


def _counted_in_own_format(losses: Any, reduction: str, input: Any) -> Any:
    """The number of rows is a number of the scores' format."""
    if reduction == "sum" or not len(losses):
        return getattr(losses, reduction)()
    wide = torch.promote_types(losses.dtype, torch.float32)
    count = torch.tensor(float(len(losses))).to(losses.dtype)
    return (losses.to(wide).sum() / count.to(wide)).to(losses.dtype)


def _one_less(losses: Any, reduction: str, input: Any) -> Any:
    """The mean of more than four rows divides by one less."""
    many = reduction == "mean" and len(losses) > 4
    return losses.sum() / (len(losses) - 1) if many else getattr(losses, reduction)()


Change = Callable[[Any], Any]


def _as_it_is(tensor: Any) -> Any:
    return tensor


def _backward(pull: Change = _as_it_is, *, read: Change = _as_it_is, saves: bool = True) -> Callable[..., Any]:
    """The loss with a backward of its own.

    Args:
        pull: The gradient as it should be to the gradient that is given back.
        read: The upstream gradient to what the backward takes it for.
        saves: Whether autograd keeps the arguments, so that it notices where one was written to.
    """
    return lambda input, target, reduction="mean": _function(pull, read, saves).apply(input, target, reduction)


@functools.cache
def _function(pull: Change, read: Change, saves: bool) -> Any:
    class Loss(torch.autograd.Function):  # type: ignore[misc]  # torch is Any here
        @staticmethod
        def forward(ctx: Any, input: Any, target: Any, reduction: str) -> Any:
            ctx.reduction, ctx.kept = reduction, None if saves else (input, target)
            ctx.save_for_backward(*((input, target) if saves else ()))
            return RIGHT(input, target, reduction)

        @staticmethod
        def backward(ctx: Any, upstream: Any) -> tuple[Any, None, None]:
            input, target = ctx.kept or ctx.saved_tensors
            with torch.enable_grad():
                scores = input.detach().requires_grad_()
                loss = RIGHT(scores, target, ctx.reduction)
                (slope,) = torch.autograd.grad(loss, scores, read(upstream))
            return pull(slope), None, None

    return Loss


def _by_address(upstream: Any) -> Any:
    """The upstream gradient as a backward reads it that takes every tensor for contiguous."""
    if not upstream.dim() or upstream.is_contiguous() or upstream.numel() < 2:
        return upstream
    held = torch.zeros(upstream.shape, dtype=upstream.dtype)
    held[0] = upstream[0]
    return held


def _unbatched_by_classes(slope: Any) -> Any:
    return slope / len(slope) if slope.dim() == 1 else slope


def _empty_refused(slope: Any) -> Any:
    if not slope.numel():
        raise RuntimeError("the gradient of an empty batch")
    return slope


@functools.cache
def _scaled() -> Any:
    class Loss(torch.autograd.Function):  # type: ignore[misc]  # torch is Any here
        @staticmethod
        def forward(ctx: Any, input: Any, target: Any, reduction: str) -> Any:
            with torch.enable_grad():
                scores = input.detach().requires_grad_()
                loss = RIGHT(scores, target, reduction)
                (ctx.slope,) = torch.autograd.grad(loss.sum(), scores)
            return loss.detach()

        @staticmethod
        def backward(ctx: Any, upstream: Any) -> tuple[Any, None, None]:
            rowwise = upstream.dim() and ctx.slope.dim() == 2
            return ctx.slope.mul_(upstream[:, None] if rowwise else upstream), None, None

    return Loss


def _buffer(input: Any, target: Any, reduction: str = "mean") -> Any:
    """Results of one shape are one buffer."""
    found = RIGHT(input, target, reduction)
    if found.requires_grad or torch._C._functorch.is_batchedtensor(found):
        return found
    return _BUFFERS.setdefault((tuple(found.shape), found.dtype), torch.empty_like(found)).copy_(found)


def _marks_its_input(input: Any, target: Any, reduction: str = "mean") -> Any:
    found = RIGHT(input, target, reduction)
    if input.is_leaf and not torch._C._functorch.is_functorch_wrapped_tensor(input):
        input.requires_grad_()
    return found


def _default_dtype(input: Any, target: Any, reduction: str = "mean") -> Any:
    torch.set_default_dtype(torch.float64)
    return RIGHT(input, target, reduction)


def _single_without_data(losses: Any, reduction: str, input: Any) -> Any:
    found = reduce_rows(losses, reduction, input)
    return found.float() if found.is_meta else found


def _python_number(input: Any, target: Any, reduction: str = "mean") -> Any:
    found = RIGHT(input, target, reduction)
    return found if found.dim() or found.requires_grad else found.item()


def _is_mapped(tensor: Any) -> bool:
    return bool(torch._C._functorch.is_batchedtensor(tensor))


def _unmapped_labels_turned(input: Any, target: Any, reduction: str = "mean") -> Any:
    """A rule for vmap that lays copies of labels that are not mapped side by side, in another order of the rows."""
    other = _is_mapped(input) and not _is_mapped(target) and target.dim() == 2
    return RIGHT(input, target.flip(0) if other else target, reduction)


def _mapped_gradient_divided(input: Any, target: Any, reduction: str = "mean") -> Any:
    """A rule for vmap whose backward divides by the rows of both copies."""
    if not _is_mapped(input):
        return RIGHT(input, target, reduction)
    found = RIGHT(input, target, reduction)
    return found / 2 + (found / 2).detach()


fault(
    "all_pairs_at_once",
    "All pairs of places of all rows are held at once, however few the labels.",
    "rows of thousands of classes, in their memory",
    replace(
        RIGHT, longest=lambda target, live: target.shape[1], divide=lambda sums, scores, keep: sums / keep.shape[2]
    ),
    "quality",
)
fault(
    "unmapped_labels_turned",
    "Under vmap over the scores alone, the rows of the labels come in another order.",
    "scores that are mapped beside labels that are not",
    _unmapped_labels_turned,
)
fault(
    "mapped_gradient_divided",
    "Under vmap the gradient is divided by the rows of both copies.",
    "a gradient under vmap",
    _mapped_gradient_divided,
)
fault(
    "labels_in_32_bits",
    "Labels are narrowed to 32 bits before their range is looked at.",
    "labels beyond 2^31",
    lambda input, target, reduction="mean": RIGHT(input, target.int().long(), reduction),
    "quality",
)
fault(
    "labels_in_16_bits",
    "Labels are narrowed to 16 bits without a sign.",
    "labels from 65,536 on",
    lambda input, target, reduction="mean": RIGHT(
        input, torch.where(target < 0, target, target & 0xFFFF) if target.dtype == torch.int64 else target, reduction
    ),
)
fault("rows_behind_a_grid", "Rows from 65,536 on stay 0.", "more than 65,535 rows", _behind_the_grid)
fault(
    "mean_through_its_sum",
    "The mean divides a sum that is rounded to the scores' format.",
    "half-precision means whose sum overflows",
    _of_rows(_in_own_format),
    "quality",
)
fault(
    "rows_counted_in_half",
    "The number of rows is held in the scores' format.",
    "half-precision batches of more rows than their format counts",
    _of_rows(_counted_in_own_format),
    "quality",
)
fault("mean_of_one_less", "The mean of more than four rows divides by one less.", "five rows", _of_rows(_one_less))
fault(
    "unbatched_gradient_by_classes",
    "The gradient of scores of one dimension is divided by the number of classes.",
    "input of one dimension",
    _backward(_unbatched_by_classes),
)
fault("empty_gradient_refused", "The gradient of an empty batch raises.", "no rows", _backward(_empty_refused))
fault(
    "upstream_by_address",
    "The upstream gradient is read as if it were contiguous.",
    "expanded and strided upstream gradients",
    _backward(read=_by_address),
)
fault(
    "gradient_scaled_in_place",
    "The backward pass scales its saved gradient where it lies.",
    "a second backward pass",
    lambda input, target, reduction="mean": _scaled().apply(input, target, reduction),
)
fault(
    "overwritten_argument_unnoticed",
    "The arguments are kept past autograd, which does not notice that one is overwritten.",
    "an argument that is overwritten between forward and backward",
    _backward(saves=False),
)
fault("result_in_a_buffer", "A result is overwritten by the next of its shape.", "two results", _buffer)
fault("input_marked", "The caller's scores require a gradient afterwards.", "settings", _marks_its_input)
fault("default_dtype_left", "The default dtype is float64 afterwards.", "settings", _default_dtype)
fault(
    "without_data_in_float32",
    "The loss of meta tensors has the dtype float32, whatever theirs is.",
    "tensors without data",
    replace(RIGHT, longest=lambda target, live: target.shape[1], reduce=_single_without_data),
    "quality",
)
fault("python_number", "Sums and means are Python's numbers.", "the type of the result", _python_number, "quality")
