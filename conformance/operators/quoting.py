"""Official pages, and sentences that several of them print."""

from __future__ import annotations

from collections.abc import Callable

from conformance.cases.operator import Source

_TORCH = "https://docs.pytorch.org/docs/2.13/generated/torch.nn."
_MINDSPORE = "https://www.mindspore.cn/docs/en/stable/api_python/"

Quote = Callable[[str], Source]
"""Makes a source of words that a page prints."""


def torch_class(name: str) -> Quote:
    """The page of a class of torch.nn, in version 2.13."""
    return lambda words: Source(f"torch.nn.{name}", f"{_TORCH}{name}.html", "2.13", words)


def mindspore_function(name: str) -> Quote:
    """The page of a function of mindspore.ops, in version 2.10.0."""
    address = f"{_MINDSPORE}ops/mindspore.ops.{name}.html"
    return lambda words: Source(f"mindspore.ops.{name}", address, "2.10.0", words)


def mindspore_class(name: str) -> Quote:
    """The page of a class of mindspore.nn, in version 2.10.0."""
    address = f"{_MINDSPORE}nn/mindspore.nn.{name}.html"
    return lambda words: Source(f"mindspore.nn.{name}", address, "2.10.0", words)


REDUCTIONS = (
    "'none': no reduction will be applied, 'mean': the sum of the output will be divided by the number of elements "
    "in the output, 'sum': the output will be summed."
)
FLAGS = (
    "size_average and reduce are in the process of being deprecated, and in the meantime, specifying either of those "
    "two args will override reduction."
)
DEFAULT = "Default: 'mean'"
FLAG_PARAMETERS = (("size_average", "None"), ("reduce", "None"), ("reduction", "'mean'"))
"""The legacy flags and the reduction, as torch's signatures print them."""
