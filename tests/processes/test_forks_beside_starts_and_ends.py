"""Forks while another thread starts and ends logging: every child logs, and nobody hangs."""

from __future__ import annotations

from pathlib import Path

import pytest
from kinds import RunForking
from on_disk import assert_each_once, records


@pytest.mark.parametrize(
    "act",
    [
        'init_logging(log_dir="logs", max_bytes=0, console_format="off", overflow_timeout=60)',
        'shutdown_logging(60); init_logging(log_dir="logs", max_bytes=0, console_format="off", overflow_timeout=60)',
        "flush_logging(60)",
    ],
    ids=["start", "end and start", "flush"],
)
def test_a_fork_in_the_middle_of_it(run_forking: RunForking, tmp_path: Path, act: str) -> None:
    """30 children of 50 lines each; the parent's own records are there too.

    Seen to hang with the lock of a start left as it was in the child.
    """
    busy = run_forking(
        f"""
from unified_logger import shutdown_logging
init_logging(log_dir="logs", max_bytes=0, console_format="off", overflow_timeout=60)
over = threading.Event()

def again():
    while not over.is_set():
        {act}

actor = threading.Thread(target=again)
with Busy():
    actor.start()
    pids = []
    for number in range(30):
        pid = os.fork()
        if pid == 0:
            init_logging(log_dir="logs", max_bytes=0, console_format="off", overflow_timeout=60)
            child(f"child.{{number}}")
        pids.append(pid)
    reap(pids)
    over.set()
    actor.join()
assert flush_logging(60)
"""
    )
    assert_each_once(records(tmp_path / "logs"), {f"child.{number}": 50 for number in range(30)} | busy)
