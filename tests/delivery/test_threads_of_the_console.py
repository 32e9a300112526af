"""Threads that show lines and trouble: there while logging is, and not after its end."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from kinds import Run

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads are named in /proc")


PRELUDE = """
import os, sys
from unified_logger import *
logger = get_logger("app")
def threads():
    names = []
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/comm") as comm:
                names.append(comm.read().strip())
        except (FileNotFoundError, ProcessLookupError):
            pass  # It ends just now.
    # One more looks after what other processes on this machine left behind. It begins with the name of the thread that starts it.
    return sorted({name for name in names if name.startswith("unified") and name != "unified_logger_"})
def start(**options):
    init_logging(log_dir="logs", console_format="json", console_level="INFO", **options)
    logger.info("m")
    assert flush_logging(30)
"""


def test_an_end_ends_the_console(run_python: Run) -> None:
    """What was logged is shown first; a start has a console again, and so has a record that comes late, until the next end.

    Seen to fail with a thread that went on until the process ended.
    """
    done = run_python(
        PRELUDE
        + """
for turn in range(3):
    start()
    assert threads() == ["unified_console", "unified_logger"], threads()
    for number in range(1_000):
        logger.info("m")
    assert shutdown_logging(30)
    assert threads() == [], threads()
logger.info("late")
assert flush_logging(30)
assert shutdown_logging(30)
assert threads() == [], threads()
"""
    )
    shown = [json.loads(line)["message"] for line in done.stderr.splitlines()]
    assert shown == ["m"] * 3_003 + ["late"]


def test_a_child_has_a_console_of_its_own(run_python: Run) -> None:
    """After an end as without one, and its end is nobody else's. Seen to fail with a thread that went on."""
    done = run_python(
        PRELUDE
        + """
import warnings
warnings.simplefilter("error")
def child():
    logger.info("child")
    assert flush_logging(30)
    assert shutdown_logging(30)
    assert threads() == [], threads()
    start()
    assert threads() == ["unified_console", "unified_logger"], threads()
    os._exit(0)
start()
for ended in (False, True):
    if ended:
        assert shutdown_logging(30)
    if (process := os.fork()) == 0:
        child()
    assert os.waitpid(process, 0)[1] == 0
    assert ended or flush_logging(30)
    if not ended:
        logger.info("m")
        assert flush_logging(30)
        assert threads() == ["unified_console", "unified_logger"], threads()
assert threads() == [], threads()
"""
    )
    shown = [json.loads(line)["message"] for line in done.stderr.splitlines()]
    assert shown == ["m", "child", "m", "m", "child", "m"]


def test_an_end_ends_what_tells_trouble(run_python: Run) -> None:
    """That of the disk, and that of a stream of Python's. Seen to fail with threads that went on."""
    done = run_python(
        PRELUDE
        + """
class Broken:
    def write(self, text): raise OSError("broken")
stderr, sys.stderr = sys.stderr, Broken()
start()
sys.stderr = stderr
assert "unified_errors" in threads(), threads()
assert shutdown_logging(30)
assert threads() == [], threads()
"""
    )
    assert done.stderr == "unified_logger: cannot write to sys.stderr: OSError: broken\n"


def test_a_console_that_takes_nothing_ends_when_it_does(run_python: Run, tmp_path: object) -> None:
    """An end does not wait for it longer than it may; its thread goes as soon as all is shown.

    Seen to fail with a thread that went on.
    """
    code = (
        PRELUDE
        + """
import time
start()
for number in range(1_000):
    logger.info("x" * 100)
assert shutdown_logging(30)
assert threads() == ["unified_console"], threads()
print(flush=True)
tries = 0
while threads() and (tries := tries + 1) < 10_000:
    time.sleep(0.001)
print(threads(), flush=True)
"""
    )
    reading, writing = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=str(tmp_path), stdout=subprocess.PIPE, stderr=writing
    ) as program:
        os.close(writing)
        assert program.stdout is not None
        assert program.stdout.readline() == b"\n"
        with open(reading, "rb") as shown:
            lines = shown.readlines()
            assert len(lines) == 1_001, lines
        assert program.stdout.readline() == b"[]\n"
        assert program.wait(30) == 0
