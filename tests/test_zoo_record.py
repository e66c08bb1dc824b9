"""The zoo's record is read back as it was written, and its page says what is in it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

import jsonschema
import msgspec
import pytest
from click.testing import CliRunner

from conformance.command.cli import cli
from reports.lines import RunFileError
from reports.record import Machine, Suite
from reports.site import write_site
from reports.zoo import AskedClause, Death, Implementation, Outcome, Zoo, ZooHeader, json_schema, read_zoo, write_zoo
from reports.zoo_score import Score
from tests.html_pages import Page
from tests.zoo.inhabitants import inhabitants
from tests.zoo.kept import Kept
from tests.zoo.page import markdown

ROOT = Path(__file__).resolve().parent.parent
MARGIN = "multilabel_margin_loss"
HOSTILE = "<b>wrong</b> & | so"

CLAUSES = [
    AskedClause(id="margin.value.lattice", level="documented", evidence="lattice", statement="Every target."),
    AskedClause(id="margin.labels.duplicates-count", level="implied", evidence="property", statement="Twice."),
    AskedClause(id="margin.dtypes.result", level="quality", evidence="property", statement="The dtype."),
]
LATTICE, TWICE, DTYPE = (clause.id for clause in CLAUSES)


def implementation(name: str, verdict: Outcome, *broken: tuple[str, int], right: bool = False) -> Implementation:
    """One of level implied that breaks some clauses."""
    return Implementation(
        framework="numpy",
        operator=MARGIN,
        name=name,
        words=HOSTILE,
        right=right,
        level="implied",
        verdict=verdict,
        corner="" if right else "duplicate labels",
        agreement=0.75,
        broken=[Death(clause=clause, first=first) for clause, first in broken],
    )


EVERYONE = [
    implementation("twice", "caught", (LATTICE, 2), (TWICE, 7)),
    implementation("only_drawn", "caught", (TWICE, 3), (DTYPE, 1)),
    implementation("sly", "survives", (DTYPE, 1)),
    implementation("twice", "conforms", right=True),
    implementation("slow", "false-alarm", (LATTICE, 1), right=True),
]

HEADER = ZooHeader(
    schema="lossproof-zoo/1",
    started="2026-01-01T00:00:00+00:00",
    suite=Suite(version="0.1.0", digest="sha256:0011223344556677"),
    profile="quick",
    frameworks={"numpy": "2.4.0"},
    planned=len(EVERYONE),
    plain_cases=1000,
    machine=Machine(processor="x86_64", cores=2),
)


@pytest.fixture
def zoo(tmp_path: Path) -> Zoo:
    """A record with one of each verdict but the spoilt one."""
    return write_zoo(tmp_path / "zoo.jsonl", HEADER, CLAUSES, EVERYONE)


def test_a_record_is_read_back_and_keeps_its_schema(zoo: Zoo) -> None:
    """What was written is what is read, and each line is valid by the closed schema."""
    schema = json.loads((ROOT / "reports" / "zoo.schema.json").read_text(encoding="utf-8"))
    assert schema == json_schema()
    assert all(part["additionalProperties"] is False for part in schema["$defs"].values() if part["type"] == "object")
    for line in zoo.path.read_text(encoding="utf-8").splitlines():
        jsonschema.validate(json.loads(line), schema)
    assert read_zoo(zoo.path) == zoo


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"caught"', '"conforms"', "digest"),
        ('"planned":5', '"planned":4', "digest"),
        ('"kind":"footer"', '"kind":"foot"', "is not of lossproof-zoo/1"),
        ("lossproof-zoo/1", "lossproof-run/1", "is not of lossproof-zoo/1"),
    ],
)
def test_an_altered_record_is_refused(zoo: Zoo, old: str, new: str, said: str) -> None:
    """By its digest, its schema or its footer, in words that name the file."""
    zoo.path.write_text(zoo.path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")

    with pytest.raises(RunFileError, match=said) as refusal:
        read_zoo(zoo.path)
    assert str(zoo.path) in str(refusal.value)


def test_a_record_that_was_cut_short_is_refused(zoo: Zoo) -> None:
    """Without its footer it is no record."""
    zoo.path.write_bytes(b"".join(zoo.path.read_bytes().splitlines(keepends=True)[:-1]))

    with pytest.raises(RunFileError, match="no footer"):
        read_zoo(zoo.path)


def test_only_clauses_of_the_level_decide(zoo: Zoo) -> None:
    """A quality clause earns nothing by a fault that more can be demanded of."""
    score = Score(zoo)

    earned = {each.clause.id: (len(each.kills), [one.name for one in each.alone]) for each in score.earnings()}
    assert earned == {LATTICE: (1, []), TWICE: (2, ["only_drawn"]), DTYPE: (0, [])}
    assert [clause.id for clause in score.unmet()] == [DTYPE]
    assert LATTICE not in [clause.id for clause in score.shared()]
    assert [each.name for each in score.survivors] == ["sly"]
    assert [each.name for each in score.false_alarms] == ["slow"]
    assert [(power.evidence, power.caught) for power in score.power()] == [
        ("lattice", 1),
        ("property", 2),
        ("example", 0),
    ]
    assert score.median_example == 7


def test_the_page_of_markdown_holds_every_implementation(zoo: Zoo) -> None:
    """With survivors and false alarms by name, and no cell that breaks its table."""
    text = markdown(Score(zoo))

    assert "Survivors: numpy sly (margin). False alarms: numpy slow (margin)." in text
    assert "wrong</b> & \\| so" in text
    rows = [line.replace("\\|", "") for line in text.splitlines() if line.startswith("| numpy margin")]
    assert len(rows) == len(EVERYONE)
    assert {row.count("|") for row in rows} == {6, 4}


def test_the_site_shows_the_score_while_there_is_one(zoo: Zoo, tmp_path: Path) -> None:
    """Linked from the index, with anchors that exist, and gone again without a record."""
    folder = tmp_path / "site"
    write_site([], folder, zoo=zoo)

    index, page = (Page((folder / name).read_text(encoding="utf-8")) for name in ("index.html", "zoo.html"))
    assert "zoo.html" in index.links
    assert (
        "Of 3 implementations that are known to be wrong, 2 are caught; of 2 that are right, 1 raises" in index.said()
    )
    assert "survives numpy sly ( multilabel_margin_loss ): <b>wrong</b> & | so" in page.said()
    assert len(set(page.ids)) == len(page.ids)
    for link in page.links:
        parts = urlsplit(link)
        assert not parts.path or (folder / unquote(parts.path)).is_file(), link
        assert parts.path or parts.fragment in page.ids, link

    write_site([], folder)
    assert not (folder / "zoo.html").exists()


def test_the_command_takes_a_record_among_its_runs(zoo: Zoo, tmp_path: Path) -> None:
    """A record alone makes a site; an altered one is refused by name, with status 4."""
    site = tmp_path / "site"
    assert CliRunner().invoke(cli, ["report", str(zoo.path), "--site", str(site)]).exit_code == 0
    assert (site / "zoo.html").is_file()

    zoo.path.write_text(zoo.path.read_text(encoding="utf-8").replace('"caught"', '"conforms"', 1), encoding="utf-8")
    answer = CliRunner().invoke(cli, ["report", str(zoo.path), "--site", str(site)])
    assert answer.exit_code == 4
    assert "zoo.jsonl: the digest" in answer.output


def test_what_was_answered_before_a_stop_is_not_asked_again(tmp_path: Path) -> None:
    """Only where the question is the same and the zoo has not changed since."""
    out, who = tmp_path / "zoo.jsonl", inhabitants("numpy")[0]
    answer = msgspec.structs.replace(implementation(who.name, "caught", (LATTICE, 2)), words=who.entry.words)
    Kept(out, HEADER).add(answer)
    assert Kept(out, HEADER).get(who) == answer
    assert Kept(None, HEADER).get(who) is None
    assert Kept(out, msgspec.structs.replace(HEADER, profile="standard")).get(who) is None
    another = Suite(version="0.1.0", digest="sha256:another")
    assert Kept(out, msgspec.structs.replace(HEADER, suite=another)).get(who) is None
    os.utime(next(tmp_path.glob("*.partial.jsonl")), (0, 0))
    assert Kept(out, HEADER).get(who) is None, "an answer older than the zoo's files was kept"


def test_an_answer_without_a_verdict_is_asked_again(tmp_path: Path) -> None:
    """A worker that died says nothing; and a whole record leaves nothing beside it."""
    out, who = tmp_path / "zoo.jsonl", inhabitants("numpy")[0]
    kept = Kept(out, HEADER)
    kept.add(msgspec.structs.replace(implementation(who.name, "no-verdict"), words=who.entry.words))
    assert Kept(out, HEADER).get(who) is None
    kept.drop()
    assert not list(tmp_path.iterdir())
