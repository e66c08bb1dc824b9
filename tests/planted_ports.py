"""Faults of the zoo planted into the ports of the margin loss, one at a time: does a quick run catch each?

    python -m tests.planted_ports --python torch=env/bin/python --python jax=env/bin/python

A fault is another line in a copy of the port beside a copy of its adapter, which is tested like
somebody's own adapter. Exit status: 0 where each is caught and the unchanged ports are not accused, 1 else.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from conformance.operators.multilabel_margin_loss import OPERATOR
from conformance.running.discover import find_subject
from conformance.running.plan import PROFILES, Filters
from conformance.running.run import Options, Progress, run_subject

ADAPTERS = Path(__file__).resolve().parent.parent / "adapters"
SOURCE = {"torch": "torch_port.py", "jax": "jax_port.py", "tensorflow": "tensorflow_port.py"}
SOURCE["mindspore"] = "mindspore_port.py"

PLANTED: dict[str, dict[str, tuple[str, str]]] = {
    "torch": {
        "labels after the -1": ("block = (target >= 0).cumprod(1).bool()", "block = target >= 0"),
        "infinities active": (
            "places = torch.searchsorted(keys, others)",
            "places = torch.searchsorted(keys, others, right=True)",
        ),
        "sums one rank late": ("torch.arange(keys.shape[1] - 1,", "torch.arange(1, keys.shape[1],"),
        "duplicates once in the gradient": ("scatter_add_(1, labels, -above)", "scatter_(1, labels, -above)"),
        "not divided": ("    losses = (losses / classes)", "    losses = (losses / 1)"),
        "targets not excluded": (".masked_fill(named, -torch.inf)", ""),
        "cotangent ignored": ("(cotangent.unsqueeze(1) * ctx.saved_tensors[0])", "(1 * ctx.saved_tensors[0])"),
    },
    "jax": {
        "labels after the -1": ("block = jnp.cumprod(target >= 0, axis=1, dtype=bool)", "block = target >= 0"),
        "negatives too": ("active = ~(gap <= 0)", "active = ~(gap <= -1)"),
        "ties active where sorted": ("places = search(ranked, others)", "places = search(ranked, others + 1)"),
        "sums one rank late": ("jnp.arange(1, ranked.shape[1],", "jnp.arange(0, ranked.shape[1] - 1,"),
        "duplicates once where sorted": (
            "counts = places.astype(jnp.int32).at[row, labels].add(-of_targets",
            "counts = places.astype(jnp.int32).at[row, labels].set(-of_targets",
        ),
        "label out of range clamps": ("jnp.where(beyond, jnp.nan, jnp.zeros", "jnp.where(beyond, 0, jnp.zeros"),
        "not divided": ("return sums / classes + spoilt", "return sums + spoilt"),
    },
    "tensorflow": {
        "labels after the -1": (
            "block = tf.math.cumprod(tf.cast(target >= 0, tf.int32), axis=1) > 0",
            "block = target >= 0",
        ),
        "negatives too": ("above = (gap > 0)", "above = (gap > -1)"),
        "ties active where sorted": ("batch_dims=1) < scores", "batch_dims=1) <= scores"),
        "sums one rank late": ("tf.range(1, tf.shape(ranked)[1])", "tf.range(0, tf.shape(ranked)[1] - 1)"),
        "targets not excluded": ("active = above & ~named &", "active = above &"),
        "last class dropped": (
            "classes + 1)[:, :classes] > 0",
            "classes + 1)[:, :classes] + tf.cast(tf.range(classes) == classes - 1, tf.int32) > 0",
        ),
        "cotangent ignored": ("(cotangent[:, tf.newaxis] * slopes, None)", "(slopes, None)"),
    },
    "mindspore": {
        "labels after the -1": (
            'block = ops.cumsum((target < 0).astype("int32"), 1) == 0',
            "block = target >= 0",
        ),
        "negatives too": ("named.expand_dims(1), gap <= 0)", "named.expand_dims(1), gap <= -1)"),
        "duplicates once": (".sum(2) * times", ".sum(2) * named.astype(input.dtype)"),
        "sorted in float32": ("-ops.topk(-keys, classes)[0]", "ops.sort(keys, 1)[0]"),
        "sums one rank late": ("ops.arange(1, ranked.shape[1])", "ops.arange(0, ranked.shape[1] - 1)"),
        "labels ranked one too high": (
            "ops.searchsorted(ranked, keys)",
            "ops.searchsorted(ranked, keys, right=True)",
        ),
        "targets not excluded": ("others = ops.where(named, -_INFINITY, others)", "others = others + 0"),
        "not divided": ("sums / classes, limits)", "sums, limits)"),
    },
}


def deviating(framework: str, python: str, old: str, new: str) -> list[str]:
    """The clauses above ``open`` that the port breaks with one text in the place of another."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in ADAPTERS.glob(f"{framework}_*.py"):
            shutil.copy(path, folder)
        source = (ADAPTERS / SOURCE[framework]).read_text(encoding="utf-8")
        if old not in source:
            raise SystemExit(f"{SOURCE[framework]} has no longer {old!r}")
        (folder / SOURCE[framework]).write_text(source.replace(old, new), encoding="utf-8")
        modes = ("pynative" if framework == "mindspore" else "eager",)
        filters = Filters((OPERATOR.name,), modes, forms=("port",))
        options = Options(PROFILES["quick"], filters, python, jobs=2, out=folder, minimise=0)
        found = run_subject(find_subject(str(folder / f"{framework}_adapter.py")), options, Progress()).findings
    if not any(one.verdict == "conforms" for one in found):
        raise SystemExit(f"{SOURCE[framework]} with {new!r} answers nothing: no fault is planted there")
    return list(dict.fromkeys(one.clause for one in found if one.verdict in ("deviates", "crashes", "hangs")))


def main() -> int:
    """Ask about each; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", action="append", default=[], metavar="FRAMEWORK=PATH", required=True)
    parser.add_argument("words", nargs="*", help="only faults whose name holds one of them")
    arguments = parser.parse_args()
    wrong = 0
    for pair in arguments.python:
        framework, _, python = pair.partition("=")
        for fault, (old, new) in {"unchanged": ("\n", "\n"), **PLANTED[framework]}.items():
            if arguments.words and not any(word in fault for word in arguments.words):
                continue
            found = deviating(framework, python, old, new)
            wrong += bool(found) is (fault == "unchanged")
            sys.stdout.write(f"{framework}: {fault}: {', '.join(found) or 'nothing'}\n")
            sys.stdout.flush()
    return int(wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main())
