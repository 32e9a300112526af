"""Programs that log, and what their directory tells of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from kinds import Scrape


@pytest.fixture
def scrape(tmp_path: Path) -> Scrape:
    """`scrape(directory="logs")`: each series by its name, without `unified_logger_` before it. Nothing is remarked."""

    def scrape(directory: str = "logs") -> dict[str, float]:
        command = [sys.executable, "-m", "unified_logger.cli", "metrics", directory]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
        assert done.stderr == ""
        lines = [line.rpartition(" ") for line in done.stdout.splitlines() if not line.startswith("#")]
        return {name.removeprefix("unified_logger_"): float(value) for name, _, value in lines}

    return scrape
