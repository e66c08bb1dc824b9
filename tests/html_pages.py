"""Pages, read back as a reader's browser would: by their HTML."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

VOID = {"meta", "link", "br", "hr", "img", "input"}


@dataclass
class Page(HTMLParser):
    """One page, taken apart."""

    text: str
    ids: list[str] = field(default_factory=list[str])
    links: list[str] = field(default_factory=list[str])
    headings: list[int] = field(default_factory=list[int])
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list[tuple[str, dict[str, str | None]]])
    words: list[str] = field(default_factory=list[str])
    open_tags: list[str] = field(default_factory=list[str])
    folded: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.text.replace("<wbr>", ""))
        self.close()
        assert self.open_tags == [], "a tag is never closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag says and what it leads to."""
        named = dict(attrs)
        assert len(named) == len(attrs), f"an attribute twice in {tag}: {attrs}"
        self.tags.append((tag, named))
        self.ids += [named["id"] or ""] if "id" in named else []
        self.links += [value for key in ("href", "src") if (value := named.get(key))]
        self.headings += [int(tag[1])] if re.fullmatch("h[1-6]", tag) else []
        self.open_tags += [] if tag in VOID else [tag]

    def handle_endtag(self, tag: str) -> None:
        """Every end tag closes the tag that was opened last."""
        assert self.open_tags.pop() == tag

    def handle_data(self, data: str) -> None:
        """Collect the words, and apart those that are folded away."""
        self.words.append(data)
        self.folded += [data] if "details" in self.open_tags else []

    def said(self) -> str:
        """The visible text on one line."""
        return " ".join(" ".join(self.words).split())


Pages = dict[str, Page]


def read_pages(folder: Path) -> Pages:
    """Every page of a site by its address."""
    return {str(p.relative_to(folder)): Page(p.read_text(encoding="utf-8")) for p in sorted(folder.rglob("*.html"))}


def assert_accessible(page: Page) -> None:
    """One h1, no level skipped, captions and scopes of tables, scroll areas with names of their own and in reach."""
    assert page.headings[0] == 1 == page.headings.count(1)
    assert all(after <= before + 1 for before, after in pairwise(page.headings))
    tags = [tag for tag, _ in page.tags]
    assert tags.count("table") == tags.count("caption")
    assert all(attrs.get("scope") for tag, attrs in page.tags if tag == "th")
    regions = [attrs for _, attrs in page.tags if attrs.get("role") == "region"]
    assert [region["tabindex"] for region in regions] == ["0"] * len(regions)
    assert len({region["aria-label"] for region in regions} - {""}) == len(regions)


def links_of(pages: Pages) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Those that stay in the site and those that leave it, each with the address of its page."""
    links = [(address, link) for address, page in pages.items() for link in page.links]
    foreign = [pair for pair in links if urlsplit(pair[1]).scheme]
    return [pair for pair in links if pair not in foreign], foreign


def target(page: Path, link: str) -> tuple[Path, str]:
    """The file and the anchor to which a link of a page leads."""
    parts = urlsplit(link)
    return (page.parent / unquote(parts.path) if parts.path else page).resolve(), parts.fragment
