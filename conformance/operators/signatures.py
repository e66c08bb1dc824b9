"""Parameters and defaults, as the pages print them."""

from __future__ import annotations

from conformance.cases.case import MARGIN, SOFT, Case
from conformance.cases.strategies import Fixed
from conformance.families.sources import mindspore_margin, mindspore_soft, torch_margin, torch_soft
from conformance.judging.clause import Binding, clause
from conformance.judging.compare import Deviation
from conformance.judging.subject import Subject
from conformance.operators.multilabel_margin_loss.value import torch_example
from conformance.operators.multilabel_soft_margin_loss.value import mindspore_example

_TORCH_MODULE = Binding("torch", ("module",))
_MINDSPORE_FUNCTION = Binding("mindspore", ("native",), ">=2.0")
_FLAGS = (("size_average", "None"), ("reduce", "None"), ("reduction", "'mean'"))
_WEIGHT = ("weight", "None")
_CASES = {MARGIN: Fixed(lambda domain: torch_example(domain)), SOFT: Fixed(lambda domain: mindspore_example(domain))}


def _assert_signature(subject: Subject, wanted: tuple[tuple[str, str], ...]) -> None:
    if subject.signature != wanted:
        raise Deviation(_printed(wanted), _printed(subject.signature))


def _printed(signature: tuple[tuple[str, str], ...]) -> str:
    return "(" + ", ".join(f"{name}={default}" if default else name for name, default in signature) + ")"


@clause(
    "margin.legacy.module-signature",
    "documented",
    torch_margin("class torch.nn.MultiLabelMarginLoss(size_average=None, reduce=None, reduction='mean')"),
    cases=_CASES[MARGIN],
    binding=_TORCH_MODULE,
    needs="signature",
)
def margin_module_signature(subject: Subject, case: Case) -> None:
    """The module takes size_average=None, reduce=None and reduction='mean', in this order."""
    del case
    _assert_signature(subject, _FLAGS)


@clause(
    "soft.legacy.module-signature",
    "documented",
    torch_soft(
        "class torch.nn.MultiLabelSoftMarginLoss(weight=None, size_average=None, reduce=None, reduction='mean')"
    ),
    cases=_CASES[SOFT],
    binding=_TORCH_MODULE,
    needs="signature",
)
def soft_module_signature(subject: Subject, case: Case) -> None:
    """The module takes weight=None, size_average=None, reduce=None and reduction='mean', in this order."""
    del case
    _assert_signature(subject, (_WEIGHT, *_FLAGS))


@clause(
    "margin.legacy.function-signature",
    "documented",
    mindspore_margin("mindspore.ops.multilabel_margin_loss(input, target, reduction='mean')"),
    cases=_CASES[MARGIN],
    binding=_MINDSPORE_FUNCTION,
    needs="signature",
)
def margin_function_signature(subject: Subject, case: Case) -> None:
    """The function takes input, target and reduction='mean', in this order."""
    del case
    _assert_signature(subject, (("input", ""), ("target", ""), _FLAGS[-1]))


@clause(
    "soft.legacy.function-signature",
    "documented",
    mindspore_soft("mindspore.ops.multilabel_soft_margin_loss(input, target, weight=None, reduction='mean')"),
    cases=_CASES[SOFT],
    binding=_MINDSPORE_FUNCTION,
    needs="signature",
)
def soft_function_signature(subject: Subject, case: Case) -> None:
    """The function takes input, target, weight=None and reduction='mean', in this order."""
    del case
    _assert_signature(subject, (("input", ""), ("target", ""), _WEIGHT, _FLAGS[-1]))
