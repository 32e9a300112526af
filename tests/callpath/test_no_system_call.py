"""A call makes no system call on its thread, once its place was seen before: it neither waits nor wakes anybody."""

from __future__ import annotations

import signal

import pytest
from kinds import Run

# `os._exit` is the one call that is left. What the writer has not written by then is recovered from the black box.
FORBIDDEN = """
run = callpath.loop(sys.argv[1], logger=logger, os=os)
run(1_000)
assert flush_logging(60)
callpath.wait_until_the_writer_sleeps()
# Were it sound asleep, this one would wake it: see test_idle.py.
run(1)
if not callpath.forbid_system_calls():
    os._exit(3)
run(10_000)
os._exit(0)
"""

CLOCK = """
import time
if not callpath.forbid_system_calls():
    os._exit(3)
time.time_ns()
os._exit(0)
"""


@pytest.fixture
def run_forbidden(run_counted: Run) -> Run:
    """The exit code of a loop of 10,000 calls that may make no system call; skipped where that cannot be asked."""
    code = run_counted(CLOCK, check=False).returncode
    if code == 3:
        pytest.skip("a thread cannot forbid itself system calls here")
    if code == -signal.SIGSYS:
        pytest.skip("on this machine looking at the clock is a system call")
    assert code == 0
    return lambda body: run_counted(FORBIDDEN, body, check=False).returncode


@pytest.mark.parametrize(
    "call",
    ["logger.info('消息', user='user_001', number=1, real=1.5)", "logger.warning('m')", "logger.debug('m')"],
    ids=["info", "warning", "disabled"],
)
def test_a_call_makes_no_system_call(run_forbidden: Run, call: str) -> None:
    """10,000 of them, with a context and the black box. Seen to fail with a writer woken for each record."""
    assert run_forbidden(call) == 0


def test_a_system_call_would_be_noticed(run_forbidden: Run) -> None:
    """One that does nothing ends the process: the test before can fail."""
    assert run_forbidden("os.getppid()") == -signal.SIGSYS
