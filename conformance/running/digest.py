"""Which suite made a run: the digest over what decides about cases and verdicts."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_DECIDING = ("reference", "adapters", "conformance")
_NO_SOURCE = frozenset({".pyc", ".pyo", ".md", ".so"})
"""What is made of sources, or written for people."""


@functools.cache
def suite_digest() -> str:
    """SHA-256 of the oracles, adapters with their kernels, clauses and corpus of this suite.

    Reports, their templates and the documentation are not in it: they change no verdict.
    """
    return digest_of(_ROOT)


def digest_of(root: Path) -> str:
    """The digest of a checkout, or of an installed suite: names and bytes of sources and data."""
    sha = hashlib.sha256()
    for folder in _DECIDING:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and path.suffix not in _NO_SOURCE and "__pycache__" not in path.parts:
                name = path.relative_to(root).as_posix().encode()
                content = path.read_bytes()
                sha.update(b"%d %s %d\n" % (len(name), name, len(content)) + content)
    return f"sha256:{sha.hexdigest()}"
