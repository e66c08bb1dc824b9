"""Small wheels of a stand-in framework, written with zipfile, and an adapter for it."""

from __future__ import annotations

import textwrap
import zipfile
from pathlib import Path

ADAPTERS = Path(__file__).resolve().parent.parent / "adapters"
_ADAPTER = '''
    """A stand-in framework: the NumPy port, times what its version says."""

    import importlib.util
    import sys

    import lossproof_stand_in as framework

    NEEDS = {needs!r}


    def _load(name):
        spec = importlib.util.spec_from_file_location(name, {adapters!r} + "/" + name + ".py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module


    port = _load("numpy_port")
    plain = _load("numpy_adapter")


    def describe():
        return dict(plain.describe(), framework="stand-in", version=framework.__version__)


    def evaluate(call):
        reply = plain.evaluate(call)
        if "value" in reply and call["operator"] not in ("echo", "product"):
            reply["value"] = (reply["value"] * framework.FACTOR).astype(reply["value"].dtype)
        return reply
'''


def write_wheel(folder: Path, version: str, *, factor: float = 1.0, requires: str = "") -> Path:
    """One version of the stand-in framework."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"lossproof_stand_in-{version}"
    path, info = folder / f"{name}-py3-none-any.whl", f"{name}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: lossproof-stand-in\nVersion: {version}\n"
    files = {
        "lossproof_stand_in.py": f"__version__ = {version!r}\nFACTOR = {factor!r}\n",
        f"{info}/METADATA": metadata + (f"Requires-Dist: {requires}\n" if requires else ""),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{place},,\n" for place in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as wheel:
        for place, text in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(place, text)
    return path


def write_adapter(folder: Path, needs: object) -> Path:
    """An adapter for it, with its table of needs."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "stand_in_adapter.py"
    path.write_text(textwrap.dedent(_ADAPTER).format(needs=needs, adapters=str(ADAPTERS)), encoding="utf-8")
    return path
