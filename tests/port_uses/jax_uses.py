"""JAX: rows spread over several devices in each way that JAX has, and targets that are no class indices."""

import importlib
import os
from typing import Any

import numpy as np

from lossproof import port

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
jax: Any = importlib.import_module("jax")
sharding: Any = importlib.import_module("jax.sharding")
loss: Any = port("jax").multilabel_margin_loss


def over_devices(input: Any, target: Any) -> Any:
    """The mean over all rows, of which each device has some."""
    return jax.lax.pmean(loss(input, target), "rows")


for classes in (4, 100):
    input = np.random.default_rng(0).normal(size=(4, classes)).astype(np.float32)
    target = np.full((4, classes), -1)
    target[:, :3] = np.arange(3)
    value, gradient = jax.value_and_grad(loss)(input, target)
    for kind in (sharding.AxisType.Explicit, sharding.AxisType.Auto):
        mesh = jax.make_mesh((2,), ("rows",), axis_types=(kind,))
        by_row, whole = sharding.PartitionSpec("rows"), sharding.PartitionSpec()
        placed = jax.device_put((input, target), sharding.NamedSharding(mesh, by_row))
        spread, slope = jax.jit(jax.value_and_grad(loss))(*placed)
        assert np.allclose(spread, value), f"{kind}, jit"
        assert np.allclose(slope, gradient), f"{kind}, gradient"
        assert slope.sharding.spec[0] == "rows", f"{kind}, the gradient is gathered"
        mapped = jax.shard_map(over_devices, mesh=mesh, in_specs=(by_row, by_row), out_specs=whole)
        assert np.allclose(jax.jit(mapped)(*placed), value), f"{kind}, shard_map"
scores = np.array([[0.1, 0.2, 0.4, 0.8]], dtype=np.float32)
assert np.isnan(loss(scores, np.array([[2**32 + 3, 0, -1, 1]]))), "a label beyond 32 bits wraps"
for other in (np.array([[True, False, True, False]]), scores, np.array([[3, 0, 255, 1]], dtype=np.uint8)):
    try:
        loss(scores, other)
    except TypeError:
        continue
    raise AssertionError(f"a target of {other.dtype} was taken")
