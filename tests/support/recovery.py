"""What the next program does with the records that dead processes could not write."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

PROGRAM = """
import sys
from unified_logger import flush_logging, init_logging
init_logging(log_dir=sys.argv[1], max_bytes=int(sys.argv[2]), backup_count=1_000, console_format="off")
assert flush_logging(20)
print("started", flush=True)
sys.stdin.read()
"""


def recover(directory: Path, complete: Callable[[], bool], max_bytes: int = 0) -> None:
    """Start a program that logs to the directory, and leave it there until all is complete, at most 10 s."""
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(directory), str(max_bytes)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert program.stdout is not None
        assert program.stdout.readline() == "started\n", "the next program does not start"
        deadline = time.monotonic() + 10
        while not complete() and time.monotonic() < deadline:
            time.sleep(0.05)
        program.communicate(timeout=60)
        assert program.returncode == 0
    finally:
        if program.poll() is None:
            program.kill()
            program.communicate()
