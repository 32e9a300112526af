"""The command, as users run it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from kinds import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """`unified-logger` with these arguments."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "unified_logger.cli", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    return run
