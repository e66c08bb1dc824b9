"""Fail unless every promised framework ran, whole, and answered both operators in every mode it offers."""

import json
import sys
from collections import defaultdict
from pathlib import Path

PROMISED = ("numpy", "torch", "jax", "tensorflow", "mindspore", "cupy")
ANSWERS = ("conforms", "deviates")


def main(folder: str) -> int:
    """Check the run files of a folder; the exit status."""
    problems = [problem for name in PROMISED for problem in check(name, sorted(Path(folder).glob(f"{name}-*.jsonl")))]
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    return 1 if problems else 0


def check(name: str, paths: list[Path]) -> list[str]:
    """What is wrong with one framework's run."""
    if len(paths) != 1:
        return [f"{name}: {len(paths)} run files; there must be one"]
    lines = [json.loads(line) for line in paths[0].read_text(encoding="utf-8").splitlines()]
    if lines[-1]["kind"] != "footer" or not lines[-1]["complete"]:
        return [f"{paths[0]}: the run is incomplete"]
    answered: dict[tuple[str, str], bool] = defaultdict(bool)
    for line in lines:
        if line["kind"] == "finding" and line["clause"].endswith(".documented-formula"):
            answered[line["operator"], line["variant"]["mode"]] |= line["verdict"] in ANSWERS
    silent = [
        f"{name}: no answer to the documented formula: {', '.join(key)}" for key, found in answered.items() if not found
    ]
    sys.stdout.write(f"{name}: {lines[-1]['counts']}\n")
    return silent if answered else [f"{name}: the documented formula was not asked"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
