"""Daemon threads that log while the interpreter ends: it ends, and what was logged is on disk."""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path
from typing import Any

import pytest
from kinds import Lines, Run

# What each thread's last call was that returned, in a file that outlives the process.
DAEMONS = """
import mmap, threading, time
from unified_logger import *
THREADS = 6
with open("returned", "wb+") as file:
    file.truncate(8 * THREADS)
    returned = memoryview(mmap.mmap(file.fileno(), 8 * THREADS)).cast("q")
init_logging(log_dir="logs", console_format="off", max_bytes=0, {options})
logger = get_logger("app")
class Text:
    def __repr__(self):
        for _ in range(100): pass
        return "text"
text = Text()
def work(thread):
    number = 0
    while True:
        logger.info("m", n=number, of=thread, {fields})
        number += 1
        returned[thread] = number
threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(THREADS)]
for thread in threads: thread.start()
while min(returned) < {least}:
    time.sleep(0.001)
{end}
"""


def check(run_python: Run, lines: Lines, tmp_path: Path, **parts: Any) -> None:
    """Run it once: exit code 0, nothing on standard error, and each thread's records are all there in order."""
    for path in tmp_path.glob("logs/*.log"):
        path.unlink()
    given = {"options": "", "fields": "", "least": 200, "end": "", **parts}
    done = run_python(DAEMONS.format(**given), timeout=60)
    assert done.stderr == ""
    returned = struct.unpack("6q", (tmp_path / "returned").read_bytes())
    found: dict[int, list[int]] = {thread: [] for thread in range(6)}
    for record in lines():
        found[record["of"]].append(record["n"])
    for thread, numbers in found.items():
        assert numbers == list(range(len(numbers))), "lost, doubled or out of order"
        assert returned[thread] <= len(numbers) <= returned[thread] + 1


@pytest.mark.skipif(os.name != "posix", reason="memory is shared with the file by POSIX alone")
@pytest.mark.parametrize("fields", ["", "value=text", "value=[text]", "exc_info=ValueError(text)"])
def test_daemons_that_log_hard(run_python: Run, lines: Lines, tmp_path: Path, fields: str) -> None:
    """Main returns; ten times each. Seen to fail, where values run code, without all that `ending` does."""
    for _ in range(10):
        check(run_python, lines, tmp_path, fields=fields)


@pytest.mark.parametrize("fields", ["", "value=text"])
def test_daemons_that_wait_for_a_full_queue(run_python: Run, lines: Lines, tmp_path: Path, fields: str) -> None:
    """They are let go before the interpreter ends, and ended by it in no call of ours.

    Seen to fail, where values run code, without all that `ending` does.
    """
    for _ in range(10):
        check(run_python, lines, tmp_path, fields=fields, options="queue_size=4, overflow_timeout=60")


@pytest.mark.parametrize(
    "end", ["shutdown_logging()", "flush_logging()", "init_logging(log_dir='logs', console_format='off', max_bytes=0)"]
)
def test_the_program_stops_or_starts_last(run_python: Run, lines: Lines, tmp_path: Path, end: str) -> None:
    """Just before main returns."""
    for _ in range(5):
        check(run_python, lines, tmp_path, end=end, options="queue_size=64, overflow_timeout=60")


def test_daemons_of_others_that_listen(run_python: Run, lines: Lines, tmp_path: Path) -> None:
    """Where calls go through `logging`. Seen to fail without all that `ending` does."""
    listen = "import logging; logging.getLogger('app').addHandler(logging.NullHandler())"
    for _ in range(10):
        check(run_python, lines, tmp_path, options="\n)\n" + listen + "\ndict(", fields="value=text")


def test_daemons_whose_context_another_library_decides(run_python: Run, lines: Lines, tmp_path: Path) -> None:
    """It is asked in the middle of each call. Seen to abort while the exit did not wait for that."""
    theirs = """
import contextvars
from unified_logger import _core
theirs = contextvars.ContextVar("theirs")
def convert(_):
    for _ in range(100): pass
    return _core.Context("t", "s", {})
_core.set_foreign_context(theirs, convert)
"""
    for _ in range(10):
        check(
            run_python,
            lines,
            tmp_path,
            options="\n)\n" + theirs + "\ndict(",
            fields="**(theirs.set(object()) and {})",
        )


def test_daemons_that_are_shown_on_a_stream_of_python(run_python: Run, lines: Lines, tmp_path: Path) -> None:
    """In place of `sys.stderr`. Seen to abort while the exit did not wait for it."""
    stream = """
import os, sys
class Stream:
    def write(self, text):
        for _ in range(100): pass
    def flush(self): pass
sys.stderr = Stream()
# What is shown when Python cannot be asked any more.
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
init_logging(log_dir="logs", console_format="text", max_bytes=0)
"""
    for _ in range(5):
        check(run_python, lines, tmp_path, options="\n)\n" + stream + "\ndict(")


def test_daemons_whose_levels_change(run_python: Run, lines: Lines, tmp_path: Path) -> None:
    """Loggers are asked anew each time. Seen to abort while the exit did not wait for their answer."""
    imported = "\n)\nimport logging\ndict("
    for _ in range(5):
        check(
            run_python,
            lines,
            tmp_path,
            options=imported,
            fields="**(logging.getLogger('app').setLevel(10) or {})",
        )


def test_daemons_that_flush(run_python: Run) -> None:
    """For ever, while main returns."""
    code = """
import threading, time
from unified_logger import *
init_logging(log_dir="logs", console_format="off")
logger, turns = get_logger("app"), []
def work():
    while True:
        logger.info("m")
        flush_logging(60)
        turns.append(1)
for _ in range(4): threading.Thread(target=work, daemon=True).start()
while len(turns) < 20: time.sleep(0.001)
"""
    for _ in range(10):
        assert run_python(code, timeout=60).stderr == ""


COLLECTED = {
    "context": "with LoggingContext(a=[1]): pass",
    "bound logger": "log.bind(a=1)",
    "exception formatted": "JSONFormatter().formatException((ValueError, error, None))",
    "trace": "set_new()",
    "exception logged": "log.error('m', exc_info=error)",
    "value": "log.info('m', value=[1])",
    "bound call": "bound.info('m')",
    "statistics": "get_stats()",
}


@pytest.mark.parametrize("act", COLLECTED.values(), ids=COLLECTED)
def test_daemons_that_collect_garbage(run_python: Run, act: str) -> None:
    """Finalizers run inside calls of ours until 3.11, where any allocation may collect.

    Seen to abort, once in a few runs each, while collections went on to the end.
    """
    code = f"""
import gc, sys, threading
from unified_logger import *
from unified_logger import _core
from unified_logger.stdlib.formatters import JSONFormatter
init_logging(log_dir="logs", console_format="off")
sys.setswitchinterval(1e-5)
log, error, turns, set_new = get_logger("app"), ValueError("x"), [], _core.new_trace
bound = log.bind(b=1)
alive = []
class Garbage:
    def __init__(self):
        self.itself = self
        alive.append(1)
    def __del__(self, alive=alive):
        alive.pop()
        for _ in range(30): pass
def work():
    while True:
        # Twelve threads make more than the one that collects gets rid of: each collection would take ten times as long as the one before.
        if len(alive) < 1_000:
            for _ in range(5): Garbage()
        {act}
        turns.append(1)
gc.set_threshold(3, 3, 3)
for _ in range(12): threading.Thread(target=work, daemon=True).start()
while len(turns) < 100: pass
"""
    for _ in range(4 if sys.version_info < (3, 12) else 1):
        assert run_python(code, timeout=120).stderr == ""


def test_other_threads_garbage_does_not_hold_up_the_exit(run_python: Run) -> None:
    """How much there is has no bound, as threads go on making more: it is collected where all others are stopped.

    Seen to fail, until 3.11, where the exit collected what was there to learn whether anybody else was collecting.
    """
    code = """
import gc, sys, unified_logger
gc.set_threshold(1_000_000)
class Garbage:
    def __init__(self): self.itself = self
    def __del__(self): print("others are stopped", sys.is_finalizing())
Garbage()
"""
    assert run_python(code).stdout == "others are stopped True\n"


def test_garbage_is_collected_at_the_end_as_ever(run_python: Run) -> None:
    """Objects in cycles have their finalizers run while the program's modules are whole."""
    code = """
import unified_logger, sys
class Kept:
    def __init__(self): self.itself = self
    def __del__(self): print("finalized", sys is not None)
Kept()
"""
    assert run_python(code).stdout == "finalized True\n"
