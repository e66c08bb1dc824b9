"""What the pages print of parameters and defaults, and the legacy flags that override the reduction."""

from __future__ import annotations

import itertools

from conformance.cases.case import Case
from conformance.cases.drawing import Domain, Fixed, Setting, drawn
from conformance.cases.operator import Operator, Signature
from conformance.cases.random_bits import RandomBits
from conformance.families.shapes import sized
from conformance.judging.clause import TORCH_NATIVE, Binding, Clause, Law, clauses_of
from conformance.judging.compare import Deviation, assert_shape, assert_within
from conformance.judging.shared import generated, shared
from conformance.judging.subject import Subject

_FLAGS = [pair for pair in itertools.product((None, True, False), repeat=2) if pair != (None, None)]
_FEW_FLAGS = [(None, False), (False, None), (True, True)]
_REDUCTIONS = (None, "none", "sum", "mean")
_FORMS = {"module": "module", "native": "function"}


def _flags(domain: Domain) -> list[Setting]:
    """The legacy flags, at least one of them given.

    A variant that pays for each program gets three combinations, one for each meaning.
    """
    return [
        dict(zip(("size_average", "reduce"), pair, strict=True)) for pair in (_FEW_FLAGS if domain.shapes else _FLAGS)
    ]


def _few_programs(case: Case, bits: RandomBits, domain: Domain) -> Case:
    """Without the reduction, for a variant that pays for each program: the flags say what it is."""
    del bits
    return case.replace(reduction=None) if domain.shapes else case


def meant_by_flags(case: Case) -> Case:
    """The case with the reduction that its legacy flags stand for."""
    size_average, reduce = case.options["size_average"], case.options["reduce"]
    meant = "none" if reduce is False else "sum" if size_average is False else "mean"
    rest = {name: value for name, value in case.options.items() if name not in ("size_average", "reduce")}
    return case.replace(options=rest, reduction=meant)


@shared(
    "legacy.flags-override-reduction",
    "documented",
    "flags",
    cases=drawn(_REDUCTIONS, scores="plain", labels="plain", further=_flags).then(_few_programs),
    binding=TORCH_NATIVE,
    keeps=lambda case: {"size_average", "reduce"} <= set(case.options),
)
def legacy_flags_override_the_reduction(subject: Subject, case: Case) -> None:
    """size_average and reduce, if either is given, choose the reduction: none without reduce, else mean or sum."""
    meant = meant_by_flags(case)

    got = subject.evaluate(case)

    assert_shape(got.value, meant.result_shape)
    assert_within(subject, meant, got.value, subject.expected_loss(meant))


@generated
def signatures_of_the_pages(operator: Operator, register: dict[str, Clause]) -> None:
    """A clause for each signature that a page prints."""
    for printed in operator.signatures:
        wanted = ", ".join(f"{name}={default}" if default else name for name, default in printed.parameters)
        clauses_of(operator, register)(
            f"{operator.word}.legacy.{_clause_of(operator, printed)}",
            "documented",
            printed.source,
            cases=Fixed(_one_case),
            binding=Binding(printed.framework, (printed.form,), printed.versions),
            needs="signature",
            statement=f"The {_FORMS[printed.form]} takes {wanted}, in this order.",
        )(_law_of(printed))


def _clause_of(operator: Operator, printed: Signature) -> str:
    """``module-signature`` or ``function-signature``; for a second framework with its name behind it."""
    name = f"{_FORMS[printed.form]}-signature"
    alike = [other for other in operator.signatures if other.form == printed.form]
    return name if alike[0] is printed else f"{name}-of-{printed.framework}"


def _one_case(domain: Domain) -> list[Case]:
    return [sized(domain, 0, dict.fromkeys(domain.operator.program((1, 1)), 1))]


def _law_of(printed: Signature) -> Law:
    def law(subject: Subject, case: Case) -> None:
        del case
        if subject.signature != printed.parameters:
            raise Deviation(_shown(printed.parameters), _shown(subject.signature))

    return law


def _shown(signature: tuple[tuple[str, str], ...]) -> str:
    return "(" + ", ".join(f"{name}={default}" if default else name for name, default in signature) + ")"
