"""The command, as users run it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kinds import Run

PACKED = """
import glob, time
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", max_bytes=4_000, backup_count=50, compress="zstd", console_format="off")
for number in range(200):
    get_logger("shop").info("sold", number=number)
flush_logging()
until = time.monotonic() + 30
while glob.glob("logs/app.log.*[0-9]") or len(glob.glob("logs/.unified_logger/*.idx")) < len(glob.glob("logs/*.zst")):
    assert time.monotonic() < until, "they are not packed"
    time.sleep(0.02)
"""


@pytest.fixture
def packed(run_python: Callable[..., Any], tmp_path: Path) -> Path:
    """A directory with packed files and their indices."""
    run_python(PACKED)
    return tmp_path / "logs"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """`unified-logger` with these arguments."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "unified_logger.cli", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    return run
