"""The digest of the suite holds what decides about verdicts, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from conformance.running.digest import digest_of, suite_digest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the folders of this checkout."""
    for name in ("reference", "adapters", "conformance", "reports", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "baselines"))
    return tmp_path


@pytest.mark.parametrize(
    "name",
    [
        "adapters/cuda/margin.cu",
        "adapters/cuda/block.cuh",
        "adapters/cuda/host.cpp",
        "adapters/numpy_port.py",
        "conformance/cases/corpus.json",
        "conformance/operators/multilabel_margin_loss/labels.py",
        "reference/formats.py",
    ],
)
def test_what_decides_changes_the_digest(checkout: Path, name: str) -> None:
    """Kernels and corpus as well as Python; another name is another suite too."""
    before = digest_of(checkout)
    path = checkout / name
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    changed = digest_of(checkout)
    path.rename(path.with_name(f"renamed{path.suffix}"))

    assert len({before, changed, digest_of(checkout)}) == 3


@pytest.mark.parametrize(
    "name", ["reports/templates/index.html", "reports/site.py", "docs/gating.md", "conformance/__pycache__/x.pyc"]
)
def test_what_shows_verdicts_does_not(checkout: Path, name: str) -> None:
    """Site, pages and what Python compiles."""
    before = digest_of(checkout)
    path = checkout / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("changed", encoding="utf-8")

    assert digest_of(checkout) == before


def test_the_suites_digest_is_the_one_of_this_checkout() -> None:
    """As a header has it, and as runs are kept under it."""
    assert suite_digest() == digest_of(ROOT)
