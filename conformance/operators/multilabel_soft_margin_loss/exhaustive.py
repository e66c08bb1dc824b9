"""The soft margin loss of every float32 score: four thousand million, named by their bits, none of them sent."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.drawing import Domain, Fixed
from conformance.judging.answers import Array
from conformance.judging.clause import Clause, clauses_of
from conformance.judging.compare import Deviation, assert_shape, assert_within
from conformance.judging.subject import Subject
from conformance.operators.multilabel_soft_margin_loss import OPERATOR
from conformance.operators.multilabel_soft_margin_loss.pages import FORMULA
from reference.bit_patterns import finite_ranges, scores, soft_margin_blocks

CLAUSES: dict[str, Clause] = {}
clause = clauses_of(OPERATOR, CLAUSES)

_CASES_OF_A_SIGN = 32
_AT_ONCE = 1 << 21
_LABEL = 0.0


def _case(domain: Domain, patterns: range) -> Case:
    """The scores at both ends of a range stand for all between them."""
    ends = range(patterns.start, patterns.stop, max(1, len(patterns) - 1))
    ends_of = np.array([[scores(range(end, end + 1), domain.format)[0]] for end in ends])
    return domain.case(input=ends_of, target=np.full((len(ends), 1), _LABEL))


def ranges(domain: Domain) -> list[Case]:
    """Every finite float32 score of either sign, in a few ranges."""
    if domain.dtype != "float32" or not domain.exhaustive or domain.shapes:
        return []
    cases: list[Case] = []
    for patterns in finite_ranges(domain.format):
        step = -(-len(patterns) // _CASES_OF_A_SIGN)
        cases += [_case(domain, patterns[start : start + step]) for start in range(0, len(patterns), step)]
    return cases


def _pattern(score: float) -> int:
    return int(np.array(score, dtype=np.float32).view(np.uint32))


@clause(
    "soft.numbers.every-single-score",
    "implied",
    FORMULA,
    why="A format of 32 bits has so few scores that all of them can be asked, given an hour.",
    cases=Fixed(ranges),
    also=("narrow",),
)
def every_score_of_float32(subject: Subject, case: Case) -> None:
    """Every finite float32 score has its loss, for the label 0; a case names the ends of a range of bit patterns."""
    first, last = _pattern(case["input"][0, 0]), _pattern(case["input"][-1, 0])
    for start in range(first, last + 1, _AT_ONCE):
        patterns = range(start, min(start + _AT_ONCE, last + 1))
        got = subject.over(case, patterns, _LABEL)
        assert_shape(got, (len(patterns),))
        for part, expected in soft_margin_blocks(patterns, _LABEL, subject.arithmetic, printed=True):
            values = Array(got.values[part], got.dtype)
            try:
                assert_within(subject, case, values, expected.value)
            except Deviation as deviation:
                place = patterns[part][deviation.row or 0]
                raise _at(deviation, case, scores(range(place, place + 1), case.format)[0]) from None


def _at(deviation: Deviation, case: Case, score: float) -> Deviation:
    """The deviation with the one score that shows it as its witness."""
    witness = case.replace(input=np.array([[score]]), target=np.array([[_LABEL]]))
    return Deviation(deviation.expected, deviation.got, deviation.kind, deviation.share, deviation.row, witness=witness)
