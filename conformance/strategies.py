"""Where cases come from: Hypothesis strategies for this domain, drawn with a fixed seed."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import hypothesis
import numpy as np
from hypothesis import strategies as st

from conformance.case import MARGIN, SOFT, Case
from reference.formats import FORMATS, Float64, Format, Int64

Rows = tuple[int, int]

_LARGEST_BATCH, _MOST_CLASSES = 4, 6
_TABLE = 1 << 16
_EXPECTED = [hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.filter_too_much]
"""Speed and filters are the suite's own business, not a fault of a run."""


@dataclass(frozen=True)
class Domain:
    """What a strategy may draw for a variant.

    Attributes:
        dtype: Format of the scores.
        target_dtype: How targets are handed over; ``same`` for the scores' own dtype.
        shapes: The (N, C) to choose from, for a variant that pays for each new shape;
            empty where any small shape is cheap.
    """

    dtype: str
    target_dtype: str
    shapes: tuple[Rows, ...] = ()

    @property
    def format(self) -> Format:
        """Format of the scores."""
        return FORMATS[self.dtype]

    @property
    def targets(self) -> str:
        """The dtype of a target, by name."""
        return self.dtype if self.target_dtype == "same" else self.target_dtype


class Draw(Protocol):
    """Where a clause's cases come from."""

    def cases(self, domain: Domain, count: int, name: str, seed: int) -> list[Case]:
        """Different cases of a domain: the same ones for the same name and seed."""
        ...


@dataclass(frozen=True)
class Drawn:
    """Up to ``count`` cases of a Hypothesis strategy."""

    strategy: Callable[[Domain], st.SearchStrategy[Case]]

    def cases(self, domain: Domain, count: int, name: str, seed: int) -> list[Case]:
        """Draw them with a seed made of the name and the run's seed."""
        found: dict[str, Case] = {}

        @hypothesis.seed(zlib.crc32(name.encode()) ^ seed)
        @hypothesis.settings(
            max_examples=count,
            database=None,
            deadline=None,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=_EXPECTED,
        )
        @hypothesis.given(self.strategy(domain))
        def collect(case: Case) -> None:
            found.setdefault(case.digest(), case)

        collect()
        return list(found.values())


@dataclass(frozen=True)
class Fixed:
    """Cases that are written down, whatever the count."""

    build: Callable[[Domain], list[Case]]

    def cases(self, domain: Domain, count: int, name: str, seed: int) -> list[Case]:
        """All of them."""
        del count, name, seed
        return self.build(domain)


@functools.cache
def _pool(format: Format) -> tuple[float, ...]:
    """Scores at which implementations differ: dyadic, signed zeros, tiny and large ones."""
    dyadic = [step / 4 for step in range(-8, 9)]
    tiny = [format.smallest_subnormal, format.smallest_normal, format.unit_roundoff, 2 * format.unit_roundoff]
    large = [float(2**k) for k in (2, 3, 4, 6)] + [2.0 ** (format.largest_exponent // 2)]
    return (*dyadic, -0.0, *tiny, *(-value for value in tiny), *large, *(-value for value in large))


@functools.cache
def _table(format: Format, largest: float) -> Float64:
    """65,536 scores up to a magnitude, to be drawn by index.

    A third are from the pool; a third are hundredths up to 4, as scores usually are; a
    third have any exponent and significand.
    """
    generator = np.random.default_rng(format.precision)
    third = _TABLE // 3
    pool = generator.choice([value for value in _pool(format) if abs(value) <= largest], third)
    usual = generator.integers(-400, 401, third) / 100
    exponents = generator.uniform(np.log2(format.smallest_normal), np.log2(largest), _TABLE - 2 * third)
    anything = np.exp2(exponents) * generator.choice([-1.0, 1.0], _TABLE - 2 * third)
    return format.round(np.clip(np.concatenate([pool, usual, anything]), -largest, largest))


def _drawn_bytes(draw: st.DrawFn, size: int, kind: type[np.unsignedinteger[Any]]) -> Int64:
    width = np.dtype(kind).itemsize * size
    return np.frombuffer(draw(st.binary(min_size=width, max_size=width)), dtype=kind).astype(np.int64)


def _scores(draw: st.DrawFn, domain: Domain, shape: Rows, largest: float) -> Float64:
    """Scores of a batch: one draw for all of them, so that a case costs little."""
    return _table(domain.format, largest)[_drawn_bytes(draw, shape[0] * shape[1], np.uint16)].reshape(shape)


@st.composite
def _shapes(draw: st.DrawFn, domain: Domain, least_classes: int = 1) -> Rows:
    if domain.shapes:
        fitting = [shape for shape in domain.shapes if shape[1] >= least_classes]
        return draw(st.sampled_from(fitting or [max(domain.shapes, key=lambda shape: shape[1])]))
    return draw(st.integers(1, _LARGEST_BATCH)), draw(st.integers(least_classes, _MOST_CLASSES))


def _block(kind: str, raw: Int64, classes: int) -> Int64:
    """The labels that count, made of drawn bytes."""
    length = int(raw[0]) % (classes + 1)
    different = np.argsort(raw[1 : classes + 1], kind="stable")
    if kind == "all":
        return different
    if kind in ("empty", "leading"):
        return different[:0]
    if kind == "duplicates":
        repeated = raw[1 : classes + 1] % classes
        repeated[1:2] = repeated[:1]
        return repeated[: max(2, length)]
    return different[: min(length, classes - 1) if kind == "tail" else length]


def _target_row(kind: str, raw: Int64, classes: int) -> Int64:
    """One row of a target: a block of labels, -1, and after it whatever the kind says."""
    block = _block(kind, raw, classes)
    row = np.full(classes, -1, dtype=np.int64)
    if kind not in ("padded", "empty"):
        row = raw[classes + 1 :] % (classes + 1) - 1
    row[: len(block)] = block
    row[len(block) : len(block) + 1] = -1
    return row


def _margin_target(draw: st.DrawFn, shape: Rows, kinds: tuple[str, ...]) -> Int64:
    raw = _drawn_bytes(draw, shape[0] * (2 * shape[1] + 1), np.uint8).reshape(shape[0], -1)
    chosen = draw(st.lists(st.sampled_from(kinds), min_size=shape[0], max_size=shape[0]))
    return np.stack([_target_row(kind, row, shape[1]) for kind, row in zip(chosen, raw, strict=True)])


def _cotangents(draw: st.DrawFn, domain: Domain, count: int) -> Float64:
    """An upstream gradient: dyadic and other values of either sign, zero included."""
    chosen = np.array([1.0, -1.0, 0.5, 2.0, 0.0, -0.375, 3.0, 0.1])
    return domain.format.round(chosen[_drawn_bytes(draw, count, np.uint8) % len(chosen)])


ANY_TARGET = ("padded", "tail", "duplicates", "empty", "all", "leading")


def margin_cases(
    kinds: tuple[str, ...] = ANY_TARGET,
    reductions: tuple[str | None, ...] = ("none",),
    *,
    least_classes: int = 1,
    classes: int | None = None,
    cotangent: bool = False,
) -> Drawn:
    """Batches for the margin loss with targets of the given kinds.

    Args:
        kinds: Of ``padded``, ``tail``, ``duplicates``, ``empty``, ``all``, ``leading``.
        reductions: To choose from.
        least_classes: Smallest C.
        classes: A fixed C.
        cotangent: Draw an upstream gradient of the result's shape.
    """

    @st.composite
    def build(draw: st.DrawFn, domain: Domain) -> Case:
        shape = draw(_shapes(domain, least_classes))
        if classes is not None:
            shape = (shape[0], classes)
        reduction = draw(st.sampled_from(reductions))
        return Case(
            operator=MARGIN,
            dtype=domain.dtype,
            input=_scores(draw, domain, shape, 2.0 ** (domain.format.largest_exponent - 9)),
            target=_margin_target(draw, shape, kinds),
            target_dtype=domain.targets,
            reduction=reduction,
            cotangent=_upstream(draw, domain, shape[0], reduction) if cotangent else None,
        )

    return Drawn(build)


def soft_cases(
    reductions: tuple[str | None, ...] = ("none",),
    *,
    largest: float | None = 8.0,
    classes: int | None = None,
    weight: bool = False,
    cotangent: bool = False,
) -> Drawn:
    """Batches for the soft margin loss with labels 0 and 1.

    Args:
        reductions: To choose from.
        largest: Largest magnitude of a score; ``None`` for every finite one.
        classes: A fixed C.
        weight: Draw a factor for each class.
        cotangent: Draw an upstream gradient of the result's shape.
    """

    @st.composite
    def build(draw: st.DrawFn, domain: Domain) -> Case:
        shape = draw(_shapes(domain))
        if classes is not None:
            shape = (shape[0], classes)
        size = shape[0] * shape[1]
        labels = (_drawn_bytes(draw, size, np.uint8) % 2).astype(np.float64)
        reduction = draw(st.sampled_from(reductions))
        limit = domain.format.largest / 64 if largest is None else largest
        return Case(
            operator=SOFT,
            dtype=domain.dtype,
            input=_scores(draw, domain, shape, limit),
            target=labels.reshape(shape),
            target_dtype=domain.targets,
            reduction=reduction,
            weight=_weights(draw, domain, shape[1]) if weight else None,
            cotangent=_upstream(draw, domain, shape[0], reduction) if cotangent else None,
        )

    return Drawn(build)


def _weights(draw: st.DrawFn, domain: Domain, classes: int) -> Float64:
    chosen = np.array([1.0, 0.0, 0.5, 2.0, 0.25, 3.0, 0.1, 1.7])
    return domain.format.round(chosen[_drawn_bytes(draw, classes, np.uint8) % len(chosen)])


def _upstream(draw: st.DrawFn, domain: Domain, rows: int, reduction: str | None) -> Float64:
    values = _cotangents(draw, domain, rows if reduction == "none" else 1)
    return values if reduction == "none" else values.reshape(())
