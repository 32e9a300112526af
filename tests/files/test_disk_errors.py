"""A disk that refuses: callers go on, nothing is lost or torn, and writing resumes by itself once it mends."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

FULL = {"ops": ["write"], "error": "ENOSPC", "budget": 5_001}
# Every one makes at least one of the files refuse what comes.
FAULTS: dict[str, list[dict[str, Any]]] = {
    "ENOSPC": [FULL],
    "ENOSPC at once": [{**FULL, "budget": -1}],
    "EDQUOT": [{**FULL, "error": "EDQUOT"}],
    "EFBIG": [{**FULL, "error": "EFBIG"}],
    "EIO": [{"ops": ["write"], "error": "EIO"}],
    "EIO in the middle of a line": [{"ops": ["write"], "error": "EIO", "budget": 777}],
    "EROFS": [{"ops": ["write", "open", "rename", "truncate", "mkdir", "access"], "error": "EROFS"}],
    "a torn line that cannot be cut off": [FULL, {"ops": ["truncate"], "error": "EIO"}],
    "one write of one byte, then EIO": [{"ops": ["write"], "error": "EIO", "budget": 1}],
    "a rotation that cannot rename": [{"ops": ["rename"], "error": "EIO"}],
    "a rotation that fails half way": [{"ops": ["rename"], "error": "EACCES", "skip": 1}],
    "a rotation that cannot open the new file": [{"ops": ["open"], "error": "EMFILE"}],
    "a file that cannot be looked at": [{"ops": ["stat"], "error": "EIO", "match": "app.log"}],
}


@pytest.mark.parametrize("name", FAULTS)
def test_nothing_is_lost_over_a_fault(
    run_faulty: Callable[..., Any], numbers: Callable[..., list[int]], name: str
) -> None:
    """No call raises or waits, the flush says False meanwhile, and afterwards every record is in its files, once, in order.

    Seen to fail without the lines that cut a torn line off (EIO in the middle of a line), and without those that try it
    again (a torn line that cannot be cut off).
    """
    done = run_faulty(
        f"""
from faults import fail, log, mend, report
from unified_logger import flush_logging, get_logger, get_stats, init_logging
init_logging(log_dir="logs", max_bytes=20_000, backup_count=100, overflow_timeout=60, console_format="off")
logger = get_logger("app")
log(logger, range(250))
assert flush_logging(30)
for rule in {FAULTS[name]!r}:
    fail(*rule.pop("ops"), **rule)
longest = log(logger, range(250, 500))
on_disk = flush_logging(0.3)
errors = get_stats()["errors"]
mend()
log(logger, range(500, 600))
assert flush_logging(60)
report(longest=longest, on_disk=on_disk, errors=errors)
"""
    )
    seen = json.loads(done.stdout)
    stats = seen["stats"]
    assert (seen["on_disk"], seen["errors"] > 0) == (False, True)
    assert seen["longest"] < 5
    assert (stats["accepted"], stats["written"], stats["dropped"], stats["failed"]) == (600, 600, 0, 0)
    assert numbers() == list(range(600))
    assert numbers("errors.log") == list(range(0, 600, 10))
    assert "unified_logger: cannot " in done.stderr
    assert len(done.stderr) <= 64 * 1024


@pytest.mark.parametrize("overflow", ["block", "drop_new", "drop_old", "drop_low"])
def test_a_fault_longer_than_the_queue_is_accounted_for(
    run_faulty: Callable[..., Any], numbers: Callable[..., list[int]], overflow: str
) -> None:
    """What found no room is counted, exactly; `block` waits once, not per call; the rest is written after the fault."""
    done = run_faulty(
        f"""
from faults import fail, log, mend, report
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", queue_size=200, overflow={overflow!r}, overflow_timeout=0.3, console_format="off")
logger = get_logger("app")
fail("write", error="EIO")
longest = log(logger, range(4_000), "m" * 5_000)
mend()
assert flush_logging(60)
report(longest=longest)
""",
        timeout=120,
    )
    stats = json.loads(done.stdout)["stats"]
    assert stats["dropped"] > 0
    assert stats["accepted"] == 4_000 == stats["written"] + stats["dropped"]
    assert stats["failed"] == 0
    found = numbers()
    assert len(found) == stats["written"]
    assert found == sorted(set(found))
    assert json.loads(done.stdout)["longest"] < 10
    assert len(done.stderr) <= 64 * 1024
