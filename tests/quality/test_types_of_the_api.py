"""Type checkers know the public API from the installed package."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MYPY = ("mypy", "--strict", "--config-file=", "--no-sqlite-cache", "--cache-dir=cache")
# Pyright, and its language server, from a package that needs no network once it is installed.
PYRIGHT = ("basedpyright", "--level=error", f"--pythonpath={sys.executable}", "--project=pyrightconfig.json")
STRICT = {
    "typeCheckingMode": "strict",
    "pythonVersion": "3.10",
    "include": ["."],
    "enableTypeIgnoreComments": True,
    "reportUnnecessaryTypeIgnoreComment": "error",
    "reportUnusedExpression": "none",
    "reportUnusedVariable": "none",
}


@pytest.mark.parametrize("checker", [MYPY, PYRIGHT], ids=["mypy", "pyright"])
@pytest.mark.parametrize("example", ["user_code.py", "user_mistakes.py"])
def test_strict_checking_gives_the_expected_result(checker: tuple[str, ...], example: str, tmp_path: Path) -> None:
    """Correct use passes the strict mode; each mistake is reported, by mypy with the code that its line expects.

    Seen to fail (options that are misspelt, and words that are not allowed, passed) with `**options: Any`.
    """
    shutil.copy(HERE / example, tmp_path)
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(STRICT), encoding="utf-8")
    files = [] if checker is PYRIGHT else [example]
    command = [sys.executable, "-m", *checker, *files]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
