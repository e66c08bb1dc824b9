"""The gate's exit status, accepted deviations, and what it prints, on runs whose findings are made up."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from conformance.command.cli import cli
from conformance.running.discover import find_subject
from conformance.running.machine import this_machine
from conformance.running.plan import PROFILES, Filters
from conformance.running.run import Options, Progress, run_subject
from reports.accepted import AcceptedError, read_accepted
from reports.gate import NotComparable, compare
from reports.record import Accuracy, ArgumentRecord, ClauseRecord, Counterexample, Failure, Finding, Header, Worst
from reports.run_files import RunWriter, read_run

FORMULA, NAN = "margin.value.documented-formula", "margin.numbers.infinities-and-nan"
Edit = Callable[[Finding], Finding | None]


@pytest.fixture(scope="module")
def conforming(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real run of NumPy, a few clauses."""
    filters = Filters(("multilabel_margin_loss",), dtypes=("float32",), clause="margin.[vn]*")
    options = Options(PROFILES["quick"], filters, sys.executable, out=tmp_path_factory.mktemp("runs"))
    return run_subject(find_subject("numpy"), options, Progress()).path


def rewritten(source: Path, path: Path, edit: Edit, **header: object) -> Path:
    """A run with its findings edited, whole again; an edit that gives nothing leaves the finding out."""
    run = read_run(source)
    kept = [found for found in map(edit, run.findings) if found]
    fields = {**msgspec.to_builtins(run.header), **header, "planned": len(kept)}
    changed = msgspec.convert(fields, Header)
    with RunWriter(path) as writer:
        lines: list[ClauseRecord | Finding | Accuracy] = [*run.clauses, *kept, *run.accuracy]
        writer.write(changed)
        for line in lines:
            writer.write(line)
        writer.finish()
    return path


def only(clause: str, **fields: object) -> Edit:
    """An edit of the findings of one clause."""
    return lambda found: msgspec.structs.replace(found, **fields) if found.clause == clause else found


def witness(got: str = "1.0 (0x1p+0)") -> Counterexample:
    """A counterexample of one row and one class."""
    arguments = {
        "input": ArgumentRecord(dtype="float32", shape=[1, 1], values=[["0x0p+0"]]),
        "target": ArgumentRecord(dtype="int64", shape=[1, 1], values=[[-1]]),
    }
    return Counterexample(
        arguments=arguments, reduction="none", expected="0.0 (0x0p+0), within 0 ulp", got=got,
        reproducer="print(loss([[0.0]], [[-1]]))", dtype="float32",
    )  # fmt: skip


def deviating(problem: str = "finite", share: float = 100.0, case: int = 3) -> Edit:
    """The documented formula deviates in one case."""
    worst = Worst(ulp=share, share_of_bound=share) if problem == "finite" else None
    failure = Failure(case=case, problem=problem, share_of_bound=share if worst else None)
    return only(
        FORMULA, verdict="deviates", worst=worst, counterexample=witness(), repeatable=True, problem=problem,
        failures=[failure], first=case,
    )  # fmt: skip


def off_by(share: float) -> Edit:
    """The documented formula conforms with this worst error, as a share of its bound."""
    return only(FORMULA, worst=Worst(ulp=1, share_of_bound=share))


REFUSED = only(FORMULA, verdict="unsupported", words="TypeError: no")


def lossproof(*words: object) -> Result:
    """A command in this process."""
    return CliRunner().invoke(cli, [str(word) for word in words])


def gated(baseline: Path, candidate: Path, *words: object) -> Result:
    """The gate on two files."""
    return lossproof("gate", "--baseline", baseline, "--candidate", candidate, *words)


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
    assert gated(before, after / "numpy.jsonl").exit_code == 6
    assert gated(before, after / "numpy.jsonl", "--fail-on", "regressed").exit_code == 0
    alone = gated(after, before)
    assert alone.exit_code == 4
    assert "torch.jsonl: no baseline of that framework" in alone.output
    assert gated(before, tmp_path / "nothing").exit_code == 2


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


def test_the_outcome_is_there_as_json_and_as_markdown(conforming: Path, tmp_path: Path) -> None:
    """JSON has every cell in exactly one class; the summary names the worst with input and reproducer."""
    candidate = rewritten(conforming, tmp_path / "after.jsonl", deviating())
    summary, page = tmp_path / "summary.md", tmp_path / "page.html"

    plain = json.loads(gated(conforming, candidate, "--format", "json").stdout)
    printed = gated(conforming, candidate, "--format", "markdown", "--summary", summary, "--page", page)

    cells = [(each["clause"], *each["variant"].values()) for each in plain["differences"]]
    assert len(cells) == len(set(cells)) == read_run(conforming).header.planned
    assert plain["status"] == 1
    assert plain["counts"]["regressed"] == 1
    assert sum(plain["counts"].values()) == len(cells)
    worst = plain["differences"][0]
    assert (worst["class"], worst["clause"]) == ("regressed", FORMULA)
    assert worst["after"]["counterexample"]["reproducer"]
    for text in (printed.stdout, summary.read_text(encoding="utf-8")):
        assert f"### regressed: `{FORMULA}` (documented)" in text
        assert "input `[[0.0]]` (float32), target `[[-1]]` (int64): expected 0.0" in text
        assert "print(loss([[0.0]], [[-1]]))" in text
        assert "Exit status 1." in text
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
