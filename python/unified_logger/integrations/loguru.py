"""loguru logs into our files: a sink for it.

::

    logger.add(sink, format=lambda record: "")

The sink takes the record and no text, so that there is nothing to format.
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

    Level, time, thread and place are those that loguru knows; what was bound or given is in fields, an exception is structured. The
    level of the `logging.Logger` that has the name of the module decides, beside the sink's own.

    Args:
        message: As loguru gives it to sinks.
    """
    given: Any = message.record
    level, name = given["level"], given["name"] or "unknown"
    logger = logging.getLogger(name)
    if not logger.isEnabledFor(level.no):
        return
    error = given["exception"]
    # A value that is missing the capture makes: see `stdlib.error_of`.
    exc_info = None if error is None or error.type is None else tuple(error)
    record = logger.makeRecord(
        name, level.no, given["file"].path, given["line"], given["message"], (), exc_info, given["function"]
    )
    record.levelname, record.module = level.name, given["module"]
    record.created = given["time"].timestamp()
    record.thread, record.threadName = given["thread"].id, given["thread"].name
    record.process, record.processName = given["process"].id, given["process"].name
    capture(record, dict(given["extra"]))
