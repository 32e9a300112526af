"""A file system without locks: said once, counted, and everything stays right for one process."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.parametrize("error", ["ENOLCK", "ENOSYS", "EOPNOTSUPP"])
def test_one_process_goes_on_without_locks(
    run_faulty: Callable[..., Any], numbers: Callable[..., list[int]], error: str
) -> None:
    """Rotation included. Seen to fail (silent) without the lines in the pipeline that tell it."""
    done = run_faulty(
        f"""
from faults import calls, fail, log, report
from unified_logger import flush_logging, get_logger, init_logging
fail("lock", error={error!r})
init_logging(
    log_dir="logs", max_bytes=20_000, backup_count=100, overflow_timeout=60, console_format="off", black_box="dir"
)
logger = get_logger("app")
for start in range(0, 1000, 100):
    log(logger, range(start, start + 100))
    assert flush_logging(30)
report(asked=calls("lock"))
"""
    )
    seen = json.loads(done.stdout)
    stats = seen["stats"]
    assert (stats["written"], stats["dropped"], stats["failed"]) == (1000, 0, 0)
    assert numbers() == list(range(1000))
    assert stats["files"]["app"]["rotations"] > 0
    # The black box asks for its own lock once: without one it cannot be, and that is said too. So does what looks after rotated files.
    assert 5 < stats["lock_unsupported"] < seen["asked"]
    assert stats["black_box"] == 0
    assert done.stderr.count("cannot make a black box") == 1
    assert stats["lock_timeouts"] == 0
    assert done.stderr.count("the file system has no locks") == 1


def test_a_lock_file_that_cannot_be_opened_delays_only_the_rotation(
    run_faulty: Callable[..., Any], numbers: Callable[..., list[int]]
) -> None:
    """Whole lines are appended meanwhile; nothing is renamed, for another process may be at work; then it is made up for.

    Seen to fail (rotated meanwhile) with the lock that cannot be opened taken for one the file system does not have.
    """
    done = run_faulty(
        """
import os
from faults import fail, log, mend, report
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", max_bytes=20_000, backup_count=100, overflow_timeout=60, console_format="off")
logger = get_logger("app")
os.unlink("logs/.unified_logger.lock")
fail("open", error="EMFILE", match=".lock")
log(logger, range(300))
assert flush_logging(30)
files = sorted(name for name in os.listdir("logs") if ".log" in name)
mend()
log(logger, range(300, 400))
assert flush_logging(30)
report(files=files)
"""
    )
    seen = json.loads(done.stdout)
    assert seen["files"] == ["ai_responses.log", "app.log", "errors.log"]
    assert numbers() == list(range(400))
    assert seen["stats"]["lock_unopened"] > 0
    assert seen["stats"]["files"]["app"]["rotations"] > 0
