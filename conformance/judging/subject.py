"""A subject as the clauses see it: one variant, asked case by case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from adapters.arrays import PlainArgument, PlainArray, to_plain
from adapters.contract import GRADIENT, Call, Reply
from conformance.cases.case import Case
from conformance.cases.operator import Operator
from conformance.judging.answers import Array, NeverAnswered, Refused, Result, Undecided, Variant
from conformance.judging.bench import Bench, Limits
from conformance.judging.errors import Errors
from conformance.judging.expectation import expectation, expected_loss
from reference.enclosure import Answer, Enclosure
from reference.formats import FORMATS, Arithmetic, Float64

_UPSTREAM = ("accumulated", "second", "repeated", "altered", "recomputed", "mapped-gradient")
"""What depends on an upstream gradient."""


def _has_upstream(want: str) -> bool:
    """Whether what is wanted depends on an upstream gradient."""
    return want == "gradient" or want.startswith(GRADIENT) or want in _UPSTREAM


Asked = tuple[Variant, Case, tuple[str, ...], bool]
"""A call of a law: of which variant, on which case, what was wanted, and whether it was answered."""


@dataclass
class Seen:
    """What a subject's answers showed so far.

    Attributes:
        errors: How far its results were from the truth, in the present cell.
        refusals: Types of what was raised, in the present cell.
        answered: What was asked for beyond value and gradient, and came, in any cell.
        calls: What a law asks, in its order, while that is recorded.
        first: The loss that the first call of the variant gave, if it was answered.
    """

    errors: Errors = field(default_factory=Errors)
    refusals: set[str] = field(default_factory=set[str])
    answered: set[str] = field(default_factory=set[str])
    calls: list[Asked] | None = None
    first: Array | None = None


@dataclass(frozen=True)
class Subject:
    """One variant under test, with what calibration found out about it.

    Attributes:
        operator: The operator of the variant.
        dtypes: How arguments are handed over that are not of the scores' dtype, by name.
        costs: Its cost classes, which decide how much it is asked.
        refusal: What it raised on every valid case of the calibration, if it refused them all.
        function: Somebody's own function in the operator's place, as ``file.py:name`` or ``module:name``.
        layouts: Where values may lie in memory.
        first_mode: The mode that the others are compared with.
        signature: Names and defaults of the function's parameters; a default is its ``repr``, or empty.
        common: The operator as the pages of all its forms take it; None if that is the same.
        seen: What its answers showed so far.
    """

    variant: Variant
    bench: Bench
    limits: Limits
    operator: Operator
    dtypes: tuple[tuple[str, str], ...]
    offers: tuple[str, ...]
    compiled: bool = False
    flushes: bool = False
    costs: frozenset[str] = frozenset()
    refusal: Refused | None = None
    function: str = ""
    layouts: tuple[str, ...] = ("contiguous",)
    first_mode: str = ""
    signature: tuple[tuple[str, str], ...] = ()
    common: Operator | None = None
    seen: Seen = field(default_factory=Seen)

    @property
    def expensive_shapes(self) -> bool:
        """Whether each new shape takes long, so that the plan keeps to few."""
        return "expensive-shapes" in self.costs

    def _one_program(self, asked: tuple[str, ...]) -> bool:
        return self.expensive_shapes and "value" in asked and "gradient" in self.offers

    @property
    def arithmetic(self) -> Arithmetic:
        """How it computes, as far as the bounds need to know."""
        return Arithmetic(FORMATS[self.variant.dtype], self.flushes)

    def call(self, case: Case, want: tuple[str, ...]) -> Call:
        """The case as a call of this variant."""
        variant = self.variant
        call: Call = {
            "operator": variant.operator,
            "form": variant.form,
            "mode": variant.mode,
            "device": variant.device,
            "dtype": variant.dtype,
            "arguments": case.call_arguments(),
            "vectors": {"cotangent": case.plain_cotangent()} if any(map(_has_upstream, want)) else {},
            "options": case.keywords,
            "layout": case.layout,
            "want": [word for name in want for word in self._wants(name)],
        }
        if self.function:
            call["function"] = self.function
        return call

    def _wants(self, name: str) -> list[str]:
        """``gradient`` is the gradient to each array of scores."""
        return [f"{GRADIENT}{source}" for source in self._sources()] if name == "gradient" else [name]

    def _sources(self) -> list[str]:
        """The arguments to which a gradient is asked: the scores."""
        return [argument.name for argument in self.operator.scores if argument.differentiable]

    def reply(self, case: Case, *want: str) -> Reply:
        """Evaluate a case and give back what came, refusals included.

        A variant that pays for each program is asked for value and gradient in one,
        wanted or not; only where that is refused it is asked for what was wanted.
        """
        asked = tuple(dict.fromkeys((*want, "gradient"))) if self._one_program(want) else want
        reply = self._send(case, asked)
        reply = self._send(case, want) if "raised" in reply and asked != want else reply
        self._record(case, want, reply)
        return reply

    def _record(self, case: Case, want: tuple[str, ...], reply: Reply) -> None:
        if self.seen.calls is not None:
            self.seen.calls.append((self.variant, case, want, "raised" not in reply))

    def _send(self, case: Case, want: tuple[str, ...]) -> Reply:
        return self._ask(self.call(case, want))

    def _ask(self, call: Call) -> Reply:
        reply = self.bench.evaluate(call, self.limits, compiled=self.compiled)
        if "raised" in reply:
            self.seen.refusals.add(reply["raised"]["type"])
        return reply

    def evaluate(self, case: Case, *want: str) -> Result:
        """Evaluate a case.

        Args:
            case: What to evaluate.
            want: ``gradient``, ``after`` or ``inferred``, beside the value.

        Raises:
            Refused: The framework raised.
            WorkerError: The worker died, hung, or the adapter raised.
        """
        reply = self.reply(case, *(want if "inferred" in want else ("value", *want)))
        if "raised" in reply:
            raise Refused(reply["raised"])
        nothing: PlainArray = {"dtype": "float64", "shape": [0], "data": b""}
        return Result(
            value=Array.of(reply.get("value", nothing)),
            gradients={name: Array.of(reply[GRADIENT + name]) for name in self._sources() if GRADIENT + name in reply},
            inferred=Array.of(reply.get("inferred", nothing)),
            after=reply.get("after", {}),
        )

    def derived(self, case: Case, want: str, **arrays: Float64) -> Array:
        """Something beyond value and gradient, such as a second derivative.

        See :meth:`both` for the arguments and the exceptions.
        """
        return self.both(case, want, **arrays)[1]

    def both(self, case: Case, want: str, **arrays: Float64) -> tuple[Array, Array]:
        """The value, and something that is wanted beside it, of one call.

        Args:
            case: What to evaluate.
            want: A word of the contract.
            arrays: Further arrays that it takes, in the scores' dtype.

        Raises:
            NeverAnswered: The variant refuses this want, and has not answered it so far.
            Refused: It refuses this case.
        """
        call = self.call(case, ("value", want))
        further = {name: to_plain(array, case.dtype) for name, array in arrays.items()}
        call["vectors"] = {**call["vectors"], **further}
        reply = self._ask(call)
        self._record(case, ("value", want), reply)
        if "raised" in reply:
            refused = Refused(reply["raised"])
            if want not in self.seen.answered:
                raise NeverAnswered(want, refused)
            raise refused
        self.seen.answered.add(want)
        return Array.of(reply["value"]), Array.of(reply[want])

    def memory(self, case: Case) -> int:
        """Bytes that a call takes at its peak, its gradient included where there is one.

        Raises:
            Refused: The framework raised.
        """
        gradient = ("gradient",) if "gradient" in self.offers else ()
        reply = self.reply(case, "value", *gradient, "memory")
        if "raised" in reply:
            raise Refused(reply["raised"])
        return int(Array.of(reply["memory"]).values)

    def told(self, case: Case, want: str) -> list[str]:
        """What a variant says of a call in words, such as the settings that it left otherwise.

        Raises:
            Refused: The framework raised.
        """
        reply = self.reply(case, "value", "after", want)
        if "raised" in reply:
            raise Refused(reply["raised"])
        return [str(word) for word in reply[want]]

    def over(self, one: Case, patterns: range, label: float) -> Array:
        """The losses of one class on neighbouring bit patterns of the scores' format, each a row of its own.

        The scores are named, not sent.

        Args:
            one: A case of the variant, with one score.
            patterns: Of the scores.
            label: Of every row.

        Raises:
            Refused: The framework raised.
        """
        call = self.call(one, ("value",))
        arrays: dict[str, PlainArgument] = {
            "input": {"range": [patterns.start, len(patterns)], "dtype": self.variant.dtype},
            "target": {"fill": label, "shape": [len(patterns), 1], "dtype": self.variant.dtype},
        }
        call["arguments"] = [{"name": name, "place": "positional", "array": array} for name, array in arrays.items()]
        reply = self._ask(call)
        if "raised" in reply:
            raise Refused(reply["raised"])
        return Array.of(reply["value"])

    def beside(self, **changes: str) -> Subject:
        """The same subject in another mode or form, on the same bench."""
        return replace(self, variant=replace(self.variant, **changes), seen=replace(self.seen, errors=Errors()))

    def result_of(self, case: Case) -> Array:
        """The loss; where the kernel is missing, what the framework infers of it.

        Only its shape and dtype mean something in both.
        """
        if self.refusal is not None and "inferred" in self.offers:
            return self.evaluate(case, "inferred").inferred
        return self.evaluate(case).value

    def refusal_of(self, case: Case, kinds: Sequence[str] = ()) -> Refused | None:
        """What the framework raises on a case; ``None`` where it answers.

        Args:
            case: What to evaluate.
            kinds: Names of the exceptions that were promised.

        Raises:
            Undecided: It raises what it raises on every valid case, and not what was promised.
        """
        try:
            self.result_of(case)
        except Refused as refused:
            promised = set(kinds) & set(refused.bases)
            if not promised and self.refusal is not None and refused.signature == self.refusal.signature:
                raise Undecided(refused.words) from None
            return refused
        return None

    def expected_loss(self, case: Case, *, as_documented: bool = False) -> Enclosure:
        """What the oracle expects of the loss alone."""
        return expected_loss(case, self.arithmetic, as_documented=as_documented)

    def expected(self, case: Case, *, as_documented: bool = False) -> Answer:
        """What the oracle expects of a correct implementation in this arithmetic: the loss and its gradients."""
        return expectation(case, self.arithmetic, as_documented=as_documented)
