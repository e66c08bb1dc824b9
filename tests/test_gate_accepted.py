"""Accepted deviations: what an entry covers, and when it is stale."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.accepted import AcceptedError, read_accepted
from tests.gated import FORMULA, Edit, deviating, gated, lossproof, only, real_run, rewritten, witness


@pytest.fixture(scope="module")
def conforming(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real run in which all conforms."""
    return real_run(tmp_path_factory.mktemp("runs"))


ENTRY = """\
[[accepted]]
clause = "margin.value.documented-formula"
framework = "numpy"
versions = ">=1"
variants = ["port eager cpu *"]
signature = "deviates: finite"
share_of_bound = 100.0
why = "only where labels follow a -1, which our data never has"
upstream = "https://example.org/1"
"""


def accepted(folder: Path, text: str = ENTRY) -> Path:
    """A file of accepted deviations."""
    path = folder / "accepted.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_accepted_deviation_passes(conforming: Path, tmp_path: Path) -> None:
    """It stays in its class and is counted as accepted."""
    candidate = rewritten(conforming, tmp_path / "after.jsonl", deviating())

    outcome = gated(conforming, candidate, "--accepted", accepted(tmp_path))

    assert outcome.exit_code == 0, outcome.output
    assert "regressed              1  (1 accepted)" in outcome.output


@pytest.mark.parametrize(
    ("other", "because"),
    [
        (deviating("nan"), "seen instead: deviates: nan"),
        (deviating(share=2000.0), "another magnitude is seen: 2000 times the bound, not 100"),
    ],
)
def test_another_deviation_under_an_accepted_clause_is_not_covered(
    conforming: Path, tmp_path: Path, other: Edit, because: str
) -> None:
    """Another kind, or another magnitude: it regressed, and the entry is stale besides."""
    candidate = rewritten(conforming, tmp_path / "after.jsonl", other)

    outcome = gated(conforming, candidate, "--accepted", accepted(tmp_path))

    assert outcome.exit_code == 1
    assert "stale: margin.value.documented-formula in numpy >=1, deviates: finite: only where" in outcome.output
    assert f"({because})" in outcome.output


def test_what_has_no_magnitude_is_told_without_one(conforming: Path, tmp_path: Path) -> None:
    """NaN has none, nor has a wrong number whose error no clause measured."""
    nan = rewritten(conforming, tmp_path / "nan.jsonl", deviating("nan"))
    entry = accepted(tmp_path, ENTRY.replace("deviates: finite", "deviates: nan"))
    unmeasured = only(FORMULA, verdict="deviates", problem="finite", worst=None, counterexample=witness())

    stale = gated(nan, nan, "--accepted", entry)
    changed = gated(
        rewritten(conforming, tmp_path / "a.jsonl", deviating()),
        rewritten(conforming, tmp_path / "b.jsonl", unmeasured),
    )

    assert stale.exit_code == 3
    assert "another magnitude is seen: none, not 100" in stale.output
    assert changed.exit_code == 1
    assert "100 times the bound before, none now" in changed.output


def test_an_entry_that_matches_nothing_is_stale(conforming: Path, tmp_path: Path) -> None:
    """Exit status 3; where its clause was not asked, or for other versions, nothing is said."""
    asked = accepted(tmp_path)

    assert gated(conforming, conforming, "--accepted", asked).exit_code == 3
    for old, new in ((">=1", "<1"), ("documented-formula", "another"), ('"numpy"', '"torch"'), ("cpu *", "gpu *")):
        assert gated(conforming, conforming, "--accepted", accepted(tmp_path, ENTRY.replace(old, new))).exit_code == 0


def test_an_entry_covers_nothing_after_its_date(conforming: Path, tmp_path: Path) -> None:
    """The deviation counts again, and the entry is stale."""
    candidate = rewritten(conforming, tmp_path / "after.jsonl", deviating())
    past, future = (accepted(tmp_path, f"{ENTRY}until = {year}-01-01\n") for year in (2020, 2999))

    assert gated(conforming, candidate, "--accepted", future).exit_code == 0
    accepted(tmp_path, f"{ENTRY}until = 2020-01-01\n")
    assert gated(conforming, candidate, "--accepted", past).exit_code == 1
    assert [entry.until is not None for entry in read_accepted([past])] == [True]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ENTRY.replace("only where labels follow a -1, which our data never has", ""), "entry 1, margin.value.documen"),
        (ENTRY.replace("why", "because"), "unknown field `because`"),
        (ENTRY.replace(">=1", "newer"), "versions: Invalid specifier"),
        (ENTRY.replace("[[accepted]]", "[[accepted"), "accepted.toml: "),
    ],
)
def test_a_file_of_accepted_deviations_that_cannot_be_used_is_named(tmp_path: Path, text: str, words: str) -> None:
    """With its entry, before anything is compared."""
    with pytest.raises(AcceptedError, match=r"accepted\.toml") as raised:
        read_accepted([accepted(tmp_path, text)])

    assert words in str(raised.value)


def test_entries_are_drafted_from_a_run(conforming: Path, tmp_path: Path) -> None:
    """One for each deviation that no entry covers yet; where it has no reason, the gate asks for one."""
    candidate = rewritten(conforming, tmp_path / "after.jsonl", deviating())
    path = tmp_path / "numpy.toml"

    drafted = lossproof("accept", candidate, "--to", path, "--why", "known", "--until", "2999-12-31")
    again = lossproof("accept", candidate, "--to", path, "--why", "known")

    assert drafted.output == f"1 entry added to {path}\n"
    assert again.output == "no deviation that no entry covers; nothing was written\n"
    entry = read_accepted([path])[0]
    assert (entry.clause, entry.signature, entry.share_of_bound) == (FORMULA, "deviates: finite", 100.0)
    assert gated(conforming, candidate, "--accepted", path).exit_code == 0
    silent = tmp_path / "silent.toml"
    assert "say in each `why`" in lossproof("accept", candidate, "--to", silent).output
    asked = gated(conforming, candidate, "--accepted", silent)
    assert asked.exit_code == 2
    assert "say in `why` what makes it acceptable" in asked.output
