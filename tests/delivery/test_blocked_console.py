"""A paused terminal or a pipe that nobody reads: files, callers, flushes and the exit do not wait for it."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any

import pytest
from kinds import Numbers

PROJECT = Path(__file__).resolve().parents[2]

# The result goes to standard output; standard error is the blocked one.
PROGRAM = """
import json, time
from unified_logger import flush_logging, get_logger, get_stats, init_logging
init_logging(log_dir="logs", overflow_timeout=60, console_format="text")
logger = get_logger("app")
longest = 0.0
for number in range(5_000):
    begin = time.perf_counter()
    logger.info("m" * 500, number=number)
    longest = max(longest, time.perf_counter() - begin)
began = time.monotonic()
on_disk = [flush_logging(30) for _ in range(5)]
print(json.dumps({"longest": longest, "on_disk": on_disk, "flushes": time.monotonic() - began, "stats": get_stats()}))
"""


@pytest.fixture(params=["a pipe nobody reads", "a terminal nobody reads", "a terminal paused with Ctrl-S"])
def blocked(request: pytest.FixtureRequest) -> Any:
    """A descriptor for standard error that takes little or nothing."""
    reading, writing = os.pipe() if "pipe" in request.param else pty.openpty()
    if "Ctrl-S" in request.param:
        termios.tcflow(writing, termios.TCOOFF)
    yield writing
    # A paused terminal would keep its bytes, and the closing would wait for them to go.
    if "Ctrl-S" in request.param:
        termios.tcflow(writing, termios.TCOON)
    os.close(reading)
    os.close(writing)


def run(code: str, stderr: int, tmp_path: Path, **environment: str) -> tuple[dict[str, Any], float]:
    """Runs a program with this standard error; what it printed, and how long it took to the end of the process."""
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=stderr,
        timeout=60,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result, time.monotonic() - begin


def test_a_blocked_console_holds_up_nothing(blocked: int, tmp_path: Path, numbers: Numbers) -> None:
    """All records are in the file, calls are short, five flushes cost what one does, the process ends by itself.

    What the console did not take is counted. Seen to fail with every flush waiting its second for the console.
    """
    seen, took = run(PROGRAM, blocked, tmp_path)
    stats = seen["stats"]
    assert numbers() == list(range(5_000))
    assert (stats["written"], stats["dropped"], stats["failed"]) == (5_000, 0, 0)
    assert seen["on_disk"] == [True] * 5
    assert seen["longest"] < 5
    assert seen["flushes"] < 4
    assert took < 30
    assert stats["console"]["dropped"] > 0


def test_a_console_that_is_read_again_goes_on(tmp_path: Path) -> None:
    """After the pause new lines are shown, whole, and written + dropped make up all of them."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    code = """
import json, sys, time
from unified_logger import flush_logging, get_logger, get_stats, init_logging
init_logging(log_dir="logs", console_format="json")
logger = get_logger("app")
for number in range(5_000):
    logger.info("m" * 500, number=number)
assert flush_logging(30)
print("full", flush=True)
sys.stdin.readline()
def wait_for_console(lines):
    while sum(get_stats()["console"].values()) < lines:
        flush_logging(30)
        time.sleep(0.001)
wait_for_console(5_000)
for number in range(5_000, 5_010):
    logger.info("m", number=number)
wait_for_console(5_010)
print(json.dumps(get_stats()["console"]), flush=True)
"""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdin=pipe, stdout=pipe, stderr=writing, text=True
    ) as program:
        os.close(writing)
        assert program.stdin is not None
        assert program.stdout is not None
        assert program.stdout.readline() == "full\n"
        program.stdin.write("\n")
        program.stdin.flush()
        with open(reading, encoding="utf-8") as console:
            shown = [json.loads(line)["number"] for line in console]
        counts = json.loads(program.stdout.read())
        assert program.wait(30) == 0
    assert counts["written"] == len(shown)
    assert counts["written"] + counts["dropped"] == 5_010
    assert counts["dropped"] > 0
    assert shown[-10:] == list(range(5_000, 5_010))
    assert shown == sorted(set(shown))


def test_trouble_told_to_a_blocked_console_holds_up_no_file(
    blocked: int, shim: Path, tmp_path: Path, log_dir: Path, numbers: Numbers
) -> None:
    """The disk fails while standard error takes nothing: the writer goes on trying, and is done once the disk mends.

    Seen to fail (the flush never answers) with the error handler writing to standard error itself.
    """
    (tmp_path / "control").write_bytes(bytes(4096))
    code = """
import os, select
from faults import fail, log, mend, report
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", console_format="off")
logger = get_logger("app")
# Non-blocking through a descriptor of its own, so that the one the program has blocks.
try:
    filling = os.open("/proc/self/fd/2", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    while True:
        os.write(filling, b"x" * 512)
except BlockingIOError:
    pass
fail("write", error="EIO")
longest = log(logger, range(500))
failing = flush_logging(0.5)
mend()
report(failing=failing, mended=flush_logging(20), longest=longest)
"""
    seen, took = run(
        code,
        blocked,
        tmp_path,
        LD_PRELOAD=str(shim),
        FAULTS_CONTROL=str(tmp_path / "control"),
        FAULTS_DIRECTORY=str(log_dir),
        PYTHONPATH=str(PROJECT / "tests" / "support" / "faults"),
    )
    assert (seen["failing"], seen["mended"]) == (False, True)
    assert seen["longest"] < 5
    assert took < 50
    assert numbers() == list(range(500))
    assert seen["stats"]["errors"] > 0


def test_early_records_do_not_hold_up_the_exit(blocked: int, tmp_path: Path) -> None:
    """A program that never called `init_logging` shows its warnings at exit, as far as they are taken within a second.

    Seen to fail (the process never ends) with the plain blocking write.
    """
    code = """
from unified_logger import get_logger
for number in range(900):
    get_logger("app").warning("m" * 500, number=number)
print("{}")
"""
    _, took = run(code, blocked, tmp_path)
    assert took < 30
