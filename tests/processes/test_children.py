"""Children of the process: each has a queue and a writer of its own, and loses nothing of its parent's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kinds import Run


def lines(tmp_path: Path) -> list[dict[str, Any]]:
    """What all processes logged; newer Pythons add warnings of their own about forks."""
    on_disk = [json.loads(line) for line in (tmp_path / "logs" / "app.log").read_text().splitlines()]
    return [line for line in on_disk if line["logger"] == "app"]


def test_a_childs_child_writes_too(run_python: Run, tmp_path: Path) -> None:
    """Each under its own process number, and none repeats what others had queued.

    Seen to fail with a child that goes on with its parent's queue.
    """
    run_python(
        """
import os
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", console_format="off")
logger = get_logger("app")

def family(depth):
    for number in range(100):
        logger.info("m", depth=depth, number=number)
    if depth < 3:
        pid = os.fork()
        if pid == 0:
            family(depth + 1)
            os._exit(0 if flush_logging(20) else 1)
        assert os.waitpid(pid, 0)[1] == 0
        logger.info("m", depth=depth, number=100)

family(0)
assert flush_logging(20)
"""
    )
    found = lines(tmp_path)
    for depth in range(4):
        own = [line for line in found if line["depth"] == depth]
        assert [line["number"] for line in own] == list(range(101 if depth < 3 else 100))
        assert len({line["process"] for line in own}) == 1
    assert len({line["process"] for line in found}) == 4


def test_workers_of_a_pool_write_what_they_logged(run_python: Run, tmp_path: Path) -> None:
    """`concurrent.futures`, forked, ended by the pool. Seen to fail without the finalizer of `multiprocessing`."""
    run_python(
        """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from unified_logger import get_logger, init_logging

def work(number):
    get_logger("app").info("m", number=number)

if __name__ == "__main__":
    init_logging(log_dir="logs", console_format="off")
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("fork")) as pool:
        list(pool.map(work, range(300)))
"""
    )
    assert sorted(line["number"] for line in lines(tmp_path)) == list(range(300))


def test_a_fork_after_shutdown_still_logs(run_python: Run, tmp_path: Path) -> None:
    """Parent and child alike, by the call itself. Seen to fail with the child's engine opened but not closed as its parent's was."""
    run_python(
        """
import os
from unified_logger import flush_logging, get_logger, init_logging, shutdown_logging
init_logging(log_dir="logs", console_format="off")
assert shutdown_logging()
pid = os.fork()
get_logger("app").info("child" if pid == 0 else "parent")
if pid == 0:
    os._exit(0 if flush_logging(20) else 1)
assert os.waitpid(pid, 0)[1] == 0
"""
    )
    assert sorted(line["message"] for line in lines(tmp_path)) == ["child", "parent"]


def test_context_of_the_parent_is_the_childs(run_python: Run, tmp_path: Path) -> None:
    """A fork copies context variables; what the child sets is its own. Seen to fail with a context that is remembered."""
    run_python(
        """
import os
from unified_logger import LoggingContext, flush_logging, get_logger, init_logging
init_logging(log_dir="logs", console_format="off")
logger = get_logger("app")
with LoggingContext(trace_id="t"):
    pid = os.fork()
    if pid == 0:
        logger.info("inherited")
        logger.set_trace_context(trace_id="changed")
        logger.info("changed")
        os._exit(0 if flush_logging(20) else 1)
    assert os.waitpid(pid, 0)[1] == 0
    logger.info("parent")
"""
    )
    assert [(line["message"], line["trace_id"]) for line in lines(tmp_path)] == [
        ("inherited", "t"),
        ("changed", "changed"),
        ("parent", "t"),
    ]


def test_a_childs_counts_begin_anew(run_python: Run) -> None:
    """All of them, also those that its parent counts outside the pipeline."""
    done = run_python(
        """
import json, os
from unified_logger import get_logger, get_stats, init_logging
from unified_logger.context.propagation import extract
init_logging(log_dir="logs", console_format="off")
logger = get_logger("app")
class Broken:
    def __repr__(self): raise ValueError("x")
def count():
    logger.debug("below the level")
    logger.info("m", value=Broken())
    extract({"traceparent": "not one"})
count()
names = ("filtered", "malformed", "trace_headers_ignored")
if (child := os.fork()) == 0:
    first = [get_stats()[name] for name in names]
    count()
    print(json.dumps([first, [get_stats()[name] for name in names]]), flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(json.dumps([get_stats()[name] for name in names]))
"""
    )
    child, parent = map(json.loads, done.stdout.splitlines())
    assert child == [[0, 0, 0], [1, 1, 1]]
    assert parent == [1, 1, 1]
