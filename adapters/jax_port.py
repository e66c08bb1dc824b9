"""Both losses for JAX: differentiable, for use under ``jit``, ``vmap``, ``grad`` and over several devices.

Both ports keep one contract: the first negative label ends a row's block, duplicate
labels count each time, the subgradient at a tie is 0, NaN propagates, and infinities give
the formula's limit. A class index beyond the last class before the block's end makes its
row NaN, because compiled code cannot raise. Half-precision scores are computed with in
float32, and the loss is rounded once. Memory is O(N C).

The margin loss takes O(C) a label where labels are few and O(C log C) a row where they
are many; the device decides, by the labels of the batch.
"""

import functools
import importlib
from typing import Any

import numpy as np


@functools.lru_cache(maxsize=None)
def _jax() -> Any:
    return importlib.import_module("jax")


FORMATS = ("float16", "bfloat16", "float32", "float64")


def _check(input: Any, target: Any, reduction: str) -> None:
    if str(input.dtype) not in FORMATS:
        raise TypeError("input has dtype %s; there are %s" % (input.dtype, ", ".join(FORMATS)))
    if input.ndim not in (1, 2):
        raise ValueError("input has shape %s; it takes (C) or (N, C)" % (input.shape,))
    if input.shape != target.shape:
        raise ValueError("target has shape %s, input has %s" % (target.shape, input.shape))
    if reduction not in ("none", "sum", "mean"):
        raise ValueError("reduction %r: there are none, sum, mean" % (reduction,))


def _widened(input: Any) -> Any:
    """Half-precision scores as float32, others as they are."""
    jnp = _jax().numpy
    return input.astype(jnp.float32) if input.dtype in (jnp.float16, jnp.bfloat16) else input


@functools.lru_cache(maxsize=None)
def _softplus() -> Any:
    """log(1 + e^x) with the sigmoid as its derivative, and two sigmoids as its second: JAX's own lose digits."""
    jax = _jax()
    jnp = jax.numpy
    softplus = jax.custom_jvp(lambda x: jnp.maximum(x, 0) + jnp.log1p(jnp.exp(-jnp.abs(x))))
    sigmoid = jax.custom_jvp(jax.nn.sigmoid)
    sigmoid.defjvps(lambda tangent, _, x: jax.nn.sigmoid(x) * jax.nn.sigmoid(-x) * tangent)
    softplus.defjvps(lambda tangent, _, x: sigmoid(x) * tangent)
    return softplus


def _reduce(losses: Any, reduction: str) -> Any:
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.mean()


def multilabel_margin_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """Multi-label margin loss.

    Args:
        input: Scores; shape (C) or (N, C); float16, bfloat16, float32 or float64.
        target: Class indices of the same shape, of a signed integer dtype; the first negative
            one ends a row's block.
        reduction: ``none``, ``sum`` or ``mean``.

    Returns:
        The loss, in the input's dtype; shape (), or (N,) for ``none`` of a batch.

    Raises:
        TypeError: Dtypes that it does not take.
        ValueError: Shapes or a reduction that the operator does not take.

    Example:
        >>> float(multilabel_margin_loss(np.float32([0.1, 0.2, 0.4, 0.8]), np.int32([3, 0, -1, 1])))
        0.8500000238418579
    """
    jnp = _jax().numpy
    input, target = jnp.asarray(input), _labels(target)
    _check(input, target, reduction)
    return _compiled(_margin_loss)(input, target, reduction=reduction)


@functools.lru_cache(maxsize=None)
def _compiled(loss: Any) -> Any:
    """The loss as one program for each shape, so that calls outside ``jit`` do not pay for every operation."""
    return _jax().jit(loss, static_argnames=("reduction",))


def _margin_loss(input: Any, target: Any, reduction: str) -> Any:
    jnp = _jax().numpy
    losses = _margin()(_widened(jnp.atleast_2d(input)), jnp.atleast_2d(target))
    return _reduce(losses if input.ndim == 2 else losses[0], reduction).astype(input.dtype)


def _labels(target: Any) -> Any:
    """Class indices as an array of JAX; without x64, one too large for 32 bits stays out of range."""
    jax = _jax()
    if not isinstance(target, jax.Array):
        target = np.asarray(target)
        if target.dtype == np.int64 and not jax.config.jax_enable_x64:
            target = target.clip(-1, np.iinfo(np.int32).max).astype(np.int32)
    if not jax.numpy.issubdtype(target.dtype, jax.numpy.signedinteger):
        raise TypeError("target has dtype %s; class indices are signed integers" % target.dtype)
    return jax.numpy.asarray(target)


def multilabel_soft_margin_loss(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
    """Multi-label soft margin loss.

    Args:
        input: Scores; shape (C) or (N, C); float16, bfloat16, float32 or float64.
        target: Labels in [0, 1], of the same shape.
        weight: A factor for each class; shape (C); ones if absent.
        reduction: ``none``, ``sum`` or ``mean``.

    Returns:
        The loss, in the input's dtype; shape (), or (N,) for ``none`` of a batch.

    Raises:
        TypeError: Scores of another dtype.
        ValueError: Shapes or a reduction that the operator does not take.
    """
    input, target = _jax().numpy.asarray(input), _jax().numpy.asarray(target)
    _check(input, target, reduction)
    if weight is not None and weight.shape != input.shape[-1:]:
        raise ValueError("weight has shape %s; there are %d classes" % (weight.shape, input.shape[-1]))
    return _compiled(_soft_margin_loss)(input, target, weight, reduction=reduction)


def _soft_margin_loss(input: Any, target: Any, weight: Any, reduction: str) -> Any:
    softplus = _softplus()
    wide = _widened(input)
    labels = target.astype(wide.dtype)
    losses = labels * softplus(-wide) + (1 - labels) * softplus(wide)
    if weight is not None:
        losses = losses * weight
    return _reduce(losses.sum(axis=-1) / input.shape[-1], reduction).astype(input.dtype)


DIRECT = 64
"""Up to so many labels in each row, going through them one by one is quicker than sorting them."""

DIRECT_CLASSES = 16
"""Up to so many classes, nothing is chosen: less is compiled."""


@functools.lru_cache(maxsize=None)
def _margin() -> Any:
    """Losses of rows, with their derivative by the scores: backward, forward and of higher order."""
    jax = _jax()
    losses = jax.custom_jvp(lambda input, target: _placed_rows(input, target)[0])

    def differentiated(primals: Any, tangents: Any) -> Any:
        value, slopes = _placed_rows(jax.lax.stop_gradient(primals[0]), primals[1])
        return value, (slopes * tangents[0]).sum(axis=1)

    losses.defjvp(differentiated)
    return losses


def _placed_rows(input: Any, target: Any) -> Any:
    """Losses and slopes of rows; where an array's type says how it is spread over devices, theirs are spread alike."""
    jax = _jax()
    placed = getattr(jax.typeof(input), "sharding", None) if hasattr(jax, "typeof") else None
    if placed is None or not any(placed.spec):
        return _rows()(input, target)
    by_row = jax.sharding.PartitionSpec(placed.spec[0])
    spread = [jax.sharding.NamedSharding(placed.mesh, spec) for spec in (by_row, placed.spec)]
    return jax.sharding.auto_axes(_rows(), out_sharding=tuple(spread))(input, target)


@functools.lru_cache(maxsize=None)
def _rows() -> Any:
    """Losses and slopes of rows; under ``vmap`` the rows of all copies are one batch, so that one form is chosen."""
    jax = _jax()
    jnp = jax.numpy
    rows = jax.custom_batching.custom_vmap(jax.jit(_losses_and_slopes))

    def mapped(size: int, mapped: Any, *arrays: Any) -> Any:
        whole = [array if own else jnp.broadcast_to(array, (size, *array.shape)) for array, own in zip(arrays, mapped)]
        flat = [array.reshape(-1, array.shape[-1]) for array in whole]
        losses, slopes = rows(*flat)
        return (losses.reshape(size, -1), slopes.reshape(whole[0].shape)), (True, True)

    rows.def_vmap(mapped)
    return rows


def _losses_and_slopes(input: Any, target: Any) -> Any:
    """Of (N, C) scores the N losses, and the derivative of each by its scores."""
    jnp, lax = _jax().numpy, _jax().lax
    classes = input.shape[1]
    target = target if target.dtype.itemsize >= jnp.dtype(jnp.int32).itemsize else target.astype(jnp.int32)
    block = jnp.cumprod(target >= 0, axis=1, dtype=bool)
    beyond = (block & (target >= classes)).any(axis=1)
    labels = jnp.where(block & (target < classes), target, classes).astype(jnp.int32)
    row = jnp.arange(len(input))[:, None]
    named = jnp.zeros((len(input), classes + 1), dtype=bool).at[row, labels].set(True)[:, :classes]
    if classes <= DIRECT_CLASSES:
        sums, counts = _direct(input, labels, named)
    else:
        few = (labels[:, DIRECT] == classes).all() if classes > DIRECT else True
        sums, counts = lax.cond(few, _direct, _sorted, input, labels, named)
    spoilt = jnp.where(beyond, jnp.nan, jnp.zeros((), input.dtype))
    return sums / classes + spoilt, counts.astype(input.dtype) / classes + spoilt[:, None]


def _direct(input: Any, labels: Any, named: Any) -> Any:
    """Sums over the active pairs, and their number at each score (negative at a target), label by label."""
    jnp, lax = _jax().numpy, _jax().lax
    classes = input.shape[1]
    nothing = labels * 0  # made of the labels: under shard_map it varies over the devices, as what is added to it does
    start = (jnp.int32(0), nothing.sum(axis=1).astype(input.dtype), nothing)
    if classes == 0:
        return start[1:]
    most = (labels < classes).sum(axis=1).max(initial=0)

    def step(state: Any) -> Any:
        place, sums, counts = state
        label = lax.dynamic_index_in_dim(labels, place, axis=1)
        gap = 1 - jnp.take_along_axis(input, label, axis=1, mode="fill") + input
        active = ~(gap <= 0) & ~named & (label < classes)
        met = active.sum(axis=1, dtype=jnp.int32)
        counts = (counts + active).at[jnp.arange(len(input)), label[:, 0]].add(-met, mode="drop")
        return place + 1, sums + jnp.where(active, gap, 0).sum(axis=1), counts

    return lax.while_loop(lambda state: state[0] < most, step, start)[1:]


def _sorted(input: Any, labels: Any, named: Any) -> Any:
    r"""The same: sort each row's target scores, and find the place of every other score among them.

    With :math:`a_1 \le \dots \le a_T` the target scores (a duplicate label twice), :math:`v = 1 + x_i` of a
    class that is no target and :math:`k = \#\{a < v\}`, the pairs of i contribute

    .. math:: \sum_{t \le k} (v - a_t) = k (v - a_k) + \sum_{j < k} j (a_{j+1} - a_j)

    No term is negative, so nothing cancels, however far apart or from 0 the scores lie, and the input's own
    precision is enough. Keys are the scores as integers of the same order, which sort faster, with places
    of their own for NaN and infinities: such pairs count as the formula has them.
    """
    jax, jnp = _jax(), _jax().numpy
    classes = input.shape[1]
    within = labels < classes
    scores = jnp.take_along_axis(input, jnp.minimum(labels, classes - 1), axis=1)
    lowest, highest = jnp.iinfo(_integers(input)).min, jnp.iinfo(_integers(input)).max
    keys = jnp.where(within, _keys(scores, lowest, highest - 1), highest)
    others = jnp.where(named, lowest, _keys(1 + input, highest, highest))
    others = jnp.where(~named & (input == -jnp.inf), lowest + 1, others)
    ranked = jax.lax.sort(keys, dimension=1, is_stable=False)
    search = jax.vmap(jnp.searchsorted)
    places = search(ranked, others)
    met = jax.vmap(lambda place: jnp.zeros(classes + 1, jnp.int32).at[place].add(1))(places)
    above = jnp.flip(jnp.cumsum(jnp.flip(met[:, 1:], axis=1), axis=1), axis=1)
    of_targets = jnp.take_along_axis(above, jnp.minimum(search(ranked, keys), classes - 1), axis=1)
    row = jnp.arange(len(input))[:, None]
    counts = places.astype(jnp.int32).at[row, labels].add(-of_targets, mode="drop")
    sums = _sums(_scores(ranked, input.dtype), jnp.where(jnp.isfinite(input), 1 + input, 0), places)
    limits = jnp.where(jnp.isfinite(input) | (counts == 0), 0, counts * input).sum(axis=1)
    return jnp.where(limits == 0, sums, limits), counts


def _integers(input: Any) -> Any:
    """The integers as wide as the scores."""
    jnp = _jax().numpy
    return jnp.int32 if input.dtype == jnp.float32 else jnp.int64


def _keys(scores: Any, of_nan: int, of_infinity: int) -> Any:
    """Integers in the order of the scores; 0 and -0 are one. Minus infinity and NaN of targets are lowest."""
    jax, jnp = _jax(), _jax().numpy
    kind = _integers(scores)
    bits = jax.lax.bitcast_convert_type(jnp.where(scores == 0, 0, scores), kind)
    keys = jnp.where(bits < 0, bits ^ jnp.iinfo(kind).max, bits)
    keys = jnp.where(scores == jnp.inf, of_infinity, keys)
    return jnp.where(jnp.isnan(scores) | (scores == -jnp.inf), of_nan, keys)


def _scores(keys: Any, dtype: Any) -> Any:
    """The finite scores that keys stand for; 0 for the others."""
    jax, jnp = _jax(), _jax().numpy
    bits = jnp.where(keys < 0, keys ^ jnp.iinfo(keys.dtype).max, keys)
    scores = jax.lax.bitcast_convert_type(bits, dtype)
    return jnp.where(jnp.isfinite(scores), scores, 0)


def _sums(ranked: Any, others: Any, places: Any) -> Any:
    """Each row's sum over its active pairs of finite scores."""
    jnp = _jax().numpy
    steps = jnp.diff(ranked, axis=1) * jnp.arange(1, ranked.shape[1], dtype=ranked.dtype)
    up_to = jnp.pad(jnp.cumsum(steps, axis=1), ((0, 0), (1, 0)))
    last = jnp.maximum(places - 1, 0)
    gaps = places * (others - jnp.take_along_axis(ranked, last, axis=1)) + jnp.take_along_axis(up_to, last, axis=1)
    return jnp.where(places > 0, gaps, 0).sum(axis=1)
