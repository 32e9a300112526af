"""One contender to a process: `pytest benches/comparison --contender ours`."""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))


def pytest_addoption(parser: pytest.Parser) -> None:
    """The contender, and how long to measure."""
    parser.addoption("--contender", default="ours")
    parser.addoption("--rounds", type=int, default=20)
    parser.addoption("--records", type=int, default=100_000)
    parser.addoption("--seconds", type=float, default=2.0)


class Contender:
    """A started contender, and what it was asked to write."""

    def __init__(self, module: ModuleType, folder: Path) -> None:
        self.module = module
        self.folder = folder
        self.expected = 0
        folder.mkdir(parents=True, exist_ok=True)
        module.start(folder)

    def calls(self, count: int) -> None:
        """So many records."""
        self.expected += count
        self.module.calls(count)

    def errors(self, count: int, error: BaseException) -> None:
        """So many records with an exception."""
        self.expected += count
        self.module.errors(count, error)

    def finish(self) -> None:
        """Returns when everything is on disk: flushed, and for writers that only promise it, when the file is quiet."""
        self.module.finish()
        if self.module.__name__.endswith(("logly_file", "spdlog_file", "logxide_file", "loguru_enqueue")):
            deadline = time.monotonic() + 60
            while self.count() < self.expected and time.monotonic() < deadline:
                before = self.size()
                time.sleep(0.001)
                if self.size() == before:
                    time.sleep(0.2)
                    self.module.finish()
                    if self.size() == before:
                        return

    def size(self) -> int:
        """Bytes on disk."""
        return sum(path.stat().st_size for path in self.module.files(self.folder) if path.exists())

    def count(self) -> int:
        """Lines on disk."""
        total = 0
        for path in self.module.files(self.folder):
            if path.exists():
                with path.open("rb") as file:
                    total += sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
        return total

    def check(self) -> dict[str, Any]:
        """How many lines are there of those asked for, and whether they are JSON with the record's fields."""
        if self.module.KIND == "calls":
            return {"lines": None}
        self.finish()
        lines = parsed = whole = 0
        for path in self.module.files(self.folder):
            with path.open(encoding="utf-8") as file:
                for line in file:
                    lines += 1
                    try:
                        record = json.loads(line)
                    except ValueError:
                        continue
                    parsed += 1
                    whole += "/api/ai/chat" in line and isinstance(record, dict)
        return {"lines": lines, "expected": self.expected, "parsed": parsed, "whole": whole}


@pytest.fixture(scope="session")
def module(request: pytest.FixtureRequest) -> ModuleType:
    """The contender's module."""
    return importlib.import_module(f"contenders.{request.config.getoption('--contender')}")


@pytest.fixture
def contender(module: ModuleType, tmp_path_factory: pytest.TempPathFactory, benchmark: Any) -> Iterator[Contender]:
    """The contender, started once for the process; what it wrote is counted and noted after each bench."""
    if not hasattr(module, "started"):
        module.started = Contender(module, tmp_path_factory.mktemp("logs"))  # type: ignore[attr-defined]
    started: Contender = module.started
    benchmark.extra_info["contender"] = module.__name__.rpartition(".")[2]
    yield started
    benchmark.extra_info.update(started.check())
    if module.KIND != "calls":
        assert benchmark.extra_info["lines"] <= started.expected, "more lines than records"
