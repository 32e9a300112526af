"""The pages of docs/examples: what a reader installs and types, and which records the page says are seen."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kinds import Record
from markdown_it import MarkdownIt

PROJECT = Path(__file__).resolve().parents[2]
EXAMPLES = PROJECT / "examples"

# Values that differ from run to run. Ids do as well, but the same one stands for the same one wherever it is shown.
VOLATILE = {"timestamp", "process", "thread", "duration_ms", "gen_ai.latency_ms", "runtime_ms", "client", "task_id"}
IDS = {"trace_id", "span_id", "parent_span_id"}


class Page:
    """A page, taken apart.

    Args:
        path: Its file, named like the folder of the example.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        self.folder = EXAMPLES / path.stem
        self.lines = path.read_text(encoding="utf-8").splitlines()
        self._fences = [token for token in MarkdownIt().parse("\n".join(self.lines)) if token.type == "fence"]
        typed = [line[2:] for text in self._blocks("console") for line in text.splitlines() if line.startswith("$ ")]
        self.installs = [command for command in typed if command.startswith("pip install ")]
        self.extras = set(re.findall(r"\w+", "".join(re.findall(r"\[(.*?)\]", " ".join(self.installs)))))
        self.commands = [command for command in typed if command not in self.installs]
        told = [*self.commands, *(path.read_text(encoding="utf-8") for path in self.folder.glob("*.jsonl"))]
        self.given = set(re.findall(r"\b[0-9a-f]{32}\b", "\n".join(told)))  # traces that come from outside
        self.shown: list[Record] = [json.loads(line) for text in self._blocks("json") for line in text.splitlines()]

    def code(self) -> dict[str, str]:
        """The Python blocks, by the name of the file that each has as its title."""
        blocks = [token for token in self._fences if token.info.startswith("python ")]
        return {token.info.removeprefix('python title="').removesuffix('"'): token.content for token in blocks}

    def _blocks(self, language: str) -> list[str]:
        return [token.content for token in self._fences if token.info == language]


PAGES = {path.stem: Page(path) for path in sorted((PROJECT / "docs" / "examples").glob("*.md"))}


def missing(page: Page, records: Sequence[Record]) -> list[Record]:
    """What a page shows and was not written: empty if each shown line is a record of its own, and their ids agree."""
    shown = page.shown
    furthest = 0

    def fit(index: int, left: Sequence[Record], ids: dict[str, str]) -> bool:
        nonlocal furthest
        furthest = max(furthest, index)
        if index == len(shown):
            return True
        for record in left:
            agreed = dict(ids)
            if _shows(shown[index], record, agreed):
                others = [other for other in left if other is not record]
                if fit(index + 1, others, agreed):
                    return True
        return False

    return [] if fit(0, records, {given: given for given in page.given}) else list(shown[furthest:])


def _shows(shown: Mapping[str, Any], record: Mapping[str, Any], ids: dict[str, str]) -> bool:
    """Whether this is what is left of a record if some of its keys are left out."""
    same_keys = [key for key in record if key in shown] == list(shown)
    return same_keys and all(_is_same(key, shown[key], record[key], ids) for key in shown)


def _is_same(key: str, shown: Any, value: Any, ids: dict[str, str]) -> bool:
    """Whether a value is shown as it is; of a text that ends in "…" the beginning is."""
    if key in IDS:
        if shown not in ids and value in ids.values():
            return False
        return ids.setdefault(shown, value) == value
    if key in VOLATILE:
        return type(shown) is type(value)
    if isinstance(shown, dict) and isinstance(value, dict):
        return _shows(shown, value, ids)
    if isinstance(shown, str) and isinstance(value, str) and shown.endswith("…"):
        return value.startswith(shown[:-1])
    return bool(shown == value)
