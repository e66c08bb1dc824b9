"""What of torch's losses is wanted beyond value and gradient: beside ``torch_adapter.py``."""

import contextlib
import functools
import importlib
from typing import Any, Callable, Dict, List

Run = Callable[[List[Any]], Any]
Loss = Callable[[Any], Any]


def wanted(
    torch: Any, call: Dict[str, Any], run: Run, arguments: Dict[str, Any], vectors: Dict[str, Any]
) -> Dict[str, Any]:
    """The tensors that the call wants beyond value and gradients, by want."""
    wants = set(call["want"]) & (set(_OF_FIRST) | set(_OF_ALL))
    tensors = [tensor.detach() for tensor in arguments.values()] if wants else []
    found = {}
    for want in wants:
        if want in _OF_ALL:
            found[want] = _OF_ALL[want](torch, run, tensors, vectors)
        else:
            loss = functools.partial(_loss_of_first, run, tensors[1:])
            found[want] = _OF_FIRST[want](torch, loss, dict(vectors, first=tensors[0]))
    return found


def _loss_of_first(run: Run, others: List[Any], first: Any) -> Any:
    return run([first] + others)


def _accumulated(torch: Any, loss: Loss, arrays: Dict[str, Any]) -> Any:
    """What a backward pass leaves where a gradient is held already."""
    input = arrays["first"].detach().clone().requires_grad_()
    input.grad = arrays["held"].clone()
    loss(input).backward(arrays["cotangent"])
    return input.grad


def _forward(torch: Any, loss: Loss, arrays: Dict[str, Any]) -> Any:
    return torch.func.jvp(loss, (arrays["first"].detach(),), (arrays["tangent"],))[1]


def _second(torch: Any, loss: Loss, arrays: Dict[str, Any]) -> Any:
    """Double backward: the Hessian is symmetric, so the tangent may be the second cotangent."""
    input = arrays["first"].detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(input), input, arrays["cotangent"], create_graph=True)
    return torch.autograd.grad(gradient, input, arrays["tangent"])[0]


def _jacobian(torch: Any, loss: Loss, arrays: Dict[str, Any]) -> Any:
    return torch.func.jacrev(loss)(arrays["first"].detach())


def _repeated(torch: Any, loss: Loss, arrays: Dict[str, Any]) -> Any:
    """The gradient of a second backward pass through a graph that is kept."""
    input = arrays["first"].detach().clone().requires_grad_()
    value = loss(input)
    torch.autograd.grad(value, input, arrays["cotangent"], retain_graph=True)
    return torch.autograd.grad(value, input, arrays["cotangent"])[0]


def _altered(torch: Any, run: Run, tensors: List[Any], vectors: Dict[str, Any]) -> Any:
    """The gradient if the last argument is overwritten before the backward pass; torch may refuse."""
    copies = [tensor.clone() for tensor in tensors]
    copies[0].requires_grad_()
    value = run(copies)
    copies[-1].detach().zero_()
    return torch.autograd.grad(value, copies[0], vectors["cotangent"])[0]


def _recomputed(torch: Any, loss: Loss, arrays: Dict[str, Any]) -> Any:
    """The gradient of a checkpointed call: the forward pass is made again in the backward pass."""
    input = arrays["first"].detach().clone().requires_grad_()
    checkpoint = importlib.import_module("torch.utils.checkpoint").checkpoint
    return torch.autograd.grad(checkpoint(loss, input, use_reentrant=False), input, arrays["cotangent"])[0]


def _answered(ways: List[Callable[[], Any]]) -> List[Any]:
    """What the ways give; one that is refused is left out.

    Raises:
        Exception: All are refused; the last refusal.
    """
    found, refused = [], None
    for way in ways:
        try:
            found.append(way())
        except Exception as error:  # noqa: PERF203 - each way may be refused
            refused = error
    if refused is not None and not found:
        raise refused
    return found


def _mapped_gradient(torch: Any, run: Run, tensors: List[Any], vectors: Dict[str, Any]) -> Any:
    """The gradient mapped over two copies, the first argument alone mapped, then all; and of the mapped loss."""
    first, others, cotangent = tensors[0], tensors[1:], vectors["cotangent"]
    decoy = first.roll(1, dims=-1) if first.dim() else first
    vmap, alone = torch.func.vmap, (0,) + (None,) * len(others)

    def loss(*each: Any) -> Any:
        return run(list(each))

    def slope(input: Any, *rest: Any) -> Any:
        return torch.func.vjp(lambda given: loss(given, *rest), input)[1](cotangent)[0]

    def of_mapped(input: Any) -> Any:
        return torch.func.vjp(lambda given: vmap(loss, in_dims=alone)(given, *others), input)[1](
            torch.stack([cotangent, cotangent])
        )[0]

    pair = torch.stack([first, decoy])
    all_pairs = [torch.stack([first, decoy], -1)] + [torch.stack([each, each], -1) for each in others]
    ways = [
        lambda: vmap(slope, in_dims=alone)(pair, *others)[0],
        lambda: vmap(slope, in_dims=-1)(*all_pairs)[0],
        lambda: of_mapped(pair)[0],
    ]
    return torch.stack(_answered(ways))


def _mapped(torch: Any, run: Run, tensors: List[Any], vectors: Dict[str, Any]) -> Any:
    """Two copies along the last axis; the first argument alone mapped; along the last axis of it alone; nested."""
    first, others = tensors[0], tensors[1:]
    decoy = first.roll(1, dims=-1) if first.dim() else first

    def loss(*each: Any) -> Any:
        return run(list(each))

    def pairs(axis: int) -> List[Any]:
        return [torch.stack([first, decoy], axis)] + [torch.stack([each, each], axis) for each in others]

    vmap = torch.func.vmap
    alone = (0,) + (None,) * len(others)
    last = (-1,) + (None,) * len(others)
    twice = torch.stack([torch.stack([first, decoy]), torch.stack([decoy, decoy])])
    ways = [
        lambda: vmap(loss, in_dims=-1)(*pairs(-1))[0],
        lambda: vmap(loss, in_dims=alone)(torch.stack([first, decoy]), *others)[0],
        lambda: vmap(loss, in_dims=last)(torch.stack([first, decoy], -1), *others)[0],
        lambda: vmap(vmap(loss, in_dims=alone), in_dims=alone)(twice, *others)[0, 0],
    ]
    return torch.stack(_answered(ways))


def _abstract(torch: Any, run: Run, tensors: List[Any], vectors: Dict[str, Any]) -> Any:
    """Zeros of the shape and dtype of the loss of meta tensors, which have no data."""
    found = run([tensor.to("meta") for tensor in tensors])
    return torch.zeros(found.shape, dtype=found.dtype)


def _grad_modes(torch: Any, run: Run, tensors: List[Any], vectors: Dict[str, Any]) -> Any:
    """The loss under ``no_grad``, in inference mode, and where every argument that may requires a gradient."""
    with torch.no_grad():
        found = [run(tensors)]
    with torch.inference_mode():
        found.append(run([tensor.clone() for tensor in tensors]))
    every = [tensor.clone().requires_grad_(tensor.is_floating_point()) for tensor in tensors]
    with contextlib.suppress(Exception):  # some losses take no labels that require a gradient
        found.append(run(every).detach())
    return torch.stack(found)


_OF_FIRST = {
    "accumulated": _accumulated,
    "forward": _forward,
    "second": _second,
    "jacobian": _jacobian,
    "repeated": _repeated,
    "recomputed": _recomputed,
}
_OF_ALL = {
    "abstract": _abstract,
    "altered": _altered,
    "grad-modes": _grad_modes,
    "mapped": _mapped,
    "mapped-gradient": _mapped_gradient,
}
