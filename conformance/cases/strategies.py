"""Where cases come from: Hypothesis strategies for this domain, drawn with a fixed seed."""

from __future__ import annotations

import dataclasses
import functools
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import hypothesis
import numpy as np
from hypothesis import strategies as st

from conformance.cases.case import MARGIN, SOFT, Case
from reference.formats import FORMATS, Float64, Format, Int64

Rows = tuple[int, int]

_LARGEST_BATCH, _MOST_CLASSES = 4, 6
_TABLE = 1 << 16
_SEED_BITS = 64
_CASES_OF_A_SEED = 10
_EXPECTED = [hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.filter_too_much]
"""Speed and filters are the suite's own business, not a fault of a run."""


@dataclass(frozen=True)
class Domain:
    """What a strategy may draw for a variant.

    Attributes:
        dtype: Format of the scores.
        target_dtype: How targets are handed over; ``same`` for the scores' own dtype.
        shapes: The (N, C) to choose from, for a variant that pays for each new shape, two classes
            at least; empty where any small shape is cheap.
        lattice: Largest C of an exhaustive lattice.
        classes: Largest C of all that a variant can afford.
        exhaustive: Whether every value of a format of 32 bits may be asked.
    """

    dtype: str
    target_dtype: str
    shapes: tuple[Rows, ...] = ()
    lattice: int = 3
    classes: int = 33_000
    exhaustive: bool = False

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


Build = Callable[[np.random.Generator, Domain], Case]


@dataclass(frozen=True)
class Drawn:
    """Cases that are made of random bits.

    Hypothesis draws a seed, and a seed is spread into several cases: drawing one number
    after the other would take a hundred times as long as evaluating them.

    Attributes:
        build: Makes one case.
    """

    build: Build

    def map(self, change: Callable[[Case], Case]) -> Drawn:
        """The same cases, each changed."""
        return Drawn(lambda generator, domain: change(self.build(generator, domain)))

    def then(self, change: Callable[[Case, np.random.Generator, Domain], Case]) -> Drawn:
        """The same cases, each changed with further random bits, as the domain allows."""

        def build(generator: np.random.Generator, domain: Domain) -> Case:
            return change(self.build(generator, domain), generator, domain)

        return Drawn(build)

    def cases(self, domain: Domain, count: int, name: str, seed: int) -> list[Case]:
        """Draw them with a seed made of the name and the run's seed, as many of each shape of the domain.

        What is drawn of fewer shapes, or fewer of each, is among them.
        """
        alone = [dataclasses.replace(domain, shapes=(shape,)) for shape in domain.shapes] or [domain]
        return [case for each in alone for case in self._some(each, -(-count // len(alone)), name, seed)]

    def _some(self, domain: Domain, count: int, name: str, seed: int) -> list[Case]:
        found: dict[str, Case] = {}
        for bits in _seeds(zlib.crc32(name.encode()) ^ seed, -(-count // _CASES_OF_A_SEED)):
            for generator in np.random.default_rng(bits).spawn(_CASES_OF_A_SEED):
                case = self.build(generator, domain)
                found.setdefault(case.digest(), case)
        return list(found.values())[:count]


@dataclass(frozen=True)
class Fixed:
    """Cases that are written down, whatever the count.

    Attributes:
        build: Makes them; none for a domain that they do not concern.
        whole: A case is shown as it is; else it is made smaller, like a drawn one.
    """

    build: Callable[[Domain], list[Case]]
    whole: bool = True

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
    large += [21.0, 24.0, 28.0, 34.0]  # where an exponential is below float32's roundoff and not below float64's
    return (*dyadic, -0.0, *tiny, *(-value for value in tiny), *large, *(-value for value in large))


@functools.cache
def _table(format: Format, largest: float) -> Float64:
    """65,536 scores up to a magnitude, to be drawn by index.

    A third are from the pool; a third are hundredths up to 4, as scores usually are; a
    third have any exponent and significand. Nothing is made by a function that NumPy rounds
    otherwise on another processor, so that runs of two machines are about the same cases.
    """
    generator = np.random.default_rng(format.precision)
    third = _TABLE // 3
    pool = generator.choice([value for value in _pool(format) if abs(value) <= largest], third)
    usual = generator.integers(-400, 401, third) / 100
    rest = _TABLE - 2 * third
    exponents = generator.integers(math.frexp(format.smallest_normal)[1], math.frexp(largest)[1] + 1, rest)
    anything = np.ldexp(0.5 + generator.random(rest) / 2, exponents) * generator.choice([-1.0, 1.0], rest)
    return format.round(np.clip(np.concatenate([pool, usual, anything]), -largest, largest))


@functools.lru_cache(maxsize=1024)
def _seeds(seed: int, count: int) -> list[tuple[bool, ...]]:
    """Seeds, each of which makes several cases, whatever the format and the shape.

    They are drawn bit by bit. Hypothesis mixes constants that it finds in the modules of
    the checkout into the integers it draws; an installed suite, and one after the next
    edit, would draw other cases.
    """
    found: list[tuple[bool, ...]] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=_EXPECTED,
    )
    @hypothesis.given(st.tuples(*[st.booleans()] * _SEED_BITS))
    def collect(bits: tuple[bool, ...]) -> None:
        found.append(bits)

    collect()
    return found


def _scores(generator: np.random.Generator, domain: Domain, shape: Rows, largest: float) -> Float64:
    return _table(domain.format, largest)[generator.integers(0, _TABLE, shape)]


def _shape(generator: np.random.Generator, domain: Domain, least_classes: int, classes: int | None) -> Rows:
    if domain.shapes:
        rows, drawn_classes = domain.shapes[generator.integers(len(domain.shapes))]
    else:
        rows = int(generator.integers(1, _LARGEST_BATCH + 1))
        drawn_classes = int(generator.integers(least_classes, _MOST_CLASSES + 1))
    return rows, drawn_classes if classes is None else classes


def _block(generator: np.random.Generator, kind: str, classes: int) -> Int64:
    """The labels that count."""
    length = int(generator.integers(0, classes + 1))
    different = generator.permutation(classes)
    if kind == "all":
        return different
    if kind in ("empty", "leading"):
        return different[:0]
    if kind == "duplicates":
        repeated = generator.integers(0, classes, classes)
        repeated[1:2] = repeated[:1]
        return repeated
    return different[: min(length, classes - 1) if kind == "tail" else length]


def _target_row(generator: np.random.Generator, kind: str, classes: int) -> Int64:
    """One row of a target: a block of labels, -1, and after it whatever the kind says."""
    block = _block(generator, kind, classes)
    row = np.full(classes, -1, dtype=np.int64)
    if kind not in ("padded", "empty"):
        row = generator.integers(-1, classes, classes)
    row[: len(block)] = block
    row[len(block) : len(block) + 1] = -1
    return row


def _cotangents(generator: np.random.Generator, domain: Domain, reduction: str | None, rows: int) -> Float64:
    """An upstream gradient of the result's shape: dyadic and other values of either sign, zero included."""
    chosen = np.array([1.0, -1.0, 0.5, 2.0, 0.0, -0.375, 3.0, 0.1])
    return domain.format.round(generator.choice(chosen, (rows,) if reduction == "none" else ()))


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

    def build(generator: np.random.Generator, domain: Domain) -> Case:
        shape = _shape(generator, domain, least_classes, classes)
        chosen = [kinds[int(index)] for index in generator.integers(0, len(kinds), shape[0])]
        reduction = reductions[generator.integers(len(reductions))]
        return Case(
            operator=MARGIN,
            dtype=domain.dtype,
            input=_scores(generator, domain, shape, 2.0 ** (domain.format.largest_exponent - 9)),
            target=np.stack([_target_row(generator, kind, shape[1]) for kind in chosen]),
            target_dtype=domain.targets,
            reduction=reduction,
            cotangent=_cotangents(generator, domain, reduction, shape[0]) if cotangent else None,
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

    def build(generator: np.random.Generator, domain: Domain) -> Case:
        shape = _shape(generator, domain, 1, classes)
        reduction = reductions[generator.integers(len(reductions))]
        limit = domain.format.largest / 64 if largest is None else largest
        return Case(
            operator=SOFT,
            dtype=domain.dtype,
            input=_scores(generator, domain, shape, limit),
            target=generator.integers(0, 2, shape).astype(np.float64),
            target_dtype=domain.targets,
            reduction=reduction,
            weight=_weights(generator, domain, shape[1]) if weight else None,
            cotangent=_cotangents(generator, domain, reduction, shape[0]) if cotangent else None,
        )

    return Drawn(build)


def _weights(generator: np.random.Generator, domain: Domain, classes: int) -> Float64:
    return domain.format.round(generator.choice([1.0, 0.0, 0.5, 2.0, 0.25, 3.0, 0.1, 1.7], classes))


def on_grid(case: Case) -> Case:
    """The case with its scores moved to quarters from -4 to 4, whose sums and differences every format holds."""
    return case.replace(input=np.rint(np.clip(case.input, -4.0, 4.0) * 4) / 4)
