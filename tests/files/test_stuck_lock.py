"""A directory's lock that another holds for good costs a second once, not with every batch."""

from __future__ import annotations

import json

from kinds import Numbers, Run

# What the shim counts is how often the lock was asked for: a wait of a second asks some hundred times, one of 10 ms a few times.
PROGRAM = """
import fcntl, json, os
from faults import calls
from unified_logger import flush_logging, get_logger, get_stats, init_logging
init_logging(log_dir="logs", console_format="off", black_box="off", max_bytes=3_000, backup_count=100)
logger = get_logger("app")
holder = os.open("logs/.unified_logger.lock", os.O_RDONLY)
number = 0

def log():
    global number
    before = calls("lock")
    logger.info("m", number=number)
    number += 1
    assert flush_logging(30)
    return calls("lock") - before
"""


def test_only_the_first_wait_is_long(run_faulty: Run, numbers: Numbers) -> None:
    """By a reader that holds it, say. Once it was had again, others are worth waiting for again.

    Seen to fail with a second for each batch.
    """
    done = run_faulty(
        PROGRAM
        + """
fcntl.flock(holder, fcntl.LOCK_EX)
asked = [log() for _ in range(30)]
timeouts = get_stats()["lock_timeouts"]
rotations = get_stats()["files"]["app"]["rotations"]
fcntl.flock(holder, fcntl.LOCK_UN)
free = log()
rotated = get_stats()["files"]["app"]["rotations"]
fcntl.flock(holder, fcntl.LOCK_EX)
again = [log() for _ in range(2)]
print(json.dumps([asked, timeouts, rotations, free, rotated, again]))
"""
    )
    asked, timeouts, rotations, free, rotated, again = json.loads(done.stdout)
    assert (timeouts, rotations) == (30, 0)
    # The upkeep, which the rotation begins, asks for the lock a few times, too.
    assert free <= 10
    assert rotated > 0
    for first, *others in (asked, again):
        assert max(others) < first / 5, (first, others)
    assert numbers() == list(range(33))


def test_another_that_signs_is_waited_for(run_faulty: Run, numbers: Numbers) -> None:
    """It is at work: a look that was in vain tells nothing of the next one. Seen to fail with every later wait short."""
    done = run_faulty(
        PROGRAM
        + """
fcntl.flock(holder, fcntl.LOCK_EX)
stuck = [log() for _ in range(3)]
os.utime("logs/.unified_logger.lock")
print(json.dumps([stuck, log()]))
"""
    )
    (first, *others), signed = json.loads(done.stdout)
    assert max(others) < first / 5
    assert signed > max(others) * 5
    assert numbers() == list(range(4))
