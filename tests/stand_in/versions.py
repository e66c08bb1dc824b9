"""The stand-in framework: the NumPy adapter and port under another name, with changes planted in their text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
ADAPTERS = ROOT / "adapters"

_FRAMEWORK = """\
        "framework": "stand_in",
        "version": VERSION,"""
_LAZY = """
    function, slope = LAZY.get(call["mode"], lambda both: both)((function, slope))
    positional = ["""
_NUMPY_FRAMEWORK = """\
        "framework": "numpy",
        "version": np.__version__,"""


class Edit(NamedTuple):
    """One replacement in the text of a file: the text must stand there exactly once."""

    old: str
    new: str
    file: str = "port"


def write_version(folder: Path, version: str, edits: Sequence[Edit] = ()) -> Path:
    """Write the stand-in into a folder, and give back its adapter.

    Its functions count as a framework's own, which may refuse what they like. It has two modes,
    ``eager`` and ``lazy``, which do the same until an edit makes a difference.
    """
    texts = {name: (ADAPTERS / f"numpy_{name}.py").read_text(encoding="utf-8") for name in ("adapter", "port")}
    own = [
        Edit(_NUMPY_FRAMEWORK, _FRAMEWORK, "adapter"),
        Edit('"modes": ["eager"]', '"modes": ["eager", "lazy"]', "adapter"),
        Edit('{"eager": "$call"}', '{"eager": "$call", "lazy": "$call"}', "adapter"),
        Edit("\n    positional = [", _LAZY, "adapter"),
        Edit('"forms": ["port"]', '"forms": ["native"]', "adapter"),
        Edit('call={"port": ', 'call={"native": ', "adapter"),
        Edit('import_module("numpy_port")', 'import_module("stand_in_port")', "adapter"),
        Edit('Path(__file__).resolve().parent.parent / "reference"', f"Path({str(ROOT)!r}) / 'reference'"),
        Edit("_BESIDE = ", f'VERSION = "{version}"\nLAZY = {{}}\n_BESIDE = ', "adapter"),
    ]
    for edit in (*own, *edits):
        if texts[edit.file].count(edit.old) != 1:
            raise ValueError(f"{edit.old!r} stands {texts[edit.file].count(edit.old)} times in the {edit.file}")
        texts[edit.file] = texts[edit.file].replace(edit.old, edit.new)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / f"stand_in_{name}.py").write_text(text, encoding="utf-8")
    return folder / "stand_in_adapter.py"
