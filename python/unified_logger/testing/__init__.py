"""For tests of applications: see what was logged, and stop the clock."""

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
    """Collects the records that are logged inside the block, by all threads and tasks of the process.

    It works before `init_logging`, after it, and if that is called inside the block. Records are still written as usual. Records of loggers that
    do not propagate are collected too, of both interfaces.

    Args:
        level: Level of the root logger inside the block. Other loggers keep levels of their own. None is DEBUG without the details of third
            parties: records below INFO of loggers of `logging` that are named as modules of the standard library or of installed packages
            are left out.

    Yields:
        The records, a list that grows with each of them.

    Raises:
        ValueError: There is no such level.
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
        time: The time, with a time zone.
    """
    _core.set_clock(round(time.timestamp() * 1_000_000) * 1_000)
    try:
        yield
    finally:
        _core.set_clock(None)
