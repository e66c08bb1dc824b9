"""Wheel and editable install give the command from any folder, beside a foreign ``adapters``."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOREIGN = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "adapters"
version = "9.9"

[tool.setuptools]
packages = ["adapters"]
"""
CHECK_FOREIGN = (
    "import lossproof, adapters; assert adapters.WHOSE == 'theirs'; lossproof.port('numpy'); import adapters; "
    "assert b'margin_backward' in lossproof.port('cupy').source()"
)
EXPECT = """\
import sys
before = list(sys.path), set(sys.modules)
import lossproof
assert sys.path == before[0]
fresh = {name.split(".")[0] for name in set(sys.modules) - before[1]}
assert not fresh & {"numpy", "flint", "_lossproof_reference"}
import numpy as np
from lossproof import Deviation, OracleError, expect, formula, words
expected = expect("multi_margin_loss", input=np.float32([[0.5, 0.25]]), target=[0], reduction="mean", p=2)
expected.check(np.float32(0.28125))
expected.check(np.float32([[-0.75, 0.75]]), of="input")
try:
    expected.check(np.float32(0.2812))
except Deviation as error:
    print(type(error).__module__, error)
own = formula(lambda x: words.softplus(x), x="N score")
assert abs(expect(own, x=[0.0]).value[0] - np.log(2)) < 1e-15
try:
    lossproof.losses
except AttributeError as error:
    print(error)
assert sys.path == before[0]
assert not {"adapters", "conformance", "reference", "reports", "torch", "jax"} & set(sys.modules)
"""


def call(*command: str | Path, cwd: Path) -> str:
    """A command that must succeed; its output."""
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A distribution of somebody else's that is called ``adapters``."""
    folder = tmp_path_factory.mktemp("foreign")
    (folder / "adapters").mkdir()
    (folder / "adapters" / "__init__.py").write_text("WHOSE = 'theirs'\n", encoding="utf-8")
    (folder / "pyproject.toml").write_text(FOREIGN, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    call(sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "--wheel-dir", folder, ROOT, cwd=folder)
    return next(folder.glob("lossproof-*.whl"))


@pytest.mark.parametrize("editable", [False, True], ids=["wheel", "editable"])
def test_an_install_works_from_an_empty_folder_beside_a_foreign_adapters(
    wheel: Path, foreign: Path, tmp_path: Path, editable: bool
) -> None:
    """Install both, run both, uninstall ours: theirs is untouched at every step."""
    environment, empty = tmp_path / "environment", tmp_path / "empty"
    venv.create(environment, with_pip=True)
    empty.mkdir()
    python, command = environment / "bin" / "python", environment / "bin" / "lossproof"
    ours = ["--editable", ROOT] if editable else [wheel]
    call(python, "-m", "pip", "install", "--quiet", foreign, *ours, cwd=empty)

    call(command, "run", "numpy", "--profile", "quick", "--operator", "soft_margin_loss", cwd=empty)
    printed = call(command, "report", "runs", "--site", "site", cwd=empty)
    call(python, "-c", CHECK_FOREIGN, cwd=empty)
    assert_it_expects(call(python, "-c", EXPECT, cwd=empty))
    call(python, "-m", "pip", "uninstall", "--quiet", "--yes", "lossproof", cwd=empty)
    theirs = call(python, "-c", "import adapters; print(adapters.WHOSE)", cwd=empty)

    assert theirs == "theirs\n"
    assert str(empty / "site" / "index.html") in printed
    assert sorted(path.name for path in empty.iterdir()) == ["runs", "site"]
    assert list(environment.rglob("lossproof_suite/**/*.py")) == []


def assert_it_expects(printed: str) -> None:
    """The deviation and the refusal that the program prints."""
    lines = printed.splitlines()
    assert lines[0] == "lossproof multi_margin_loss, mean, float32: 1 of 1 elements outside the bound"
    assert lines[-1] == "module 'lossproof' has no attribute 'losses'"


def test_an_expectation_is_derived_without_touching_the_import_path() -> None:
    """What it needs is loaded when it is first called, under a private name."""
    assert_it_expects(call(sys.executable, "-c", EXPECT, cwd=ROOT))


def test_beside_a_foreign_reference_both_are_what_they_are(tmp_path: Path) -> None:
    """A package of somebody else's that is called ``reference`` is neither used nor replaced."""
    (tmp_path / "reference.py").write_text("WHOSE = 'theirs'\n", encoding="utf-8")
    program = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]\n"
        "import reference, lossproof\n"
        "assert lossproof.expect('soft_margin_loss', input=[0.0], target=[1]).value.shape == (1,)\n"
        "assert sys.modules['reference'] is reference\n"
        "print(reference.WHOSE)"
    )

    assert call(sys.executable, "-c", program, cwd=tmp_path) == "theirs\n"


def test_the_command_line_and_a_users_formula_share_one_reference() -> None:
    """A formula that is made in its process is one that the suite takes."""
    program = (
        "import reference.engine.words, reference.arguments, lossproof\n"
        "assert lossproof.words is reference.engine.words\n"
        "assert lossproof.OracleError is reference.arguments.OracleError"
    )

    call(sys.executable, "-c", program, cwd=ROOT)


def test_a_port_is_loaded_without_touching_the_import_path() -> None:
    """Importing lossproof changes neither the path nor the names of other people's packages."""
    program = (
        "import sys; before = list(sys.path), set(sys.modules)\n"
        "import lossproof; port = lossproof.port('numpy')\n"
        "import numpy as np\n"
        "print(port.multilabel_margin_loss(np.array([[0.1, 0.2, 0.4, 0.8]]), np.array([[3, 0, -1, 1]])))\n"
        "assert sys.path == before[0]\n"
        "assert not {'adapters', 'reference', 'reports', 'conformance'} & set(sys.modules)\n"
        "assert lossproof.port('numpy') is port\n"
    )

    assert call(sys.executable, "-c", program, cwd=ROOT).startswith("0.85")


def test_an_unknown_port_is_refused_with_what_there_is() -> None:
    """The names that can be asked for."""
    program = "import lossproof; lossproof.port('keras')"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: port 'keras': no such port; there are cupy, jax, mindspore, numpy, tensorflow, torch"
    )
