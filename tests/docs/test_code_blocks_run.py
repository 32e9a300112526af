"""The code blocks of README and docs do what they show."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from page_blocks import blocks

PROJECT = Path(__file__).resolve().parents[2]
GUIDE = PROJECT / "docs" / "guide.zh-CN.md"  # its blocks need an application around them: test_guide.py
# The pages of examples show programs of several processes, which tests of their own run.
DOCS = sorted(page for page in (PROJECT / "docs").rglob("*.md") if page.parent.name != "examples")
PAGES = [PROJECT / "README.md", PROJECT / "README.zh-CN.md", *DOCS]
# Pages whose JSON blocks are records written by their Python blocks, and keys that differ from run to run.
PAGES_WITH_RECORDS = [PROJECT / name for name in ("README.md", "README.zh-CN.md", "docs/record.md", "docs/values.md")]
VOLATILE = {"timestamp", "module", "line", "process", "span_id"}


def program(page: Path) -> str:
    """The Python blocks of a page as one program, each line at its own number, so that a traceback names the page's line."""
    lines: list[str] = []
    for start, text in blocks(page, "python"):
        lines += [""] * (start - len(lines)) + text.splitlines()
    return "\n".join(lines) + "\n"


def with_blocks(pages: list[Path], language: str) -> Any:
    """One test case per page that has blocks of a language."""
    return pytest.mark.parametrize(
        "page", [page for page in pages if blocks(page, language)], ids=lambda page: page.name
    )


@with_blocks([page for page in PAGES if page != GUIDE], "python")
def test_python_blocks_run_in_the_order_of_the_page(page: Path, run_python: Callable[..., Any]) -> None:
    """A reader who types a page's Python blocks one after the other meets no error."""
    run_python(program(page))


@with_blocks(PAGES_WITH_RECORDS, "json")
def test_records_shown_are_the_records_written(page: Path, run_python: Callable[..., Any], log_dir: Path) -> None:
    """A record shown on a page has the keys, their order and the values of the line that the page's code wrote."""
    run_python(program(page))
    written = [json.loads(line) for line in (log_dir / "app.log").read_text(encoding="utf-8").splitlines()]
    for _, text in blocks(page, "json"):
        shown = json.loads(text)
        same = [record for record in written if record["message"] == shown["message"]]
        assert same, f"no record says {shown['message']!r}"
        assert list(same[0]) == list(shown)
        assert steady(same[0]) == steady(shown)


def steady(record: dict[str, Any]) -> dict[str, Any]:
    """What of a record is the same in every run."""
    return {key: value for key, value in record.items() if key not in VOLATILE}


@with_blocks(PAGES, "json")
def test_json_blocks_are_json(page: Path) -> None:
    """Every block marked as JSON parses."""
    for _, text in blocks(page, "json"):
        json.loads(text)


@with_blocks([PROJECT / "README.md", PROJECT / "README.zh-CN.md"], "console")
def test_commands_shown_are_commands_of_the_makefile(page: Path) -> None:
    """Each `make` command of the README is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    shown = {
        name for _, text in blocks(page, "console") for name in re.findall(r"^\$ make ([a-z-]+)", text, re.MULTILINE)
    }
    assert shown
    assert shown <= targets


@with_blocks([*PAGES, *sorted((PROJECT / "docs" / "examples").glob("*.md"))], "python")
def test_what_a_page_does_is_done_without_assertions_too(page: Path) -> None:
    """`python -O` leaves `assert` out, with the call in it: none is around a flush or a shutdown."""
    text = "\n".join(block for _, block in blocks(page, "python"))
    assert re.findall(r"^\s*assert .*\b(?:flush|shutdown|init|reload)\w*\(.*", text, re.MULTILINE) == []
