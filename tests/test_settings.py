"""The settings of torch that are modes: each holds for one call, and is as before afterwards."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Generator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

PATH = Path(__file__).resolve().parent.parent / "adapters" / "torch_settings.py"


class Torch(SimpleNamespace):
    """As much of torch as the settings touch."""

    deterministic, default, inference = False, "float32", False
    float64, utils, __version__ = "float64", SimpleNamespace(deterministic=None), "2.13.0"

    def are_deterministic_algorithms_enabled(self) -> bool:
        """As torch says it."""
        return self.deterministic

    def use_deterministic_algorithms(self, mode: bool) -> None:
        """As torch sets it."""
        self.deterministic = mode

    def get_default_dtype(self) -> str:
        """As torch says it."""
        return self.default

    def set_default_dtype(self, dtype: str) -> None:
        """As torch sets it."""
        self.default = dtype

    @contextlib.contextmanager
    def inference_mode(self) -> Generator[None]:
        """As torch enters and leaves it."""
        self.inference = True
        yield
        self.inference = False

    def seen(self) -> tuple[bool, str, bool]:
        """Every setting."""
        return self.deterministic, self.default, self.inference


@pytest.fixture(name="settings")
def _settings() -> Any:
    spec = importlib.util.spec_from_file_location("torch_settings_alone", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("mode", "within"),
    [
        ("eager", (False, "float32", False)),
        ("inference", (False, "float32", True)),
        ("deterministic", (True, "float32", False)),
        ("float64_default", (False, "float64", False)),
    ],
)
def test_a_setting_holds_within_a_call_and_not_after(
    settings: ModuleType, mode: str, within: tuple[bool, str, bool]
) -> None:
    """Whatever it was before, and whether the call raises or not."""
    torch = Torch()
    with settings.under(torch, mode):
        assert torch.seen() == within
    assert torch.seen() == (False, "float32", False)

    torch = Torch(deterministic=True, default="float16")
    with contextlib.suppress(ValueError), settings.under(torch, mode):
        if mode != "inference":
            raise ValueError
    assert torch.seen() == (True, "float16", False)


def test_a_version_that_lacks_a_setting_says_which(settings: ModuleType) -> None:
    """As a mode that is left out."""
    assert settings.missing(Torch()) == {}
    old = SimpleNamespace(__version__="1.8.0", utils=SimpleNamespace())
    assert settings.missing(old) == {
        "inference": "torch 1.8.0 has no torch.inference_mode",
        "deterministic": "torch 1.8.0 has no torch.utils.deterministic",
    }
