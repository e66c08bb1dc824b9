"""The multi-label margin loss for torch, in O(C log T) a row where torch's own takes O(C T).

It is an operator of its own (``lossproof::margin_rows``), so that it stands in a compiled, exported
or mapped program as one node: no graph break, nothing that is traced anew for other values. On the
CPU it takes half precision as well, and its compiled mode agrees with its eager one.

The contract is that of the other ports: the first negative label ends a row's block, duplicate
labels count each time, the subgradient at a tie is 0, NaN propagates, infinities give the formula's
limit. A class index beyond the last class before the block's end raises on the CPU; on another
device, where that would have to wait for it, it makes its row NaN. Half-precision scores are computed
with in float32, and the loss is rounded once. Memory is O(N C).
"""

import math
from typing import Any, Tuple

import torch

DIRECT = 10
"""Up to so many labels in each row, torch's own kernel is quicker on the CPU."""

_NATIVE = (torch.float32, torch.float64)
_SCORES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_LABELS = (torch.int64, torch.int32, torch.int16, torch.int8)
_EAGER = (torch.Tensor, torch.nn.Parameter)

_library = torch.library.Library("lossproof", "FRAGMENT")
_library.define("margin_rows(Tensor input, Tensor target, bool slopes) -> (Tensor, Tensor)")


def _check(input: Any, target: Any, reduction: str) -> None:
    """Raise unless the operator takes these."""
    if input.dim() not in (1, 2):
        raise ValueError("input has shape %s; it takes (C) or (N, C)" % (tuple(input.shape),))
    if input.dtype not in _SCORES:
        raise TypeError("input has dtype %s; it takes float16, bfloat16, float32 or float64" % input.dtype)
    if target.dtype not in _LABELS:
        raise TypeError("target has dtype %s; class indices are signed integers" % target.dtype)
    if input.shape != target.shape:
        raise ValueError("target has shape %s, input has %s" % (tuple(target.shape), tuple(input.shape)))
    if reduction not in ("none", "sum", "mean"):
        raise ValueError("reduction %r: there are none, sum, mean" % (reduction,))


def multilabel_margin_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """Multi-label margin loss.

    Args:
        input: Scores; shape (C) or (N, C); float16, bfloat16, float32 or float64.
        target: Class indices of the same shape, of a signed integer dtype; the first negative
            one ends a row's block.
        reduction: ``none``, ``sum`` or ``mean``.

    Returns:
        The loss, in the input's dtype; shape (), or (N,) for ``none`` of a batch.

    Raises:
        TypeError: Scores or a target of another dtype.
        ValueError: Shapes or a reduction that the operator does not take.
        IndexError: On the CPU, a class index beyond the last class before the block's end.

    Example:
        >>> input = torch.tensor([[0.1, 0.2, 0.4, 0.8]], requires_grad=True)
        >>> multilabel_margin_loss(input, torch.tensor([[3, 0, -1, 1]])).item()
        0.8500000238418579
    """
    _check(input, target, reduction)
    readable = _readable(input, target)
    slopes = torch.is_grad_enabled() and (input.requires_grad or not readable)
    if readable and not slopes and _native_will_do(input, target):
        return torch.nn.functional.multilabel_margin_loss(input, target, reduction=reduction)
    rows = (input if readable else input.view_as(input)) if input.dim() == 2 else input.unsqueeze(0)  # see _Rows
    labels = target if input.dim() == 2 else target.unsqueeze(0)
    losses = _losses(rows, labels, slopes, readable)
    if reduction == "none":
        return (losses if input.dim() == 2 else losses[0]).to(input.dtype)
    return (losses.sum() if reduction == "sum" else losses.mean()).to(input.dtype)


def _losses(input: Any, target: Any, slopes: bool, readable: bool) -> Any:
    """Losses of rows, by the shortest way that what surrounds the call leaves."""
    if not slopes:
        return torch.ops.lossproof.margin_rows(input, target, slopes)[0]
    if readable and not torch._C._are_functorch_transforms_active():  # noqa: SLF001 - there is no public way to ask
        return _EagerRows.apply(input, target)
    return _Rows.apply(input, target, slopes)[0]


def _native_will_do(input: Any, target: Any) -> bool:
    return input.dim() == 2 and input.dtype in _NATIVE and _few_labels(input, target) and _plain(input, target)


def _readable(input: Any, target: Any) -> bool:
    """Whether this is an eager call, in which values may be looked at, and a tensor says that it requires a gradient.

    It is none while a program is compiled, exported or traced, nor under ``vmap``.
    """
    if torch.compiler.is_compiling() or torch.jit.is_tracing():
        return False
    mapped = torch._C._functorch.is_batchedtensor  # noqa: SLF001 - there is no public way to ask
    return type(input) in _EAGER and type(target) in _EAGER and not mapped(input) and not mapped(target)


class _Rows(torch.autograd.Function):
    """The operator with its derivative.

    torch 2.13.0 compiles ``torch.func.grad`` of a function of this kind to zeros where what is differentiated is
    handed to it as it came; a view of it is differentiated as it should be.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(input: Any, target: Any, slopes: bool) -> Tuple[Any, Any]:
        return torch.ops.lossproof.margin_rows(input, target, slopes)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(output[1])
        ctx.mark_non_differentiable(output[1])
        ctx.dtype = inputs[0].dtype

    @staticmethod
    def backward(ctx: Any, cotangent: Any, _: Any) -> Tuple[Any, None, None]:
        return (cotangent.unsqueeze(1) * ctx.saved_tensors[0]).to(ctx.dtype), None, None


class _EagerRows(torch.autograd.Function):
    """The same for plain eager calls, of which torch asks less: at few classes that is a fifth of the time."""

    @staticmethod
    def forward(ctx: Any, input: Any, target: Any) -> Any:
        losses, slopes = _margin_rows(input, target, True)
        ctx.save_for_backward(slopes)
        ctx.dtype = input.dtype
        return losses

    @staticmethod
    def backward(ctx: Any, cotangent: Any) -> Tuple[Any, None]:
        return (cotangent.unsqueeze(1) * ctx.saved_tensors[0]).to(ctx.dtype), None


def _margin_rows(input: Any, target: Any, slopes: bool) -> Tuple[Any, Any]:
    """Losses of the rows in float32 or wider, and, where wanted, the derivative of each by each score."""
    wide = input.detach().float() if input.dtype in (torch.float16, torch.bfloat16) else input.detach()
    if not _few_labels(wide, target):
        return _sorted_rows(wide, target, slopes)
    if _plain(wide, target):
        return _native_rows(wide, target, slopes)
    losses, slope = wide.new_empty(len(wide)), wide.new_empty(wide.shape if slopes else 0)
    odd = ~wide.sum(1).isfinite() | (target < -1).any(1) | (target >= wide.shape[1]).any(1)
    for rows, form in ((odd, _sorted_rows), (~odd, _native_rows)):  # row by row: none depends on its neighbours
        if bool(rows.any()):
            part = form(wide[rows], target[rows], slopes)
            losses[rows] = part[0]
            if slopes:
                slope[rows] = part[1]
    return losses, slope


def _few_labels(input: Any, target: Any) -> bool:
    """Whether torch's own kernel is quicker, and there: no row has many labels."""
    rows, classes = input.shape
    if input.device.type != "cpu" or target.dtype != torch.int64 or rows == 0 or classes == 0:
        return False
    return classes <= DIRECT or not bool((target[:, DIRECT] >= 0).any())


def _plain(input: Any, target: Any) -> bool:
    """Whether torch's own kernel is right: every label is a class or -1, and every score finite."""
    least, most = torch.aminmax(target)
    return int(least) >= -1 and int(most) < input.shape[1] and math.isfinite(input.sum())


def _native_rows(input: Any, target: Any, slopes: bool) -> Tuple[Any, Any]:
    losses, named = torch.ops.aten.multilabel_margin_loss_forward(input, target, 0)
    if not slopes:
        return losses, input.new_empty(0)
    ones = torch.ones_like(losses)
    return losses, torch.ops.aten.multilabel_margin_loss_backward(ones, input, target, 0, named)


def _sorted_rows(input: Any, target: Any, slopes: bool) -> Tuple[Any, Any]:
    r"""Sort each row's target scores, find each other score's place among them, and add up what is positive.

    With :math:`a_1 \le \dots \le a_T` the target scores (a duplicate label twice), :math:`v = 1 + x_i` of a
    class that is no target and :math:`k = \#\{a < v\}`, the pairs of i contribute

    .. math:: \sum_{t \le k} (v - a_t) = k (v - a_k) + \sum_{j < k} j (a_{j+1} - a_j)

    No term is negative, so nothing cancels, however far apart or from 0 the scores lie. Keys stand in for
    what is not finite: NaN is active in every pair, so its key is the lowest target or the highest other score.
    """
    classes = input.shape[1]
    block = (target >= 0).cumprod(1).bool()
    if input.device.type == "cpu" and len(block):
        block = block[:, : int(block.sum(1).max())]
    labels = torch.where(block, target[:, : block.shape[1]].long(), classes)
    beyond = (labels > classes) | (block & (labels == classes))
    if input.device.type == "cpu" and bool(beyond.any()):
        raise IndexError("target holds class %d; there are %d classes" % (int(labels.max()), classes))
    labels = labels.clamp(max=classes)
    named = input.new_zeros((len(input), classes + 1), dtype=torch.bool).scatter_(1, labels, True)[:, :classes]
    scores = torch.nn.functional.pad(input, (0, 1)).gather(1, labels)
    largest = torch.finfo(input.dtype).max
    keys = scores.nan_to_num(-torch.inf, largest, -torch.inf).masked_fill(~block, torch.inf)
    keys, order = keys.sort(1)
    others = (1 + input).nan_to_num(torch.inf, torch.inf, -largest).masked_fill(named, -torch.inf)
    places = torch.searchsorted(keys, others)
    losses = _sums(keys, others, places)
    spoilt = beyond.any(1)
    if not slopes and input.device.type == "cpu" and bool(torch.isfinite(input.sum())):
        return (losses / classes).masked_fill(spoilt, torch.nan), input.new_empty(0)
    counts = _counts(places, labels.gather(1, order), classes)
    limits = torch.where(input.isfinite() | (counts == 0), 0, counts * input).sum(1)
    losses = torch.where(limits == 0, losses, limits)
    losses = (losses / classes).masked_fill(spoilt, torch.nan)
    if not slopes:
        return losses, input.new_empty(0)
    return losses, (counts.to(input.dtype) / classes).masked_fill(spoilt.unsqueeze(1), torch.nan)


def _sums(keys: Any, others: Any, places: Any) -> Any:
    """Each row's sum over its active pairs of finite scores."""
    keys = torch.nn.functional.pad(keys.nan_to_num(0, 0, 0), (1, 0))
    others = others.nan_to_num(0, 0, 0)
    steps = keys.diff(dim=1) * torch.arange(keys.shape[1] - 1, dtype=keys.dtype, device=keys.device)
    up_to = torch.nn.functional.pad(steps.cumsum(1), (1, 0))
    gaps = places * (others - keys.gather(1, places)) + up_to.gather(1, places)
    return gaps.masked_fill(places == 0, 0).sum(1)


def _counts(places: Any, labels: Any, classes: int) -> Any:
    """Active pairs at each score, from the others' places among the sorted targets and those targets' classes."""
    met = places.new_zeros((len(places), labels.shape[1] + 1)).scatter_add_(1, places, torch.ones_like(places))
    above = met[:, 1:].flip(1).cumsum(1).flip(1)
    return torch.nn.functional.pad(places, (0, 1)).scatter_add_(1, labels, -above)[:, :classes]


def _shapes(input: Any, target: Any, slopes: bool) -> Tuple[Any, Any]:
    """What the operator returns, without values."""
    wide = torch.float32 if input.dtype in (torch.float16, torch.bfloat16) else input.dtype
    return input.new_empty(len(input), dtype=wide), input.new_empty(input.shape if slopes else (0,), dtype=wide)


def _mapped(info: Any, places: Any, input: Any, target: Any, slopes: bool) -> Tuple[Any, Tuple[int, Any]]:
    """Rows of all copies as rows of one call."""
    size = info.batch_size
    both = [
        array.movedim(place, 0) if place is not None else array.expand(size, *array.shape)
        for array, place in zip((input, target), places)
    ]
    losses, slope = torch.ops.lossproof.margin_rows(*(array.flatten(0, 1) for array in both), slopes)
    if not slopes:
        return (losses.unflatten(0, (size, -1)), slope), (0, None)
    return (losses.unflatten(0, (size, -1)), slope.unflatten(0, (size, -1))), (0, 0)


_library.impl("margin_rows", _margin_rows, "CompositeExplicitAutograd")
torch.library.register_fake("lossproof::margin_rows", _shapes, lib=_library)
torch.library.register_vmap("lossproof::margin_rows", _mapped, lib=_library)
