"""What MindSpore's pages promise of dtypes and refusals."""

from __future__ import annotations

from conformance.cases.case import Case
from conformance.cases.drawing import drawn
from conformance.families.shapes import unbatched
from conformance.judging.clause import MINDSPORE_NATIVE, NATIVE, Binding, Clause, clauses_of
from conformance.judging.compare import assert_dtype, assert_refused
from conformance.judging.subject import Subject
from conformance.operators.multilabel_soft_margin_loss import OPERATOR
from conformance.operators.multilabel_soft_margin_loss.pages import mindspore, mindspore_module

CLAUSES: dict[str, Clause] = {}
clause = clauses_of(OPERATOR, CLAUSES)


@clause(
    "soft.dtypes.result-as-documented",
    "documented",
    mindspore("Tensor, the data type is the same as input"),
    cases=drawn(("none", "sum", "mean"), scores="plain"),
    binding=MINDSPORE_NATIVE,
    also=("narrow",),
)
def result_has_the_documented_dtype(subject: Subject, case: Case) -> None:
    """The loss has the data type of the input."""
    got = subject.result_of(case)

    assert_dtype(got, case.dtype)


@clause(
    "soft.errors.module-rank",
    "documented",
    mindspore_module("ValueError: If the rank of x or target is not 2."),
    cases=unbatched(drawn(("mean",), scores="plain")),
    binding=Binding("mindspore", NATIVE[1:], ">=2.0"),
    needs="nothing",
)
def module_refuses_other_ranks(subject: Subject, case: Case) -> None:
    """The module raises ValueError for input of shape (C)."""
    assert_refused(subject, case, f"an answer for input of shape ({case.classes},)", ("ValueError",))
