"""From 3.12 on Python counts the threads of the system at a fork, native ones too, and warns if there is more than one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kinds import Run
from on_disk import records


@pytest.mark.parametrize("console", ["off", "json"])
def test_our_threads_are_nothing_to_warn_of(run_python: Run, tmp_path: Path, console: str) -> None:
    """A program without threads of its own that forks is told nothing, neither on standard error nor in its log.

    Seen to fail on 3.12 while the writer's thread was there at the fork, and on 3.13, which counts after the handlers in the
    parent, with the writer started again in them.
    """
    done = run_python(
        f"""
import os, warnings
warnings.simplefilter("always")
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", max_bytes=0, console_format="{console}")
for number in range(5):
    get_logger("app").info("before", number=number)
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
assert flush_logging(60)
"""
    )
    shown = [json.loads(line)["message"] for line in done.stderr.splitlines()]
    assert shown == (["before"] * 5 if console == "json" else [])
    assert [record["message"] for record in records(tmp_path / "logs", logger="py.warnings")] == []
    assert [record["number"] for record in records(tmp_path / "logs", logger="app")] == list(range(5))
