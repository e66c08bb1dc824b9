"""The gate's exit status, accepted deviations, and what it prints, on runs whose findings are made up."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from conformance.running.machine import this_machine
from reports.gate import NotComparable, compare
from reports.record import Finding
from reports.run_files import read_run
from tests.gated import FORMULA, NAN, REFUSED, Edit, deviating, gated, off_by, only, real_run, rewritten, witness


@pytest.fixture(scope="module")
def conforming(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real run in which all conforms."""
    return real_run(tmp_path_factory.mktemp("runs"))


EDITS: dict[str, tuple[Edit, Edit, int]] = {
    "same": (lambda found: found, lambda found: found, 0),
    "regressed": (lambda found: found, deviating(), 1),
    "fixed": (deviating(), lambda found: found, 0),
    "changed": (deviating(), deviating("nan"), 1),
    "same deviation": (deviating(), deviating(share=120.0), 0),
    "another magnitude": (deviating(), deviating(share=1000.0), 1),
    "another case": (deviating(), deviating(case=4), 1),
    "worse": (off_by(0.2), off_by(0.4), 5),
    "a little worse": (off_by(0.2), off_by(0.3), 0),
    "support lost": (lambda found: found, REFUSED, 6),
    "support gained": (REFUSED, lambda found: found, 0),
    "refused, then dead": (REFUSED, only(FORMULA, verdict="crashes", words="signal"), 1),
    "coverage lost": (lambda found: found, lambda found: None if found.clause == FORMULA else found, 6),
    "new": (lambda found: None if found.clause == FORMULA else found, lambda found: found, 0),
    "other cases": (lambda found: found, only(FORMULA, cases_digest="0123456789abcdef"), 4),
    "worse and lost": (
        lambda found: found,
        lambda found: None if found.clause == NAN else off_by(0.9)(found), 6,
    ),
}  # fmt: skip
"""Two edits of one run, and the exit status between them."""


@pytest.mark.parametrize("name", EDITS)
def test_the_exit_status_says_what_stands_against_an_upgrade(conforming: Path, tmp_path: Path, name: str) -> None:
    """As the design has it, the gravest of several."""
    before, after, status = EDITS[name]
    baseline = rewritten(conforming, tmp_path / "before.jsonl", before)
    candidate = rewritten(conforming, tmp_path / "after.jsonl", after)

    outcome = gated(baseline, candidate)

    assert outcome.exit_code == status, outcome.output
    assert ("nothing stands against" in outcome.output) is (status == 0)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"model": "EPYC 1"}, {"model": "EPYC 2"}),
        ({"model": "EPYC 1", "features": ["avx2"]}, {"model": "EPYC 1", "features": ["avx2", "avx512f"]}),
        ({}, {}),
        ({"model": "EPYC 1"}, {}),
    ],
    ids=["another model", "another feature", "nothing recorded", "not recorded in one"],
)
def test_a_larger_error_on_another_processor_is_told_and_stops_nothing(
    conforming: Path, tmp_path: Path, before: dict[str, object], after: dict[str, object]
) -> None:
    """A ratchet compares like with like; whoever wants it all the same names the class."""
    plain = {"processor": "x86_64", "cores": 2}
    baseline = rewritten(conforming, tmp_path / "before.jsonl", off_by(0.2), machine={**plain, **before})
    candidate = rewritten(conforming, tmp_path / "after.jsonl", off_by(0.4), machine={**plain, **after})

    outcome = gated(baseline, candidate)

    assert outcome.exit_code == 0, outcome.output
    assert "worse-elsewhere" in outcome.output
    assert gated(baseline, candidate, "--fail-on", "worse-elsewhere").exit_code == 5


def test_a_run_names_its_processor(conforming: Path) -> None:
    """Model and vector instructions, as far as Linux tells; two runs of this machine are alike."""
    machine = read_run(conforming).header.machine

    assert machine == this_machine()
    assert machine.model
    assert machine.computes_like(this_machine())


def test_the_classes_that_fail_can_be_chosen(conforming: Path, tmp_path: Path) -> None:
    """Fewer than usual, or more; a class without a status of its own gives 1."""
    candidate = rewritten(conforming, tmp_path / "after.jsonl", off_by(0.9))
    fixed = rewritten(conforming, tmp_path / "before.jsonl", deviating())

    assert gated(conforming, candidate, "--fail-on", "regressed,changed").exit_code == 0
    assert gated(conforming, candidate, "--factor", 100).exit_code == 0
    assert gated(fixed, conforming, "--fail-on", "fixed").exit_code == 1
    wrong = gated(fixed, conforming, "--fail-on", "worsened")
    assert gated(conforming, candidate, "--factor", "nan").exit_code == 2
    assert wrong.exit_code == 2
    assert "worsened: no such class; there are regressed" in wrong.output


def test_a_deviation_that_does_not_repeat_is_not_compared_in_its_details(conforming: Path, tmp_path: Path) -> None:
    """Memory that nobody wrote differs from run to run: that it deviates is the same."""
    before = only(FORMULA, verdict="deviates", counterexample=witness("7.0"), repeatable=False, problem="finite")
    after = only(FORMULA, verdict="deviates", counterexample=witness("nan"), repeatable=False, problem="nan")
    baseline = rewritten(conforming, tmp_path / "before.jsonl", before)

    assert gated(baseline, rewritten(conforming, tmp_path / "after.jsonl", after)).exit_code == 0


def test_a_crash_is_a_change_whatever_did_not_repeat_before(conforming: Path, tmp_path: Path) -> None:
    """A wrong number now and then is less than a dead process."""
    before = only(FORMULA, verdict="deviates", counterexample=witness("7.0"), repeatable=False, problem="finite")
    after = only(FORMULA, verdict="crashes", counterexample=witness("7.0"), repeatable=True, words="signal SIGSEGV")
    baseline = rewritten(conforming, tmp_path / "before.jsonl", before)

    assert gated(baseline, rewritten(conforming, tmp_path / "after.jsonl", after)).exit_code == 1


def test_a_regression_that_does_not_repeat_says_so(conforming: Path, tmp_path: Path) -> None:
    """It was seen, so it stops the upgrade; the reader must know that it may be gone the next time."""
    once = only(FORMULA, verdict="deviates", counterexample=witness("7.0"), repeatable=False, problem="finite")
    again = only(FORMULA, verdict="deviates", counterexample=witness("7.0"), repeatable=True, problem="finite")

    seen_once = gated(conforming, rewritten(conforming, tmp_path / "once.jsonl", once))
    repeated = gated(conforming, rewritten(conforming, tmp_path / "again.jsonl", again))

    assert (seen_once.exit_code, repeated.exit_code) == (1, 1)
    assert "not so when asked again" in seen_once.output
    assert "not so when asked again" not in repeated.output


@pytest.mark.parametrize("spoilt", ["tampered", "cut", "incomplete"])
def test_a_file_that_is_not_whole_is_refused(conforming: Path, tmp_path: Path, spoilt: str) -> None:
    """Tampered with, cut short, or with cells that have no verdict."""
    candidate = tmp_path / "after.jsonl"
    text = conforming.read_text(encoding="utf-8")
    if spoilt == "tampered":
        candidate.write_text(text.replace('"conforms"', '"deviates"', 1), encoding="utf-8")
    elif spoilt == "cut":
        candidate.write_text("".join(text.splitlines(keepends=True)[:-1]), encoding="utf-8")
    else:
        rewritten(conforming, candidate, only(FORMULA, verdict="harness-error", words="the adapter is broken"))

    outcome = gated(conforming, candidate)

    assert outcome.exit_code == 4
    assert outcome.output.startswith(f"lossproof: {candidate}: ")


def test_a_file_that_is_not_there_is_a_wrong_word(conforming: Path, tmp_path: Path) -> None:
    """One line that names the option."""
    outcome = gated(tmp_path / "nothing.jsonl", conforming)

    assert outcome.exit_code == 2
    assert outcome.output == f"lossproof: --baseline {tmp_path / 'nothing.jsonl'}: no such file\n"


def test_folders_are_paired_by_framework(conforming: Path, tmp_path: Path) -> None:
    """Each candidate against its baseline, the gravest status of all; one without a baseline is no answer."""
    subject = msgspec.to_builtins(read_run(conforming).header.subject)
    before, after = tmp_path / "before", tmp_path / "after"
    for name in ("jax", "numpy", "torch"):
        header = {"subject": {**subject, "framework": name}}
        rewritten(conforming, before / f"{name}.jsonl", lambda found: found, **header)
        if name != "torch":
            rewritten(conforming, after / f"{name}.jsonl", deviating() if name == "jax" else only(NAN), **header)

    outcome = gated(before, after, "--page", tmp_path / "page.html")

    assert outcome.exit_code == 1
    assert "torch.jsonl: no candidate of torch: its coverage is lost" in outcome.output
    assert {path.name for path in tmp_path.glob("*.html")} == {"page-jax.html", "page-numpy.html"}
    reversed_ = gated(after, before)
    assert reversed_.exit_code == 4
    assert "torch.jsonl: no baseline of that framework" in reversed_.output
    alone = after / "numpy.jsonl"
    others = [gated(before, alone), gated(before, alone, "--fail-on", "regressed"), gated(before, tmp_path / "nothing")]
    assert [other.exit_code for other in others] == [6, 0, 2]


def test_two_frameworks_are_not_compared(conforming: Path, tmp_path: Path) -> None:
    """A gate is between versions."""
    header = msgspec.to_builtins(read_run(conforming).header.subject)
    other = rewritten(conforming, tmp_path / "x.jsonl", lambda found: found, subject={**header, "framework": "jax"})

    with pytest.raises(NotComparable, match="a gate compares versions of one framework"):
        compare(read_run(conforming), read_run(other))


def test_what_else_differs_is_said(conforming: Path, tmp_path: Path) -> None:
    """Another profile, seed or suite may be compared where the cases are the same, and is named."""
    other = rewritten(conforming, tmp_path / "x.jsonl", lambda found: found, profile="standard", seed=7)

    outcome = gated(conforming, other)

    assert outcome.exit_code == 0
    assert "note: profile: quick before, standard now" in outcome.output
    assert "note: seed: 0 before, 7 now" in outcome.output


def test_no_case_in_common_is_no_answer(conforming: Path, tmp_path: Path) -> None:
    """Not even 'same'."""
    other = rewritten(
        conforming, tmp_path / "x.jsonl", lambda found: msgspec.structs.replace(found, cases_digest="0" * 16), seed=1
    )

    outcome = gated(conforming, other)

    assert outcome.exit_code == 4
    assert "no case in common (seed: 0 before, 1 now)" in outcome.output


def test_the_outcome_is_there_as_json_and_as_markdown(conforming: Path, tmp_path: Path) -> None:
    """JSON has every cell in exactly one class; the summary names the worst with input and reproducer."""
    candidate = rewritten(conforming, tmp_path / "after.jsonl", deviating())
    summary, page = tmp_path / "summary.md", tmp_path / "page.html"

    plain = json.loads(gated(conforming, candidate, "--format", "json").stdout)
    printed = gated(conforming, candidate, "--format", "markdown", "--summary", summary, "--page", page)

    cells = [(each["clause"], *each["variant"].values()) for each in plain["differences"]]
    assert len(cells) == len(set(cells)) == read_run(conforming).header.planned
    assert (plain["status"], plain["counts"]["regressed"]) == (1, 1)
    assert sum(plain["counts"].values()) == len(cells)
    worst = plain["differences"][0]
    assert (worst["class"], worst["clause"]) == ("regressed", FORMULA)
    assert worst["after"]["counterexample"]["reproducer"]
    shown = (
        f"### regressed: `{FORMULA}` (documented)",
        "input `[[0.0]]` (float32), target `[[-1]]` (int64): expected 0.0",
        "print(loss([[0.0]], [[-1]]))",
        "Exit status 1.",
    )
    for text in (printed.stdout, summary.read_text(encoding="utf-8")):
        assert [words for words in shown if words not in text] == []
    assert FORMULA in page.read_text(encoding="utf-8")


def test_no_more_than_ten_are_shown(conforming: Path, tmp_path: Path) -> None:
    """The rest is counted."""

    def every(found: Finding) -> Finding:
        return msgspec.structs.replace(
            found, verdict="deviates", problem="other", observed=None, counterexample=witness(), repeatable=True
        )

    candidate = rewritten(conforming, tmp_path / "after.jsonl", every)
    cells = read_run(conforming).header.planned

    outcome = gated(conforming, candidate)

    assert cells > 10
    assert outcome.exit_code == 1
    assert outcome.output.count("regressed: ") == 10
    assert f"and {cells - 10} more; --format json has them all" in outcome.output
