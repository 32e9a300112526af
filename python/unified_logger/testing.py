"""For users' own tests: see what was logged, and stop the clock."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from . import _core
from .plain import fields_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime


class _Collector(logging.Handler):
    def __init__(self, records: list[dict[str, Any]]) -> None:
        super().__init__()
        self._records = records

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except Exception:  # What does not fit its arguments is shown as it is.
            message = str(record.msg)
        seen: dict[str, Any] = {"level": record.levelname, "logger": record.name, "message": message}
        if record.exc_info:
            seen["exception"] = record.exc_info[1]
        self._records.append(seen | fields_of(record))


@contextmanager
def capture_logs(level: int | str = logging.DEBUG) -> Iterator[list[dict[str, Any]]]:
    """Collects what is logged inside the block, as dictionaries with level, logger, message and fields.

    Args:
        level: Least level collected; the root logger is set to it for the duration.

    Yields:
        The list that grows with each record.
    """
    root = logging.getLogger()
    records: list[dict[str, Any]] = []
    handler = _Collector(records)
    before = root.level
    root.addHandler(handler)
    root.setLevel(level)
    try:
        yield records
    finally:
        root.setLevel(before)
        root.removeHandler(handler)


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
