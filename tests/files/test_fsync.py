"""The option `fsync`: what is synced to the device, when, and what a refusal costs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from kinds import Numbers, Run


def test_never_is_the_default(run_faulty: Run) -> None:
    """Nothing is synced, neither files nor the directory."""
    done = run_faulty(
        """
from faults import calls, log, report
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", max_bytes=5_000, console_format="off")
log(get_logger("app"), range(100))
assert flush_logging(30)
report(calls=calls("sync"))
"""
    )
    seen = json.loads(done.stdout)
    assert seen["calls"] == 0 == seen["stats"]["files"]["app"]["syncs"]


def test_error_syncs_batches_with_an_error(run_faulty: Run) -> None:
    """INFO costs no sync; an ERROR syncs both of its files, and at first the name they have in the directory."""
    done = run_faulty(
        """
from faults import calls, report
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", fsync="error", console_format="off")
logger = get_logger("app")
counts = []
for level in ("info", "error", "warning", "critical"):
    getattr(logger, level)("m")
    assert flush_logging(30)
    counts.append(calls("sync"))
report(calls=counts)
"""
    )
    seen = json.loads(done.stdout)
    # The directory is synced once for each of the two files.
    assert seen["calls"] == [0, 4, 4, 6]
    assert [seen["stats"]["files"][name]["syncs"] for name in ("app", "errors", "ai")] == [2, 2, 0]


def test_always_syncs_every_batch(run_faulty: Run) -> None:
    """As many flushes as records: as many syncs, and none of files that got nothing."""
    done = run_faulty(
        """
from faults import calls, report
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", fsync="always", console_format="off")
for _ in range(10):
    get_logger("app").info("m")
    assert flush_logging(30)
report(calls=calls("sync"))
"""
    )
    seen = json.loads(done.stdout)
    assert seen["calls"] == 11
    assert [seen["stats"]["files"][name]["syncs"] for name in ("app", "errors", "ai")] == [10, 0, 0]


def test_flush_is_answered_after_the_sync(run_faulty: Run) -> None:
    """A device that takes its time: the flush does not say True before it is done.

    Seen to fail with the sink's `is_clear` looking at what is pending only.
    """
    done = run_faulty(
        """
from faults import fail, mend, report
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", fsync="error", console_format="off")
fail("sync", error="EIO", match="errors.log")
get_logger("app").error("m")
early = flush_logging(0.3)
mend()
report(early=early, late=flush_logging(30))
"""
    )
    seen = json.loads(done.stdout)
    assert (seen["early"], seen["late"]) == (False, True)


def test_both_files_of_a_rotation_are_synced(run_faulty: Run, numbers: Numbers) -> None:
    """The one that is renamed before it is left, and the new name in the directory."""
    done = run_faulty(
        """
from faults import calls, log, report
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", max_bytes=5_000, backup_count=100, fsync="always", console_format="off")
log(get_logger("app"), range(1, 10))
assert flush_logging(30)
before = calls("sync")
log(get_logger("app"), range(11, 20))
log(get_logger("app"), range(21, 30))
log(get_logger("app"), range(31, 40))
assert flush_logging(30)
report(more=calls("sync") - before)
"""
    )
    seen = json.loads(done.stdout)
    stats = seen["stats"]["files"]["app"]
    assert stats["rotations"] > 0
    # One for each file that was left, at least one for the last and for the directory.
    assert seen["more"] >= stats["rotations"] + 2
    assert sorted(numbers()) == sorted({*range(1, 40)} - {10, 20, 30})


@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
def test_a_sync_that_fails_is_counted_and_told(run_faulty: Run, numbers: Numbers, error: str) -> None:
    """The lines are written all the same, later records too; flushes say False until a sync goes well."""
    done = run_faulty(
        f"""
from faults import fail, log, mend, report
from unified_logger import flush_logging, get_logger, get_stats, init_logging
init_logging(log_dir="logs", fsync="always", console_format="off")
fail("sync", error={error!r})
longest = log(get_logger("app"), range(100))
on_disk = flush_logging(0.3)
written = open("logs/app.log").read().count("\\n")
mend()
assert flush_logging(30)
report(on_disk=on_disk, longest=longest, written=written)
"""
    )
    seen = json.loads(done.stdout)
    assert (seen["on_disk"], seen["written"]) == (False, 100)
    assert seen["stats"]["files"]["app"]["sync_errors"] > 0
    assert seen["stats"]["files"]["app"]["errors"] == 0
    assert seen["longest"] < 5
    assert numbers() == list(range(100))
    assert "unified_logger: cannot sync: " in done.stderr
    assert len(done.stderr) <= 64 * 1024


def test_an_unknown_mode_is_refused(tmp_path: Any) -> None:
    """The error names option, value and what is allowed."""
    from unified_logger import ConfigurationError, init_logging

    with pytest.raises(ConfigurationError, match="never, error, always") as caught:
        init_logging(log_dir=str(tmp_path), fsync="sometimes")
    assert (caught.value.key, caught.value.value) == ("fsync", "sometimes")
