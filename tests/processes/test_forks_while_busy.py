"""A process that forks in the middle of its work: parent and child both keep every record, and neither hangs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from kinds import RunForking
from on_disk import assert_bounds_kept, assert_each_once, records


def children(count: int, lines: int = 50, name: str = "child") -> dict[str, int]:
    """What that many children log."""
    return {f"{name}.{number}": lines for number in range(count)}


def test_twenty_children_of_busy_threads_write_a_thousand_lines(run_forking: RunForking, tmp_path: Path) -> None:
    """20 children of 50 lines while two threads log: 1,000 lines, and every one of the threads'.

    Seen to fail without the handlers around the fork: the child has no writer, and its flush never answers.
    """
    busy = run_forking(
        """
init_logging(log_dir="logs", max_bytes=0, console_format="off", overflow_timeout=60)
with Busy():
    pids = []
    for number in range(20):
        pid = os.fork()
        if pid == 0:
            child(f"child.{number}")
        pids.append(pid)
    reap(pids)
assert flush_logging(60)
"""
    )
    assert len(busy) == 2
    assert_each_once(records(tmp_path / "logs"), children(20) | busy)


def test_children_that_end_by_themselves_flush_at_exit(run_forking: RunForking, tmp_path: Path) -> None:
    """They run on to the end of the program, and their exit hook writes what is queued.

    Seen to fail without the exit hook.
    """
    busy = run_forking(
        """
init_logging(log_dir="logs", max_bytes=0, console_format="off", overflow_timeout=60)
busy = Busy()
busy.__enter__()
pids = []
for number in range(20):
    pid = os.fork()
    if pid == 0:
        lines(f"child.{number}")
        sys.exit(0)
    pids.append(pid)
busy.__exit__()
reap(pids)
"""
    )
    assert_each_once(records(tmp_path / "logs"), children(20) | busy)


def test_forks_while_files_are_rotated(run_forking: RunForking, tmp_path: Path) -> None:
    """Nearly every batch rotates: no child inherits a rotation half done, and no file is over its bound.

    Seen to fail without the directory's lock, and with a child that goes on with its parent's queue and files.
    """
    busy = run_forking(
        """
init_logging(log_dir="logs", max_bytes=5_000, backup_count=500, console_format="off", overflow_timeout=60)
with Busy(2, 0.001):
    pids = []
    for number in range(20):
        pid = os.fork()
        if pid == 0:
            child(f"child.{number}")
        pids.append(pid)
    reap(pids)
assert flush_logging(60)
"""
    )
    assert_each_once(records(tmp_path / "logs"), children(20) | busy)
    assert_bounds_kept(tmp_path / "logs", 5_000)


@pytest.mark.parametrize("policy", ["block", "drop_new", "drop_old", "drop_low"])
def test_forks_with_a_full_queue(run_forking: RunForking, tmp_path: Path, policy: str) -> None:
    """Children begin with an empty queue; the parent's records are there once, or were dropped and counted.

    Seen to fail with a child that goes on with its parent's queue.
    """
    counts = run_forking(
        f"""
init_logging(log_dir="logs", max_bytes=0, queue_size=200, overflow="{policy}", overflow_timeout=60, console_format="off")
with Busy():
    while not get_stats()["queue_high_water"] >= 150:
        pass
    pids = []
    for number in range(20):
        pid = os.fork()
        if pid == 0:
            before = get_stats()
            assert before["accepted"] == before["queue_depth"] == 0, before
            child(f"child.{{number}}")
        pids.append(pid)
    reap(pids)
assert flush_logging(60)
stats = get_stats()
assert stats["accepted"] == stats["written"] + stats["dropped"] + stats["failed"], stats
print("written", stats["written"])
print("dropped", stats["dropped"])
"""
    )
    written, dropped = counts.pop("written"), counts.pop("dropped")
    found = records(tmp_path / "logs")
    assert_each_once([record for record in found if record["writer"].startswith("child")], children(20))
    own = [record for record in found if record["writer"] in counts]
    assert len(own) == len({(record["writer"], record["number"]) for record in own}) == written
    assert written + dropped == sum(counts.values())
    assert (dropped == 0) == (policy == "block")


def test_forks_from_a_thread(run_forking: RunForking, tmp_path: Path) -> None:
    """The child's only thread is not the main one. Seen to fail with a child that goes on with its parent's buffers."""
    busy = run_forking(
        """
init_logging(log_dir="logs", max_bytes=0, console_format="off", overflow_timeout=60)

def forks(thread):
    for number in range(5):
        pid = os.fork()
        if pid == 0:
            child(f"child.{thread * 5 + number}")
        reap([pid])

with Busy():
    threads = [threading.Thread(target=forks, args=(thread,)) for thread in range(3)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
assert flush_logging(60)
"""
    )
    assert_each_once(records(tmp_path / "logs"), children(15) | busy)


def test_children_fork_again_while_their_threads_log(run_forking: RunForking, tmp_path: Path) -> None:
    """Twice nested, each generation with busy threads of its own, each forking in the middle of its lines.

    Seen to fail with a child that goes on with its parent's buffers.
    """
    run_forking(
        """
init_logging(log_dir="logs", max_bytes=0, console_format="off", overflow_timeout=60)

def generation(depth, name):
    with Busy() as busy:
        pids = []
        for number in range(3 if depth < 2 else 0):
            lines(f"{name}.{number}.before")
            pid = os.fork()
            if pid == 0:
                try:
                    generation(depth + 1, f"{name}.{number}")
                    os._exit(0 if flush_logging(60) else 3)
                finally:
                    os._exit(4)
            pids.append(pid)
        reap(pids)
    for index, count in enumerate(busy.counts):
        logger.info("count", writer="counts", number=count, of=f"{os.getpid()}.{index}")

def run(self, index, pause):
    while not self.stop:
        logger.info("line", writer=f"{os.getpid()}.{index}", number=self.counts[index])
        self.counts[index] += 1

def stop(self, *_):
    self.stop = True
    [thread.join() for thread in self.threads]

Busy.run, Busy.__exit__ = run, stop
generation(0, "g")
assert flush_logging(60)
"""
    )
    found = records(tmp_path / "logs")
    threads = {record["of"]: record["number"] for record in found if record["writer"] == "counts"}
    assert len(threads) == 2 * (1 + 3 + 9)
    names = [f"g.{number}" for number in range(3)]
    names += [f"{name}.{number}" for name in names for number in range(3)]
    before = {f"{name}.before": 50 for name in names}
    assert_each_once([record for record in found if record["writer"] != "counts"], before | threads)


def test_nothing_that_was_queued_is_inherited(run_forking: RunForking, tmp_path: Path) -> None:
    """The parent forks with records that are not written yet: they are the parent's alone, and written before it ends.

    Seen to fail with a child that goes on with its parent's queue, and with one that goes on with its buffers.
    """
    run_forking(
        """
init_logging(log_dir="logs", max_bytes=0, console_format="off", overflow_timeout=60)
pids = []
for number in range(20):
    lines(f"parent.{number}", 2_000)
    pid = os.fork()
    if pid == 0:
        child(f"child.{number}")
    pids.append(pid)
reap(pids)
"""
    )
    assert_each_once(records(tmp_path / "logs"), children(20) | children(20, 2_000, "parent"))


def test_a_hook_that_logs_more_than_the_queue_holds(run_python: Callable[..., object], tmp_path: Path) -> None:
    """Of another package, run after ours before the fork, while the writer rests: as are the warnings of 3.12.

    Seen to fail with a thread that waits for that writer.
    """
    run_python(
        """
import os
os.register_at_fork(before=lambda: [logger.info("in the hook", number=number) for number in range(1000)])
from unified_logger import flush_logging, get_logger, get_stats, init_logging
init_logging(log_dir="logs", console_format="off", queue_size=100, overflow_timeout=1)
logger = get_logger("app")
pid = os.fork()
if pid == 0:
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
assert flush_logging(20)
"""
    )
    lines = [json.loads(line) for line in (tmp_path / "logs" / "app.log").read_text().splitlines()]
    assert [line["number"] for line in lines if line["message"] == "in the hook"] == list(range(1000))
