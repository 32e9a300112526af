"""The disk fails, or others touch the files."""

from __future__ import annotations

import resource
import shutil
import time
from typing import Any

from ..app import App
from ..stage import Stage
from .event import Event


def full(app: App) -> None:
    """No file may grow beyond a limit, which is the same to the program as a full disk; then it may."""
    app.start()
    app.logs(0, 100)
    app.logger.flush()
    size = max(path.stat().st_size for path in app.paths())
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 5_050, hard))  # in the middle of a line
    app.logs(1, 900)
    time.sleep(1.0)  # how long the disk is full: libraries that write later meet it too
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    app.logs(2, 100)


def removed(app: App) -> None:
    """What was in the directory is gone with it; what is logged afterwards is not."""
    app.start()
    app.logger.log("before")
    app.logger.flush()
    shutil.rmtree(app.folder)
    app.logs(0, 100)


def renamed(app: App) -> None:
    """As logrotate does with `create`, without a signal."""
    app.start()
    app.logs(0, 100)
    app.logger.flush()
    (app.folder / "app.log").rename(app.folder / "app.log.renamed")
    app.logs(1, 100)


def followed(outcome: Any, stage: Stage) -> None:
    """What is logged after the renaming belongs in a new file."""
    path = stage.folder / "app.log"
    if not path.exists() or path.read_bytes().count(b"w=1 ") < 100:
        outcome.remarks.append("goes on in the renamed file")


def quiet(outcome: Any, stage: Stage) -> None:
    """Standard error is not flooded."""
    if outcome.notes.get("bytes on stderr", 0) > 64 * 1024:
        outcome.remarks.append("floods stderr")


FAULTS = ("tests/files", "tests/delivery/test_failing_sink.py")

EVENTS = [
    Event(
        "disk-full", "the disk is full in the middle of a line, 900 calls and a second later it is not",
        "every record; no exception in the caller; at most 64 kB on stderr", FAULTS, full, judge=quiet,
    ),
    Event(
        "directory-removed", "the log directory is removed", "every record logged afterwards, in a new directory",
        ("tests/files",), removed, judge=quiet,
    ),
    Event(
        "renamed", "logrotate renames the file", "every record; what follows is in a new file",
        ("tests/files",), renamed, judge=followed, short=True,
    ),
]  # fmt: skip
