"""The site is read back as a reader's browser would: by its HTML, link by link."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

import pytest

from reports.arrangement import GLYPHS, LEVELS
from reports.record import LeftOut, Level, Run, Verdict
from reports.site import write_site
from tests.html_pages import Page, Pages, assert_accessible, links_of, read_pages, target
from tests.made_runs import CLAUSES, FORMULA, HOSTILE, MARGIN, NAN, RANGE, SOFT, TIE, TORCH_NAN, UNANIMOUS, make_run

OLD_NAN: list[Verdict] = ["crashes", "hangs", "unsupported", "harness-error", "not-run", "conforms"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """Three subjects and five runs of them: all verdicts, an incomplete run, the same version twice."""
    folder = tmp_path_factory.mktemp("runs")
    fewer = [record for record in CLAUSES if record.operator == MARGIN]
    return [
        make_run(folder / "new.jsonl", "torch", "2.13.0", CLAUSES, nan=TORCH_NAN),
        make_run(folder / "old.jsonl", "torch", "2.9.1", CLAUSES, nan=OLD_NAN),
        make_run(folder / "jax.jsonl", "jax", "0.9.0", fewer, left_out=[LeftOut(mode="vmap", words=HOSTILE)]),
        make_run(folder / "python-3.12.jsonl", "jax", "0.9.0", fewer, python="3.12.1"),
        make_run(folder / "odd.jsonl", "../my<loss>", "1", fewer),
    ]


@pytest.fixture(scope="module")
def folder(runs: list[Run], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of all runs."""
    return write_site(runs, tmp_path_factory.mktemp("site"), refused=[f"bad.jsonl: {HOSTILE}"]).parent


@pytest.fixture(scope="module")
def pages(folder: Path) -> Pages:
    """The pages of that site."""
    return read_pages(folder)


def row_of(page: Page, anchor: str) -> str:
    """Text of the table row, or other element, from an anchor to the next row."""
    rest = page.text[page.text.index(f'id="{anchor}"') :].replace("<wbr>", "")
    words = re.sub(r"<[^>]*>", " ", rest[rest.index(">") + 1 :].split("</tr>")[0])
    return " ".join(words.split())


def test_the_index_is_returned_and_each_thing_has_its_address(folder: Path, pages: Pages) -> None:
    """Addresses are made of operator, clause id, framework and version."""
    assert write_site([], folder.parent / "none") == folder.parent / "none" / "index.html"
    assert set(pages) == {
        "index.html",
        *(f"operator/{name}.html" for name in (MARGIN, SOFT)),
        *(f"clause/{record.id}.html" for record in CLAUSES),
        *(f"subject/{name}.html" for name in ("torch-2.13.0", "torch-2.9.1", "jax-0.9.0", "jax-0.9.0-2", "my-loss-1")),
        *(f"history/{name}.html" for name in ("torch", "jax", "my-loss")),
    }


def test_every_internal_link_leads_to_a_page_and_an_anchor(folder: Path, pages: Pages) -> None:
    """No link is broken, and none leaves the site but the addresses of sources."""
    internal, foreign = links_of(pages)
    assert {(address.partition("/")[0], urlsplit(link).netloc) for address, link in foreign} == {
        ("clause", "docs.pytorch.org")
    }
    for address, link in internal:
        place, fragment = target(folder / address, link)
        assert place.is_file(), f"{address} leads to {link}"
        assert not link.startswith("/")
        ids = pages[str(place.relative_to(folder.resolve()))].ids if fragment else [""]
        assert fragment in ids, f"{address}: {link}"


def test_each_finding_has_an_anchor_and_no_id_comes_twice(runs: list[Run], pages: Pages) -> None:
    """One anchor per finding, unique on its page."""
    anchors = [name for page in pages.values() for name in page.ids if name.startswith("finding-")]
    assert len(anchors) == sum(len(run.findings) for run in runs)
    for address, page in pages.items():
        assert len(set(page.ids)) == len(page.ids), address


def test_pages_have_the_structure_that_assistive_software_needs(pages: Pages) -> None:
    """One h1, no level skipped, titles, captions, scopes, labelled and focusable scroll areas, no script."""
    for address, page in pages.items():
        assert_accessible(page)
        named = [tag for tag, _ in page.tags]
        assert ("html", {"lang": "en"}) in page.tags
        assert {"title", "main", "nav"} <= set(named)
        assert "script" not in named
        assert any(attrs.get("name") == "viewport" for _, attrs in page.tags)
        regions = [attrs for _, attrs in page.tags if attrs.get("role") == "region"]
        assert named.count("table") + named.count("pre") == len(regions), address


def test_nothing_is_fetched_from_elsewhere(folder: Path, pages: Pages) -> None:
    """The one style sheet lies in the site and refers to nothing."""
    loaded = {attrs["href"] for page in pages.values() for tag, attrs in page.tags if tag == "link"}
    assert loaded == {"style.css", "../style.css"}
    style = (folder / "style.css").read_text(encoding="utf-8")
    assert "url(" not in style
    assert "@import" not in style
    assert "prefers-color-scheme: dark" in style


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb``, by WCAG 2.2."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_text_colour_has_contrast_on_every_ground(folder: Path, scheme: int) -> None:
    """4.5 to 1 at least (WCAG AA), in both colour schemes."""
    block = (folder / "style.css").read_text(encoding="utf-8").split(":root {")[1 + scheme].partition("}")[0]
    colours = {name: luminance(value) for name, value in re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block)}
    for text in ("ink", "soft", "link", "partial", *GLYPHS):
        for ground in ("paper", "shade", "notice"):
            low, high = sorted((colours[text], colours[ground]))
            assert (high + 0.05) / (low + 0.05) >= 4.5, f"{text} on {ground}"


def test_words_of_frameworks_and_pages_are_escaped(pages: Pages) -> None:
    """Hostile words are shown and do nothing; an address that is no web address is no link."""
    assert HOSTILE in pages["index.html"].said()
    for page in pages.values():
        assert "<script" not in page.text
        assert "<b>bold" not in page.text
        assert "<br>" not in page.text
    assert not any(link.startswith("javascript:") for page in pages.values() for link in page.links)
    assert "javascript:alert(1)" in pages[f"clause/{RANGE}.html"].said()


def test_the_matrix_leads_with_the_worst_verdict_and_counts_all(pages: Pages) -> None:
    """A cell has glyph, word and pattern of the worst verdict, then every count."""
    index = pages["index.html"]
    start = index.text.index(f'href="operator/{MARGIN}.html#subject-torch-2.13.0"')
    cell = index.text[start:].partition("</td>")[0]
    words = " ".join(re.sub(r"<[^>]*>", " ", cell.partition(">")[2]).split())
    assert words == "✗ deviates deviates 3 quality 3 conforms 21 observed 6"
    assert 'class="pattern"' in cell
    assert "not in this run" in index.said()
    assert "%" not in index.said()


def test_subjects_are_in_the_order_of_their_versions(pages: Pages) -> None:
    """2.9.1 comes before 2.13.0, and two runs of one version are told apart by what differs."""
    said = pages["index.html"].said()
    assert said.index("torch 2.9.1") < said.index("torch 2.13.0")
    assert "jax 0.9.0 (run 1, Python 3.11.7, jax.jsonl)" in said
    assert "jax 0.9.0 (run 2, Python 3.12.1, python-3.12.jsonl)" in said


def test_refused_files_incomplete_runs_and_left_out_modes_are_on_the_index(pages: Pages) -> None:
    """What is missing from the matrix is said beside it."""
    said = pages["index.html"].said()
    assert f"bad.jsonl: {HOSTILE}" in said
    assert "torch 2.9.1 : ? harness-error 1 – not-run 1 of 36 planned cells" in said
    assert "incomplete run" in said
    assert f"vmap {HOSTILE}" in said


def test_every_verdict_and_level_is_explained(pages: Pages) -> None:
    """The legend leaves none out."""
    legend = pages["index.html"].said().rpartition("Legend")[2]
    assert set(get_args(Verdict)) == set(GLYPHS)
    assert set(get_args(Level)) == set(LEVELS)
    assert all(name in legend for name in (*GLYPHS, *LEVELS))


def test_clauses_that_differ_come_first_and_unanimous_ones_are_folded(pages: Pages) -> None:
    """The NaN clause stands open; the clauses on which all agree are in the details."""
    page = pages[f"operator/{MARGIN}.html"]
    order = [name for name in page.ids if name.startswith("clause-")]
    assert order == [f"clause-{name}" for name in (NAN, RANGE, UNANIMOUS, FORMULA, TIE)]
    assert NAN not in page.folded
    assert {UNANIMOUS, FORMULA, RANGE, TIE} <= set(page.folded)


def test_a_cell_of_the_operator_page_names_the_variants_that_deviate(pages: Pages) -> None:
    """What does not tell them from the others is left out; conforming variants are only counted."""
    row = row_of(pages[f"operator/{MARGIN}.html"], f"clause-{NAN}")
    assert "✗ deviates 3 eager module f32; inductor ✓ conforms 3" in row
    assert "! crashes 1 eager native f32 ∞ hangs 1 eager native f64 ? harness-error 1" in row


def test_the_clause_page_says_why_and_from_where(pages: Pages) -> None:
    """Statement, level, reason, quoted words, page title, version and link."""
    page = pages[f"clause/{NAN}.html"]
    for words in (f"The statement of {NAN}.", "quality the page states it", f"{HOSTILE} is the loss"):
        assert words in page.said()
    assert "MultiLabelMarginLoss, 2.13" in page.said()
    assert "https://docs.pytorch.org/x.html" in page.links


def test_each_variant_has_a_row_with_verdict_cases_and_worst_error(pages: Pages) -> None:
    """The row of a finding holds everything that was measured."""
    row = row_of(pages[f"clause/{NAN}.html"], "finding-torch-2.13.0-module-eager-cpu-float32")
    assert row == "✗ deviates did not repeat module eager cpu float32 1042 nan 8.8e+05 counterexample"


def test_the_same_counterexample_is_shown_once(pages: Pages) -> None:
    """Variants, dtypes and programs are gathered under one input, in decimal and hexadecimal."""
    page = pages[f"clause/{NAN}.html"]
    shown = [name for name in page.ids if name.startswith("evidence-") and not name.endswith("-title")]
    said = page.said()
    assert len(shown) == 1
    assert "[0] 0.09765625 0x1.9p-4 nan [1] -inf -0.0 -0x0p+0" in said
    assert "Weight 1.0 0x1p+0 3.0 0x1.8p+1" in said
    assert "Dtype scores float32, float64; target int64" in said
    assert "Expected nan Got 0x1.9p-4 (0.09765625)" in said
    assert "print(loss(mode='inductor', text='<br>'))" in said


def test_words_of_refusals_crashes_and_hangs_are_quoted(pages: Pages) -> None:
    """The framework speaks for itself."""
    said = pages[f"clause/{NAN}.html"].said()
    assert HOSTILE in said
    assert "signal 11" in said
    assert "no reply in 60 s" in said


def test_observed_behaviours_are_counted_and_not_judged(pages: Pages) -> None:
    """Cases and variants of each behaviour by subject; one without cases is not listed."""
    said = pages[f"clause/{TIE}.html"].said()
    assert "zero gradient 240 cases in 6 variants" in said
    assert "never" not in said.partition("Observed behaviours, by subject")[2].partition("Witnesses")[0]
    assert "Witness 1" in said
    assert "Counterexample" not in said


def test_the_subject_page_has_the_facts_of_its_run(pages: Pages) -> None:
    """Versions, machine, seed, measured facts, counts, deviations, left-out modes."""
    said = pages["subject/torch-2.13.0.html"].said()
    for words in (
        "Build cpu",
        "Python 3.11.7",
        "Machine x86_64, 2 cores",
        "Seed 0",
        "flush_to_zero false",
        "Complete yes",
    ):
        assert words in said
    assert "✗ deviates 0 0 3 0 3" in said
    assert f"{NAN} quality" in said
    assert "every mode that the adapter knows was planned" in said
    assert "value native eager cpu float32 2000 3.5 0.75 50.0 % 50.0 % – – < 0.1 % –" in said
    assert "Cells without a verdict" in pages["subject/torch-2.9.1.html"].said()


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a folder with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_runs_give_the_same_bytes_in_any_order(runs: list[Run], tmp_path: Path) -> None:
    """Neither the clock nor the order of the arguments shows."""
    write_site(runs, tmp_path / "one")
    write_site(runs[::-1], tmp_path / "two")
    write_site(runs, tmp_path / "two")
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_pages_of_an_earlier_site_are_removed_and_nothing_else(runs: list[Run], tmp_path: Path) -> None:
    """A page without a run goes; what somebody else put into the folder stays."""
    write_site(runs, tmp_path / "site")
    others = ["notes.html", "subject/notes.html", "subject/torch-2.13.0.txt", "clause/deeper/x.html"]
    for name in others:
        (tmp_path / "site" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "site" / name).write_text("not ours", encoding="utf-8")

    write_site(runs[2:3], tmp_path / "site")
    write_site(runs[2:3], tmp_path / "fresh")

    assert set(files(tmp_path / "site")) == set(files(tmp_path / "fresh")) | set(others)
