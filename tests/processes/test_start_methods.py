"""Children of `multiprocessing` and `concurrent.futures`, by each start method: they lose nothing and wait for nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from on_disk import assert_bounds_kept, assert_each_once, assert_rotated_once, records

METHODS = ["fork", "spawn", "forkserver"]
BOUND = 50_000

SETTINGS = 'log_dir="logs", max_bytes=50_000, backup_count=1_000, console_format="off", overflow_timeout=60'
# Nobody recovers what a process left unwritten when it ended.
ALONE = f'{SETTINGS}, black_box="off"'


@pytest.mark.parametrize("method", METHODS)
def test_processes_write_beside_their_parent(programs: Any, tmp_path: Path, method: str) -> None:
    """Each child calls `init_logging` itself, as programs do that do not know how they were started.

    Seen to fail without the directory's lock.
    """
    programs.start(
        f"""
import multiprocessing

def child(writer):
    init_logging({SETTINGS})
    work(writer, 1_000)
    report(writer)

if __name__ == "__main__":
    init_logging({SETTINGS})
    context = multiprocessing.get_context("{method}")
    children = [context.Process(target=child, args=(writer,)) for writer in range(3)]
    [each.start() for each in children]
    work("parent", 1_000)
    [each.join() for each in children]
    assert [each.exitcode for each in children] == [0] * 3
    report("parent")
"""
    )
    programs.wait()
    assert_each_once(records(tmp_path / "logs"), dict.fromkeys(["parent", "0", "1", "2"], 1_000))
    assert programs.lock_timeouts() == 0
    assert_bounds_kept(tmp_path / "logs", BOUND)
    assert_rotated_once(tmp_path / "logs", BOUND, programs.rotations())


def test_forked_processes_need_no_start_and_no_flush(programs: Any, tmp_path: Path) -> None:
    """They log with their parent's settings and end as `multiprocessing` ends them.

    Seen to fail without the finalizer that flushes: children of `multiprocessing` run no exit hooks.
    """
    programs.start(
        f"""
import multiprocessing

if __name__ == "__main__":
    init_logging({ALONE})
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=work, args=(writer, 1_000)) for writer in range(4)]
    [each.start() for each in children]
    work("parent", 1_000)
    [each.join() for each in children]
    assert [each.exitcode for each in children] == [0] * 4
"""
    )
    programs.wait()
    assert_each_once(records(tmp_path / "logs"), dict.fromkeys(["parent", "0", "1", "2", "3"], 1_000))
    assert_bounds_kept(tmp_path / "logs", BOUND)


@pytest.mark.parametrize("method", METHODS)
def test_started_processes_need_no_flush(programs: Any, tmp_path: Path, method: str) -> None:
    """A child that called `init_logging` and just returns has written everything.

    Seen to fail for `fork` and `forkserver` without the finalizer: such children end by `os._exit`, those of the server are forked
    before they import anything.
    """
    programs.start(
        f"""
import multiprocessing

def child(writer):
    init_logging({ALONE})
    work(writer, 500)

if __name__ == "__main__":
    context = multiprocessing.get_context("{method}")
    children = [context.Process(target=child, args=(writer,)) for writer in range(3)]
    [each.start() for each in children]
    [each.join() for each in children]
    assert [each.exitcode for each in children] == [0] * 3
"""
    )
    programs.wait()
    assert_each_once(records(tmp_path / "logs"), dict.fromkeys(["0", "1", "2"], 500))


@pytest.mark.parametrize("method", METHODS)
def test_workers_of_an_executor_write_what_their_tasks_logged(programs: Any, tmp_path: Path, method: str) -> None:
    """`ProcessPoolExecutor` with `init_logging` as its initializer: every task's record is there when the pool has ended.

    Seen to fail for `fork` without the finalizer.
    """
    programs.start(
        f"""
import functools, multiprocessing
from concurrent.futures import ProcessPoolExecutor

def task(number):
    get_logger("app").info("task", writer="tasks", number=number)
    return os.getpid()

if __name__ == "__main__":
    initialize = functools.partial(init_logging, {ALONE})
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("{method}"), initializer=initialize) as pool:
        workers = set(pool.map(task, range(1_500)))
    assert os.getpid() not in workers
"""
    )
    programs.wait()
    found = records(tmp_path / "logs")
    assert_each_once(found, {"tasks": 1_500}, in_order=False)
    for worker in {record["process"] for record in found}:
        own = [record["number"] for record in found if record["process"] == worker]
        assert own == sorted(own)
    assert_bounds_kept(tmp_path / "logs", BOUND)


def test_pool_that_is_terminated_keeps_what_was_flushed(programs: Any, tmp_path: Path) -> None:
    """`multiprocessing.Pool` ends its workers by SIGTERM; tasks that flush have their records on disk.

    Seen to fail with a flush that does not wait.
    """
    programs.start(
        """
import multiprocessing

def task(number):
    get_logger("app").info("task", writer="tasks", number=number)
    assert flush_logging(60)
    with open("logs/app.log") as file:
        assert f'"number":{number}}}\\n' in file.read()

if __name__ == "__main__":
    init_logging(log_dir="logs", max_bytes=0, console_format="off", black_box="off")
    with multiprocessing.get_context("fork").Pool(3) as pool:
        pool.map(task, range(300))
"""
    )
    programs.wait()
    assert_each_once(records(tmp_path / "logs"), {"tasks": 300}, in_order=False)


def test_a_child_of_the_fork_server_that_imports_late_needs_no_flush(programs: Any, tmp_path: Path) -> None:
    """The package is first imported by the child's own function: what it logged is written all the same.

    Seen to fail without the finalizer.
    """
    script = tmp_path / "late.py"
    script.write_text(
        f"""
import multiprocessing

def child(writer):
    from unified_logger import get_logger, init_logging
    init_logging({ALONE})
    for number in range(100):
        get_logger("app").info("line", writer=str(writer), number=number)

if __name__ == "__main__":
    context = multiprocessing.get_context("forkserver")
    children = [context.Process(target=child, args=(writer,)) for writer in range(2)]
    [each.start() for each in children]
    [each.join() for each in children]
    assert [each.exitcode for each in children] == [0] * 2
"""
    )
    programs.start("import subprocess\nsubprocess.run([sys.executable, 'late.py'], check=True)\n")
    programs.wait()
    assert_each_once(records(tmp_path / "logs"), dict.fromkeys(["0", "1"], 100))
