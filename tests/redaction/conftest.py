"""A program with a secret at every door, run in a directory of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from planted import NAMED, PATTERNS, PROGRAM, found


class Done:
    """A program that has ended, and what is left of it."""

    def __init__(self, done: subprocess.CompletedProcess[str], directory: Path) -> None:
        self.code = done.returncode
        self.stdout = done.stdout
        self.stderr = done.stderr
        self.logs = directory / "logs"

    def found(self) -> set[str]:
        """The secrets that are anywhere."""
        return found(self.logs, self.stdout, self.stderr)

    def text(self, pattern: str = "app.log*") -> str:
        """What the log files of that name hold."""
        return "".join(path.read_text(encoding="utf-8") for path in sorted(self.logs.glob(pattern)))


@pytest.fixture
def plant(run_python: Callable[..., Any], tmp_path: Path) -> Callable[..., Done]:
    """`plant(code, options=…, **environment)`: the doors, then `code`; `OPTIONS` there are the options for `init_logging`."""

    def plant(code: str, options: dict[str, Any] | None = None, **environment: str) -> Done:
        given = {"log_dir": str(tmp_path / "logs"), **(options or {})}
        done = run_python(
            f"{PROGRAM}\n{code}",
            check=False,
            SECRETS=json.dumps(PATTERNS),
            NAMED=NAMED,
            OPTIONS=json.dumps(given),
            **environment,
        )
        return Done(done, tmp_path)

    return plant
