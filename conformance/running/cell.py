"""One cell of the plan, a clause asked of a variant, and what was decided about it."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from adapters.description import OperatorOffer
from conformance.cases.case import Case
from conformance.cases.trials import EVALUATIONS
from conformance.judging.bench import Bench
from conformance.judging.clause import Clause
from conformance.judging.compare import Deviation
from conformance.judging.subject import Asked, Subject
from reports.record import Failure, Verdict


@dataclass(frozen=True)
class Cell:
    """A clause, a variant and the cases to ask.

    Attributes:
        confirming: The bench that deviations are asked again on; it sees nothing else.
        fault: Why the variant cannot be tested, if calibration said so.
        minimise: Cases that may be asked about to make one witness smaller.
        hang: How it hung on a plain valid case, if calibration saw that twice.
    """

    clause: Clause
    subject: Subject
    offer: OperatorOffer
    cases: Callable[[], list[Case]]
    confirming: Bench
    fault: str = ""
    minimise: int = EVALUATIONS
    hang: str = ""

    def __str__(self) -> str:
        return f"{self.clause.id} · {self.subject.variant}"


@dataclass
class Decision:
    """A verdict with its evidence.

    Attributes:
        words: The framework's, or the failure's.
        case: The witness.
        deviation: What it shows.
        repeatable: Whether it showed the same in a second worker.
        behaviours: What an open clause saw, with counts.
        first: Number of the first case that failed.
        problem: What was found first, in the words of :class:`reports.record.Failure`.
        failures: The first cases that failed.
        calls: What the law asks of the witness, in its order.
    """

    verdict: Verdict
    words: str = ""
    case: Case | None = None
    deviation: Deviation | None = None
    repeatable: bool | None = None
    behaviours: Counter[str] | None = None
    first: int | None = None
    problem: str = ""
    failures: list[Failure] = dataclasses.field(default_factory=list[Failure])
    calls: list[Asked] = dataclasses.field(default_factory=list[Asked])
