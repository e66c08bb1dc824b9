"""Runs under a framework's own interpreter: times its loss, the port beside it and the broadcast form.

``benchmarks.ports`` sends this file there. First it gets the framework's name and the folder of
the ports, then one request after the other: a shape, a form and whether the gradient is wanted;
each is answered with the seconds of one call on the same arrays, or with None for a form that the
framework has not.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

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

    forms = {**loss_of, "native": torch.nn.functional.multilabel_margin_loss, "broadcast": broadcast}
    passes: dict[tuple[str, bool], Pass] = {}
    for name, loss in forms.items():
        passes[name, False] = lambda loss=loss: loss(input, target)
        passes[name, True] = lambda loss=loss: torch.autograd.grad(loss(watched, target), watched)
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

    passes: dict[tuple[str, bool], Pass] = {}
    for name, loss in {**loss_of, "broadcast": broadcast}.items():
        for gradient, step in ((False, jax.jit(loss)), (True, jax.jit(jax.value_and_grad(loss)))):
            passes[name, gradient] = lambda step=step: jax.block_until_ready(step(*given))
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
            compiled = tf.function(step, autograph=False)
            passes[name, gradient] = lambda compiled=compiled: compiled(*given)
    return passes


def mindspore_passes(loss_of: dict[str, Loss], shape: Shape) -> dict[tuple[str, bool], Pass]:
    """PyNative calls of MindSpore."""
    mindspore: Any = importlib.import_module("mindspore")
    mindspore.set_device("CPU")
    given = [mindspore.Tensor(array) for array in arrays(shape)]
    passes: dict[tuple[str, bool], Pass] = {}
    for name, loss in loss_of.items():
        passes[name, False] = lambda loss=loss: loss(*given).asnumpy()
        step = mindspore.value_and_grad(loss)
        passes[name, True] = lambda step=step: [tensor.asnumpy() for tensor in step(*given)]
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
    """How long a task takes."""
    if task is None:
        return None
    started = time.perf_counter()
    task()
    return time.perf_counter() - started


if __name__ == "__channelexec__":
    answer(globals()["channel"])
