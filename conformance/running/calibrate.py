"""Before any clause is scored: does the adapter carry values faithfully, and does the mode really run?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from adapters.arrays import from_plain, to_plain
from adapters.contract import ECHO, GRADIENT, PRODUCT, CallArgument
from adapters.description import Description, OperatorOffer, costs_of, wants_of
from adapters.gateway import WorkerCrashed, WorkerError, WorkerHung
from conformance.cases.case import Case
from conformance.cases.drawing import FIRST, Domain, plain_case
from conformance.cases.operator import Operator
from conformance.cases.whole_numbers import with_integers
from conformance.judging.answers import Array, Refused, Variant
from conformance.judging.bench import Bench, Limits
from conformance.judging.subject import Subject
from conformance.operators.catalogue import OPERATORS
from conformance.running.measuring import measured_costs
from reference.formats import FORMATS, Float64, Format


class NotCalibrated(Exception):
    """A variant that cannot be trusted to carry or compute what it is given."""


@dataclass(frozen=True)
class Calibrated:
    """A variant with the facts found about it, or the reason why it cannot be tested.

    Attributes:
        fault: What keeps it from being tested.
        hang: How it hung on a plain valid case, twice.
    """

    subject: Subject
    fault: str = ""
    hang: str = ""


Arithmetics = dict[tuple[str, str], bool]
"""Whether a mode flushes subnormal values of a dtype: measured once, whatever the operator and form."""


def calibrate(
    bench: Bench,
    description: Description,
    variant: Variant,
    limits: Limits,
    measured: Arithmetics,
    function: str = "",
) -> Calibrated:
    """Find out whether a variant can be tested, and what the bounds need to know of it."""
    subject = _subject(bench, description, variant, limits, function)
    try:
        arithmetic = (variant.mode, variant.dtype)
        if arithmetic not in measured:
            measured[arithmetic] = _again_if_hung(subject, _flushes)
        subject = replace(subject, flushes=measured[arithmetic])
    except (NotCalibrated, WorkerError) as error:
        return Calibrated(subject, f"calibration: {error}")
    try:
        refusal, hang = _answers_to_plain_cases(subject)
    except WorkerCrashed:
        return Calibrated(subject)  # on plain valid cases of the operator: what every clause will find
    except (NotCalibrated, WorkerError) as error:
        return Calibrated(subject, f"calibration: {error}")
    subject = replace(subject, refusal=refusal)
    return Calibrated(subject, _fault_of_port(subject), hang)


def _subject(bench: Bench, description: Description, variant: Variant, limits: Limits, function: str) -> Subject:
    """The variant as the adapter describes it; nothing is measured yet."""
    offer = description["operators"][variant.operator]
    integers = offer.get("integers", {})
    operator = with_integers(OPERATORS[variant.operator], tuple(integers.get(variant.form, ())))
    return Subject(
        variant=variant,
        bench=bench,
        limits=limits,
        operator=operator,
        common=with_integers(operator, tuple(sorted({name for names in integers.values() for name in names}))),
        dtypes=dtypes_of_arguments(operator, offer),
        offers=(*_offers(operator, offer, variant.mode), *_comparable(description, variant)),
        compiled=variant.mode in description["compiled"],
        costs=costs_of(description, variant.operator, variant.mode),
        function=function,
        layouts=tuple(description["layouts"]),
        first_mode=offer["modes"][0],
        signature=_signature(description, variant),
    )


def _fault_of_port(subject: Subject) -> str:
    """A port that refuses every valid case is our own fault, not something that the framework does not support."""
    if subject.variant.form != "port" or subject.refusal is None:
        return ""
    return f"the port refuses every valid case: {subject.refusal.words}"


def dtypes_of_arguments(operator: Operator, offer: OperatorOffer) -> tuple[tuple[str, str], ...]:
    """How a framework takes the arguments that are not of the scores' dtype, by name."""
    return tuple((name, dtype) for name, dtype in offer["argument_dtypes"].items() if operator.has(name))


def _answers_to_plain_cases(subject: Subject) -> tuple[Refused | None, str]:
    """Ask plain cases, and again with longer limits if the worker died.

    Returns:
        What the subject raised, if it refused them all; and how it hung, if it hung in both tries.
    """
    try:
        return _refusal_of_plain_cases(subject), ""
    except (WorkerCrashed, WorkerHung) as first:
        try:
            return _refusal_of_plain_cases(replace(subject, limits=subject.limits.longer())), ""
        except WorkerHung as second:
            return None, str(first if isinstance(first, WorkerHung) else second)


def _refusal_of_plain_cases(subject: Subject) -> Refused | None:
    """Find out by plain valid cases whether a variant answers, and whether its mode runs."""
    refusal = _refusal(subject)
    if refusal is None:
        _assert_mode_runs(subject)
    return refusal


def _offers(operator: Operator, offer: OperatorOffer, mode: str) -> list[str]:
    """What is offered in a mode, and ``gradient`` if there is one to every array of scores."""
    wants = wants_of(offer, mode)
    sources = [argument.name for argument in operator.scores if argument.differentiable]
    return [*wants, "gradient"] if all(GRADIENT + name in wants for name in sources) else wants


def _comparable(description: Description, variant: Variant) -> list[str]:
    """What a variant can be compared with: other layouts, the first mode, the functional form."""
    offer = description["operators"][variant.operator]
    found = {
        "layouts": len(description["layouts"]) > 1,
        "another-mode": variant.mode != offer["modes"][0],
        "signature": bool(_signature(description, variant)),
        "another-form": variant.form != offer["forms"][0] and variant.form == "module",
    }
    return [word for word, holds in found.items() if holds]


def _signature(description: Description, variant: Variant) -> tuple[tuple[str, str], ...]:
    """Names and defaults of a form's parameters, where the adapter has looked."""
    found = description["operators"][variant.operator].get("signature", {}).get(variant.form, [])
    return tuple((parameter["name"], parameter["default"]) for parameter in found)


def settled(found: Sequence[Calibrated], stated: Sequence[str]) -> list[Calibrated]:
    """Variants calibrated one by one, with what only all of them together show.

    Args:
        found: The variants.
        stated: Cost classes that the user states for a function.
    """
    subjects = settle_costs(share_flushing([each.subject for each in found]), stated)
    return [replace(each, subject=subject) for each, subject in zip(found, subjects, strict=True)]


def share_flushing(subjects: Sequence[Subject]) -> list[Subject]:
    """Grant flushing to a format wherever it was seen.

    The processor's flag for it belongs to a thread, and what one kernel sets, a later call
    of another finds set.
    """
    flushing = {subject.variant.dtype for subject in subjects if subject.flushes}
    return [replace(subject, flushes=subject.variant.dtype in flushing) for subject in subjects]


def settle_costs(subjects: Sequence[Subject], stated: Sequence[str]) -> list[Subject]:
    """Give a user's function its cost classes: the stated ones, else what one of its formats shows.

    Compiled modes have theirs already. What a function costs is the same in every format.
    """
    by_mode: defaultdict[tuple[str, str], list[Subject]] = defaultdict(list)
    for subject in filter(_is_measured, subjects):
        by_mode[_mode_of(subject)].append(subject)
    shown = {mode: (frozenset(stated) or _shown_costs(alike)) - {"cheap"} for mode, alike in by_mode.items()}
    return [
        replace(subject, costs=subject.costs | shown[_mode_of(subject)]) if _is_measured(subject) else subject
        for subject in subjects
    ]


def _is_measured(subject: Subject) -> bool:
    return bool(subject.function) and not subject.compiled


def _mode_of(subject: Subject) -> tuple[str, str]:
    return subject.variant.operator, subject.variant.mode


def _shown_costs(alike: Sequence[Subject]) -> frozenset[str]:
    """What one format of a function shows, float32 if it answers in that."""
    answering = [subject for subject in alike if subject.refusal is None]
    single = [subject for subject in answering if subject.variant.dtype == "float32"]
    return next((measured_costs(subject, probe) for subject in single + answering), frozenset[str]())


def _special(format: Format) -> Float64:
    """Values that an adapter must carry unchanged."""
    tiny, large = format.smallest_subnormal, format.largest
    return np.array([0.0, -0.0, 1.0, -1.5, tiny, -tiny, format.smallest_normal, large, -large, np.inf, -np.inf, np.nan])


def _ask(
    subject: Subject, operator: str, values: Float64, weight: Float64 | None = None, layout: str = "contiguous"
) -> Any:
    arrays = {"input": values} if weight is None else {"input": values, "weight": weight}
    given: list[CallArgument] = [
        {"name": name, "place": "positional", "array": to_plain(array, subject.variant.dtype)}
        for name, array in arrays.items()
    ]
    call = subject.call(probe(subject, (1, 1)), ("value",))
    call.update({"operator": operator, "arguments": given, "options": {}, "layout": layout})
    return subject.bench.evaluate(call, subject.limits, compiled=subject.compiled)


def _again_if_hung(subject: Subject, ask: Callable[[Subject], bool]) -> bool:
    """What is asked of a subject, again with longer limits if its worker hung: a busy machine holds it up, too."""
    try:
        return ask(subject)
    except WorkerHung:
        return ask(replace(subject, limits=subject.limits.longer()))


def _assert_faithful(subject: Subject, layout: str) -> None:
    """Raise unless special values in a layout come back as they went, in their dtype."""
    dtype = subject.variant.dtype
    sent = _special(FORMATS[dtype]).reshape(3, 4)
    reply = _ask(subject, ECHO, sent, layout=layout)
    if "raised" in reply:
        raised = reply["raised"]
        raise NotCalibrated(f"operator 'echo' of a {dtype} array: {raised['type']}: {raised['message'][:200]}")
    back = from_plain(reply["value"]).astype(np.float64)
    if reply["value"]["dtype"] != dtype or back.shape != sent.shape:
        raise NotCalibrated(f"a {dtype} array of shape (3, 4) came back as {reply['value']['dtype']} {back.shape}")
    if not (np.array_equal(back, sent, equal_nan=True) and np.array_equal(np.signbit(back[:2]), np.signbit(sent[:2]))):
        raise NotCalibrated(f"sent {sent.tolist()}, got back {back.tolist()}")


def _flushes(subject: Subject) -> bool:
    """Whether subnormal values become zero when they are multiplied by one, once arrays come back as they went."""
    for layout in subject.layouts:
        _assert_faithful(subject, layout)
    tiny = FORMATS[subject.variant.dtype].smallest_subnormal
    reply = _ask(subject, PRODUCT, np.full((2, 2), 64 * tiny), np.ones((2, 2)))
    if "raised" in reply:
        return False
    back = from_plain(reply["value"])
    if not np.isin(back, (0.0, 64 * tiny)).all():
        raise NotCalibrated(f"64 times the smallest subnormal, times 1, gave {back.tolist()}")
    return bool((back == 0).all())


def probe(subject: Subject, sizes: tuple[int, ...], reduction: str = "none", *, batch: bool = True) -> Case:
    """A plain valid case of a subject; see :func:`conformance.cases.drawing.plain_case`.

    Without a batch, its first row is asked alone, if the operator allows that.
    """
    case = plain_case(Domain(subject.operator, subject.variant.dtype, subject.dtypes), sizes, reduction)
    return case if batch or not subject.operator.unbatched else case.some_rows(slice(0, 1)).unbatched()


def _refusal(subject: Subject) -> Refused | None:
    """What the variant raises on every plain valid case, if it answers none."""
    refused = None
    for case in (probe(subject, FIRST), probe(subject, (1, 4), "mean"), probe(subject, (1, 4), "sum", batch=False)):
        reply = subject.reply(case, "value")
        if "raised" not in reply:
            subject.seen.first = Array.of(reply["value"]) if refused is None else None
            return None
        refused = refused or Refused(reply["raised"])
    return refused


def _assert_mode_runs(subject: Subject) -> None:
    """Raise unless a compiled mode gives evidence that it compiled this operator."""
    if not subject.compiled:
        return
    reply = subject.reply(probe(subject, (2, 4)), "value", "evidence")
    if not reply.get("evidence"):
        raise NotCalibrated(f"no evidence that mode {subject.variant.mode} ran")
