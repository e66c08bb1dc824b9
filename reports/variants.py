"""Short names of sets of variants, by what tells them from the others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from reports.arrangement import natural
from reports.record import VariantRecord

SHORT_DTYPES = {"float16": "f16", "bfloat16": "bf16", "float32": "f32", "float64": "f64"}
PARTS_NAMED = 4


def telling(chosen: Collection[VariantRecord], among: Collection[VariantRecord]) -> str:
    """Short names of ``chosen`` by what tells them from the rest of ``among``; empty if they are all of them."""
    if set(chosen) == set(among):
        return ""
    parts = _named(set(chosen), set(among))
    more = [f"{len(parts) - PARTS_NAMED} more"] if len(parts) > PARTS_NAMED else []
    return "; ".join(parts[:PARTS_NAMED] + more)


def values(variants: Iterable[VariantRecord], field: str) -> list[str]:
    """The distinct values of one field of some variants, sorted."""
    return sorted({getattr(variant, field) for variant in variants}, key=natural)


def _in(axes: Mapping[str, Sequence[str]], variant: VariantRecord) -> bool:
    return all(getattr(variant, field) in allowed for field, allowed in axes.items())


def _named(chosen: set[VariantRecord], among: set[VariantRecord]) -> list[str]:
    axes = {field: values(chosen, field) for field in ("mode", "form", "device", "dtype")}
    if chosen == {each for each in among if _in(axes, each)}:
        differing = [field for field in axes if axes[field] != values(among, field)]
        return [_product([_axis(axes[field], values(among, field), field) for field in differing])]
    field = next(field for field in axes if len(axes[field]) > 1)
    return [
        f"{value} {part}".strip()
        for value in axes[field]
        for part in _named(_having(chosen, field, value), _having(among, field, value))
    ]


def _having(variants: Iterable[VariantRecord], field: str, value: str) -> set[VariantRecord]:
    return {variant for variant in variants if getattr(variant, field) == value}


def _axis(present: Sequence[str], among: Sequence[str], field: str) -> str:
    missing = [value for value in among if value not in present]
    if len(present) > 2 and len(missing) == 1:
        return f"every {field} but {SHORT_DTYPES.get(missing[0], missing[0])}"
    return ", ".join(SHORT_DTYPES.get(value, value) for value in present)


def _product(axes: Sequence[str]) -> str:
    return (" × " if any(" " in axis for axis in axes[:-1]) else " ").join(axes)
