"""A call that has to wait for the disk lets other threads of the program go on."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

import pytest
from kinds import Run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the lock is held by means of POSIX")


# Another process holds the directory's lock until a thread of this one lets go of it, which needs the interpreter.
HELD = """
import json, subprocess, sys, threading
from unified_logger import *
init_logging(log_dir="logs", console_format="off")
get_logger("app").info("m")
assert shutdown_logging(30)
holder = subprocess.Popen(
    [sys.executable, "-c", "import fcntl; file = open('logs/.unified_logger.lock'); fcntl.flock(file, 2); print(flush=True); input()"],
    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
holder.stdout.readline()
begins = threading.Event()
def release():
    begins.wait()
    holder.communicate("\\n")
thread = threading.Thread(target=release)
thread.start()
# Who has the interpreter keeps it, but for what waits.
sys.setswitchinterval(1_000)
begins.set()
{act}
sys.setswitchinterval(0.005)
thread.join()
print(json.dumps(get_stats()))
"""


@pytest.mark.parametrize(
    "act",
    [
        "get_logger('app').info('m')",
        "get_logger('app').error('m', exc_info=ValueError())",
        "import logging; logging.getLogger('app').warning('m')",
        "flush_logging(30)",
    ],
    ids=["call", "exception", "logging", "flush"],
)
def test_a_call_after_shutdown(run_python: Run, act: str) -> None:
    """It writes itself, and waits for the lock without the interpreter. Seen to time out while it kept the interpreter."""
    stats: dict[str, Any] = json.loads(run_python(HELD.format(act=act)).stdout)
    assert stats["lock_timeouts"] == 0
    assert stats["dropped"] == 0
    assert stats["written"] == stats["accepted"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the shim is for Linux")
def test_an_end_takes_its_time_once(run_faulty: Run) -> None:
    """The exit waits a second at most for a disk that a shutdown has waited for in vain. Seen to wait as long again."""
    code = """
from faults import fail, log, wait_for
from unified_logger import *
from unified_logger import _core
from unified_logger.process import engine
patience, shutdown = [], _core.shutdown
def note(timeout):
    patience.append(timeout)
    return shutdown(0.1)
engine._core.shutdown = note
init_logging(log_dir="logs", console_format="off")
stuck = fail("write", delay=3600)
log(get_logger("app"), range(1))
wait_for(stuck)
assert not shutdown_logging()
import atexit
atexit._run_exitfuncs()
print(patience[0] > 9, patience[1])
"""
    assert run_faulty(code).stdout == "True 1.0\n"


# What waits for the disk does so until this thread has seen it wait, which needs the interpreter.
APART = """
import os, threading
import faults
from faults import fail, log, mend, wait_for
from unified_logger import *
logger = get_logger("app")
def apart(act, *ops, **rule):
    thread = threading.Thread(target=act)
    slow = fail(*ops, delay=3600, **rule)
    thread.start()
    wait_for(slow)
    mend()
    thread.join()
"""
AFTER_SHUTDOWN = """
init_logging(log_dir="logs", console_format="off")
log(logger, range(1))
assert shutdown_logging(30)
# More than once: a call that is kept waiting itself may try again.
fail("write", error="ENOSPC", match="app.log")
log(logger, range(1, 2))
mend()
flushed = []
apart(lambda: flushed.append(flush_logging(30)), "write", match="app.log")
assert flushed == [True]
"""
IN_A_CHILD = """
init_logging(log_dir="logs", console_format="off")
log(logger, range(1))
assert flush_logging(30)
if (child := os.fork()) == 0:
    apart(lambda: log(logger, range(1, 2)), "open", match="app.log")
    assert flush_logging(30)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""
PLAIN = """
apart(lambda: init_logging(log_dir="logs", console_format="off", use_unified_logging=False), "open", match="app.log")
log(logger, range(2))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the shim is for Linux")
@pytest.mark.parametrize("act", [AFTER_SHUTDOWN, IN_A_CHILD, PLAIN], ids=["a flush", "a start in a child", "a file"])
def test_what_waits_for_a_disk_keeps_nobody_else_waiting(
    run_faulty: Run, numbers: Callable[[], list[int]], act: str
) -> None:
    """A flush that writes itself, a child that begins anew, a file that is opened. Seen to hang while they kept the interpreter."""
    run_faulty(APART + act, timeout=30)
    assert numbers() == [0, 1]


FULL = """
init_logging(log_dir="logs", console_format="off", overflow_timeout=3600, queue_size=64, black_box="off", max_bytes=0)
go_on = threading.Event()
def late():
    go_on.wait()
    log(logger, range(count, count + 100))
thread = threading.Thread(target=late)
thread.start()
open("no_threads", "w").close()
if (child := os.fork()) == 0:
    os._exit(0)
os.waitpid(child, 0)
refused = fail("write", error="ENOSPC", match="app.log")
count = 0
# What the failing file may hold, and then what the queue may.
while get_stats()["queue_depth"] < 40:
    log(logger, range(count, count + 1), "x" * 100_000)
    count += 1
go_on.set()
while get_stats()["queue_depth"] < 50:
    thread.join(0.01)
seen = get_stats()["errors"]
while get_stats()["errors"] < seen + 3:
    thread.join(0.01)
slow = fail("write", delay=3600, match="app.log")
faults.lift(refused)
wait_for(slow)
mend()
thread.join()
assert flush_logging(30)
print(count)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the shims are for Linux")
def test_a_call_that_found_the_queue_full_writes_apart(
    run_faulty: Run, build_shim: Callable[[str], Any], numbers: Callable[[], list[int]]
) -> None:
    """Without a writer, when it tries again. Seen to hang while it kept the interpreter."""
    done = run_faulty(APART + FULL, also=build_shim("support/faults/no_threads.c"), timeout=30)
    assert numbers() == list(range(int(done.stdout) + 100))
