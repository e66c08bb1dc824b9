"""Managed environments: what they need, which interpreter, unfinished ones, the list, removal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from conformance.environments import interpreters
from conformance.environments.installing import Programs, pip_settings, uv_options
from conformance.environments.interpreters import EnvironmentFailed, Interpreter, find_interpreter
from conformance.environments.making import Plan, has_version, make, plan
from conformance.environments.managed import MARKER, Environment, chosen, listed, remove
from conformance.environments.needs import needs_of
from conformance.running.discover import Spec, UsageError, built_in
from tests.wheels import write_adapter, write_wheel

ROOT = Path(__file__).resolve().parent.parent
ALONE = [{"packages": ["lossproof-stand-in=={version}"]}]


@pytest.fixture(autouse=True)
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of this test's own, and no package from elsewhere."""
    monkeypatch.setenv("LOSSPROOF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")


def planned(folder: Path, version: str = "1.0") -> Plan:
    """What the environment of a version of the stand-in is to be, its wheels in a folder."""
    spec = Spec("stand_in", write_adapter(folder, ALONE), version)
    return plan(spec, [str(folder / "wheels")], SpecifierSet())


def made(folder: Path, version: str = "1.0") -> Environment:
    """The environment itself."""
    return make(planned(folder, version), Programs(), lambda _: None)


@pytest.mark.parametrize(
    ("name", "version", "packages", "python"),
    [
        ("torch", "1.8.0", ("torch==1.8.0", "numpy<2"), "3.9.18"),
        ("torch", "2.2.2", ("torch==2.2.2", "numpy<2"), "3.12.1"),
        ("torch", "2.4.1", ("torch==2.4.1", "numpy"), "3.11.7"),
        ("jax", "0.10.2", ("jax==0.10.2", "numpy"), "3.11.7"),
        ("jax", "0.4.20", ("jax[cpu]==0.4.20", "numpy<2"), "3.9.18"),
        ("tensorflow", "2.21.0", ("tensorflow-cpu==2.21.0", "numpy"), "3.13.0"),
        ("mindspore", "2.9.0", ("mindspore==2.9.0", "numpy<2"), "3.9.18"),
        ("numpy", "2.4.6", ("numpy==2.4.6",), "3.11.7"),
    ],
)
def test_what_a_version_needs_stands_in_its_adapter(
    name: str, version: str, packages: tuple[str, ...], python: str
) -> None:
    """The first row that holds the version decides; the file is not imported."""
    needs = needs_of(Spec(name, built_in()[name], version))

    assert needs.packages == packages
    assert needs.python.contains(python)
    assert name not in sys.modules or name == "numpy"


def test_torch_brings_what_its_mode_onnx_needs_in_the_versions_of_the_main_job() -> None:
    """The pins of tox.ini."""
    settings = (ROOT / "tox.ini").read_text(encoding="utf-8")
    packages = needs_of(Spec("torch", built_in()["torch"], "2.13.0")).packages

    pinned = [package.split("==") for package in packages if package.startswith("onnx")]
    assert [name for name, _ in pinned] == ["onnx", "onnxruntime", "onnxscript"]
    assert all(f"{name}=={{env:{name.upper()}_VERSION:{version}}}" in settings for name, version in pinned)


def test_needs_are_read_without_importing_the_adapter(tmp_path: Path) -> None:
    """An adapter whose import fails; without a row that matches it is the version and NumPy."""
    adapter = tmp_path / "mine_adapter.py"
    text = "raise SystemExit\nNEEDS = [{'versions': '<2', 'packages': ['{name}-core=={version}']}]\n"
    adapter.write_text(text, encoding="utf-8")

    assert needs_of(Spec("mine", adapter, "1.5")).packages == ("mine-core==1.5",)
    assert needs_of(Spec("mine", adapter, "1.5")).project == "mine-core"
    assert needs_of(Spec("mine", adapter, "2.0")).packages == ("mine==2.0", "numpy")


@pytest.mark.parametrize("table", ["[open('x')]", "[{'verions': '<2'}, 3]", "[{'versions': 'two'}]"])
def test_needs_that_cannot_be_read_name_the_file(tmp_path: Path, table: str) -> None:
    """A call, a row that is no row, a range that is none."""
    adapter = tmp_path / "mine_adapter.py"
    adapter.write_text(f"NEEDS = {table}\n", encoding="utf-8")

    with pytest.raises(UsageError, match=r"mine_adapter\.py: NEEDS"):
        needs_of(Spec("mine", adapter, "1.0"))


def test_the_current_interpreter_comes_first_then_the_newest_that_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A candidate that does not say its version, as a shim of pyenv may not, is passed over."""
    monkeypatch.setattr(interpreters, "_candidates", lambda: iter(["/bin/false", "/nowhere/python", sys.executable]))
    here = interpreters.current()
    monkeypatch.setattr(interpreters, "current", lambda: Interpreter("old", "3.1.4", "linux"))

    assert find_interpreter(SpecifierSet("<3.2")).path == "old"
    assert find_interpreter(SpecifierSet(">=3.8")).version == here.version


def test_a_missing_interpreter_is_one_line_with_what_suits_and_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both, so that it is clear what to install."""
    monkeypatch.setattr(interpreters, "_candidates", lambda: iter([sys.executable]))

    with pytest.raises(EnvironmentFailed) as failed:
        find_interpreter(SpecifierSet("<3.7,>=3.6"))
    assert str(failed.value) == f"needs Python >=3.6,<3.7; this machine has {interpreters.current().version}"


def test_pips_settings_reach_uv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Environment variables above files; uv reads neither."""
    configuration = tmp_path / "pip.conf"
    configuration.write_text("[global]\nindex-url = https://one/simple\nfind-links = /a\n\t/b\n", encoding="utf-8")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(configuration))
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_FIND_LINKS", "/c /d")

    options = " ".join(uv_options(pip_settings(), ["/e"]))
    assert options.startswith("--find-links /e --find-links /c --find-links /d --")
    assert "--default-index https://one/simple" in options
    assert options.endswith("--index-strategy unsafe-best-match")


def test_an_environment_is_made_once_and_says_what_it_holds(tmp_path: Path) -> None:
    """The marker, the name, and no second installation."""
    write_wheel(tmp_path / "wheels", "1.0")
    environment = made(tmp_path)

    held = environment.marker
    assert held is not None
    assert (held.framework, held.version) == ("stand_in", "1.0")
    assert held.installed["lossproof-stand-in"] == "1.0"
    assert environment.name.startswith(f"stand_in-1.0-py{interpreters.current().minor}-")
    made_at = (environment.folder / MARKER).stat().st_mtime_ns
    assert made(tmp_path) == environment
    assert (environment.folder / MARKER).stat().st_mtime_ns == made_at


def test_an_unfinished_environment_is_made_anew(tmp_path: Path) -> None:
    """One without its marker, with half of its files."""
    write_wheel(tmp_path / "wheels", "1.0")
    folder = planned(tmp_path).environment.folder
    (folder / "half").mkdir(parents=True)

    assert [one.marker for one in listed()] == [None]
    assert made(tmp_path).marker is not None
    assert not (folder / "half").exists()


def test_a_wheel_that_was_built_anew_is_another_environment(tmp_path: Path) -> None:
    """Same name, same version, other content."""
    write_wheel(tmp_path / "wheels", "1.0")
    before = planned(tmp_path).environment
    write_wheel(tmp_path / "wheels", "1.0", factor=2.25)

    assert planned(tmp_path).environment != before


def test_a_version_that_does_not_install_says_why_and_where_the_log_lies(tmp_path: Path) -> None:
    """Pip's last words, in one line."""
    write_wheel(tmp_path / "wheels", "1.0", requires="lossproof-of-nothing>=9")

    with pytest.raises(EnvironmentFailed) as failed:
        made(tmp_path)
    words, _, log = str(failed.value).partition(" (log: ")
    assert words.startswith("ERROR: No matching distribution found for lossproof-of-nothing>=9")
    assert "No matching distribution" in Path(log.rstrip(")")).read_text(encoding="utf-8")
    assert [one.marker for one in listed()] == [None]


def test_environments_are_removed_by_name_or_pattern(tmp_path: Path) -> None:
    """What does not match stays; a pattern that matches nothing is a wrong word."""
    root = tmp_path / "cache" / "environments"
    for name in ("torch-1.8.0-py3.9-0", "torch-2.13.0-py3.11-0", "jax-0.10.2-py3.11-0"):
        (root / name / "bin").mkdir(parents=True)
        (root / name / "bin" / "file").write_text("four", encoding="utf-8")

    assert [one.size() for one in listed()] == [4, 4, 4]
    for one in chosen(["torch-*"]):
        remove(one, lambda _: None)
    assert [path.name for path in root.iterdir()] == ["jax-0.10.2-py3.11-0"]
    with pytest.raises(UsageError, match=r"torch-\*: no such environment; there are jax-0\.10\.2-py3\.11-0"):
        chosen(["torch-*"])


def test_the_current_interpreter_is_used_for_the_version_that_it_has() -> None:
    """The very version, as the distribution says it."""
    import numpy as np

    assert has_version(Spec("numpy", built_in()["numpy"], np.__version__))
    assert not has_version(Spec("numpy", built_in()["numpy"], "1.0.99"))
    assert not has_version(Spec("mindspore", built_in()["mindspore"], "2.10.0"))


HEEDS_INTERRUPTS = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Starts a program that heeds Ctrl-C, also where this one was started in the background and does not."""


def _waiting_uv(folder: Path) -> Path:
    """An installer that never ends, and has a child that does not either; it leaves its process's number."""
    program = folder / "uv"
    folder.mkdir()
    text = f'#!/bin/sh\n[ "$1" = python ] && exit 1\necho $$ > {folder}/pid\necho waiting\nsleep 50\n'
    program.write_text(text, encoding="utf-8")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_build_goes_on_with_the_same_command(tmp_path: Path, how: signal.Signals) -> None:
    """Ctrl-C ends the installers; after a kill the lock is held until they end, and then the build starts anew."""
    write_wheel(tmp_path / "wheels", "1.0")
    adapter = write_adapter(tmp_path, ALONE)
    links = ["--find-links", str(tmp_path / "wheels")]
    command = [sys.executable, str(ROOT / "lossproof.py"), "run", f"{adapter}==1.0", *links, "--out", str(tmp_path)]
    uv, log = _waiting_uv(tmp_path / "bin"), planned(tmp_path).environment.log
    environ = {**os.environ, "PATH": f"{uv.parent}:{os.environ['PATH']}"}
    heeds = [sys.executable, "-c", HEEDS_INTERRUPTS, *command]
    with subprocess.Popen(heeds, env=environ, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as first:
        while not (log.exists() and "waiting" in log.read_text(encoding="utf-8")):
            assert first.poll() is None
            time.sleep(0.05)
        first.send_signal(how)
        first.wait(timeout=120)
        installer = int((uv.parent / "pid").read_text(encoding="utf-8"))
        waits: list[str] = []

        def told(words: str) -> None:
            waits.append(words)
            if how == signal.SIGKILL and words.startswith("another process"):
                os.killpg(installer, signal.SIGTERM)  # once the second build waits for it

        environment = make(planned(tmp_path), Programs(), told)
        said = first.stderr.read() if first.stderr else ""

    assert environment.marker is not None
    waited = "another process is at it; waiting for its end" in waits
    assert (first.returncode, "interrupted" in said, waited) == (
        (130, True, False) if how == signal.SIGINT else (-signal.SIGKILL, False, True)
    )
