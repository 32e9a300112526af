"""Records of servers themselves: into the log files, and without lines that repeat the access records of a middleware."""

from __future__ import annotations

import logging
import signal

from ..process import engine
from ..stdlib import error_of, text_of
from . import _request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HANDLER = "unified_logger"
# The beginning of the last record of a server of uvicorn.
_LAST = "Finished server process"
# How long its process waits for its records to be written, seconds.
_PATIENCE = 5.0


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
    """Leaves out servers' lines about requests that a middleware of this library logs. Harmless when repeated."""
    for name in ("uvicorn.access", "hypercorn.access", "granian.access"):
        logging.getLogger(name).addFilter(_is_access_wanted)
    for name in ("uvicorn.error", "hypercorn.error", "_granian.utils"):
        logging.getLogger(name).addFilter(_is_error_wanted)


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


def end_with(record: logging.LogRecord) -> bool:
    """Ends logging with the last record of a server of uvicorn that was sent SIGTERM.

    uvicorn then ends its process by the same signal, and no exit hook runs: records would wait for the next process, and the black box
    would stay. If the process goes on after all, its records are written by the calls themselves.

    Args:
        record: A record of `uvicorn.error`.

    Returns:
        Whether it is the last record of a server.
    """
    if not text_of(vars(record).get("msg")).startswith(_LAST):
        return False
    # Until after that record the server has handlers of its own, which note the signals.
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    noted = getattr(server, "_captured_signals", ())
    if isinstance(noted, list) and signal.SIGTERM in noted:
        engine.shutdown(_PATIENCE)
    return True


def _is_error_wanted(record: logging.LogRecord) -> bool:
    error = error_of(record)
    if error is not None:
        return not _request.take_logged(error)
    if end_with(record):
        return True
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
