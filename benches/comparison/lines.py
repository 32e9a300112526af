"""What is on disk: every line is counted and parsed, each once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

FIELD = b"/api/ai/chat"  # a value of a field that every record here has


@dataclass
class Lines:
    """How many lines there are, how many of them are JSON objects, and how many of these have the record's field."""

    lines: int = 0
    parsed: int = 0
    whole: int = 0

    def noted(self, expected: int) -> dict[str, Any]:
        """As a result says it, beside the number asked for."""
        return {"expected": expected, **asdict(self)}


class Reader:
    """Reads what files that grow have got since the last time."""

    def __init__(self) -> None:
        self._read: dict[Path, int] = {}

    def news(self, paths: Iterable[Path]) -> Lines:
        """Counts and parses the whole lines that are new."""
        found = Lines()
        for path in filter(Path.exists, paths):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    self._read[path] = self._read.get(path, 0) + len(line)
                    found.lines += 1
                    try:
                        record = orjson.loads(line)
                    except ValueError:
                        continue
                    found.parsed += isinstance(record, dict)
                    found.whole += isinstance(record, dict) and FIELD in line
        return found

    def waiting(self, paths: Iterable[Path]) -> int:
        """How many lines are new, which still are so afterwards."""
        total = 0
        for path in filter(Path.exists, paths):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                total += sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
        return total
