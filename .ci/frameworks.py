"""Print the frameworks that have an adapter, one a line: what the loops of ``.ci/run`` go over.

The other programs of this folder take from it what pages call a framework and what it is installed as.
"""

import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from adapters.constants import constant  # noqa: E402 - it lies beside this folder

ADAPTERS = {path.name[: -len("_adapter.py")]: path for path in sorted(ROOT.glob("adapters/*_adapter.py"))}


def names(framework: str) -> tuple[str, str]:
    """What pages call a framework."""
    return framework, _said(framework, "TITLE")


def called(text: str) -> str:
    """The framework that a page calls so; empty if it is none."""
    return next((name for name in ADAPTERS if text in names(name)), "")


def distribution(framework: str) -> str:
    """The first package that pip installs for a framework."""
    return re.split(r"[=<>!~ \[]", _said(framework, "INSTALL").replace("'", ""))[0]


def _said(framework: str, constant_name: str) -> Any:
    return constant(ADAPTERS[framework], constant_name)


if __name__ == "__main__":
    sys.stdout.write("".join(f"{name}\n" for name in ADAPTERS))
