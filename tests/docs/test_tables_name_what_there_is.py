"""The tables of README and docs name the options and counts that the package has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from markdown_it import MarkdownIt

from unified_logger import UnifiedLogger, _core, get_stats
from unified_logger.config.sections import OPTIONS

PROJECT = Path(__file__).resolve().parents[2]


def rows(page: Path, heading: str) -> Iterator[list[list[str]]]:
    """The rows of the first table after a heading: for each cell what stands in it as code."""
    tokens = MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8"))
    titles = [i for i, token in enumerate(tokens) if token.type == "inline" and token.content == heading]
    row: list[list[str]] = []
    for i, token in enumerate(tokens[titles[0] :], titles[0]):
        if token.type == "td_open":
            row.append([child.content for child in tokens[i + 1].children or [] if child.type == "code_inline"])
        elif token.type == "tr_close" and row:
            yield row
            row = []
        elif token.type == "table_close":
            return


def test_readme_names_options_and_their_variables() -> None:
    """Each option of the README's table exists and is read from the environment variable beside it."""
    table = list(rows(PROJECT / "README.md", "Configuration"))
    assert len(table) > 10
    for (option,), (variable,), *_ in table:
        assert variable in OPTIONS[option].variables


def test_statistics_page_names_every_count(logger: UnifiedLogger) -> None:
    """The page on statistics has a row for each key of `get_stats`, and for none that is not there."""
    named = {key for first, *_ in rows(PROJECT / "docs" / "statistics.md", "Statistics") for key in first}
    assert named == set(get_stats())


def test_statistics_page_says_what_the_list_says(logger: UnifiedLogger) -> None:
    """Each line of the list of counts is a key, and a row of the page in the same words. Seen to fail with a word of the list changed."""
    page = (PROJECT / "docs" / "statistics.md").read_text(encoding="utf-8")
    stats = get_stats()
    for group, name, kind, unit, help_text in _core.counted():
        assert kind in ("counter", "gauge", "histogram")
        assert unit
        if group:
            found = stats[group]["app"] if group == "files" else stats[group]
            # There is no sink, and no metric from records, before a program adds one.
            assert group in ("sinks", "record_metrics", "sampling") or name in found
            row = next(line for line in page.splitlines() if line.startswith(f"| `{group}` |"))
            assert f"`{name}`" in row
        else:
            assert name in stats
            assert f"| `{name}` | {help_text} |" in page


def test_reasons_are_those_of_the_page(logger: UnifiedLogger) -> None:
    """The page names each reason for which a record is dropped."""
    page = (PROJECT / "docs" / "statistics.md").read_text(encoding="utf-8")
    assert [reason for reason in get_stats()["dropped_by_reason"] if f"`{reason}`" not in page] == []


def test_dependencies_page_names_every_crate() -> None:
    """Each crate that the project asks for has its reason on the page."""
    page = (PROJECT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    asked: set[str] = set()
    bench = "benches/native_loggers/rust_tracing/Cargo.toml"
    for file in ("rust_core/Cargo.toml", "rust_core/binding/Cargo.toml", bench):
        sections = re.split(r"^\[(.+)\]$", (PROJECT / file).read_text(encoding="utf-8"), flags=re.MULTILINE)
        for name, body in zip(sections[1::2], sections[2::2], strict=True):
            if name.endswith("dependencies"):
                asked |= set(re.findall(r"^([\w-]+) = ", body, flags=re.MULTILINE))
    assert len(asked) > 10
    assert [crate for crate in asked - {"unified_logger_core"} if crate not in page] == []
