"""A reader of standard output that is slow, stops or goes: callers wait as long as the policy says, and every record is counted."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(not hasattr(fcntl, "F_SETPIPE_SZ"), reason="needs pipes of a known size")

PROGRAM = """
import json, os, signal, sys, time
from unified_logger import *
init_logging(log_dir=None, console="stdout", queue_size=1_000, {options})
log = get_logger("app")
{before}
longest = 0.0
for number in range({count}):
    began = time.monotonic()
    log.info("m" * 300, number=number)
    longest = max(longest, time.monotonic() - began)
flushed = flush_logging({patience})
stats = get_stats()
reasons = {{reason: sum(levels.values()) for reason, levels in stats["dropped_by_reason"].items() if any(levels.values())}}
began = time.monotonic()
done = shutdown_logging({patience})
ended = time.monotonic() - began
print(json.dumps({{"longest": longest, "flushed": flushed, "done": done, "ended": ended, "reasons": reasons, "stats": stats}}), file=sys.stderr)
"""


class Program:
    """A program whose standard output is a pipe of 64 KiB, and what it says at its end."""

    def __init__(self, count: int, patience: float, options: str = "", before: str = "", code: str = PROGRAM) -> None:
        self.reading, writing = os.pipe()
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 1 << 16)
        code = code.format(count=count, patience=patience, options=options, before=before)
        self.process = subprocess.Popen(
            [sys.executable, "-c", code], stdout=writing, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
        os.close(writing)

    def end(self) -> tuple[dict[str, Any], list[str]]:
        """What it found, and the other lines of its standard error; it ends well."""
        said = self.process.communicate(timeout=60)[1].splitlines()
        assert self.process.returncode == 0, said
        [found] = [line for line in said if line.startswith('{"longest"')]
        return json.loads(found), [line for line in said if line != found]

    def read(self, pause: float = 0.0, size: int = 1 << 16) -> list[int]:
        """The numbers of all lines until the end, or of those that are in the pipe. They are whole."""
        text = b""
        while part := os.read(self.reading, size):
            text += part
            time.sleep(pause)
        os.close(self.reading)
        assert text.endswith(b"\n")
        return [json.loads(line)["number"] for line in text.splitlines() if b'"number"' in line]


def test_a_slow_reader_costs_no_record() -> None:
    """With `block`, callers wait for it, and what was accepted is written before the process ends."""
    program = Program(5_000, 60, "overflow_timeout=60")
    numbers = program.read(pause=0.001, size=1 << 14)
    found, others = program.end()
    assert numbers == list(range(5_000))
    assert (found["stats"]["written"], found["stats"]["dropped"], found["stats"]["failed"]) == (5_000, 0, 0)
    assert (found["flushed"], found["done"], others) == (True, True, [])


def test_a_reader_that_comes_late_gets_everything() -> None:
    """The exit waits for it, within its ten seconds."""
    program = Program(3_000, 60, "overflow_timeout=60", code=PROGRAM.partition("flushed = ")[0])
    time.sleep(2.0)
    assert program.read() == list(range(3_000))
    assert program.process.communicate(timeout=60)[1] == ""
    assert program.process.returncode == 0


@pytest.mark.parametrize(
    ("options", "reasons", "most"),
    [
        ("overflow='block', overflow_timeout=0.3", {"timeout"}, 3.0),
        ("overflow='drop_new'", {"drop_new"}, 1.0),
        ("overflow='drop_old'", {"drop_old", "drop_new"}, 1.0),
        ("overflow='drop_low'", {"drop_low"}, 1.0),
    ],
    ids=["block", "drop_new", "drop_old", "drop_low"],
)
def test_a_reader_that_never_reads_holds_up_nobody(options: str, reasons: set[str], most: float) -> None:
    """A call waits as long as the policy says, once; memory is bounded; all records are in one count or wait."""
    program = Program(20_000, 0.3, options)
    found, others = program.end()
    stats = found["stats"]
    assert found["longest"] < most
    assert set(found["reasons"]) <= reasons
    assert found["reasons"]
    assert (found["flushed"], found["done"]) == (False, False)
    assert stats["accepted"] == 20_000
    assert stats["failed"] == 0
    # What waits: in the queue, in the lines of at most 1 MiB, and in the batch that is written.
    waiting = 20_000 - stats["written"] - stats["dropped"]
    assert 0 < waiting <= 1_000 + (1 << 20) // 300 + 2 * 1_024
    assert any("records are not written" in line for line in others)
    assert len(program.read()) == stats["written"]


@pytest.mark.parametrize("default", [False, True], ids=["as Python has it", "with the signal's own action"])
def test_a_reader_that_goes_costs_its_records_alone(default: bool) -> None:
    """No signal ends the process, no call waits, the exit is not held up; records count as failed, and that is told once."""
    before = "signal.signal(signal.SIGPIPE, signal.SIG_DFL)" if default else ""
    program = Program(20_000, 30, before=before)
    os.close(program.reading)
    found, others = program.end()
    stats = found["stats"]
    assert (stats["accepted"], stats["written"] + stats["failed"], stats["dropped"]) == (20_000, 20_000, 0)
    assert stats["failed"] >= 19_000
    assert stats["console"] == {"written": stats["written"], "dropped": stats["failed"]}
    assert (found["flushed"], found["done"]) == (False, False)
    assert found["ended"] < 5
    assert others == ["unified_logger: cannot write: cannot write to standard output: Broken pipe (os error 32)"]


def test_output_that_is_closed_costs_its_records_alone() -> None:
    """A start with `>&-`, and a file of the program that has got its number since: no line is written there."""
    code = """
import json, os, sys
from unified_logger import *
for kind in ("closed", "taken"):
    init_logging(log_dir=None, console="stdout")
    before = get_stats()
    for number in range(100): get_logger("app").info("m", number=number)
    assert not flush_logging(30)
    assert get_stats()["failed"] - before["failed"] == 100, get_stats()
    if kind == "closed":
        assert os.open("of_the_program.txt", os.O_CREAT | os.O_RDWR) == 1
assert os.stat(1).st_size == 0
"""
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run(
            ["sh", "-c", 'exec "$0" -c "$1" >&-', sys.executable, code],
            cwd=directory,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert done.stderr == (
        "unified_logger: cannot write: cannot write to standard output: Bad file descriptor (os error 9)\n"
        "unified_logger: cannot write: cannot write to standard output: number 1 is no standard stream\n"
    )


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is full")
def test_output_without_room_costs_no_record() -> None:
    """A full disk is no reader that has gone: the lines wait until there is room. Seen to fail with all of them given up."""
    code = """
import json, os, sys
from unified_logger import *
init_logging(log_dir=None, console="stdout")
for number in range(100): get_logger("app").info("m", number=number)
assert not flush_logging(2)
assert get_stats()["failed"] == 0, get_stats()
os.dup2(os.open("room.txt", os.O_CREAT | os.O_WRONLY), 1)
assert flush_logging(30)
assert get_stats()["written"] == 100, get_stats()
"""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as directory:
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [sys.executable, "-c", code],
                cwd=directory,
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                timeout=60,
                check=False,
            )
        assert done.returncode == 0, done.stderr
        assert "No space left on device" in done.stderr
        lines = Path(directory, "room.txt").read_text().splitlines()
        assert [json.loads(line)["number"] for line in lines] == list(range(100))


def test_late_records_find_their_reader_or_none() -> None:
    """After the end of logging calls write themselves, and also then a pipe that nobody reads ends nothing."""
    code = """
import signal, sys
from unified_logger import *
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
init_logging(log_dir=None, console="stdout")
assert shutdown_logging(30)
get_logger("app").info("late")
sys.stdin.readline()
get_logger("app").info("later")
print(get_stats()["written"], get_stats()["failed"], signal.sigpending(), file=sys.stderr)
"""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, stderr=pipe, text=True) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        assert json.loads(program.stdout.readline())["message"] == "late"
        program.stdout.close()
        program.stdin.write("\n")
        program.stdin.close()
        assert program.stderr is not None
        assert "1 1 set()" in program.stderr.read()
        assert program.wait(60) == 0


def test_a_blocked_reader_holds_up_no_fork() -> None:
    """A fork waits 100 ms for the writer at most, and the child logs on."""
    before = """
for number in range(4_000): log.info("m" * 300)
began = time.monotonic()
for _ in range(5):
    child = os.fork()
    if child == 0: os._exit(0)
    os.waitpid(child, 0)
assert time.monotonic() - began < 4
"""
    program = Program(1, 0.2, "overflow_timeout=0.1", before)
    program.end()
    os.close(program.reading)


def test_a_stop_signal_loses_nothing_that_is_read() -> None:
    """SIGTERM with a handler that exits, as in a container: the exit hook writes what was accepted."""
    code = """
import signal, sys
from unified_logger import *
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
init_logging(log_dir=None, console="stdout", overflow_timeout=60)
for number in range(3_000): get_logger("app").info("m" * 300, number=number)
print("ready", file=sys.stderr, flush=True)
signal.pause()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        assert program.stderr is not None
        assert program.stdout is not None
        first = [program.stdout.readline() for _ in range(1_000)]
        assert program.stderr.readline() == "ready\n"
        program.send_signal(signal.SIGTERM)
        lines = first + program.stdout.readlines()
        assert program.wait(60) == 0
    assert [json.loads(line)["number"] for line in lines] == list(range(3_000))
