"""Children, forked and spawned, and processes that share a directory."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from ..app import App
from ..ledger import READY
from ..stage import Stage
from .event import Event

CHILDREN = 4
LINES = 500
FORKS = 20
SHARED_BOUND = 200_000  # bytes
PROCESSES = 6

_app: App | None = None


def work(name: str, root: str, handed: Any, forked: bool, writer: int) -> None:
    """A child of multiprocessing: logs, then returns."""
    take_over(name, root, handed, forked)
    assert _app is not None
    _app.logs(writer, LINES)
    _app.logger.child_ends()


def take_over(name: str, root: str, handed: Any, forked: bool) -> None:
    global _app
    _app = App(name, Path(root))
    _app.logger.take_over(handed, _app.folder, forked)


def task(number: int) -> None:
    """One of a pool's: a record, and what the library asks for, since nobody knows which task is a worker's last."""
    assert _app is not None
    _app.log(1, number)
    _app.logger.child_ends()


def children(method: str) -> Callable[[App], None]:
    def child(app: App) -> None:
        context: Any = multiprocessing.get_context(method)
        app.start(processes=method)
        app.log(0, 0)
        started = [
            context.Process(
                target=work, args=(app.name, str(app.root), app.logger.hand_over(), method == "fork", writer)
            )
            for writer in range(1, CHILDREN + 1)
        ]
        for process in started:
            process.start()
        for process in started:
            process.join()
        codes = [process.exitcode for process in started]
        if any(codes):
            app.note("children end with", codes)
        app.log(0, 1)

    return child


def pool(app: App) -> None:
    app.start(processes="fork")
    app.log(0, 0)
    with ProcessPoolExecutor(
        3,
        mp_context=multiprocessing.get_context("fork"),
        initializer=take_over,
        initargs=(app.name, str(app.root), app.logger.hand_over(), True),
    ) as executor:
        list(executor.map(task, range(300)))
    app.log(0, 1)


def forks(flush: bool) -> Callable[[App], None]:
    """Children forked while four threads log; they log 50 lines each and end by `os._exit`."""

    def child(app: App) -> None:
        app.start()
        stop = threading.Event()

        def busy(writer: int) -> None:
            for number in range(20_000):
                if stop.is_set():
                    return
                app.log(writer, number)
                time.sleep(0.0002)  # leaves the processor to the children

        threads = [threading.Thread(target=busy, args=(writer,)) for writer in range(4)]
        for thread in threads:
            thread.start()
        pids = []
        for number in range(FORKS):
            time.sleep(0.01)  # forks at different moments of the threads' work
            pid = os.fork()
            if pid == 0:
                app.logs(10 + number, 50)
                if flush:
                    app.logger.flush()
                os._exit(0)
            pids.append(pid)
        hung = sum(not ended_in_time(pid) for pid in pids)
        if hung:
            app.note("children that hang", hung)
        stop.set()
        for thread in threads:
            thread.join()

    return child


def ended_in_time(pid: int, seconds: float = 5.0) -> bool:
    """Wait for a child of this process; one that hangs is killed."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return True
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return False


def hangs(outcome: Any, stage: Stage) -> None:
    """Children count too."""
    hung = outcome.notes.get("children that hang")
    if hung:
        outcome.remarks.append(f"{hung} children hang")
    codes = outcome.notes.get("children end with")
    if codes:
        outcome.remarks.append("children fail")
    missing = CALLS.get(stage.event.name, 0) - outcome.asked - outcome.raised
    if missing > 0:
        outcome.remarks.append(f"{missing:,} calls not reached")


def one_of_six(app: App) -> None:
    app.start(max_bytes=SHARED_BOUND)
    app.ledger.note(100 + app.part, 0, READY)
    deadline = time.monotonic() + 20
    while not (app.root / "go").exists() and time.monotonic() < deadline:
        time.sleep(0.001)
    app.logs(app.part, 3_000)


def six(stage: Stage) -> None:
    stage.folder.mkdir()
    started = [stage.start(part) for part in range(PROCESSES)]
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not all(stage.ledger.state(100 + part, 0) for part in range(PROCESSES)):
        time.sleep(0.01)
    (stage.root / "go").touch()
    for process in started:
        stage.wait(process)


CALLS = {
    "multiprocessing-fork": CHILDREN * LINES + 2,
    "multiprocessing-spawn": CHILDREN * LINES + 2,
    "process-pool": 302,
    "six-processes": PROCESSES * 3_000,
}
ALL_OF_THEM = "every record of parent and children, once and whole"
FORKED = ("tests/processes",)

EVENTS = [
    Event("multiprocessing-fork", "4 forked `multiprocessing` children return", ALL_OF_THEM, FORKED, children("fork"), judge=hangs, short=True),
    Event("multiprocessing-spawn", "4 spawned `multiprocessing` children return", ALL_OF_THEM, FORKED, children("spawn"), judge=hangs),
    Event("process-pool", "`ProcessPoolExecutor`, 3 forked workers", ALL_OF_THEM, FORKED, pool, judge=hangs),
    Event(
        "fork-busy", "20 forks while 4 threads log; children end by `os._exit`", f"{ALL_OF_THEM}, no hang; counted after recovery",
        ("tests/processes", "tests/delivery"), forks(flush=False), judge=hangs, timeout=120,
    ),
    Event(
        "fork-busy-flush", "the same; children flush first", f"{ALL_OF_THEM}, no hang", FORKED, forks(flush=True), judge=hangs, timeout=120,
    ),
    Event(
        "six-processes", "6 programs, 3,000 lines each, one set of files rotated at 200 kB",
        "every record, once and whole; rotation once; no file over its bound",
        ("tests/processes", "tests/files/test_shared_directory.py"), one_of_six, six, judge=hangs, timeout=90, bound=SHARED_BOUND,
    ),
]  # fmt: skip
