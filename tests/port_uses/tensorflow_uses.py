"""TensorFlow: lengths that are known only when a graph runs, and targets that are no class indices."""

import importlib
from typing import Any

from lossproof import port

tf: Any = importlib.import_module("tensorflow")
losses: Any = port("tensorflow")

input = tf.constant([[0.1, 0.2, 0.4, 0.8], [1.0, 2.0, 3.0, 4.0]])
target = tf.constant([[3, 0, -1, 1], [1, -1, 0, 0]])
for shape, rows in (([None], 0), ([None, None], slice(None))):
    for compiled in (None, True):
        signature = [tf.TensorSpec(shape, tf.float32), tf.TensorSpec(shape, tf.int32)]
        traced = tf.function(losses.multilabel_margin_loss, input_signature=signature, jit_compile=compiled)
        expected = losses.multilabel_margin_loss(input[rows], target[rows])
        assert abs(float(traced(input[rows], target[rows]) - expected)) < 1e-6, f"{shape}, compiled: {compiled}"
whole = tf.TensorSpec([None, None], tf.float32)
for loss, given in (
    (losses.multilabel_margin_loss, target[:, :1]),
    (losses.multilabel_soft_margin_loss, tf.ones((2, 1))),
):
    traced = tf.function(loss, input_signature=[whole, tf.TensorSpec([None, None], given.dtype)])
    try:
        traced(input, given)
    except tf.errors.InvalidArgumentError:
        continue
    raise AssertionError("a target of another shape was stretched")
for other in (target > 0, tf.cast(target, tf.float32), tf.cast(target, tf.uint8)):
    try:
        losses.multilabel_margin_loss(input, other)
    except TypeError:
        continue
    raise AssertionError(f"a target of {other.dtype} was taken")
