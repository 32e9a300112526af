"""A sink that fails for a while: callers go on, counts add up, and what waited is written once it mends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kinds import Run


def lines(path: Path) -> list[dict[str, Any]]:
    """The records of a file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("overflow", ["block", "drop_new", "drop_old", "drop_low"])
def test_counts_add_up_over_a_failure(run_python: Run, tmp_path: Path, overflow: str) -> None:
    """Whatever the policy: accepted = written + dropped + failed, and as many lines are on disk as were written.

    Seen to fail without the records that tell what was dropped, and with records dropped after a failed write.
    """
    done = run_python(
        f"""
import json, pathlib, shutil
from unified_logger import flush_logging, get_logger, get_stats, init_logging
init_logging(log_dir="logs", queue_size=100, overflow={overflow!r}, overflow_timeout=0.2, console_format="off")
shutil.rmtree("logs")
pathlib.Path("logs").write_text("in the way")
logger = get_logger("app")
for number in range(2000):
    logger.info("m" * 5000, number=number)
assert flush_logging(0.2) is False
pathlib.Path("logs").unlink()
assert flush_logging(60)
print(json.dumps(get_stats()))
"""
    )
    stats = json.loads(done.stdout)
    assert stats["accepted"] == stats["written"] + stats["dropped"] + stats["failed"]
    assert stats["dropped"] > 0
    on_disk = lines(tmp_path / "logs" / "app.log")
    own = [line["number"] for line in on_disk if line["logger"] == "app"]
    told = sum(int(line["message"].split()[0]) for line in on_disk if line["message"].endswith("records dropped"))
    assert len(own) == stats["written"]
    assert told == stats["dropped"]
    assert own == sorted(set(own))
    assert len(done.stderr) < 64 * 1024


def test_a_full_disk_costs_no_record_and_leaves_no_torn_line(run_python: Run, tmp_path: Path) -> None:
    """A write that is cut short is taken back or finished; when there is room again all is there, once, in order.

    Seen to fail without torn lines cut off, and with records dropped after a failed write.
    """
    done = run_python(
        """
import resource
from unified_logger import flush_logging, get_logger, get_stats, init_logging
init_logging(log_dir="logs", overflow_timeout=60, console_format="off")
logger = get_logger("app")
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_001, hard))
for number in range(500):
    logger.info("m", number=number)
print(flush_logging(0.3))
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
print(flush_logging(60))
stats = get_stats()
print(stats["accepted"] == stats["written"] == 500, stats["dropped"], stats["failed"])
"""
    )
    assert done.stdout.split() == ["False", "True", "True", "0", "0"]
    assert [line["number"] for line in lines(tmp_path / "logs" / "app.log")] == list(range(500))


def test_one_file_that_fails_holds_up_no_other(run_python: Run, tmp_path: Path) -> None:
    """errors.log cannot be written; app.log goes on, and is not written twice when errors.log mends.

    Seen to fail with a write that ends at the first file that fails.
    """
    run_python(
        """
import pathlib
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", console_format="off")
pathlib.Path("logs/errors.log").unlink()
pathlib.Path("logs/errors.log").mkdir()
logger = get_logger("app")
for number in range(20):
    logger.error("m", number=number)
flush_logging(0.5)
seen = pathlib.Path("logs/app.log").read_text().count("\\n")
pathlib.Path("logs/errors.log").rmdir()
assert flush_logging(60)
assert seen == 20, seen
"""
    )
    for name in ("app.log", "errors.log"):
        assert [line["number"] for line in lines(tmp_path / "logs" / name)] == list(range(20)), name


def test_errors_outlive_a_flood_of_lesser_records(run_python: Run, tmp_path: Path) -> None:
    """They have a reserve of the queue that lower levels never use. Seen to fail without it."""
    run_python(
        """
import pathlib, shutil
from unified_logger import flush_logging, get_logger, get_stats, init_logging
init_logging(log_dir="logs", queue_size=800, overflow="drop_new", console_format="off")
shutil.rmtree("logs")
pathlib.Path("logs").write_text("in the way")
logger = get_logger("app")
for number in range(5000):
    logger.info("flood" * 1000, number=number)
assert get_stats()["dropped"] > 0
for number in range(50):
    logger.error("kept", number=number)
pathlib.Path("logs").unlink()
assert flush_logging(60)
"""
    )
    assert [line["number"] for line in lines(tmp_path / "logs" / "errors.log")] == list(range(50))
