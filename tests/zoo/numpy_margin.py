"""The margin loss in NumPy as people write it, and as people get it wrong.

``multilabel_margin_loss`` is right. Every other name that the module answers to is a
wrong one from :data:`FAULTS`, which changes one step of it; ``NAME_gradient`` is its
gradient.
"""

# Faults are lambdas, whose parameters have no annotations.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Labels = list[int]

_seen: dict[Any, Any] = {}
"""What the faults that keep something between calls keep."""


def check(input: Array, target: Array, reduction: str) -> None:
    """Refuse what the operator does not take."""
    if np.ndim(input) not in (1, 2) or np.shape(input) != np.shape(target):
        raise ValueError(f"input {np.shape(input)}, target {np.shape(target)}")
    if reduction not in ("none", "sum", "mean"):
        raise ValueError(f"reduction {reduction!r}")


def block_of(y: Array, row: int, labels: Array) -> Labels:
    """Labels before the first negative one."""
    ends = np.flatnonzero(y < 0)
    return [int(label) for label in (y[: ends[0]] if len(ends) else y)]


def refuse_beyond(block: Labels, classes: int) -> Labels:
    """The block, unless it names no class."""
    if any(label >= classes for label in block):
        raise IndexError(f"class {max(block)} of {classes}")
    return block


def others_of(block: Labels, y: Array, classes: int, label: int) -> Labels:
    """Classes outside the block."""
    return [other for other in range(classes) if other not in block]


def gap_of(label: Any, others: Array) -> Array:
    """1 - x_t + x_i in the scores' own dtype."""
    return np.asarray((others.dtype.type(1) - label) + others)


def hinge_of(gaps: Array) -> Array:
    """max(0, z)."""
    return np.asarray(np.where(gaps <= 0, gaps.dtype.type(0), gaps))


def slope_of(gaps: Array) -> Array:
    """Which pairs are active."""
    return np.asarray(~(gaps <= 0))


def divisor_of(block: Labels, others: int, classes: int) -> float:
    """C."""
    return classes


def sum_of(terms: Array) -> Any:
    """The sum in the terms' own dtype."""
    return terms.sum(dtype=terms.dtype)


def reduce_rows(losses: Array, reduction: str, blocks: list[Labels]) -> Any:
    """The losses, their sum or their mean."""
    if reduction == "none":
        return losses
    total = losses.sum(dtype=losses.dtype)
    return total if reduction == "sum" else total / losses.dtype.type(len(losses))


def shape_of(result: Any, batched: bool) -> Any:
    """A batch of one without its axis where the input had none."""
    return result if batched or np.ndim(result) == 0 else result[0]


def spread_of(cotangent: Array, rows: int) -> Array:
    """The cotangent of each row."""
    return np.broadcast_to(np.reshape(cotangent, -1), (rows,))


def mean_factor(rows: int) -> float:
    """What the mean divides gradients by."""
    return rows


def scatter(slope: Array, block: Labels, counts: list[Array], others: list[Labels]) -> None:
    """Add each label's active pairs to its others and take them from the label."""
    for label, active, where in zip(block, counts, others, strict=True):
        np.add.at(slope, where, active.astype(slope.dtype))
        slope[label] -= slope.dtype.type(active.sum())


@dataclass(frozen=True)
class Margin:
    """The loss by its steps, each of which a fault may replace."""

    check: Callable[[Array, Array, str], None] = check
    block: Callable[[Array, int, Array], Labels] = block_of
    valid: Callable[[Labels, int], Labels] = refuse_beyond
    others: Callable[[Labels, Array, int, int], Labels] = others_of
    gap: Callable[[Any, Array], Array] = gap_of
    hinge: Callable[[Array], Array] = hinge_of
    slope: Callable[[Array], Array] = slope_of
    divisor: Callable[[Labels, int, int], float] = divisor_of
    add: Callable[[Array], Any] = sum_of
    reduce: Callable[[Array, str, list[Labels]], Any] = reduce_rows
    shape: Callable[[Any, bool], Any] = shape_of
    spread: Callable[[Array, int], Array] = spread_of
    mean_factor: Callable[[int], float] = mean_factor
    scatter: Callable[[Array, Labels, list[Array], list[Labels]], None] = scatter
    scores: Callable[[Array], Array] = field(default=lambda rows: rows)
    finish: Callable[[Any, Array], Any] = field(default=lambda result, input: result)
    finish_gradient: Callable[[Array, list[Labels], Array], Array] = field(default=lambda slopes, blocks, input: slopes)
    default: str = "mean"

    def __call__(self, input: Array, target: Array, reduction: str | None = None) -> Any:
        """The loss."""
        reduction = self.default if reduction is None else reduction
        self.check(input, target, reduction)
        rows, labels = self.scores(np.atleast_2d(input)), np.atleast_2d(target)
        losses, blocks = np.zeros(len(rows), dtype=rows.dtype), list[Labels]()
        for row, (x, y) in enumerate(zip(rows, labels, strict=True)):
            block, others, gaps = self.pairs(x, y, row, labels)
            blocks.append(block)
            terms = [self.hinge(part) for part in gaps if part.size]
            if terms:
                divisor = x.dtype.type(self.divisor(block, len(others[0]), len(x)))
                losses[row] = self.add(np.concatenate(terms)) / divisor
        result = self.shape(self.reduce(losses, reduction, blocks), np.ndim(input) == 2)
        return self.finish(result, input)

    def pairs(self, x: Array, y: Array, row: int, labels: Array) -> tuple[Labels, list[Labels], list[Array]]:
        """The block, and for each of its labels the other classes and the gaps."""
        block = self.valid(self.block(y, row, labels), len(x))
        others = [self.others(block, y, len(x), label) for label in block]
        gaps = [self.gap(x[label], x[where]) for label, where in zip(block, others, strict=True)]
        return block, others, gaps

    def gradient(self, input: Array, target: Array, cotangent: Array, reduction: str | None = None) -> Array:
        """The gradient to the input."""
        reduction = self.default if reduction is None else reduction
        self.check(input, target, reduction)
        rows, labels = self.scores(np.atleast_2d(input)), np.atleast_2d(target)
        slopes, blocks = np.zeros(rows.shape, dtype=rows.dtype), list[Labels]()
        factors = self.spread(np.asarray(cotangent), len(rows))
        for row, (x, y) in enumerate(zip(rows, labels, strict=True)):
            block, others, gaps = self.pairs(x, y, row, labels)
            blocks.append(block)
            self.scatter(slopes[row], block, [self.slope(part) for part in gaps], others)
            if block:
                slopes[row] /= x.dtype.type(self.divisor(block, len(others[0]), len(x)))
            slopes[row] *= factors[row]
        if reduction == "mean":
            slopes /= slopes.dtype.type(self.mean_factor(len(rows)))
        return self.finish_gradient(slopes, blocks, input).reshape(np.shape(input))


RIGHT = Margin()


@dataclass(frozen=True)
class Fault:
    """One realistic mistake.

    Attributes:
        loss: The implementation with the mistake.
        corner: Where alone it differs, where it agrees with most plain cases.
        level: The last level of clause that must catch it; nothing need catch an ``open`` one.
    """

    loss: Margin
    corner: str = ""
    level: str = "implied"


FAULTS: dict[str, Fault] = {}
"""The wrong implementations by name."""


def fault(name: str, corner: str = "", level: str = "implied", **steps: Any) -> None:
    """Enter a mistake."""
    FAULTS[name] = Fault(replace(RIGHT, **steps), corner, level)


def _cut(bits: int) -> Callable[[Labels, int], Labels]:
    def valid(block: Labels, classes: int) -> Labels:
        narrow = [int(np.array(label).astype(f"int{bits}")) for label in block]
        return refuse_beyond([label % classes for label in narrow], classes)

    return valid


def _stale_mask(block: Labels, y: Array, classes: int, label: int) -> Labels:
    """Classes that were targets in a row before stay masked."""
    mask = _seen.setdefault(("mask", classes), set())
    mask.update(block)
    if len(mask) >= classes:
        mask.clear()
        mask.update(block)
    return [other for other in range(classes) if other not in mask]


def _half(terms: Array) -> Any:
    with np.errstate(over="ignore"):
        return np.add.accumulate(terms.astype(np.float16))[-1].astype(terms.dtype)


def _single(terms: Array) -> Any:
    return terms.astype(np.float32).sum(dtype=np.float32).astype(terms.dtype)


def _cached(result: Any, input: Array) -> Any:
    """Whatever came first for this shape and dtype, if its first score is the same."""
    key = (np.shape(input), str(input.dtype), np.shape(result), input.reshape(-1)[:1].tobytes())
    return _seen.setdefault(key, result)


def _scale_input(rows: Array) -> Array:
    """Clamps the scores in place."""
    if rows.flags.writeable:
        np.clip(rows, -60000, 1, out=rows)
    return rows


def _empty_sum(losses: Array, reduction: str, blocks: list[Labels]) -> Any:
    if len(losses) == 0 and reduction != "none":
        return np.full(1, 1.3125, dtype=losses.dtype)[0]
    return reduce_rows(losses, reduction, blocks)


def _labelled_rows_only(losses: Array, reduction: str, blocks: list[Labels]) -> Any:
    if reduction != "mean":
        return reduce_rows(losses, reduction, blocks)
    return losses.sum(dtype=losses.dtype) / losses.dtype.type(max(1, sum(map(bool, blocks))))


def _first_64(losses: Array, reduction: str, blocks: list[Labels]) -> Any:
    losses = losses.copy()
    losses[64:] = 0
    return reduce_rows(losses, reduction, blocks)


def _reduce_as(**names: str) -> Callable[[Array, str, list[Labels]], Any]:
    return lambda losses, reduction, blocks: reduce_rows(losses, names.get(reduction, reduction), blocks)


def _twice(losses: Array, reduction: str, blocks: list[Labels]) -> Any:
    found = reduce_rows(losses, reduction, blocks)
    return found / losses.dtype.type(len(losses)) if reduction == "mean" else found


def _accept_any(input: Array, target: Array, reduction: str) -> None:
    check(input, target, "mean")


def _swap_square(y: Array, row: int, labels: Array) -> Labels:
    square = labels.shape[0] == labels.shape[1] > 1
    return block_of(labels[:, row] if square else y, row, labels)


def _sorted_in_own_format(terms: Array) -> Any:
    """Ascending prefix sums: everything, less what lies below."""
    ordered = np.sort(terms)
    sums = np.add.accumulate(np.append(ordered, ordered[-1:] * 1024), dtype=terms.dtype)
    return sums[-1] - ordered[-1] * terms.dtype.type(1024)


def _drop_last_of_odd(terms: Array) -> Any:
    """A blocked loop that forgets its tail: only pairs of four are added."""
    whole = len(terms) // 4 * 4 if len(terms) > 8 else len(terms)
    return terms[:whole].sum(dtype=terms.dtype)


def _outside_all_labels(block: Labels, y: Array, classes: int, label: int) -> Labels:
    """Classes that are nowhere in the target, its tail included."""
    named = set(y.tolist())
    return [other for other in range(classes) if other not in named]


def _scatter_once(slope: Array, block: Labels, counts: list[Array], others: list[Labels]) -> None:
    """A dictionary by label: of two that are the same one is lost."""
    by_label = dict(zip(block, zip(counts, others, strict=True), strict=True))
    scatter(slope, list(by_label), [active for active, _ in by_label.values()], [o for _, o in by_label.values()])


def _scatter(
    slope: Array, block: Labels, counts: list[Array], others: list[Labels], take: Callable[[Any], Any]
) -> None:
    for label, active, where in zip(block, counts, others, strict=True):
        np.add.at(slope, where, active.astype(slope.dtype))
        slope[label] -= slope.dtype.type(take(active.sum()))


def _leak(slopes: Array, blocks: list[Labels]) -> Array:
    """Padding read as class 0: what belongs to the labels is taken from class 0 as well."""
    for row, block in enumerate(blocks):
        if block and len(block) < slopes.shape[1]:
            slopes[row, 0] -= slopes[row, block].sum()
    return slopes


def _masked_product(gaps: Array) -> Array:
    """max(0, z) as a mask times z, which is NaN where z is minus infinity."""
    return np.asarray((gaps > 0) * gaps)


# The block and its labels.
fault("duplicates_collapsed", "duplicate labels", block=lambda y, row, all: list(dict.fromkeys(block_of(y, row, all))))
fault("labels_after_minus_one", "labels after -1", block=lambda y, row, all: [int(v) for v in y if v >= 0])
fault("all_labels_excluded", "labels after -1", others=_outside_all_labels)
fault("minus_one_wraps", block=lambda y, row, all: [int(v) % len(y) for v in y])
fault("minus_one_clamps", block=lambda y, row, all: [max(int(v), 0) for v in y])
fault(
    "minus_one_at_front_skipped",
    "-1 in front of labels",
    block=lambda y, row, all: block_of(y[1:] if len(y) and y[0] < 0 else y, row, all),
)
fault("last_label_dropped", "rows without -1", block=lambda y, row, all: block_of(y, row, all)[: len(y) - 1])
fault("full_row_is_empty", "rows without -1", block=lambda y, row, all: [] if (y >= 0).all() else block_of(y, row, all))
fault("padding_zero", "label 0", block=lambda y, row, all: [v for v in block_of(y, row, all) if v])
fault("stops_at_zero", "label 0 before others", block=lambda y, row, all: block_of(np.where(y == 0, -1, y), row, all))
fault("first_label_only", block=lambda y, row, all: block_of(y, row, all)[:1])
fault("labels_of_first_row", block=lambda y, row, all: block_of(all[0], row, all))
fault("labels_of_previous_row", block=lambda y, row, all: block_of(all[row - 1], row, all))
fault("square_batch_transposed", "N = C", block=_swap_square)
fault("labels_in_8_bits", "more than 128 classes", valid=_cut(8))
fault("labels_in_16_bits", "more than 32,768 classes", valid=_cut(16))
fault("out_of_range_wraps", "labels out of range", "quality", valid=lambda block, classes: [v % classes for v in block])
fault(
    "out_of_range_clamps",
    "labels out of range",
    "quality",
    valid=lambda block, classes: [min(v, classes - 1) for v in block],
)
fault(
    "out_of_range_ignored",
    "labels out of range",
    "quality",
    valid=lambda block, classes: [v for v in block if v < classes],
)
fault(
    "duplicates_end_the_block",
    "duplicate labels",
    block=lambda y, row, all: next(
        (b[:i] for b in [block_of(y, row, all)] for i, v in enumerate(b) if v in b[:i]), block_of(y, row, all)
    ),
)
fault(
    "labels_sorted_with_padding",
    "-1 in front of labels",
    block=lambda y, row, all: block_of(np.sort(y)[::-1], row, all),
)
# The pairs.
fault("targets_not_excluded", others=lambda block, y, classes, label: list(range(classes)))
fault(
    "only_itself_excluded",
    "several labels",
    others=lambda block, y, classes, label: [i for i in range(classes) if i != label],
)
fault("own_target_counted", others=lambda block, y, classes, label: [*others_of(block, y, classes, label), label])
fault("last_class_dropped", others=lambda block, y, classes, label: others_of(block, y, classes - 1, label))
fault(
    "first_class_dropped", others=lambda block, y, classes, label: [i for i in others_of(block, y, classes, label) if i]
)
fault(
    "first_128_columns",
    "more than 128 classes",
    others=lambda block, y, classes, label: [i for i in others_of(block, y, classes, label) if i < 128],
)
fault("stale_mask", "the row before", others=_stale_mask)
fault(
    "higher_classes_only",
    others=lambda block, y, classes, label: [i for i in others_of(block, y, classes, label) if i > label],
)
fault("sign_reversed", gap=lambda label, others: (others.dtype.type(1) + label) - others)
fault("margin_of_two", gap=lambda label, others: (others.dtype.type(2) - label) + others)
fault("margin_of_zero", gap=lambda label, others: others - label)
fault("squared", hinge=lambda gaps: hinge_of(gaps) ** 2)
fault("not_clipped", hinge=lambda gaps: gaps)
fault("absolute", hinge=np.abs)
fault("clipped_at_two", "gaps above 2", hinge=lambda gaps: np.minimum(hinge_of(gaps), gaps.dtype.type(2)))
fault("softened", hinge=lambda gaps: np.logaddexp(gaps, 0).astype(gaps.dtype))
fault("tiny_gaps_vanish", "gaps below 1e-6", hinge=lambda gaps: np.where(gaps < 1e-6, gaps.dtype.type(0), gaps))
fault(
    "equal_scores_excluded",
    "scores that are equal",
    hinge=lambda gaps: np.where(gaps == 1, gaps.dtype.type(0), hinge_of(gaps)),
)
fault("largest_gap_only", add=lambda terms: terms.max())
fault("mask_times_infinity", "infinite scores of labels", "quality", hinge=_masked_product)
# Sums and divisions.
fault("divided_by_labels", divisor=lambda block, others, classes: len(block))
fault("divided_by_pairs", divisor=lambda block, others, classes: max(1, len(block) * others))
fault("divided_by_others", divisor=lambda block, others, classes: max(1, others))
fault("not_divided", divisor=lambda block, others, classes: 1)
fault("divided_twice", divisor=lambda block, others, classes: classes * classes)
fault("divided_by_classes_less_one", divisor=lambda block, others, classes: max(1, classes - 1))
fault("half_accumulator", "losses that float16 does not hold", add=_half)
fault("single_accumulator", "float64", add=_single)
fault("prefix_sums", "scores of very different size", add=_sorted_in_own_format)
fault("tail_of_loop_forgotten", "more than eight pairs", add=_drop_last_of_odd)
fault("mean_over_labelled_rows", "rows without labels", reduce=_labelled_rows_only)
fault("mean_divided_twice", reduce=_twice)
fault("mean_is_sum", reduce=_reduce_as(mean="sum"))
fault("sum_is_mean", reduce=_reduce_as(sum="mean"))
fault("none_is_mean", reduce=_reduce_as(none="mean"))
fault("only_64_rows", "more than 64 rows", reduce=_first_64)
fault("empty_batch_unwritten", "empty batches", reduce=_empty_sum)
# Shapes, dtypes, state, errors.
fault("default_is_sum", "the reduction left out", default="sum")
fault("axis_kept", "input of one dimension", "open", shape=lambda result, batched: result)
fault(
    "batch_of_one_squeezed",
    "batches of one",
    shape=lambda result, batched: shape_of(result, batched and np.size(result) != 1),
)
fault("result_in_float64", "the dtype", "quality", finish=lambda result, input: np.asarray(result, dtype=np.float64))
fault(
    "result_in_float32",
    "float64",
    finish=lambda result, input: np.asarray(result, dtype=np.float32).astype(input.dtype),
)
fault("writes_its_input", "scores above 1", scores=_scale_input)
fault("cached_by_shape", "a case like an earlier one", finish=_cached)
fault("any_reduction", "wrong reductions", "quality", check=_accept_any)
fault("shapes_not_checked", "shapes that differ", "quality", check=lambda input, target, reduction: None)
# The gradient.
fault(
    "gradient_target_once",
    "several active pairs",
    scatter=lambda slope, block, counts, others: _scatter(slope, block, counts, others, lambda n: float(n > 0)),
)
fault(
    "gradient_target_missing",
    scatter=lambda slope, block, counts, others: _scatter(slope, block, counts, others, lambda n: 0.0),
)
fault(
    "gradient_target_wrong_sign",
    scatter=lambda slope, block, counts, others: _scatter(slope, block, counts, others, lambda n: -n),
)
fault("gradient_duplicates_once", "duplicate labels", scatter=_scatter_once)
fault("gradient_negated", finish_gradient=lambda slopes, blocks, input: -slopes)
fault("gradient_cotangent_ignored", spread=lambda cotangent, rows: np.ones(rows, dtype=cotangent.dtype))
fault(
    "gradient_cotangent_of_first_row",
    spread=lambda cotangent, rows: np.full(rows, np.reshape(cotangent, -1)[:1] if rows else 0, dtype=cotangent.dtype),
)
fault("gradient_mean_not_divided", mean_factor=lambda rows: 1)
fault(
    "gradient_leaks_into_class_0",
    "rows with padding",
    finish_gradient=lambda slopes, blocks, input: _leak(slopes, blocks),
)
fault(
    "gradient_nan_without_labels",
    "rows without labels",
    finish_gradient=lambda slopes, blocks, input: np.where(
        np.array([not b for b in blocks], dtype=bool)[:, None], slopes.dtype.type(np.nan), slopes
    ),
)
fault(
    "gradient_in_half",
    "cotangents that float16 does not hold",
    finish_gradient=lambda slopes, blocks, input: slopes.astype(np.float16).astype(slopes.dtype),
)
fault(
    "gradient_of_first_row_only",
    finish_gradient=lambda slopes, blocks, input: slopes * (np.arange(len(slopes)) == 0).astype(slopes.dtype)[:, None],
)
fault(
    "gradient_summed_over_batch",
    finish_gradient=lambda slopes, blocks, input: np.broadcast_to(
        slopes.sum(axis=0, dtype=slopes.dtype), slopes.shape
    ).copy(),
)
fault("gradient_active_from_zero_to_one", "gaps above 1", slope=lambda gaps: (gaps > 0) & (gaps <= 1))
fault("gradient_of_squares", slope=lambda gaps: 2 * hinge_of(gaps))


def __getattr__(name: str) -> Any:
    gradient = name.endswith("_gradient") and name not in FAULTS
    known = FAULTS.get(name.removesuffix("_gradient") if gradient else name)
    if known is None and name.removesuffix("_gradient") != "multilabel_margin_loss":
        raise AttributeError(name)
    loss = known.loss if known else RIGHT

    def function(input: Array, target: Array, reduction: str | None = None) -> Any:
        return loss(input, target, reduction)

    def slope(input: Array, target: Array, cotangent: Array, reduction: str | None = None) -> Array:
        return loss.gradient(input, target, cotangent, reduction)

    chosen: Any = slope if gradient else function
    chosen.__name__ = name
    return chosen
