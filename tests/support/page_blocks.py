"""The code blocks of a page."""

from __future__ import annotations

from pathlib import Path

from markdown_it import MarkdownIt


def blocks(page: Path, language: str) -> list[tuple[int, str]]:
    """Each fenced block of a language: the page's line it begins at, counted from 0, and its text."""
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    found = [token for token in tokens if token.type == "fence" and token.info.split(" ")[0] == language]
    return [(token.map[0] + 1, token.content) for token in found if token.map is not None]
