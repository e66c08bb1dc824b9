"""The mutants and variants in NumPy, each made when it is asked for by name."""

from __future__ import annotations

from typing import Any

from tests.genzoo import functions


def __getattr__(name: str) -> Any:
    return functions.made("numpy", name)
