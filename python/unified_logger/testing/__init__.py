"""For users' own tests: see what was logged, and stop the clock."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from .. import _core
from . import _tap
from ._collected import CapturedLogs, CapturedRecord

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

__all__ = ["CapturedLogs", "CapturedRecord", "capture_logs", "stopped_clock"]


@contextmanager
def capture_logs(level: int | str | None = None) -> Iterator[CapturedLogs]:
    """Collects what is logged inside the block, by all threads and tasks of the process.

    It works before `init_logging`, after it, and when it is called inside the block; where records are written does not
    change. The records of loggers that do not propagate are collected too, whichever interface they came by.

    Args:
        level: Level of the root logger inside the block. Levels that other loggers have of their own hold, as ever. None is DEBUG without the
            details of third parties: what loggers of `logging` that are named as modules of the standard library or of installed packages log below
            INFO is left out.

    Yields:
        The records, a list that grows with each of them.

    Raises:
        ValueError: The level is none.
    """
    collected = CapturedLogs()
    try:
        if level is None:
            collected.begin()
        else:
            collected.set_level(level)
        _tap.open_for(collected.add)
        yield collected
    finally:
        _tap.close_for(collected.add)
        collected.restore_levels()


@contextmanager
def stopped_clock(time: datetime) -> Iterator[None]:
    """Gives every record logged inside the block the same time.

    Args:
        time: The time, aware.
    """
    _core.set_clock(round(time.timestamp() * 1_000_000) * 1_000)
    try:
        yield
    finally:
        _core.set_clock(None)
