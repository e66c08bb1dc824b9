"""Two oracles that share no code, held against each other."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

import numpy as np

from reference import margin_exact, soft_margin_decimal
from reference.enclosure import Enclosure
from reference.formats import FORMATS, Arithmetic, Float64, Int64
from reference.margin import margin_loss
from reference.soft_margin import soft_margin_loss
from tests.zoo import families

DIGITS = Decimal("1e-55")
"""What the decimal oracle may be off by, of the sum of its terms' magnitudes."""


def margin_disagreements(
    scores: Float64, target: Int64, reduction: str, cotangent: Float64 | None, dtype: str = "float64"
) -> Iterator[str]:
    """Every element of value and gradient that is not the exact rational, rounded outwards and to nearest."""
    rows = len(scores)
    answer = margin_loss(scores, target, reduction, Arithmetic(FORMATS[dtype]), cotangent)
    losses, slopes = margin_exact.exact_rows(scores.tolist(), target.tolist())
    wanted = losses
    if reduction != "none":
        wanted = [sum(losses, Fraction(0)) / (rows if reduction == "mean" else 1)]
    upstream = np.ones(rows) if cotangent is None else np.broadcast_to(cotangent.reshape(-1), (rows,))
    factors = [Fraction(factor) / (rows if reduction == "mean" else 1) for factor in upstream.tolist()]
    yield from _unlike("value", answer.value, [(loss, loss) for loss in wanted])
    pairs = [
        (min(low * factor, high * factor), max(low * factor, high * factor))
        for row, factor in zip(slopes, factors, strict=True)
        for low, high in row
    ]
    yield from _unlike("gradient", answer.gradient, pairs)


def _unlike(what: str, got: Enclosure, wanted: list[tuple[Fraction, Fraction]]) -> Iterator[str]:
    ends = np.stack([got.low, got.middle, got.high]).reshape(3, -1).T.tolist()
    for (low, middle, high), (least, most) in zip(ends, wanted, strict=True):
        narrow = _touches(low, least, np.inf) and _touches(high, most, -np.inf)
        if not (Fraction(low) <= least <= most <= Fraction(high) and narrow):
            yield f"{what}: from {low.hex()} to {high.hex()}, exactly {float(least).hex()} to {float(most).hex()}"
        elif least == most and middle != float(least):
            yield f"{what}: nearest {middle.hex()}, exactly {float(least).hex()}"


def _touches(end: float, exact: Fraction, inwards: float) -> bool:
    """Whether there is no float64 value between an end and the exact number."""
    inner = Fraction(float(np.nextafter(end, inwards)))
    return Fraction(end) == exact or (inner > exact if inwards > 0 else inner < exact)


def soft_disagreements(
    scores: Float64, labels: Float64, weight: Float64, cotangent: Float64, dtype: str
) -> Iterator[str]:
    """Every element of value and gradient whose interval does not contain the decimal result."""
    answer = soft_margin_loss(scores, labels, "none", Arithmetic(FORMATS[dtype]), cotangent, weight)
    for row in range(len(scores)):
        loss, slopes = soft_margin_decimal.exact_row(scores[row].tolist(), labels[row].tolist(), weight.tolist())
        size = Decimal(float(np.abs(weight) @ (1 + np.abs(scores[row]))))
        yield from _outside(f"value of row {row}", answer.value, row, loss, size)
        factor = Decimal(float(cotangent[row]))
        for element, slope in enumerate(slopes):
            place = row * scores.shape[1] + element
            exact = soft_margin_decimal.CONTEXT.multiply(slope, factor)
            yield from _outside(f"gradient at {row}, {element}", answer.gradient, place, exact, abs(exact))


def _outside(what: str, got: Enclosure, place: int, exact: Decimal, size: Decimal) -> Iterator[str]:
    low, high = float(got.low.reshape(-1)[place]), float(got.high.reshape(-1)[place])
    on = soft_margin_decimal.CONTEXT
    slack = on.multiply(DIGITS, size)
    if not on.subtract(Decimal(low), slack) <= exact <= on.add(Decimal(high), slack):
        yield f"{what}: from {low.hex()} to {high.hex()}, exactly {exact:.25}"


def batch(operator: str, family: str, shape: tuple[int, int], dtype: str, seed: int) -> tuple[int, list[str]]:
    """One generated batch of a family: how many results were compared, and which disagreed."""
    generator = np.random.default_rng([seed, list(families.FAMILIES).index(family), *shape])
    format = FORMATS[dtype]
    scores = families.scores(family, generator, format, shape)
    cotangent = format.round(generator.choice([1.0, -1.0, 0.1, 3.0, 2.0**-40], shape[0]))
    if operator == "margin":
        target = families.targets(generator, shape)
        reduction = ("none", "none", "sum", "mean")[seed % 4]
        upstream = cotangent if reduction == "none" else cotangent[:1].reshape(())
        found = list(margin_disagreements(scores, target, reduction, upstream, dtype))
        return shape[0], found
    labels = families.labels(generator, shape, format, soft=seed % 2 == 1)
    weight = format.round(generator.choice([1.0, 0.0, -0.5, 0.1, 3.0], shape[1]))
    return shape[0], list(soft_disagreements(scores, labels, weight, cotangent, dtype))
