"""Dependencies point one way, adapters keep to Python 3.8, and nothing forbidden appears."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

import lossproof
from conformance.running.discover import built_in
from reports.run_files import json_schema
from tests.sizes import functions, parsed

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("reference", "adapters", "conformance", "reports")
STANDARD = {
    "conformance": {"click", "rich", "msgspec", "packaging", "platformdirs"},
    "adapters": {"execnet"},
}
ALLOWED = {
    "reference": {"reference", "numpy", "flint"},
    "adapters": {"adapters", "numpy"} | STANDARD["adapters"],
    "conformance": {"conformance", "reference", "adapters", "reports", "numpy"} | STANDARD["conformance"],
    "reports": {"reports", "msgspec", "jinja2", "packaging", "tomli_w"},
}
OURS = {*PACKAGES, "tests", "lossproof"}
SUBJECT_SIDE = (
    *("*_adapter.py", "*_port.py", "*_offers.py", "*_programs.py", "*_derivatives.py", "*_settings.py"),
    *("cuda/*.py", "worker*.py"),
)
SUITE_SIDE = {"arrays", "constants", "contract", "description", "gateway"}


def sources(package: str) -> Iterator[tuple[Path, ast.Module]]:
    """Every Python file of a folder, parsed."""
    for path in sorted((ROOT / package).rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(tree: ast.Module, path: Path | None = None) -> set[str]:
    """Full names of the modules that a file imports; relative ones are resolved if the file is known."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= _from(node, path)
    return names


def _from(node: ast.ImportFrom, path: Path | None) -> set[str]:
    if not node.level:
        return {node.module or ""}
    if path is None:
        return set()
    package = list(path.relative_to(ROOT).parts[: -node.level])
    if node.module:
        return {".".join([*package, node.module])}
    return {".".join([*package, alias.name]) for alias in node.names}


def third_party(names: set[str]) -> set[str]:
    """Top-level names that are ours or come from a distribution."""
    import sys

    return {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"__future__"}


@pytest.mark.parametrize("package", PACKAGES)
def test_dependencies_point_one_way(package: str) -> None:
    """Each folder imports what the design allows it to, and no more."""
    for path, tree in sources(package):
        if package == "adapters" and any(path.match(pattern) for pattern in SUBJECT_SIDE):
            continue
        assert third_party(imported(tree, path)) <= ALLOWED[package], path


def reached(module: str) -> set[str]:
    """Modules of ours that importing a module imports, itself included, however far away."""
    found, waiting = {module}, [module]
    while waiting:
        path = ROOT / (waiting.pop().replace(".", "/") + ".py")
        names = imported(ast.parse(path.read_text(encoding="utf-8")), path) if path.exists() else set[str]()
        fresh = {name for name in names if name.split(".")[0] in OURS} - found
        found |= fresh
        waiting += fresh
    return found


@pytest.mark.parametrize(
    ("first", "second"),
    [("reference.margin", "reference.margin_exact"), ("reference.soft_margin", "reference.soft_margin_decimal")],
)
def test_two_oracles_share_no_code(first: str, second: str) -> None:
    """What they import of ours has nothing in common, so that they do not err together."""
    assert not reached(first) & reached(second)
    assert len(reached(first)) > 4


def test_conformance_imports_no_adapter_and_of_the_reports_its_record_only() -> None:
    """Only the command line brings runs and reports together."""
    for path, tree in sources("conformance"):
        for name in imported(tree):
            assert not name.startswith("adapters.") or name.split(".")[1] in SUITE_SIDE, path
            if name.startswith("reports.") and path.parent.name != "command":
                assert name in {"reports.record", "reports.lines", "reports.run_files"}, path


def test_nothing_imports_the_command_line() -> None:
    """The command line is the end of the chain; ``lossproof.py`` starts it."""
    for package in (*PACKAGES, "tests"):
        for path, tree in sources(package):
            assert "conformance.command.cli" not in imported(tree) or path.name in {
                "test_adapters.py",
                "test_cli.py",
                "test_functions.py",
                "gated.py",
                "test_check.py",
                "test_check_options.py",
                "test_effects.py",
                "test_corpus.py",
                "test_costs.py",
                "test_upgrade.py",
                "test_zoo_record.py",
            }, path


def test_adapters_run_beside_their_framework_alone() -> None:
    """Syntax of Python 3.8; NumPy, the own framework and the own port, nothing of ours."""
    for pattern in SUBJECT_SIDE:
        for path in sorted((ROOT / "adapters").glob(pattern)):
            text = path.read_text(encoding="utf-8")
            tree = ast.parse(text, feature_version=(3, 8))
            framework = path.stem.split("_")[0]
            assert third_party(imported(tree)) <= {"numpy", framework}, path
            assert not imported(tree) & {f"adapters.{name}" for name in SUITE_SIDE}, path


def test_every_adapter_is_a_subject() -> None:
    """One word on the command line for each file."""
    assert set(built_in()) == {"numpy", "torch", "jax", "tensorflow", "mindspore", "cupy"}


def test_no_file_has_a_name_that_says_nothing() -> None:
    """What a file is for stands in its name."""
    for package in (*PACKAGES, "tests", "benchmarks"):
        for path, _ in sources(package):
            assert path.stem not in {"utils", "helpers", "common", "misc"}, path


STILL_LONG = {
    "lossproof.py": "its docstrings are the user's manual",
}
"""Files whose functions may be longer than the others, and why."""


def our_files() -> Iterator[Path]:
    """Every Python file of the checkout that people write."""
    for folder in (*PACKAGES, "tests", "benchmarks", ".ci"):
        yield from sorted((ROOT / folder).rglob("*.py"))
    yield ROOT / "lossproof.py"


def test_files_and_functions_are_short() -> None:
    """300 lines a file; 40 a function, its docstring included."""
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in our_files()}
    long = [
        f"{path.relative_to(ROOT)}: {size.name} has {size.lines}"
        for path in our_files()
        for size in functions(parsed(path))
        if size.lines > 40 and path.relative_to(ROOT).as_posix() not in STILL_LONG
    ]

    assert {path: count for path, count in lines.items() if count > 300} == {}
    assert long == []


def test_functions_branch_ten_times_at_most() -> None:
    """McCabe's complexity as radon counts it; an assertion is a branch."""
    found: set[str] = set()
    for path in our_files():
        name = path.relative_to(ROOT).as_posix()
        for size in functions(parsed(path)):
            found |= {f"{name}: {size.name}"} if size.complexity > 10 else set()

    assert found == set()


def test_complexity_is_counted_as_radon_counts_it() -> None:
    """Each construct once, and a function inside another by itself."""
    text = """
def outer(a, b):
    if a and b or not a:
        return [x for x in a if x if b]
    for _ in a:
        pass
    else:
        assert a or b
    def inner():
        return a if b else 0
    try:
        return inner()
    except KeyError:
        return lambda: a
"""
    sizes = {size.name: size for size in functions(ast.parse(text))}

    assert sizes["outer"].complexity == 1 + 3 + 3 + 2 + 1 + 1
    assert sizes["inner"].complexity == 2
    assert sizes["inner"].lines == 2


def test_the_packages_of_the_wheel_are_all_packages() -> None:
    """A new folder is not forgotten in ``pyproject.toml``."""
    import tomllib

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    folders = {
        path.parent.relative_to(ROOT).as_posix() for name in PACKAGES for path in (ROOT / name).rglob("__init__.py")
    }

    homes = {name: folder for name, folder in settings["package-dir"].items() if name != "lossproof-stubs"}

    assert {name.removeprefix("lossproof_suite.").replace(".", "/") for name in homes} == folders
    assert set(settings["packages"]) == set(settings["package-dir"])
    assert set(homes.values()) == folders


def test_what_type_checkers_read_is_what_the_module_has() -> None:
    """The stub has each public name, and each function with the same arguments and result."""

    def functions(path: Path) -> dict[str, tuple[str, str]]:
        found = [node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)]
        return {
            node.name: (ast.unparse(node.args), ast.unparse(node.returns or ast.Constant(None)))
            for node in found
            if not node.name.startswith("_")
        }

    stub = ROOT / "stubs" / "lossproof-stubs" / "__init__.pyi"
    imports = [node for node in ast.parse(stub.read_text(encoding="utf-8")).body if isinstance(node, ast.ImportFrom)]
    names = {alias.asname for node in imports for alias in node.names if alias.asname}

    assert functions(stub) == functions(ROOT / "lossproof.py")
    assert names | set(functions(stub)) == set(lossproof.__all__)


def test_the_schema_file_is_the_records_schema() -> None:
    """``reports/run.schema.json`` is what the record says, closed, and a valid schema."""
    stored = json.loads((ROOT / "reports" / "run.schema.json").read_text(encoding="utf-8"))

    jsonschema.Draft202012Validator.check_schema(stored)
    assert stored == json_schema()
    objects = [part for part in stored["$defs"].values() if part["type"] == "object"]
    assert all(part["additionalProperties"] is False for part in objects)


ROOMS = ("command", "environments", "running", "operators", "families", "judging", "cases")


def test_the_rooms_of_conformance_import_downwards() -> None:
    """Each room imports itself and the rooms below it, never one above; nothing lies beside the rooms."""
    assert {path.name for path in (ROOT / "conformance").iterdir() if path.is_dir()} - {"__pycache__"} == set(ROOMS)
    assert [path.name for path in (ROOT / "conformance").glob("*.py")] == ["__init__.py"]
    for path, tree in sources("conformance"):
        if path.parent == ROOT / "conformance":
            continue
        room = path.relative_to(ROOT / "conformance").parts[0]
        below = ROOMS[ROOMS.index(room) :]
        for name in imported(tree):
            if name.startswith("conformance."):
                assert name.split(".")[1] in below, f"{path}: imports {name}"
