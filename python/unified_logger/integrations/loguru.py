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
    told: Any = message.record
    level, name = told["level"], told["name"] or "unknown"
    logger = logging.getLogger(name)
    if not logger.isEnabledFor(level.no):
        return
    error = told["exception"]
    # A value that is missing the capture makes: see `stdlib.error_of`.
    exc_info = None if error is None or error.type is None else tuple(error)
    record = logger.makeRecord(
        name, level.no, told["file"].path, told["line"], told["message"], (), exc_info, told["function"]
    )
    record.levelname, record.module = level.name, told["module"]
    record.created = told["time"].timestamp()
    record.thread, record.threadName = told["thread"].id, told["thread"].name
    record.process, record.processName = told["process"].id, told["process"].name
    capture(record, dict(told["extra"]))
