"""A call that has to wait for the disk lets other threads of the program go on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the lock is held by means of POSIX")

Run = Callable[..., subprocess.CompletedProcess[str]]

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
from unified_logger import _core, _lifecycle
patience, shutdown = [], _core.shutdown
def note(timeout):
    patience.append(timeout)
    return shutdown(0.1)
_lifecycle._core.shutdown = note
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
