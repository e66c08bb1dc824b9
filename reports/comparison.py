"""The page of a comparison."""

from __future__ import annotations

from pathlib import Path

from reports.gate import Comparison


def write_comparison(comparison: Comparison, path: Path) -> Path:
    """Write one page that shows a comparison.

    Args:
        comparison: What was compared.
        path: The page.
    """
    path.write_text(str(comparison.counts), encoding="utf-8")
    return path
