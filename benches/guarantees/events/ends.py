"""A process ends: by itself, by its own hand, or killed."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable

from .. import slow_disk
from ..app import App
from ..stage import Stage, end_group
from .event import Event

RECORDS = 5_000
ROTATED_AT = 50_000  # bytes
LARGE, LARGE_BYTES = 500, 5_000  # records, and what they hold
LIVES = 5  # processes killed while rotating, one after the other
EVERY = "every record whose call returned, once and whole"
RECOVERED = f"{EVERY}; counted after recovery"


def after_logging(end: Callable[[], object]) -> Callable[[App], None]:
    """A child that logs and ends at once, without a flush."""

    def child(app: App) -> None:
        app.start()
        app.logs(0, RECORDS)
        end()

    return child


def fail() -> None:
    raise ValueError("nobody catches this")


def signalled(number: int) -> Callable[[], object]:
    return lambda: (os.kill(os.getpid(), number), time.sleep(60))


def replaced() -> None:
    os.execv(sys.executable, [sys.executable, "-c", ""])


def on_a_slow_disk(app: App) -> None:
    """The queue is full: the disk takes fewer bytes than are logged."""
    app.start()
    app.logs(0, RECORDS)
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def with_large_records(app: App) -> None:
    """Prompts and answers are of that size; most of them wait when the process is killed."""
    app.start()
    app.logs_large(0, LARGE, LARGE_BYTES)
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def start_slow(stage: Stage) -> None:
    stage.run(**slow_disk.environment(stage.root, 200_000))


def rotate_for_ever(app: App) -> None:
    app.start(max_bytes=ROTATED_AT)
    app.logs(app.part, 20_000)
    time.sleep(60)  # killed before that


def kill_while_rotating(stage: Stage) -> None:
    for life in range(LIVES):
        process = stage.start(life)
        stage.until(life, 1_500 + 700 * life, process)
        end_group(process)
        stage.wait(process, ends=-signal.SIGKILL)


BY_ITSELF = ("tests/delivery/test_delivery.py",)
KILLED = ("tests/delivery",)

EVENTS = [
    Event("return", "the program returns", EVERY, BY_ITSELF, after_logging(lambda: None), short=True),
    Event("sys-exit", "`sys.exit(3)`", EVERY, BY_ITSELF, after_logging(lambda: sys.exit(3)), ends=3, short=True),
    Event("exception", "an exception nobody catches", EVERY, BY_ITSELF, after_logging(fail), ends=1, short=True),
    Event("os-exit", "`os._exit`", RECOVERED, KILLED, after_logging(lambda: os._exit(4)), ends=4),
    Event("sigterm", "SIGTERM", RECOVERED, KILLED, after_logging(signalled(signal.SIGTERM)), ends=-signal.SIGTERM),
    Event("sigkill", "SIGKILL, the OOM killer's way", RECOVERED, KILLED, after_logging(signalled(signal.SIGKILL)), ends=-signal.SIGKILL),
    Event("sigkill-large", f"SIGKILL after {LARGE} records of 5 kB", RECOVERED, ("tests/delivery/test_large_records_in_boxes.py",), with_large_records, ends=-signal.SIGKILL),
    Event("sigsegv", "a segmentation fault", RECOVERED, KILLED, after_logging(lambda: ctypes.string_at(0)), ends=-signal.SIGSEGV),
    Event("abort", "`abort()`", RECOVERED, KILLED, after_logging(os.abort), ends=-signal.SIGABRT),
    Event("exec", "`os.execv` of another program", RECOVERED, KILLED, after_logging(replaced)),
    Event(
        "sigkill-slow-disk", "SIGKILL while the disk takes 200 kB/s", RECOVERED, KILLED, on_a_slow_disk, start_slow,
        ends=-signal.SIGKILL, timeout=60, needs=slow_disk.MISSING,
    ),
    Event(
        "sigkill-rotating", f"SIGKILL while rotating at 50 kB, {LIVES} times over", f"{RECOVERED}; no file over its bound",
        ("tests/delivery", "tests/files/test_files.py"), rotate_for_ever, kill_while_rotating, bound=ROTATED_AT,
    ),
]  # fmt: skip
