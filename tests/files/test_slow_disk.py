"""A disk that takes seconds per write, or never comes back."""

from __future__ import annotations

import json
import time

import pytest
from kinds import Numbers, Run


def test_callers_do_not_wait_for_a_slow_disk(run_faulty: Run, numbers: Numbers) -> None:
    """Two seconds per write: calls go on as the queue has room, a flush waits as long as it is told, nothing is lost.

    Seen to fail with callers that wait for the writer's lock.
    """
    done = run_faulty(
        """
from faults import fail, log, mend, report, wait_for
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", console_format="off")
logger = get_logger("app")
slow = fail("write", delay=2.0)
longest = log(logger, range(1))
wait_for(slow)
longest = max(longest, log(logger, range(1, 1000)))
early = flush_logging(0.1)
late = flush_logging(60)
report(longest=longest, early=early, late=late)
"""
    )
    seen = json.loads(done.stdout)
    assert (seen["early"], seen["late"]) == (False, True)
    assert seen["longest"] < 1.5
    stats = seen["stats"]
    assert (stats["written"], stats["dropped"], stats["failed"]) == (1000, 0, 0)
    assert numbers() == list(range(1000))


def test_fork_does_not_wait_for_a_stuck_disk(run_faulty: Run) -> None:
    """`os.fork` gets its child within its 100 ms, not when the disk comes back. Seen to fail with a patience of 12 s."""
    done = run_faulty(
        """
import os, time, warnings
from faults import fail, log, mend, report, wait_for
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", console_format="off")
stuck = fail("write", delay=3600)
log(get_logger("app"), range(1))
wait_for(stuck)
warnings.simplefilter("ignore")
begin = time.monotonic()
child = os.fork()
if child == 0:
    os._exit(0)
took = time.monotonic() - begin
os.waitpid(child, 0)
mend()
assert flush_logging(30)
report(took=took)
"""
    )
    assert json.loads(done.stdout)["took"] < 10


@pytest.mark.parametrize("records", [1, 3_000])
def test_shutdown_keeps_its_timeout_on_a_stuck_disk(run_faulty: Run, records: int) -> None:
    """It returns, says False, and stderr says how many records were not written; the process ends.

    Seen to fail with a shutdown that waits 8 s longer, and with an exit hook that waits its ten seconds again.
    """
    begin = time.monotonic()
    done = run_faulty(
        f"""
import time
from faults import fail, log, report, wait_for
from unified_logger import get_logger, init_logging, shutdown_logging
init_logging(log_dir="logs", overflow_timeout=0.2, console_format="off")
stuck = fail("write", delay=3600)
log(get_logger("app"), range(1))
wait_for(stuck)
log(get_logger("app"), range(1, {records}))
begin = time.monotonic()
ended = shutdown_logging(timeout=0.5)
took = time.monotonic() - begin
late = log(get_logger("app"), range({records}, {records} + 1))
report(ended=ended, took=took, late=late)
"""
    )
    seen = json.loads(done.stdout)
    assert seen["ended"] is False
    assert 0.4 < seen["took"] < 5
    assert seen["late"] < 5
    assert f"cannot write everything before shutdown: {records} records are not written" in done.stderr
    # The exit hook waits no longer than that again, instead of its ten seconds.
    assert time.monotonic() - begin < 9


def test_exit_is_bounded_on_a_stuck_disk(run_faulty: Run) -> None:
    """A program that just ends does so within the ten seconds of the exit hook, and says what was not written."""
    begin = time.monotonic()
    done = run_faulty(
        """
from faults import fail, log, wait_for
from unified_logger import get_logger, init_logging
init_logging(log_dir="logs", console_format="off")
stuck = fail("write", delay=3600)
log(get_logger("app"), range(1))
wait_for(stuck)
log(get_logger("app"), range(1, 20))
"""
    )
    assert time.monotonic() - begin < 40
    assert "20 records are not written" in done.stderr
