"""lossproof upgrade, --bisect and envs, and run with versions, on a stand-in framework of four small wheels."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from conformance.command.bisection import Answer, halve
from conformance.command.cli import cli
from conformance.command.upgrade import shared_python
from conformance.environments.versions import releases_between
from conformance.running.discover import Spec, built_in
from reports.run_files import read_run
from tests.wheels import write_adapter, write_wheel

FEW = ("--clause", "margin.value.d*", "--dtype", "float32")
FORMULA = "margin.value.documented-formula"


def lossproof(*words: str | Path) -> Result:
    """The command line, in this process."""
    return CliRunner().invoke(cli, [str(word) for word in words])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Four versions of the stand-in: 1.2 does not install, 1.3 is wrong by a quarter; one cache for all tests."""
    folder = tmp_path_factory.mktemp("upgrade")
    for version in ("1.0", "1.1"):
        write_wheel(folder / "wheels", version)
    write_wheel(folder / "wheels", "1.2", factor=1.25, requires="lossproof-of-nothing>=9")
    write_wheel(folder / "wheels", "1.3", factor=1.25)
    write_wheel(folder / "wheels", "1.3rc1")
    write_adapter(folder, [{"packages": ["lossproof-stand-in=={version}", "numpy"]}])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOSSPROOF_CACHE", str(folder / "cache"))
        yield folder


def upgrade(place: Path, first: str, last: str, *words: str | Path) -> Result:
    """The command on two versions of the stand-in."""
    links = ("--find-links", place / "wheels")
    return lossproof("upgrade", place / "stand_in_adapter.py", first, last, *links, "--profile", "quick", *words)


def test_an_upgrade_that_breaks_a_value_is_refused_and_shown(place: Path, tmp_path: Path) -> None:
    """Exit 1, the class and the clause, both run files and the page."""
    result = upgrade(place, "1.0", "1.3", *FEW, "--out", tmp_path)

    assert result.exit_code == 1, result.output
    assert "regressed" in result.stdout
    assert FORMULA in result.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "comparison.html",
        "stand-in-1.0.jsonl",
        "stand-in-1.3.jsonl",
    ]
    assert read_run(tmp_path / "stand-in-1.3.jsonl").header.subject.version == "1.3"


def test_what_is_there_is_not_made_again_unless_it_is_asked_for(place: Path, tmp_path: Path) -> None:
    """The second time the environments and the runs are kept; --fresh runs again."""
    upgrade(place, "1.0", "1.1", *FEW, "--out", tmp_path)
    before = read_run(tmp_path / "stand-in-1.0.jsonl").header.run
    again = upgrade(place, "1.0", "1.1", *FEW, "--out", tmp_path)

    assert again.exit_code == 0, again.output
    assert again.stderr.count("which is there") == 2
    assert again.stderr.count("kept, not run again") == 2
    assert read_run(tmp_path / "stand-in-1.0.jsonl").header.run == before
    upgrade(place, "1.0", "1.1", *FEW, "--out", tmp_path, "--fresh")
    assert read_run(tmp_path / "stand-in-1.0.jsonl").header.run != before
    other = upgrade(place, "1.0", "1.1", *FEW, "--out", tmp_path, "--seed", "1")
    assert "kept" not in other.stderr


def test_a_version_against_itself_is_run_twice_and_the_same(place: Path, tmp_path: Path) -> None:
    """Two runs, of which none is the other."""
    result = upgrade(place, "1.1", "1.1", *FEW, "--out", tmp_path)

    one, other = (read_run(tmp_path / f"stand-in-1.1{end}.jsonl") for end in ("", "-again"))
    assert result.exit_code == 0, result.output
    assert one.header.run != other.header.run
    assert [finding.cases_digest for finding in one.findings] == [finding.cases_digest for finding in other.findings]


def test_run_takes_versions_and_does_not_run_them_again(place: Path, tmp_path: Path) -> None:
    """A run of each; one that cannot be installed costs exit 4, and the others are run."""
    adapter, links = place / "stand_in_adapter.py", ("--find-links", place / "wheels", "--out", tmp_path)
    words = [f"{adapter}=={version}" for version in ("1.0", "1.2", "1.3")]
    result = lossproof("run", *words, *links, "--profile", "quick", *FEW, "--seed", "7")
    again = lossproof("run", words[0], *links, "--profile", "quick", *FEW, "--seed", "7")

    assert result.exit_code == 4
    assert "stand_in 1.2: ERROR: No matching distribution found for lossproof-of-nothing>=9" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["stand-in-1.0.jsonl", "stand-in-1.3.jsonl"]
    assert again.exit_code == 0
    assert "kept, not run again" in again.stderr


def test_bisecting_finds_the_first_version_that_differs(place: Path) -> None:
    """Over one that does not install, which is skipped and named; the answer as JSON too."""
    result = upgrade(place, "1.0", "1.3", "--bisect", FORMULA, "--dtype", "float32")
    in_json = upgrade(place, "1.0", "1.3", "--bisect", FORMULA, "--dtype", "float32", "--format", "json")

    assert result.exit_code == 1, result.output
    assert "1.2: skipped: stand_in 1.2: ERROR: No matching distribution found for lossproof-of" in result.stdout
    assert "1.1: as 1.0" in result.stdout
    answer = f"{FORMULA}: first differs in 1.3 (1.1 is as 1.0); or in 1.2, which could not be tried\n  regressed: "
    assert answer in result.stdout
    assert json.loads(in_json.stdout)["first"] == "1.3"
    assert json.loads(in_json.stdout)["skipped"] == ["1.2"]


def test_bisecting_versions_that_agree_says_so(place: Path) -> None:
    """Exit 0, and nothing between is tried."""
    result = upgrade(place, "1.0", "1.1", "--bisect", FORMULA, "--dtype", "float32")

    assert (result.exit_code, result.stdout) == (0, f"1.1: as 1.0\n{FORMULA}: 1.1 is as 1.0\n")


def test_releases_are_final_ones_between_both(place: Path) -> None:
    """Candidates are left out; a downgrade has them the other way round."""
    spec = Spec("stand_in", place / "stand_in_adapter.py")

    assert releases_between(spec, "1.0", "1.3", [str(place / "wheels")]) == ["1.1", "1.2"]
    assert releases_between(spec, "1.3", "1.0", [str(place / "wheels")]) == ["1.2", "1.1"]


@pytest.mark.parametrize("first", range(1, 12))
@pytest.mark.parametrize("gone", [(), (5,), (4, 5, 6), tuple(range(1, 11))])
def test_halving_finds_every_first_version_with_few_tries(first: int, gone: tuple[int, ...]) -> None:
    """The first that differs, or it is the next after those that could not be tried."""
    tried: list[int] = []

    def differs(version: str) -> bool | None:
        tried.append(int(version))
        return None if int(version) in gone else int(version) >= first

    answer = halve([str(number) for number in range(12)], differs)

    assert answer.first is not None
    candidates = {int(answer.first), *map(int, answer.skipped)}
    assert first in candidates
    assert candidates == set(range(int(answer.before) + 1, int(answer.first) + 1))
    assert len(tried) <= 5 + len(gone)


def test_halving_where_the_last_does_not_differ() -> None:
    """There is no first one."""
    assert halve(["1", "2"], lambda _: False) == Answer(None, "2", ())


def test_both_versions_get_the_same_python_where_one_suits_both() -> None:
    """Python is then no difference between them."""
    both = [Spec("numpy", built_in()["numpy"], version) for version in ("1.26.4", "2.5.5")]

    assert [version for version in ("3.11.7", "3.12.1", "3.13.0") if shared_python(both).contains(version)] == [
        "3.12.1"
    ]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["upgrade", "keras", "1", "2"], "subject keras: no such subject"),
        (["upgrade", "numpy", "two", "2.4.6"], "version two: this is no version"),
        (["upgrade", "numpy", "2.3.5", "2.4.6", "--clause", "x.*"], "--clause x.*: matches no clause"),
        (["upgrade", "numpy", "2.3.5", "2.4.6", "--operator", "hinge"], "--operator hinge: no such operator"),
        (["upgrade", "numpy", "2.3.5", "2.3.5", "--bisect", FORMULA], "there is nothing between 2.3.5 and 2.3.5"),
        (["envs", "--remove"], "--remove: name an environment"),
        (["envs", "--remove", "torch-*"], "torch-*: no such environment; there are none"),
    ],
)
def test_a_wrong_word_is_one_line_and_exit_2(
    words: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is made."""
    monkeypatch.setenv("LOSSPROOF_CACHE", str(tmp_path / "cache"))
    result = lossproof(*words)

    assert result.exit_code == 2
    assert says in result.stderr
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_environment_that_cannot_be_made_is_exit_4(place: Path, tmp_path: Path) -> None:
    """With pip's words; nothing is run."""
    result = upgrade(place, "1.0", "1.2", *FEW, "--out", tmp_path)

    assert result.exit_code == 4
    assert "lossproof: stand_in 1.2: ERROR: No matching distribution found for lossproof-of-nothing>=9" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_real_pair_is_the_same_throughout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NumPy 2.3.5 to 2.4.6; then the environments are listed, sized and removed."""
    monkeypatch.setenv("LOSSPROOF_CACHE", str(tmp_path / "cache"))
    result = lossproof("upgrade", "numpy", "2.3.5", "2.4.6", *FEW, "--out", tmp_path / "out")
    rows = json.loads(lossproof("envs", "--format", "json").stdout)
    text, markdown = lossproof("envs").stdout, lossproof("envs", "--format", "markdown").stdout
    one = lossproof("envs", "--remove", "numpy-2.3.5-*")
    everything = lossproof("envs", "--remove-all")

    assert result.exit_code == 0, result.output
    assert [row["version"] for row in rows] == ["2.3.5", "2.4.6"]
    assert all(row["bytes"] > 2**20 and row["made"] for row in rows)
    assert all(row["name"] in text and row["name"] in markdown for row in rows)
    assert one.stdout.startswith("numpy-2.3.5-py3")
    assert everything.stdout.startswith("numpy-2.4.6-py3")
    assert lossproof("envs").stdout == f"no environments in {tmp_path / 'cache'}\n"
    assert not (tmp_path / "cache" / "runs").exists()
