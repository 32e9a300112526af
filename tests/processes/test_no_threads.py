"""A system that gives no thread: a start is refused and changes nothing, and a writer that is missing costs no record."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kinds import Numbers, Run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


PRELUDE = """
import json, os
from unified_logger import *
logger = get_logger("app")
def no_threads(): open("no_threads", "w").close()
def threads_again(): os.remove("no_threads")
def log(*numbers):
    for number in numbers: logger.info("m", number=number)
def refused(**options):
    try: init_logging(console_format="off", **options)
    except UnifiedLoggerError as error: return str(error)
"""


@pytest.fixture
def run(run_python: Run, build_shim: Callable[[str], Path]) -> Callable[[str], list[Any]]:
    """Run a program that may be given no thread; tells the lines of JSON it prints."""

    def run(code: str) -> list[Any]:
        done = run_python(PRELUDE + code, LD_PRELOAD=str(build_shim("support/faults/no_threads.c")))
        assert "Traceback" not in done.stderr, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def test_a_start_again_without_a_thread_changes_nothing(run: Any, numbers: Numbers, tmp_path: Path) -> None:
    """The error names threads and no directory, and logging goes on where it was.

    Seen to fail with an engine that takes the place of the other before its writer is there.
    """
    ((told, on_disk, stats),) = run("""
init_logging(log_dir="logs", console_format="off")
log(0)
no_threads()
told = refused(log_dir="other", log_level="ERROR")
log(*range(1, 100))
on_disk = flush_logging(30)
print(json.dumps([told, on_disk, get_stats()]))
""")
    assert "cannot be started now" in told
    assert "thread" in told
    assert "directory" not in told
    assert "other" not in told
    assert on_disk is True
    assert (stats["written"], stats["dropped"]) == (100, 0)
    assert numbers() == list(range(100))
    other = tmp_path / "other" / "app.log"
    assert not other.exists() or not other.read_text()
    assert not list(tmp_path.glob("other/.unified_logger/*.box"))


def test_a_first_start_without_a_thread_is_as_none(run: Any, numbers: Numbers) -> None:
    """What was logged is kept for a start that comes later."""
    ((told,),) = run("""
logger.warning("m", number=0)
no_threads()
print(json.dumps([refused(log_dir="logs")]))
logger.warning("m", number=1)
threads_again()
init_logging(log_dir="logs", console_format="off")
log(2)
""")
    assert "thread" in told
    assert numbers() == [0, 1, 2]


def test_the_old_writer_is_done_before_the_new_one_begins(run: Any, numbers: Numbers) -> None:
    """Many starts on one directory keep the order of what is logged."""
    run("""
for turn in range(20):
    init_logging(log_dir="logs", console_format="off", max_bytes=0)
    log(*range(turn * 500, turn * 500 + 500))
""")
    assert numbers() == list(range(10_000))


@pytest.mark.parametrize("black_box", ["dir", "off"])
def test_records_after_a_fork_without_a_thread_are_written(run: Any, numbers: Numbers, black_box: str) -> None:
    """By the calls themselves, with no flush and no exit. Seen to stay in memory until a flush."""
    ((on_disk, flushed),) = run(f"""
init_logging(log_dir="logs", console_format="off", black_box={black_box!r})
log(0)
assert flush_logging(30)
no_threads()
if (child := os.fork()) == 0: os._exit(0)
os.waitpid(child, 0)
log(*range(1, 50))
on_disk = open("logs/app.log").read().count('"number"')
print(json.dumps([on_disk, flush_logging(30)]), flush=True)
os._exit(0)
""")
    assert on_disk == 50
    assert flushed is True
    assert numbers() == list(range(50))


def test_a_writer_that_could_not_be_started_is_tried_again(run: Any, numbers: Numbers) -> None:
    """With threads again there is a writer, though nothing but records asked for one. Seen to stay away."""
    run("""
init_logging(log_dir="logs", console_format="off")
no_threads()
if (child := os.fork()) == 0: os._exit(0)
os.waitpid(child, 0)
log(0)
threads_again()
number = 1
while "unified_logger" not in [open(f"/proc/self/task/{task}/comm").read().strip() for task in os.listdir("/proc/self/task")]:
    log(number)
    number += 1
log(*range(number, number + 100))
""")
    found = numbers()
    assert len(found) > 100
    assert found == list(range(len(found)))


@pytest.mark.parametrize("black_box", ["dir", "off"])
def test_a_child_without_a_thread_writes_by_its_calls(run: Any, numbers: Numbers, black_box: str) -> None:
    """Its records are on disk when the calls return. Seen to be dropped, each of them."""
    ((on_disk, flushed, stats),) = run(f"""
init_logging(log_dir="logs", console_format="off", black_box={black_box!r})
flush_logging(30)
no_threads()
if (child := os.fork()) == 0:
    log(*range(50))
    on_disk = open("logs/app.log").read().count('"number"')
    print(json.dumps([on_disk, flush_logging(30), get_stats()]), flush=True)
    os._exit(0)
os.waitpid(child, 0)
""")
    assert on_disk == 50
    assert flushed is True
    assert (stats["written"], stats["dropped"]) == (50, 0)
    assert numbers() == list(range(50))


def test_calls_of_many_threads_share_the_writing(run: Any, numbers: Numbers) -> None:
    """Those of one thread stay in order, and none is lost or doubled."""
    run("""
import threading
init_logging(log_dir="logs", console_format="off", queue_size=100, max_bytes=0)
go = threading.Event()
def work(first):
    go.wait()
    log(*range(first, first + 500))
threads = [threading.Thread(target=work, args=(first,)) for first in range(0, 2_000, 500)]
for thread in threads: thread.start()
no_threads()
if (child := os.fork()) == 0: os._exit(0)
os.waitpid(child, 0)
go.set()
for thread in threads: thread.join()
assert flush_logging(30)
""")
    found = numbers()
    assert sorted(found) == list(range(2_000))
    for first in range(0, 2_000, 500):
        assert [number for number in found if first <= number < first + 500] == list(range(first, first + 500))


def test_a_child_that_lost_records_says_so(run_python: Run) -> None:
    """Without descriptors there are no files: the record is dropped and counted, and a flush does not answer True."""
    code = (
        PRELUDE
        + """
import resource
init_logging(log_dir="logs", console_format="off")
flush_logging(30)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
if (child := os.fork()) == 0:
    nothing_yet = flush_logging(30)
    taken = []
    try:
        while True: taken.append(os.open("/dev/null", os.O_RDONLY))
    except OSError: pass
    log(0)
    lost = flush_logging(30)
    for number in taken: os.close(number)
    log(1)
    print(json.dumps([nothing_yet, lost, flush_logging(30), get_stats()["dropped"]]), flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""
    )
    assert json.loads(run_python(code).stdout) == [True, False, True, 1]


def test_files_that_nobody_looks_after_are_told_of_once(run_python: Run, build_shim: Callable[[str], Path]) -> None:
    """However often it is tried. With threads again, rotated files are looked after."""
    code = (
        PRELUDE
        + """
import glob, time
init_logging(log_dir="logs", console_format="off", max_bytes=0, file_names="dated", keep={"files": 1})
def rotate():
    for number in range(3):
        log(number)
        assert rotate_logging(timeout=30)
        time.sleep(1.3)
no_threads()
rotate()
errors = get_stats()["errors"]
threads_again()
rotate()
print(json.dumps([errors, len(glob.glob("logs/app-*"))]))
"""
    )
    done = run_python(code, LD_PRELOAD=str(build_shim("support/faults/no_threads.c")))
    assert json.loads(done.stdout) == [1, 1]
    told = [line for line in done.stderr.splitlines() if line]
    assert (len(told), "start the upkeep of log files" in done.stderr) == (1, True), done.stderr
