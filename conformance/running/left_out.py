"""What a profile leaves out of every subject, in words for the header of a run."""

from __future__ import annotations

from conformance.operators.catalogue import clauses
from conformance.running.plan import Profile
from conformance.running.shares import Share


def left_out_by_profile(profile: Profile) -> list[str]:
    """A sentence for each part of a subject that is not asked everything; none of the profile that asks it all."""
    parts: list[tuple[str, Share]] = [
        ("compiled modes", profile.compiled),
        ("other modes than the first", profile.others),
        ("modes other than the first, in formats narrower than float32", profile.few),
        ("modes other than the first, in float64", profile.wide),
        ("modes that wrap the first one", profile.wrappers),
        ("ports beside the framework's own function, in formats other than float32", profile.ports),
    ]
    ports = "ports beside the framework's own function, in other modes than the first and formats other than float32"
    further = [] if profile.ports == "all" else [f"of {ports}: everything"]
    formats = [f"formats other than {', '.join(profile.dtypes)}"] if profile.dtypes else []
    return [
        *formats,
        *(f"of {part}: {_words(share)}" for part, share in parts if share != "all"),
        *further,
        *_modules(profile),
    ]


def _words(share: Share) -> str:
    asked = sorted({clause.id.partition(".")[2] for clause in clauses() if share in clause.also})
    return f"all clauses but {', '.join(asked)}" if asked else "everything"


def _modules(profile: Profile) -> list[str]:
    """What modules are not asked where there is a function beside them."""
    if profile.modules == "all":
        return []
    return [
        "of modules whose function takes the same options: everything in compiled modes; "
        "elsewhere all but whether they agree with it, and what binds modules alone"
    ]
