"""From 3.12 on Python counts the threads of the system at a fork, native ones too, and warns if there is more than one."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from on_disk import records

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_our_writer_alone_is_nothing_to_warn_of(run_python: Run, tmp_path: Path) -> None:
    """A program without threads of its own that forks is told nothing, neither on standard error nor in its log.

    Fails on 3.12 and newer while the writer's thread is there at the fork (3.13 counts after the handlers in the parent).
    """
    done = run_python(
        """
import os, warnings
warnings.simplefilter("always")
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", max_bytes=0, console_format="off")
get_logger("app").info("before")
pid = os.fork()
if pid == 0:
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
assert flush_logging(60)
"""
    )
    assert done.stderr == ""
    assert [record["message"] for record in records(tmp_path / "logs", logger="py.warnings")] == []
