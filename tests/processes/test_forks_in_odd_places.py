"""Forks from inside a log call, a signal handler or an event loop, and forks that Python is not told of."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kinds import RunForking
from on_disk import assert_each_once, by_writer, records


def children(count: int, lines: int = 50) -> dict[str, int]:
    """What that many children log."""
    return {f"child.{number}": lines for number in range(count)}


def test_forks_from_the_repr_of_a_field(run_forking: RunForking, tmp_path: Path) -> None:
    """The call that was under way returns in both processes, and each has its record, under its own process number."""
    run_forking(
        """
init_logging(log_dir="logs", max_bytes=0, console_format="off", overflow_timeout=60)

class Forks:
    pid = None
    def __repr__(self):
        self.pid = os.fork()
        return "child" if self.pid == 0 else "parent"

for number in range(20):
    field = Forks()
    logger.info("line", writer="both", number=number, who=field)
    if field.pid == 0:
        child(f"child.{number}")
    reap([field.pid])
assert flush_logging(60)
"""
    )
    found = records(tmp_path / "logs")
    assert_each_once([record for record in found if record["writer"] != "both"], children(20))
    both = [record for record in found if record["writer"] == "both"]
    assert sorted((record["number"], record["who"]) for record in both) == [
        (number, who) for number in range(20) for who in ("child", "parent")
    ]
    parents = {record["process"] for record in both if record["who"] == "parent"}
    assert len(parents) == 1
    for number in range(20):
        (own,) = {record["process"] for record in found if record["writer"] == f"child.{number}"}
        assert [record["process"] for record in both if record["number"] == number and record["who"] == "child"] == [
            own
        ]


def test_forks_from_a_signal_handler(run_forking: RunForking, tmp_path: Path) -> None:
    """The handler interrupts calls of the main thread, forks, and logs in both processes."""
    counts = run_forking(
        """
init_logging(log_dir="logs", max_bytes=0, console_format="off", overflow_timeout=60)
pids, forking = [], False

def handler(*_):
    global forking
    if forking or len(pids) == 20:
        return  # the next signal may come before this one's fork is over
    forking, number = True, len(pids)
    logger.info("line", writer="handler", number=number)
    pid = os.fork()
    if pid == 0:
        signal.setitimer(signal.ITIMER_REAL, 0)
        child(f"child.{number}")
    pids.append(pid)
    forking = False

signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
number = 0
while len(pids) < 20:
    logger.info("line", writer="main", number=number)
    number += 1
signal.setitimer(signal.ITIMER_REAL, 0)
reap(pids)
assert flush_logging(60)
print("main", number)
print("handler", 20)
"""
    )
    assert_each_once(records(tmp_path / "logs"), children(20) | counts)


def test_processes_of_multiprocessing_while_threads_log(run_forking: RunForking, tmp_path: Path) -> None:
    """Its `fork` context, children that just return."""
    busy = run_forking(
        """
import multiprocessing
init_logging(log_dir="logs", max_bytes=0, console_format="off", overflow_timeout=60)
context = multiprocessing.get_context("fork")
with Busy():
    processes = [context.Process(target=lines, args=(f"child.{number}",)) for number in range(20)]
    [process.start() for process in processes]
    [process.join() for process in processes]
assert [process.exitcode for process in processes] == [0] * 20
assert flush_logging(60)
"""
    )
    assert_each_once(records(tmp_path / "logs"), children(20) | busy)


def test_forks_while_an_event_loop_runs(run_forking: RunForking, tmp_path: Path) -> None:
    """From a coroutine, between the awaits of others; children leave the loop alone."""
    counts = run_forking(
        """
import asyncio
init_logging(log_dir="logs", max_bytes=0, console_format="off", overflow_timeout=60)
counts = [0, 0, 0]
running = True

async def talk(task):
    while running:
        logger.info("line", writer=f"task.{task}", number=counts[task])
        counts[task] += 1
        await asyncio.sleep(0)

async def main():
    global running
    tasks = [asyncio.create_task(talk(task)) for task in range(3)]
    pids = []
    for number in range(20):
        await asyncio.sleep(0.001)
        pid = os.fork()
        if pid == 0:
            child(f"child.{number}")
        pids.append(pid)
    for pid in pids:
        await asyncio.get_running_loop().run_in_executor(None, reap, [pid])
    running = False
    await asyncio.gather(*tasks)

asyncio.run(main())
assert flush_logging(60)
for task, count in enumerate(counts):
    print(f"task.{task}", count)
"""
    )
    assert_each_once(records(tmp_path / "logs"), children(20) | counts)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the C library's fork is called by its name there")
def test_a_child_forked_by_c_code_is_noticed(run_forking: RunForking, tmp_path: Path) -> None:
    """Python runs no handlers then; the child's new process number tells.

    Fails without that look at the number: the child has its parent's queue and no writer, and its flush never answers.
    """
    counts = run_forking(
        """
import ctypes
init_logging(log_dir="logs", max_bytes=0, console_format="off", overflow_timeout=60)
fork = ctypes.PyDLL(None).fork  # keeps the interpreter: the only thread of the child holds it
for number in range(5):
    lines(f"parent.{number}", 500)
    pid = fork()
    if pid == 0:
        lines(f"child.{number}")
        os._exit(0 if flush_logging(20) else 3)
    reap([pid])
    print(f"parent.{number}", 500)
assert flush_logging(60)
"""
    )
    found = records(tmp_path / "logs")
    assert_each_once(found, children(5) | counts)
    processes = {record["writer"]: record["process"] for record in found}
    assert len(set(processes.values())) == 6


def test_warnings_as_errors_cost_no_record(run_forking: RunForking, tmp_path: Path) -> None:
    """From 3.12 on Python warns of a fork beside threads: whether or not the fork then raises, both processes keep on logging."""
    run_forking(
        """
warnings.simplefilter("error", DeprecationWarning)
init_logging(log_dir="logs", max_bytes=0, console_format="off", overflow_timeout=60)
threading.Thread(target=threading.Event().wait, daemon=True).start()
parent = os.getpid()
lines("before")
try:
    os.fork()
except DeprecationWarning:
    pass
if os.getpid() != parent:
    child("child")
lines("after")
assert flush_logging(60)
reap([-1])
"""
    )
    assert by_writer(records(tmp_path / "logs")) == {writer: list(range(50)) for writer in ("before", "child", "after")}


def test_a_fork_inside_a_value_copies_what_was_captured_before(run_forking: RunForking, tmp_path: Path) -> None:
    """The child finishes the call long after the parent has, whose slot holds other records by then.

    Seen to fail with the copy taken after the value's code instead of before: the child wrote a later record of the parent's.
    """
    counts = run_forking(
        """
init_logging(log_dir="logs", console_format="off")
told, tell = os.pipe()
class Forking:
    def __repr__(self):
        self.pid = os.fork()
        if self.pid == 0:
            os.read(told, 1)
        return "value"
value = Forking()
logger.info("line", writer="both", number=0, value=value)
if value.pid == 0:
    os._exit(0 if flush_logging(60) else 3)
assert flush_logging(60)
for _ in range(100):
    logger.info("other", padding="x" * 100)
assert flush_logging(60)
os.write(tell, b"x")
reap([value.pid])
"""
    )
    assert counts == {}
    lines = [json.loads(line) for line in (tmp_path / "logs/app.log").read_text().splitlines()]
    assert [line["message"] for line in lines].count("other") == 100
    both = [line for line in lines if line["message"] == "line"]
    assert [(line["writer"], line["number"], line["value"]) for line in both] == [("both", 0, "value")] * 2
    assert len({line["process"] for line in both}) == 2


def test_a_fork_while_another_thread_starts_or_stops(run_forking: RunForking) -> None:
    """What such a thread holds is not held in the child. Seen to hang with the lock inherited."""
    run_forking(
        """
from unified_logger import shutdown_logging
from unified_logger.process import engine
init_logging(log_dir="logs", console_format="off")
held, done = threading.Event(), threading.Event()
def hold():
    with engine._lock:
        held.set()
        done.wait()
thread = threading.Thread(target=hold)
thread.start()
held.wait()
pid = os.fork()
if pid == 0:
    signal.alarm(60)
    init_logging(log_dir="logs", console_format="off")
    os._exit(0 if shutdown_logging(30) else 3)
reap([pid])
done.set()
thread.join()
"""
    )


def test_a_child_of_a_closed_parent_writes_nothing_of_it(run_forking: RunForking, tmp_path: Path) -> None:
    """A shutdown that failed leaves records with the parent. Each process writes its own, once, and counts them.

    Seen to fail with the parent's pipeline kept in the child: it counted nothing of its own.
    """
    run_forking(
        """
from unified_logger import get_stats, shutdown_logging
init_logging(log_dir="logs", console_format="off", log_uncaught=False, fault_handler=False)
assert flush_logging(60)
os.rename("logs", "away")
open("logs", "w").close()  # nothing can be written
logger.info("line", writer="parent", number=0)
assert not shutdown_logging(0.2)
pid = os.fork()
if pid == 0:
    os.remove("logs")
    logger.info("line", writer="child", number=0)
    stats = get_stats()
    assert (stats["accepted"], stats["written"]) == (1, 1), stats
    os._exit(0)
reap([pid])
"""
    )
    lines = [json.loads(line) for line in (tmp_path / "logs/app.log").read_text().splitlines()]
    assert sorted(line["writer"] for line in lines if line["message"] == "line") == ["child", "parent"]


def test_forty_generations_have_black_boxes(run_forking: RunForking, tmp_path: Path) -> None:
    """Each process logs inside a call and beside it, then forks the next one. Seen to fail after thirty with numbers of pools that stay taken."""
    run_forking(
        """
init_logging(log_dir="logs", max_bytes=0, console_format="off")

class Logs:
    def __repr__(self):
        logger.info("line", writer="inside", number=generation)
        return "x"

first = os.getpid()
for generation in range(40):
    logger.info("line", writer="around", number=generation, value=Logs())
    assert flush_logging(60)
    assert get_stats()["black_box"] == 1, f"generation {generation} has none"
    pid = os.fork()
    if pid:
        reap([pid])
        if os.getpid() != first:
            os._exit(0)
        break
else:
    os._exit(0)
"""
    )
    assert_each_once(records(tmp_path / "logs"), {"inside": 40, "around": 40})


def test_generations_that_fork_inside_one_another(run_forking: RunForking, tmp_path: Path) -> None:
    """Each forks the next from the value of a call: forty calls are under way at once in the last, and each goes on in its own process."""
    run_forking(
        """
init_logging(log_dir="logs", max_bytes=0, console_format="off")
first = os.getpid()

class Forks:
    pid = 0
    def __init__(self, generation):
        self.generation = generation
    def __repr__(self):
        if self.generation == 40:
            return "last"
        inner = Forks(self.generation + 1)
        self.pid = os.fork()
        if self.pid == 0:
            # What it is inside of is gone on with by the processes before.
            logger.info("line", writer=f"generation.{inner.generation}", number=0, before="y" * 2_000, who=inner)
            assert flush_logging(60)
            if inner.pid:
                reap([inner.pid])
            os._exit(0)
        return "forked"

value = Forks(0)
logger.info("line", writer="generation.0", number=0, before="y" * 2_000, who=value)
assert flush_logging(60)
reap([value.pid])
"""
    )
    assert_each_once(records(tmp_path / "logs"), {f"generation.{number}": 1 for number in range(41)})


def test_hooks_of_others_that_log_first_in_the_child(run_python: Callable[..., Any], tmp_path: Path) -> None:
    """Tracers register theirs before they import this library. Each record is there once, and a flush answers for all of them.

    Seen to fail (records twice, counts that do not add up) with a child that begins anew in its hook whatever happened before.
    """
    code = """
import os

def first():
    if "logger" in globals():
        for number in range(50):
            logger.info("line", writer=f"early.{os.getpid()}", number=number)

os.register_at_fork(after_in_child=first)
import multiprocessing
from unified_logger import flush_logging, get_logger, get_stats, init_logging
init_logging(log_dir="logs", max_bytes=0, console_format="off", overflow_timeout=60)
logger = get_logger("app")
children = []
for _ in range(10):
    pid = os.fork()
    if pid == 0:
        assert flush_logging(60)
        for number in range(50, 200):
            logger.info("line", writer=f"early.{os.getpid()}", number=number)
        assert flush_logging(60)
        stats = get_stats()
        assert (stats["accepted"], stats["written"]) == (200, 200), stats
        os._exit(0)
    children.append(pid)
for pid in children:
    assert os.waitpid(pid, 0)[1] == 0
print(*children)
"""
    done = run_python(code)
    found = [record for record in records(tmp_path / "logs") if record["message"] == "line"]
    assert_each_once(found, {f"early.{pid}": 200 for pid in done.stdout.split()})
    assert done.stderr == ""
    assert not [record for record in records(tmp_path / "logs") if record["logger"] == "unified_logger"]
