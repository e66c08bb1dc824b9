"""Other cases tried in the place of one that fails, within a number of evaluations."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

from conformance.cases.case import Case

EVALUATIONS = 3000
"""Cases that may be asked about for one witness if a call is cheap. A witness of a few classes takes some dozens."""


ELEMENTS = 4096
"""So many elements of a case more cost as much as another evaluation, if a call is cheap."""


Judge = Callable[[Case], str]
"""In one word what is wrong with a case; empty where nothing is, or where it is none of the clause's cases."""


@dataclasses.dataclass(frozen=True)
class Budget:
    """What may be spent on making one witness smaller.

    Attributes:
        evaluations: How many other cases of usual size may be asked about; a large one counts as several.
        few_shapes: Whether another shape is another program, so that numbers are tried first.
    """

    evaluations: int
    few_shapes: bool = False


class Trials:
    """Asks about cases until the budget is spent, about each but once.

    Attributes:
        kind: The way of failing that is looked for.
        other: A simplification of the present case that fails in another way, and in which.
    """

    def __init__(self, kind: str, judge: Judge, budget: Budget) -> None:
        self.kind = kind
        self.few_shapes = budget.few_shapes
        self.other: tuple[Case, str] | None = None
        self._smallest: tuple[Case, str] | None = None
        self._judge, self._evaluations, self._spent = judge, budget.evaluations, 0
        self._elements = ELEMENTS * max(EVALUATIONS, budget.evaluations) // max(1, budget.evaluations)
        self._known: dict[str, str] = {}

    @property
    def over(self) -> bool:
        """Whether the budget is spent."""
        return self._spent >= self._evaluations

    def first(self, case: Case, simpler: Iterable[Case]) -> Case:
        """The first simpler case that fails as the case does, or the case itself."""
        for other in simpler:
            if self._late and self._smallest and self._smallest[0].elements < case.elements:
                case, self.kind = self._smallest
                self.other = None
                return case
            found = self._kind_of(other)
            if found and (found == self.kind or self._late):
                self.kind, self.other = found, None
                return other
            if found:
                self._remember(other, found)
        return case

    def _remember(self, other: Case, kind: str) -> None:
        """A case that fails in another way: the first, and the smallest, may be gone on with later."""
        if self._smallest is None or other.elements < self._smallest[0].elements:
            self._smallest = other, kind
        self.other = self.other or (other, kind)

    @property
    def _late(self) -> bool:
        return 2 * self._spent >= self._evaluations

    def _kind_of(self, case: Case) -> str:
        if self.over:
            return ""
        digest = case.digest()
        self._spent += case.elements // self._elements  # to make a large case takes long, were it known already
        if digest not in self._known:
            self._spent += 1
            self._known[digest] = self._judge(case)
        return self._known[digest]
