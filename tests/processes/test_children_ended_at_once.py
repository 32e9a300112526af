"""Children that end by `os._exit` without a flush: what their calls returned from is recovered, once.

All of this was seen to fail without the black box: what a child has not written when it ends is gone with it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from kinds import RunForking
from on_disk import all_there, assert_each_once, records
from recovery import recover


@pytest.fixture
def recovered(tmp_path: Path) -> Callable[[dict[str, int]], None]:
    """Let the next program recover, then compare what is on disk with what was logged."""

    def recovered(wanted: dict[str, int]) -> None:
        recover(tmp_path / "logs", lambda: all_there(tmp_path / "logs", wanted))
        # Records of one thread may lie in two parts: what was written, then what was recovered.
        assert_each_once(records(tmp_path / "logs"), wanted)

    return recovered


def test_a_child_that_ends_at_once_loses_nothing(
    run_forking: RunForking, recovered: Callable[[dict[str, int]], None]
) -> None:
    """One child at a time, of a quiet parent."""
    run_forking(
        """
init_logging(log_dir="logs", max_bytes=0, console_format="off", overflow_timeout=60)
for number in range(5):
    lines(f"parent.{number}")
    pid = os.fork()
    if pid == 0:
        lines(f"child.{number}")
        os._exit(0)
    reap([pid])
"""
    )
    recovered({f"{who}.{number}": 50 for who in ("parent", "child") for number in range(5)})


def test_many_children_of_busy_threads_lose_nothing(
    run_forking: RunForking, recovered: Callable[[dict[str, int]], None]
) -> None:
    """20 at once, while the parent's threads log."""
    busy = run_forking(
        """
init_logging(log_dir="logs", max_bytes=0, console_format="off", overflow_timeout=60)
with Busy(2, 0.001):
    pids = []
    for number in range(20):
        pid = os.fork()
        if pid == 0:
            lines(f"child.{number}")
            os._exit(0)
        pids.append(pid)
    reap(pids)
assert flush_logging(60)
"""
    )
    recovered({f"child.{number}": 50 for number in range(20)} | busy)


def test_generations_that_end_at_once_lose_nothing(
    run_forking: RunForking, recovered: Callable[[dict[str, int]], None]
) -> None:
    """The child has records of its own queued when it forks; its child is not taken for its heir."""
    run_forking(
        """
init_logging(log_dir="logs", max_bytes=0, console_format="off", overflow_timeout=60)

def family(depth):
    lines(f"generation.{depth}", 200)
    if depth < 3:
        pid = os.fork()
        if pid == 0:
            family(depth + 1)
            os._exit(0)
        reap([pid])

family(0)
os._exit(0)
"""
    )
    recovered({f"generation.{depth}": 200 for depth in range(4)})


def test_parent_and_child_that_end_at_once_lose_nothing(
    run_forking: RunForking, recovered: Callable[[dict[str, int]], None]
) -> None:
    """The parent goes first, the child lives on: the parent's box has no owner although its child is alive."""
    run_forking(
        """
init_logging(log_dir="logs", max_bytes=0, console_format="off", overflow_timeout=60)
reading, writing = os.pipe()
lines("parent", 500)
if os.fork() == 0:
    os.close(writing)
    os.read(reading, 1)  # ends when the parent is gone
    lines("child", 500)
    os._exit(0)
os._exit(0)
"""
    )
    recovered({"parent": 500, "child": 500})


def test_a_child_that_logged_nothing_leaves_nothing(
    run_forking: RunForking, recovered: Callable[[dict[str, int]], None]
) -> None:
    """It inherited queued records of its parent, which are not its to leave behind."""
    run_forking(
        """
init_logging(log_dir="logs", max_bytes=0, console_format="off", overflow_timeout=60)
pids = []
for number in range(20):
    lines(f"parent.{number}", 500)
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    pids.append(pid)
reap(pids)
lines("last", 500)
os._exit(0)
"""
    )
    recovered({f"parent.{number}": 500 for number in range(20)} | {"last": 500})
