"""The first version that differs on one clause, found by halving."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from conformance.command.upgrade import Order, made_of, make_all, run_version, shared_python, title
from conformance.environments.interpreters import EnvironmentFailed
from conformance.environments.managed import Environment
from conformance.running.discover import Spec, SubjectFailed
from reports.classes import Class
from reports.gate import Comparison, Difference, NotComparable, compare
from reports.record import Run
from reports.run_files import read_run

_NO_DIFFERENCE: frozenset[Class] = frozenset({"same", "new", "not-comparable"})


@dataclass(frozen=True)
class Answer:
    """What halving found.

    Attributes:
        first: The first version that differs; ``None`` where the last one does not.
        before: The last version that is as the first of all.
        skipped: Versions between both that could not be tried.
    """

    first: str | None
    before: str
    skipped: tuple[str, ...]


def halve(versions: Sequence[str], differs: Callable[[str], bool | None]) -> Answer:
    """The first of some versions that differs from the first of them.

    Args:
        versions: In their order; the first is what the others are compared with.
        differs: Whether one differs; ``None`` where it cannot be tried, which skips it.
    """
    if not differs(versions[-1]):
        return Answer(None, versions[-1], ())
    low, high, skipped = 0, len(versions) - 1, set[int]()
    while untried := [place for place in range(low + 1, high) if place not in skipped]:
        middle = untried[len(untried) // 2]
        verdict = differs(versions[middle])
        if verdict is None:
            skipped.add(middle)
        elif verdict:
            high = middle
        else:
            low = middle
    between = tuple(versions[place] for place in sorted(skipped) if low < place < high)
    return Answer(versions[high], versions[low], between)


class Bisection:
    """Versions of one subject, each run once for one clause and compared with the first.

    Args:
        spec: The subject.
        versions: From the one to compare with to the one that differs.
        order: How they are run; its filters leave one clause.
        tell: Told a line for each version that was tried.
    """

    def __init__(self, spec: Spec, versions: Sequence[str], order: Order, tell: Callable[[str], None]) -> None:
        self._spec = spec
        self._versions = versions
        self._order = order
        self._tell = tell
        self._ends = [replace(spec, version=version) for version in (versions[0], versions[-1])]
        self._liked = shared_python(self._ends)
        self._made: dict[Spec, Environment | EnvironmentFailed] = {}
        self.comparisons: dict[str, Comparison] = {}

    def search(self) -> Answer:
        """Find the first version that differs.

        Raises:
            EnvironmentFailed: The first or the last version cannot be tried.
            NotComparable: Their runs have nothing in common.
            UsageError: As for a run.
        """
        self._made.update(make_all(self._ends, self._order.find_links, self._liked))
        baseline = self._run(self._versions[0])
        self.comparisons[self._versions[-1]] = compare(baseline, self._run(self._versions[-1]))
        return halve(self._versions, lambda version: self._differs(version, baseline))

    def _differs(self, version: str, baseline: Run) -> bool | None:
        try:
            found = self.comparisons.get(version) or compare(baseline, self._run(version))
        except (EnvironmentFailed, NotComparable, SubjectFailed) as failed:
            self._tell(f"{version}: skipped: {failed}")
            return None
        self.comparisons[version] = found
        different = differences(found)
        self._tell(f"{version}: {different[0].kind if different else f'as {self._versions[0]}'}")
        return bool(different)

    def _run(self, version: str) -> Run:
        spec = replace(self._spec, version=version)
        if spec not in self._made:
            self._made.update(make_all([spec], self._order.find_links, self._liked))
        return _read(spec, made_of(self._made[spec]), self._order)


def _read(spec: Spec, environment: Environment, order: Order) -> Run:
    kept = run_version(spec, environment, order)
    if not kept.outcome.complete:
        raise NotComparable(f"{title(spec)}: a cell has no verdict")
    return read_run(kept.outcome.path)


def differences(found: Comparison) -> list[Difference]:
    """What differs between two runs, what only one of them was asked left out."""
    return [each for each in found.differences if each.kind not in _NO_DIFFERENCE]


def answer_in(style: str, clause: str, versions: Sequence[str], answer: Answer, shown: list[Difference]) -> str:
    """The answer as text, JSON or Markdown."""
    rows = [(each.kind, each.clause, _variant(each), each.words) for each in shown]
    if style == "json":
        keys = ("class", "clause", "variant", "words")
        said = {"clause": clause, "first": answer.first, "before": answer.before, "skipped": answer.skipped}
        return json.dumps({**said, "differences": [dict(zip(keys, row, strict=True)) for row in rows]}, indent=1)
    line = _sentence(clause, versions, answer)
    if style == "markdown":
        table = ["", "| class | clause | variant | why |", "| --- | --- | --- | --- |"]
        return "\n".join([line, *table, *(f"| {kind} | `{id}` | {on} | {why} |" for kind, id, on, why in rows)])
    return "\n".join([line, *(f"  {kind}: {id}, {on}: {why}" for kind, id, on, why in rows)])


def _variant(each: Difference) -> str:
    return f"{each.variant.form}, {each.variant.mode}, {each.variant.device}, {each.variant.dtype}"


def _sentence(clause: str, versions: Sequence[str], answer: Answer) -> str:
    if answer.first is None:
        return f"{clause}: {versions[-1]} is as {versions[0]}"
    next_one = answer.before == versions[0]
    as_first = f"the next after {versions[0]}" if next_one else f"{answer.before} is as {versions[0]}"
    line = f"{clause}: first differs in {answer.first} ({as_first})"
    return f"{line}; or in {', '.join(answer.skipped)}, which could not be tried" if answer.skipped else line
