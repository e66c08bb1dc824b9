"""The calls that the suite makes of a right implementation, and which of them a mutant answers otherwise.

Every clause sees a subject through its answers alone. So a mutant that gives the right
implementation's bits in every call of a run keeps every clause that the right one keeps, and one
that does not is asked first what the clause of such a call says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from adapters.contract import GRADIENT, Call, Reply
from conformance.judging.bench import Limits
from tests.genzoo.direct import DirectBench
from tests.genzoo.mutation import Part

_PATIENCE = Limits()


@dataclass(frozen=True)
class Rehearsed:
    """A call of a run.

    Attributes:
        clause: That made it.
        dtype: Of the scores.
        call: The call.
        reply: Of the right implementation.
    """

    clause: str
    dtype: str
    call: Call
    reply: Reply


class RehearsingBench(DirectBench):
    """Answers, and keeps every call with its answer.

    Attributes:
        clause: The clause that is being asked; empty for none.
        kept: The calls so far.
    """

    clause: str = ""
    kept: list[Rehearsed]

    def evaluate(self, call: Call, limits: Limits, *, compiled: bool) -> Reply:
        """Ask the adapter, and keep the answer while a clause is asked."""
        reply = super().evaluate(call, limits, compiled=compiled)
        if self.clause:
            self.kept.append(Rehearsed(self.clause, call["dtype"], call, reply))
        return reply


def suspects(bench: DirectBench, rehearsed: list[Rehearsed], target: str, part: Part) -> Iterator[tuple[str, str]]:
    """Clauses and formats in whose calls a mutant gives another answer, each once, as they are found.

    Args:
        bench: That answers.
        rehearsed: The calls of a run of the right implementation, in their order.
        target: The mutant.
        part: Of the mutant: what need not be asked for is not.
    """
    found: set[tuple[str, str]] = set()
    for each in rehearsed:
        key = each.clause, each.dtype
        wants = [want for want in each.call["want"] if _concerns(want, part)]
        if key in found or not wants:
            continue
        call: Any = {**each.call, "want": wants, "function": target}
        reply = bench.evaluate(call, _PATIENCE, compiled=False)
        if _differs(reply, each.reply, wants):
            found.add(key)
            yield key


def _concerns(want: str, part: Part) -> bool:
    return part == "both" or want.startswith(GRADIENT) is (part == "gradient")


def _differs(reply: Reply, other: Reply, wants: list[str]) -> bool:
    if ("raised" in reply) is not ("raised" in other):
        return True
    return "raised" not in reply and any(reply.get(want) != other.get(want) for want in wants)
