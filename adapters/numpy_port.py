"""The losses in plain NumPy, in the input's own dtype: the subject ``numpy``.

The two multi-label losses are written by hand, readable rather than fast and independent of the
suite's oracle; the others are the suite's formulas, evaluated step by step.
"""

import importlib
import importlib.util
import sys
from pathlib import Path

import numpy as np


def _check(input, target, reduction):
    if np.asarray(input).dtype.kind != "f":
        raise TypeError("input has dtype %s; scores are floating-point numbers" % np.asarray(input).dtype)
    if np.ndim(input) not in (1, 2):
        raise ValueError("input has %d dimensions; it takes (C) or (N, C)" % np.ndim(input))
    if np.shape(input) != np.shape(target):
        raise ValueError("target has shape %s, input has %s" % (np.shape(target), np.shape(input)))
    if reduction not in ("none", "sum", "mean"):
        raise ValueError("reduction %r: there are none, sum, mean" % (reduction,))


def _check_labels(target):
    if np.asarray(target).dtype.kind != "i":
        raise TypeError("target has dtype %s; class indices are signed integers" % np.asarray(target).dtype)


def _check_weight(input, weight):
    if weight is not None and np.shape(weight) != np.shape(input)[-1:]:
        raise ValueError("weight has shape %s; there are %d classes" % (np.shape(weight), np.shape(input)[-1]))


def _reduce(losses, reduction, batched):
    if reduction == "none":
        return losses if batched else losses[0]
    total = losses.sum(dtype=_wide(losses.dtype))  # in half precision the sum may overflow where the mean does not
    return (total if reduction == "sum" else total / total.dtype.type(len(losses))).astype(losses.dtype)


def _wide(dtype):
    return np.promote_types(dtype, np.float32)


def _row_cotangents(cotangent, reduction, losses):
    one = losses.dtype.type
    spread = np.broadcast_to(np.asarray(cotangent, dtype=losses.dtype).reshape(-1), losses.shape)
    return spread / one(len(losses)) if reduction == "mean" else spread


def _margin_rows(input, target):
    """Losses of the rows, and the derivative of each row's loss: the labels of one place after the other."""
    _check_labels(target)
    rows, classes = input.shape
    one = input.dtype.type(1)
    block = np.logical_and.accumulate(target >= 0, axis=1)  # the labels before a row's first negative one
    if (target[block] >= classes).any():
        raise IndexError("target holds class %d; there are %d classes" % (target[block].max(), classes))
    others = np.ones(input.shape, dtype=bool)
    others[np.nonzero(block)[0], target[block]] = False
    sums, pairs = np.zeros(rows, dtype=input.dtype), np.zeros(input.shape, dtype=np.int64)
    for place in np.flatnonzero(block.any(axis=0)):
        row = np.flatnonzero(block[:, place])
        label = target[row, place]
        gaps = (one - input[row, label])[:, np.newaxis] + input[row]
        active = others[row] & ~(gaps <= 0)
        sums[row] += np.where(active, gaps, 0).sum(axis=1, dtype=input.dtype)
        pairs[row] += active
        pairs[row, label] -= active.sum(axis=1)
    losses = sums / input.dtype.type(classes)
    return losses, (pairs / max(classes, 1)).astype(input.dtype)


def multilabel_margin_loss(input, target, reduction="mean"):
    """Multi-label margin loss.

    Args:
        input: Scores; shape (C) or (N, C); float16, float32 or float64.
        target: Class indices of the same shape; the first negative one ends a row's block.
        reduction: ``none``, ``sum`` or ``mean``.

    Returns:
        The loss, in the input's dtype; shape (), or (N,) for ``none`` of a batch.

    Raises:
        TypeError: Dtypes that it does not take.
        ValueError: Shapes or a reduction that the operator does not take.
        IndexError: A class index beyond the last class before the block's end.
    """
    _check(input, target, reduction)
    losses, _ = _margin_rows(np.atleast_2d(input), np.atleast_2d(target))
    return _reduce(losses, reduction, np.ndim(input) == 2)


def multilabel_margin_loss_gradient(input, target, cotangent, reduction="mean"):
    """Gradient of :func:`multilabel_margin_loss` to its input; 0 at ties."""
    _check(input, target, reduction)
    losses, slopes = _margin_rows(np.atleast_2d(input), np.atleast_2d(target))
    return (slopes * _row_cotangents(cotangent, reduction, losses)[:, np.newaxis]).reshape(input.shape)


def _soft_rows(input, target):
    """Loss and derivative of each element."""
    decay = np.exp(-np.abs(input))
    one = input.dtype.type(1)
    losses = (one - target) * np.maximum(input, 0) + target * np.maximum(-input, 0) + np.log1p(decay)
    up = np.where(input >= 0, one, decay) / (one + decay)
    down = np.where(input >= 0, decay, one) / (one + decay)
    return losses, (one - target) * up - target * down


def multilabel_soft_margin_loss(input, target, weight=None, reduction="mean"):
    """Multi-label soft margin loss.

    Args:
        input: Scores; shape (C) or (N, C); float16, float32 or float64.
        target: Labels in [0, 1], of the same shape and dtype.
        weight: A factor for each class; shape (C); ones if absent.
        reduction: ``none``, ``sum`` or ``mean``.

    Returns:
        The loss, in the input's dtype; shape (), or (N,) for ``none`` of a batch.

    Raises:
        ValueError: Shapes or a reduction that the operator does not take.
    """
    _check(input, target, reduction)
    _check_weight(input, weight)
    losses, _ = _soft_rows(np.atleast_2d(input), np.atleast_2d(target))
    if weight is not None:
        losses = losses * weight
    rows = losses.sum(axis=1, dtype=losses.dtype) / losses.dtype.type(losses.shape[1])
    return _reduce(rows, reduction, np.ndim(input) == 2)


def multilabel_soft_margin_loss_gradient(input, target, cotangent, weight=None, reduction="mean"):
    """Gradient of :func:`multilabel_soft_margin_loss` to its input."""
    _check(input, target, reduction)
    _check_weight(input, weight)
    _, slopes = _soft_rows(np.atleast_2d(input), np.atleast_2d(target))
    if weight is not None:
        slopes = slopes * weight
    factors = _row_cotangents(cotangent, reduction, slopes[:, 0]) / slopes.dtype.type(slopes.shape[1])
    return (slopes * factors[:, np.newaxis]).reshape(input.shape)


def _engine():
    """The suite's formulas and their plain evaluation, from the folder beside this one, under a private name."""
    name, folder = "_lossproof_reference", Path(__file__).resolve().parent.parent / "reference"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            name, str(folder / "__init__.py"), submodule_search_locations=[str(folder)]
        )
        if spec is None or spec.loader is None:
            raise ImportError("%s: the suite's formulas are missing" % folder)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return name


def _evaluated(loss, tensors, options, cotangent=None, to=None):
    """A loss from its formula, or its gradient to one argument, in the dtype of the scores."""
    package = _engine()
    formula = importlib.import_module("%s.formulas.%s" % (package, loss)).FORMULA
    trace = importlib.import_module(package + ".engine.formula").trace
    bind = importlib.import_module(package + ".engine.shapes").bind
    plain = importlib.import_module(package + ".engine.plain").Plain
    given = {name: np.asarray(array) for name, array in tensors.items() if array is not None}
    scores = next(iter(given.values()))
    if scores.dtype.kind != "f":
        raise TypeError("input has dtype %s; scores are floating-point numbers" % scores.dtype)
    reduction = options.pop("reduction")
    if reduction not in ("none", "sum", "mean"):
        raise ValueError("reduction %r: there are none, sum, mean" % (reduction,))
    patterns = {spec.name: spec.pattern for spec in formula.arguments}
    binding = bind(patterns, {name: array.shape for name, array in given.items()})
    _check_indices(formula, given, binding)
    made = plain(trace(formula, binding, options, reduction, documented=False), np, _wide(scores.dtype))
    numbers = {name: float(value) for name, value in options.items()}
    widened = {name: _widened(array) for name, array in given.items()}
    if to is None:
        return made.value(widened, numbers).astype(scores.dtype)
    return made.gradient(widened, numbers, _widened(np.asarray(cotangent)), (to,))[1][to].astype(scores.dtype)


def _widened(array):
    return array.astype(_wide(array.dtype)) if array.dtype.kind == "f" else array


def _check_indices(formula, given, binding):
    for spec in formula.arguments:
        if spec.domain == "class" and spec.name in given:
            indices, classes = given[spec.name], binding.sizes["C"]
            if indices.dtype.kind not in "iu":
                raise TypeError("%s has dtype %s; class indices are integers" % (spec.name, indices.dtype))
            if ((indices < 0) | (indices >= classes)).any():
                raise IndexError("%s holds a class that is none of the %d" % (spec.name, classes))


def multi_margin_loss(input, target, p=1, margin=1.0, weight=None, reduction="mean"):
    """Multi-class margin loss, from the suite's formula.

    Args:
        input: Scores; shape (C) or (N, C); float16, float32 or float64.
        target: Class indices; shape () or (N).
        p: 1 or 2.
        margin: A number.
        weight: A factor for each class; shape (C); ones if absent.
        reduction: ``none``, ``sum`` or ``mean``.

    Returns:
        The loss, in the input's dtype; shape (), or the target's for ``none``.

    Raises:
        TypeError: Dtypes that it does not take.
        ValueError: Shapes, a power or a reduction that the operator does not take.
        IndexError: An index of no class.
    """
    _check_power(p)
    tensors = {"input": input, "target": target, "weight": weight}
    return _evaluated("multi_margin_loss", tensors, {"p": p, "margin": margin, "reduction": reduction})


def multi_margin_loss_gradient(input, target, cotangent, p=1, margin=1.0, weight=None, reduction="mean"):
    """Gradient of :func:`multi_margin_loss` to its input; 0 at ties."""
    _check_power(p)
    tensors = {"input": input, "target": target, "weight": weight}
    options = {"p": p, "margin": margin, "reduction": reduction}
    return _evaluated("multi_margin_loss", tensors, options, cotangent, "input")


def _check_power(p):
    if p not in (1, 2):
        raise ValueError("p is %r; 1 and 2 are supported" % (p,))


def soft_margin_loss(input, target, reduction="mean"):
    """Two-class logistic loss of scores and labels 1 or -1 of one shape, from the suite's formula."""
    return _evaluated("soft_margin_loss", {"input": input, "target": target}, {"reduction": reduction})


def soft_margin_loss_gradient(input, target, cotangent, reduction="mean"):
    """Gradient of :func:`soft_margin_loss` to its input."""
    tensors = {"input": input, "target": target}
    return _evaluated("soft_margin_loss", tensors, {"reduction": reduction}, cotangent, "input")


def hinge_embedding_loss(input, target, margin=1.0, reduction="mean"):
    """Hinge embedding loss of inputs and labels 1 or -1 of one shape, from the suite's formula."""
    tensors = {"input": input, "target": target}
    return _evaluated("hinge_embedding_loss", tensors, {"margin": margin, "reduction": reduction})


def hinge_embedding_loss_gradient(input, target, cotangent, margin=1.0, reduction="mean"):
    """Gradient of :func:`hinge_embedding_loss` to its input; 0 at the kink."""
    tensors = {"input": input, "target": target}
    return _evaluated("hinge_embedding_loss", tensors, {"margin": margin, "reduction": reduction}, cotangent, "input")


def margin_ranking_loss(input1, input2, target, margin=0.0, reduction="mean"):
    """Margin ranking loss of two arrays of scores and labels 1 or -1 of one shape, from the suite's formula."""
    tensors = {"input1": input1, "input2": input2, "target": target}
    return _evaluated("margin_ranking_loss", tensors, {"margin": margin, "reduction": reduction})


def margin_ranking_loss_gradient(input1, input2, target, cotangent, margin=0.0, reduction="mean", to="input1"):
    """Gradient of :func:`margin_ranking_loss` to one of its arguments; 0 at the kink."""
    tensors = {"input1": input1, "input2": input2, "target": target}
    return _evaluated("margin_ranking_loss", tensors, {"margin": margin, "reduction": reduction}, cotangent, to)


if sys.version_info < (3, 10):  # the engine is written for later versions
    del multi_margin_loss, soft_margin_loss, hinge_embedding_loss, margin_ranking_loss
