"""`_core.pyi` says of the native module what is true."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_stubtest_finds_no_difference(tmp_path: Path) -> None:
    """Names, parameters and defaults of the stub are those of the built module."""
    config, allowed = tmp_path / "mypy.ini", tmp_path / "allowed"
    # No SQLite: an interpreter may have been built without it.
    config.write_text("[mypy]\nstrict = True\nsqlite_cache = False\n", encoding="utf-8")
    # PyO3 makes `__all__`, and nobody reads it. Each form of `log` has a level, which one signature of both cannot say.
    allowed.write_text("unified_logger\\._core\\.__all__\nunified_logger\\._core\\.Logger\\.log\n", encoding="utf-8")
    options = ["--mypy-config-file", str(config), "--allowlist", str(allowed), "--ignore-disjoint-bases"]
    command = [sys.executable, "-m", "mypy.stubtest", *options, "unified_logger._core"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
