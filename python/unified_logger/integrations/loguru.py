"""Brings the records of loguru into the log files: a sink for it.

::

    logger.add(sink, format=lambda record: "")

The sink takes the record and not its text, so there is nothing to format.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ..stdlib import capture
from ._partner import need

need("loguru", "0.7", "loguru")

if TYPE_CHECKING:
    from loguru import Message


def sink(message: Message) -> None:
    """Writes one of loguru's messages as a record: `logger.add(sink, format=lambda record: "")`.

    Level, time, thread and call site are taken from loguru. What was bound or given becomes fields, and an exception is structured. Two levels
    decide: that of the sink, and that of the `logging.Logger` with the name of the module.

    Args:
        message: The message that loguru passes to sinks.
    """
    given: Any = message.record
    level, name = given["level"], given["name"] or "unknown"
    logger = logging.getLogger(name)
    if not logger.isEnabledFor(level.no):
        return
    error = given["exception"]
    # If the exception itself is missing, the capture makes one: see `stdlib.error_of`.
    exc_info = None if error is None or error.type is None else tuple(error)
    record = logger.makeRecord(
        name, level.no, given["file"].path, given["line"], given["message"], (), exc_info, given["function"]
    )
    record.levelname, record.module = level.name, given["module"]
    record.created = given["time"].timestamp()
    record.thread, record.threadName = given["thread"].id, given["thread"].name
    record.process, record.processName = given["process"].id, given["process"].name
    capture(record, dict(given["extra"]))
