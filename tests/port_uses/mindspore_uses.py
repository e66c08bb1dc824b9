"""MindSpore: rows with a label out of range, narrow labels, no classes, and targets that are no class indices."""

import importlib
from typing import Any

import numpy as np

from lossproof import port

mindspore: Any = importlib.import_module("mindspore")
mindspore.set_device("CPU")
loss: Any = port("mindspore").multilabel_margin_loss

for classes in (4, 40):
    input = mindspore.Tensor(np.random.default_rng(0).normal(size=(2, classes)).astype(np.float32))
    target = np.full((2, classes), -1)
    target[0, 0], target[1, :2] = classes, (1, 0)
    losses = loss(input, mindspore.Tensor(target), "none").asnumpy()
    slopes = mindspore.grad(loss)(input, mindspore.Tensor(target), "sum").asnumpy()
    assert np.isnan(losses).tolist() == [True, False], "losses beside a label out of range"
    assert np.isnan(slopes).all(axis=1).tolist() == [True, False], "gradients beside a label out of range"
    assert not np.isnan(slopes[1]).any(), "a neighbour's gradient"
zeros, narrow = mindspore.Tensor(np.zeros((1, 200), np.float32)), np.full((1, 200), -1, np.int8)
narrow[:, :2] = (3, 0)
assert loss(zeros, mindspore.Tensor(narrow)) == loss(zeros, mindspore.Tensor(narrow.astype(np.int32)))
assert np.isnan(loss(mindspore.ops.zeros((2, 0)), mindspore.ops.zeros((2, 0), mindspore.int32), "none").asnumpy()).all()
for other in (narrow > 0, narrow.astype(np.float32), narrow.astype(np.uint8)):
    try:
        loss(zeros, mindspore.Tensor(other))
    except TypeError:
        continue
    raise AssertionError(f"a target of {other.dtype} was taken")
