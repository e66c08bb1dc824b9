"""What an adapter says about its framework, and how to read it."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

COST_CLASSES = (
    "cheap",
    "slow-calls",
    "slow-rows",
    "expensive-rows",
    "quadratic-classes",
    "expensive-shapes",
    "expensive-programs",
    "wrapper",
)
"""What asking a mode costs.

``cheap``
    Nothing of what follows; the same as no class.
``slow-calls``
    Every call takes long, whatever its size: more than a few milliseconds.
``slow-rows``
    A loop over the rows, of tens of microseconds for each.
``expensive-rows``
    The same, of milliseconds for each.
``quadratic-classes``
    Time or memory of a row grows with the square of the number of classes.
``expensive-shapes``
    Each new shape takes long. Compiled modes are in this class without saying so.
``expensive-programs``
    Each new program takes longer than about 0.3 s; a quick run leaves the mode out.
``wrapper``
    The mode only wraps the framework's own eager operator (exported, traced, under another
    policy). It is asked few clauses. A user's function, which need neither be exportable nor
    keep its precision under such a policy, is not asked in it.
"""


class Reproducer(TypedDict):
    """How to write a case in the framework's own terms.

    Templates of :class:`string.Template`. ``array`` has ``$values`` and ``$dtype``; ``empty``, for
    arrays without elements, ``$shape`` and ``$dtype``; ``arrays`` holds by dtype what stands in for
    both, with all three. Each form's ``call`` has ``$tensors`` (the
    positional arguments, such as ``input, target``), ``$options`` (what follows them, with a comma
    in front), ``$module_options`` (the same without it). Each mode's ``wrap`` has ``$call``, its halves
    ``$callee`` and ``$rest``, and ``$tensors``, and follows the lines of its ``define`` with the same, if it
    has any. ``gradient`` has ``$loss``, ``$tensors``, ``$options`` and ``$to``, the argument's name, after ``before``;
    ``$to_keyword`` is ``, to='NAME'``, or nothing if the argument is called ``input``.
    ``port_import`` stands in for ``$port_import`` if the form is ``port``; ``modes`` holds by mode
    what stands in for ``$mode``; ``$x64`` is whether the format is float64. ``gradient_beside`` stands
    in for ``gradient`` where somebody's own ``$function`` has its gradient beside it instead of being
    differentiated. ``derivatives`` holds by want what stands in for ``gradient`` where a further derivative
    is shown, with ``tangent`` and ``cotangent`` defined; without it no program is shown for that want.
    """

    prelude: str
    port_import: NotRequired[str]
    array: str
    empty: str
    arrays: NotRequired[dict[str, str]]
    call: dict[str, str]
    wrap: dict[str, str]
    define: NotRequired[dict[str, str]]
    gradient: NotRequired[str]
    before: NotRequired[str]
    modes: NotRequired[dict[str, str]]
    gradient_beside: NotRequired[str]
    derivatives: NotRequired[dict[str, str]]


class SignatureParameter(TypedDict):
    """A parameter as the framework declares it; ``default`` is the default's ``repr``, empty where there is none."""

    name: str
    default: str


class ModeOffer(TypedDict):
    """What one mode offers in place of its operator's own lists; an absent one stays the operator's."""

    offers: NotRequired[list[str]]
    dtypes: NotRequired[list[str]]
    forms: NotRequired[list[str]]
    costs: NotRequired[list[str]]


class OperatorOffer(TypedDict):
    """What a framework offers of one operator.

    ``arguments`` and ``options`` name what a call may hold. ``argument_dtypes`` says how arguments
    are handed over that are not of the scores' dtype, such as class indices. ``dtypes`` are the
    formats to ask for; a format that is refused when asked is ``unsupported`` in the framework's
    words. ``offers`` holds what may stand in a call's ``want``. ``by_mode`` holds, by mode, what
    differs from both. ``signature`` holds, by form, the parameters of the framework's own function
    or of its class's constructor. ``integers`` holds, by form, the numbers among the options that the
    framework's page takes as integers only: no other value is asked of that form.
    """

    forms: list[str]
    modes: list[str]
    dtypes: list[str]
    arguments: list[str]
    options: list[str]
    argument_dtypes: dict[str, str]
    offers: list[str]
    by_mode: NotRequired[dict[str, ModeOffer]]
    signature: NotRequired[dict[str, list[SignatureParameter]]]
    integers: NotRequired[dict[str, list[str]]]
    reproducer: NotRequired[Reproducer]


class LeftOutMode(TypedDict):
    """A mode that this machine cannot run, and why."""

    mode: str
    words: str


class Description(TypedDict):
    """What an adapter says about its framework.

    ``compiled`` names the modes that pay for each new shape and must give evidence
    that they ran. ``device`` is the one device that is offered.

    ``costs`` names, by mode, the cost classes of :data:`COST_CLASSES` that decide how much is
    asked, so that the plan does not depend on how busy the machine is. A mode without an entry is
    cheap. What an operator's ``by_mode`` says comes first.
    """

    contract: int
    framework: str
    version: str
    build: str
    device: str
    layouts: list[str]
    compiled: list[str]
    costs: NotRequired[dict[str, list[str]]]
    left_out: list[LeftOutMode]
    facts: dict[str, Any]
    operators: dict[str, OperatorOffer]


def wants_of(offer: OperatorOffer, mode: str) -> list[str]:
    """What may be wanted of an operator in a mode."""
    return offer.get("by_mode", {}).get(mode, {}).get("offers", offer["offers"])


def forms_of(offer: OperatorOffer, mode: str) -> list[str]:
    """The forms that an operator has in a mode."""
    return offer.get("by_mode", {}).get(mode, {}).get("forms", offer["forms"])


def dtypes_of(offer: OperatorOffer, mode: str) -> list[str]:
    """The formats that an operator has in a mode."""
    return offer.get("by_mode", {}).get(mode, {}).get("dtypes", offer["dtypes"])


def costs_of(description: Description, operator: str, mode: str) -> frozenset[str]:
    """The cost classes of an operator in a mode."""
    declared = description.get("costs", {}).get(mode, [])
    own = description["operators"][operator].get("by_mode", {}).get(mode, {}).get("costs", declared)
    compiled = ["expensive-shapes"] if mode in description["compiled"] else []
    return frozenset([*own, *compiled]) - {"cheap"}
