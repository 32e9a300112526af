"""Type checkers know the public API from the installed package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.parametrize("example", ["user_code.py", "user_mistakes.py"])
def test_strict_checking_gives_the_expected_result(example: str, tmp_path: Path) -> None:
    """Correct use passes mypy's strict mode; each mistake is reported with the code that its line expects."""
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        "--no-sqlite-cache",
        "--cache-dir=cache",
        str(HERE / example),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
