"""Links between the project's pages lead to files that are there."""

from __future__ import annotations

from pathlib import Path

import pytest
from markdown_it import MarkdownIt

PROJECT = Path(__file__).resolve().parents[2]
PAGES = [*sorted(PROJECT.glob("*.md")), *sorted((PROJECT / "docs").rglob("*.md"))]


def links(page: Path) -> list[str]:
    """Targets of links and pictures of a page, other sites' left out."""
    tokens = MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8"))
    inline = [child for token in tokens for child in token.children or []]
    targets = [str(child.attrs.get("href") or child.attrs.get("src") or "") for child in inline]
    return [target for target in targets if target and "://" not in target and not target.startswith(("#", "mailto:"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_relative_link_names_a_file(page: Path) -> None:
    """No link of a page is dead."""
    dead = [target for target in links(page) if not (page.parent / target.partition("#")[0]).exists()]
    assert dead == []


def test_every_page_is_in_the_navigation() -> None:
    """Each page under docs/ can be reached from the site's menu."""
    navigation = (PROJECT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = [page.relative_to(PROJECT / "docs").as_posix() for page in (PROJECT / "docs").rglob("*.md")]
    assert [page for page in pages if f": {page}\n" not in navigation] == []
