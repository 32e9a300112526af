"""What the tests of captured records share."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from kinds import RunPytest


@pytest.fixture
def run_pytest(tmp_path: Path) -> RunPytest:
    """`run_pytest(code, *arguments, failed=0)`: what pytest prints of a test file, with as many failures as expected.

    The file is alone in its directory; nothing is left of the options of this run. Other plugins than ours and, where it is asked
    for, xdist stay away: they take most of the time.
    """
    others = {entry.name for entry in entry_points(group="pytest11")} - {"unified_logger"}

    def run_pytest(code: str, *arguments: str, failed: int = 0, ini: str = "") -> str:
        (tmp_path / "pytest.ini").write_text(f"[pytest]\n{ini}", encoding="utf-8")
        (tmp_path / "test_application.py").write_text(code, encoding="utf-8")
        unwanted = ["cacheprovider", *(name for name in sorted(others) if name != "xdist" or "-n" not in arguments)]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *(f"-pno:{name}" for name in unwanted), *arguments],
            cwd=tmp_path,
            env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        told = f"{done.stdout}\n{done.stderr}"
        assert done.returncode == (1 if failed else 0), told
        assert f" {failed} failed" in done.stdout or not failed, told
        return told

    return run_pytest
