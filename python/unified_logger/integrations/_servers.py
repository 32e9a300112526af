"""Records of servers themselves: into the log files, and without lines that repeat the access records of a middleware."""

from __future__ import annotations

import logging

from ..process import last_signal
from ..stdlib import error_of, text_of
from . import _later, _request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HANDLER = "unified_logger"


def log_config(
    loggers: tuple[str, ...], options: dict[str, Any], handler: str = "unified_logger.Handler"
) -> dict[str, Any]:
    """A configuration for `logging.config.dictConfig` that brings a server's records into the log files.

    Args:
        loggers: Their names; loggers below them inherit.
        options: Options of `init_logging`. The process above the workers has no others, nor has a process whose application does
            not call `init_logging`.
        handler: The class of the handler, if it is not the usual one.

    Returns:
        A new configuration. It can be written as JSON if the options can.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        # Empty, but present: uvicorn writes into them for its option about colours.
        "formatters": {"default": {}, "access": {}},
        "handlers": {_HANDLER: {"class": handler, **options}},
        # They propagate to the root logger, for the handlers of others there. A record that reaches this handler twice is written once.
        "loggers": {name: {"level": "INFO", "handlers": [_HANDLER], "propagate": True} for name in loggers},
    }


def show(config: dict[str, Any]) -> None:
    """Prints a configuration, as the file that servers take on the command line."""
    import json

    print(json.dumps(config, indent=2))


def take_over() -> None:
    """Leaves out servers' lines about requests that a middleware of this library logs, and watches the end of uvicorn. Harmless when repeated."""
    for name in ("uvicorn.access", "hypercorn.access", "granian.access"):
        logging.getLogger(name).addFilter(_is_access_wanted)
    for name in ("uvicorn.error", "hypercorn.error", "_granian.utils"):
        logging.getLogger(name).addFilter(_is_error_wanted)
    # A program may make its application, and import its server after that.
    _later.when_imported(last_signal.SERVER, last_signal.watch)


def _is_access_wanted(record: logging.LogRecord) -> bool:
    return not (_request.leave_out_line() or _is_outside_request(record))


def _is_outside_request(record: logging.LogRecord) -> bool:
    """Whether a server logs a line about a request outside the task of the application."""
    given: Any = vars(record).get("args")
    if not isinstance(given, dict):
        return False
    # hypercorn: the client has left before the response was complete; granian: before a websocket is accepted.
    is_hypercorn = text_of(vars(record).get("name")) == "hypercorn.access"
    return text_of(given.get("s" if is_hypercorn else "method")) == "-"


def _is_error_wanted(record: logging.LogRecord) -> bool:
    error = error_of(record)
    if error is not None:
        return not _request.take_logged(error)
    message = text_of(vars(record).get("msg"))
    if '"WebSocket %s"' in message:  # uvicorn logs access lines of websockets on its other logger.
        return not _request.leave_out_line()
    if message.startswith(_GRANIAN):
        # It logs the traceback as text. A traceback through the middleware is in the access record.
        return _FRAME not in message or message.rstrip().rpartition("\n")[2].startswith("asyncio.exceptions.")
    return True


_GRANIAN = "Application callable raised an exception"
# The frame of the middleware in a traceback.
_FRAME = f'File "{__file__.rpartition("_servers")[0]}asgi.py", line '
