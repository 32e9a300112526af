"""README.md and README.zh-CN.md are one text in two languages."""

from __future__ import annotations

from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

PROJECT = Path(__file__).resolve().parents[2]


def tokens(name: str) -> list[Token]:
    """A README, parsed."""
    return MarkdownIt().enable("table").parse((PROJECT / name).read_text(encoding="utf-8"))


ENGLISH, CHINESE = tokens("README.md"), tokens("README.zh-CN.md")


def test_headings_have_the_same_structure() -> None:
    """Both have the same headings, level by level."""
    assert headings(ENGLISH) == headings(CHINESE)


def headings(page: list[Token]) -> list[str]:
    """The levels of a page's headings, in order."""
    return [token.tag for token in page if token.type == "heading_open"]


def test_code_blocks_are_the_same() -> None:
    """Both show the same code, letter by letter."""
    assert fences(ENGLISH) == fences(CHINESE)


def fences(page: list[Token]) -> list[tuple[str, str]]:
    """Language and text of a page's code blocks."""
    return [(token.info, token.content) for token in page if token.type == "fence"]


def test_tables_have_the_same_rows() -> None:
    """Both have the same number of table rows, and name the same options, variables and files in them."""
    assert names_in_tables(ENGLISH) == names_in_tables(CHINESE)


def names_in_tables(page: list[Token]) -> list[list[str]]:
    """What stands as code in each cell of a page's tables."""
    cells = [page[i + 1] for i, token in enumerate(page) if token.type in ("td_open", "th_open")]
    return [[child.content for child in cell.children or [] if child.type == "code_inline"] for cell in cells]


def test_links_lead_to_the_same_pages() -> None:
    """Both link to the same pages, but for the link to each other."""
    assert links(ENGLISH) - {"README.zh-CN.md"} == links(CHINESE) - {"README.md"}


def links(page: list[Token]) -> set[str]:
    """Targets of a page's links."""
    return {str(child.attrs["href"]) for token in page for child in token.children or [] if child.type == "link_open"}
