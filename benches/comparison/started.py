"""A contender that has been started, and what it was asked to write."""

from __future__ import annotations

import time
from pathlib import Path
from types import ModuleType
from typing import Any

from . import sizes
from .lines import Reader

# Their flush only asks: they are done when all lines are there or their files are quiet.
PROMISING = ("logly_file", "spdlog_file", "logxide_file", "loguru_enqueue")
FEW, MANY = 200, 2_000  # records of the runs that tell how fast a contender is


class Contender:
    """Writes records on demand and knows how many are to be on disk."""

    def __init__(self, module: ModuleType, folder: Path) -> None:
        self.module = module
        self.folder = folder
        self.asked = 0  # since the lines were last counted
        self.surplus = 0  # lines counted beyond those asked for: below zero where some are missing
        self.reader = Reader()
        folder.mkdir(parents=True, exist_ok=True)
        module.start(folder)
        self.per_record = 0.0 if module.KIND == "calls" else sizes.slope(FEW, self._timed(FEW), MANY, self._timed(MANY))

    @property
    def name(self) -> str:
        """The last part of its module's name."""
        return self.module.__name__.rpartition(".")[2]

    def _timed(self, count: int) -> float:
        """Seconds for so many records, up to the disk."""
        began = time.perf_counter()
        self.calls(count)
        self.finish()
        return time.perf_counter() - began

    def calls(self, count: int) -> None:
        """So many records."""
        self.asked += count
        self.module.calls(count)

    def errors(self, count: int, error: BaseException) -> None:
        """So many records with an exception."""
        self.asked += count
        self.module.errors(count, error)

    def finish(self) -> None:
        """Returns when everything is on disk: flushed, and for writers that only promise it, when the file is quiet."""
        self.module.finish()
        if self.name not in PROMISING:
            return
        deadline = time.monotonic() + 60
        while self.reader.waiting(self._files()) < self.asked and time.monotonic() < deadline:
            before = self._size()
            time.sleep(0.001)
            if self._size() == before:
                time.sleep(0.2)
                self.module.finish()
                if self._size() == before:
                    return

    def _files(self) -> list[Path]:
        files: list[Path] = self.module.files(self.folder)
        return files

    def _size(self) -> int:
        """Bytes on disk."""
        return sum(path.stat().st_size for path in self._files() if path.exists())

    def counted(self) -> dict[str, Any]:
        """How many lines came of those asked for since the last time, and whether they are JSON with the record's fields."""
        if self.module.KIND == "calls":
            return {"lines": None}
        self.finish()
        asked, self.asked = self.asked, 0
        found = self.reader.news(self._files())
        self.surplus += found.lines - asked
        return found.noted(asked)
