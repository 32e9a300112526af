"""Waiting for what happens by itself, and what the library said of levels."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kinds import Record

from unified_logger import init_logging, levels


@pytest.fixture(autouse=True)
def _no_level_for_a_time() -> Iterator[None]:
    """Levels that a test left set for a time are not reverted in the next."""
    yield
    for change in list(levels.timed.values()):
        change.end()


@pytest.fixture
def start(log_dir: Path) -> Callable[..., Any]:
    """`init_logging` into `log_dir` without a console; takes the same options."""

    def start(**options: Any) -> Any:
        return init_logging(**{"log_dir": str(log_dir), "console_format": "off", **options})

    return start


@pytest.fixture
def wait_for() -> Callable[[Callable[[], object]], None]:
    """`wait_for(condition)`: asks again and again until it holds, for at most 30 seconds."""

    def wait_for(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline, "it never came to that"
            time.sleep(0.002)

    return wait_for


@pytest.fixture
def said(records: Callable[..., list[Record]]) -> Callable[[], list[Record]]:
    """`said()`: the records of the library's own in app.log."""
    return lambda: [record for record in records() if record["logger"] == "unified_logger"]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """`write(text)`: writes the configuration file, in one step, and gives its path."""

    def write(text: str) -> Path:
        path, new = tmp_path / "logging.yaml", tmp_path / "logging.new"
        new.write_text(text, encoding="utf-8")
        new.replace(path)
        return path

    return write
