"""Runs under a framework's own interpreter: times its loss, the port beside it and the broadcast form.

``benchmarks.ports`` sends this file there. First it gets the framework's name and the folder of
the ports, then one request after the other: a shape, a form and whether the gradient is wanted;
each is answered with the seconds of a call on the same arrays, or with None for a form that the
framework has not.
"""

from __future__ import annotations

import functools
import importlib
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

BURST, CALLS = 0.05, 20
"""Seconds and calls after which a burst ends."""

Shape = tuple[int, int, int]
Loss = Callable[[Any, Any], Any]
Pass = Callable[[], Any]


def arrays(shape: Shape) -> tuple[Any, Any]:
    """Scores of a normal distribution, and as many different labels in each row as the shape says."""
    rows, classes, labels = shape
    generator = np.random.default_rng(0)
    target = np.full((rows, classes), -1)
    for row in target:
        row[:labels] = generator.permutation(classes)[:labels]
    return generator.normal(size=(rows, classes)).astype(np.float32), target


def torch_passes(loss_of: dict[str, Loss], shape: Shape) -> dict[tuple[str, bool], Pass]:
    """Eager calls of torch."""
    torch: Any = importlib.import_module("torch")
    input, target = (torch.from_numpy(array) for array in arrays(shape))
    watched = input.clone().requires_grad_()

    def broadcast(input: Any, target: Any) -> Any:
        classes = input.shape[1]
        block = (target >= 0).cumprod(1).bool()
        labels = torch.where(block, target, 0)
        named = (torch.nn.functional.one_hot(labels, classes).bool() & block.unsqueeze(2)).any(1)
        gap = 1 - input.gather(1, labels).unsqueeze(2) + input.unsqueeze(1)
        counted = block.unsqueeze(2) & ~named.unsqueeze(1)
        return (torch.where(counted, gap.clamp(min=0), 0).sum((1, 2)) / classes).mean()

    def gradient(loss: Loss) -> Any:
        return torch.autograd.grad(loss(watched, target), watched)

    forms = {**loss_of, "native": torch.nn.functional.multilabel_margin_loss, "broadcast": broadcast}
    passes: dict[tuple[str, bool], Pass] = {}
    for name, loss in forms.items():
        passes[name, False] = functools.partial(loss, input, target)
        passes[name, True] = functools.partial(gradient, loss)
    return passes


def jax_passes(loss_of: dict[str, Loss], shape: Shape) -> dict[tuple[str, bool], Pass]:
    """Calls of JAX under ``jit``."""
    jax: Any = importlib.import_module("jax")
    jnp = jax.numpy
    given = [jnp.asarray(array) for array in arrays(shape)]

    def broadcast(input: Any, target: Any) -> Any:
        classes = input.shape[1]
        block = jnp.cumprod(target >= 0, axis=1, dtype=bool)
        labels = jnp.where(block, target, 0)
        named = ((labels[:, :, None] == jnp.arange(classes)) & block[:, :, None]).any(axis=1)
        gap = 1 - jnp.take_along_axis(input, labels, axis=1)[:, :, None] + input[:, None, :]
        counted = block[:, :, None] & ~named[:, None, :]
        return (jnp.where(counted, jnp.maximum(gap, 0), 0).sum(axis=(1, 2)) / classes).mean()

    def finished(step: Loss) -> Any:
        return jax.block_until_ready(step(*given))

    passes: dict[tuple[str, bool], Pass] = {}
    for name, loss in {**loss_of, "broadcast": broadcast}.items():
        for gradient, step in ((False, jax.jit(loss)), (True, jax.jit(jax.value_and_grad(loss)))):
            passes[name, gradient] = functools.partial(finished, step)
    return passes


def tensorflow_passes(loss_of: dict[str, Loss], shape: Shape) -> dict[tuple[str, bool], Pass]:
    """Calls of TensorFlow in ``tf.function``."""
    tf: Any = importlib.import_module("tensorflow")
    given = [tf.constant(array) for array in arrays(shape)]

    def broadcast(input: Any, target: Any) -> Any:
        classes = input.shape[1]
        block = tf.math.cumprod(tf.cast(target >= 0, tf.int32), axis=1) > 0
        labels = tf.where(block, target, 0)
        named = tf.reduce_any((labels[:, :, None] == tf.range(classes, dtype=tf.int64)) & block[:, :, None], axis=1)
        gap = (1 - tf.gather(input, labels, axis=1, batch_dims=1))[:, :, None] + input[:, None, :]
        counted = block[:, :, None] & ~named[:, None, :]
        return tf.reduce_mean(tf.reduce_sum(tf.where(counted, tf.nn.relu(gap), 0.0), (1, 2)) / classes)

    def differentiated(loss: Loss) -> Loss:
        def both(input: Any, target: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(input)
                value = loss(input, target)
            return value, tape.gradient(value, input)

        return both

    passes: dict[tuple[str, bool], Pass] = {}
    for name, loss in {**loss_of, "broadcast": broadcast}.items():
        for gradient, step in ((False, loss), (True, differentiated(loss))):
            passes[name, gradient] = functools.partial(tf.function(step, autograph=False), *given)
    return passes


def mindspore_passes(loss_of: dict[str, Loss], shape: Shape) -> dict[tuple[str, bool], Pass]:
    """PyNative calls of MindSpore."""
    mindspore: Any = importlib.import_module("mindspore")
    mindspore.set_device("CPU")
    ops = mindspore.ops
    given = [mindspore.Tensor(array) for array in arrays(shape)]

    def broadcast(input: Any, target: Any) -> Any:
        classes = input.shape[1]
        block = ops.cumsum((target < 0).astype("int32"), 1) == 0
        labels = ops.where(block, target, ops.zeros_like(target))
        names = labels.expand_dims(2) == ops.arange(classes).reshape((1, 1, classes))
        named = ops.logical_and(names, block.expand_dims(2)).any(1)
        gap = (1 - ops.gather_elements(input, 1, labels)).expand_dims(2) + input.expand_dims(1)
        counted = ops.logical_and(block.expand_dims(2), ops.logical_not(named).expand_dims(1))
        return (ops.where(counted, ops.relu(gap), ops.zeros_like(gap)).sum((1, 2)) / classes).mean()

    def finished(step: Loss) -> Any:
        return step(*given).asnumpy()

    passes: dict[tuple[str, bool], Pass] = {}
    for name, loss in {**loss_of, "broadcast": broadcast}.items():
        passes[name, False] = functools.partial(finished, loss)
        passes[name, True] = functools.partial(finished, mindspore.grad(loss))
    return passes


PASSES = {
    "torch": torch_passes,
    "jax": jax_passes,
    "tensorflow": tensorflow_passes,
    "mindspore": mindspore_passes,
}


def answer(channel: Any) -> None:
    """Time what is asked for, until nothing is any more."""
    framework, folder = channel.receive()
    sys.path.insert(0, folder)
    ports = {"port": importlib.import_module(f"{framework}_port").multilabel_margin_loss}
    at: Shape | None = None
    passes: dict[tuple[str, bool], Pass] = {}
    warm: set[tuple[str, bool]] = set()
    for asked, form, gradient in channel:
        if tuple(asked) != at:
            at, warm = tuple(asked), set()
            passes = PASSES[framework](ports, at)
        if (form, gradient) not in warm and (form, gradient) in passes and form != "native":
            passes[form, gradient]()
            warm.add((form, gradient))
        channel.send(seconds(passes.get((form, gradient))))


def seconds(task: Pass | None) -> float | None:
    """How long a task takes: once where it is long, the median of a burst where it is short."""
    if task is None:
        return None
    taken: list[float] = []
    while not taken or (sum(taken) < BURST and len(taken) < CALLS):
        started = time.perf_counter()
        task()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


if __name__ == "__channelexec__":
    answer(globals()["channel"])
