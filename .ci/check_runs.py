"""Fail unless every promised framework ran, whole, and answered each operator in every mode it offers."""

import json
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from frameworks import ADAPTERS

ANSWERS = ("conforms", "deviates")
NO_KERNEL = {("mindspore", "soft_margin_loss")}
"""What a framework has, but not on a processor."""


def main(folder: str) -> int:
    """Check the run files of a folder; the exit status."""
    problems = [problem for name in ADAPTERS for problem in check(name, sorted(Path(folder).glob(f"{name}-*.jsonl")))]
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    return 1 if problems else 0


def answers(lines: list[dict]) -> dict[tuple[str, str], bool]:
    """Whether a mode of an operator answered the documented formula."""
    answered: dict[tuple[str, str], bool] = defaultdict(bool)
    for line in lines:
        if line["kind"] == "finding" and line["clause"].endswith(".documented-formula"):
            answered[line["operator"], line["variant"]["mode"]] |= line["verdict"] in ANSWERS
    return answered


def check(name: str, paths: list[Path]) -> list[str]:
    """What is wrong with one framework's run."""
    if len(paths) != 1:
        return [f"{name}: {len(paths)} run files; there must be one"]
    lines = [json.loads(line) for line in paths[0].read_text(encoding="utf-8").splitlines()]
    if lines[-1]["kind"] != "footer" or not lines[-1]["complete"]:
        return [f"{paths[0]}: the run is incomplete"]
    answered = answers(lines)
    silent = [
        f"{name}: no answer to the documented formula: {operator}, {mode}"
        for (operator, mode), found in answered.items()
        if not found and (name, operator) not in NO_KERNEL
    ]
    sys.stdout.write(f"{name}: {lines[-1]['counts']}\n")
    return silent if answered else [f"{name}: the documented formula was not asked"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
