"""Which suite made a run: the digest over what decides about cases and verdicts."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.operators.catalogue import FOLDERS

if TYPE_CHECKING:
    from hashlib import _Hash as Hash  # pyright: ignore[reportPrivateUsage] - it has no public name

_ROOT = Path(__file__).resolve().parents[2]
_DECIDING = ("reference", "adapters", "conformance")
_NO_SOURCE = frozenset({".pyc", ".pyo", ".md", ".so"})
"""What is made of sources, or written for people."""


def suite_digest() -> str:
    """SHA-256 of the oracles, adapters with their kernels, clauses and corpus of this suite, and of added operators.

    Reports, their templates and the documentation are not in it: they change no verdict.
    """
    return _of_all(tuple(FOLDERS))


@functools.cache
def _of_all(folders: tuple[Path, ...]) -> str:
    if not folders:
        return digest_of(_ROOT)
    sha = hashlib.sha256(digest_of(_ROOT).encode())
    for folder in folders:
        _add(sha, folder, folder.parent)
    return f"sha256:{sha.hexdigest()}"


def digest_of(root: Path) -> str:
    """The digest of a checkout, or of an installed suite: names and bytes of sources and data."""
    sha = hashlib.sha256()
    for folder in _DECIDING:
        _add(sha, root / folder, root)
    return f"sha256:{sha.hexdigest()}"


def _add(sha: Hash, folder: Path, root: Path) -> None:
    """Names below a root and bytes of the sources and data of a folder."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in _NO_SOURCE and "__pycache__" not in path.parts:
            name = path.relative_to(root).as_posix().encode()
            content = path.read_bytes()
            sha.update(b"%d %s %d\n" % (len(name), name, len(content)) + content)
