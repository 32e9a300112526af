"""What the servers log themselves: into our files, and without what the access records of a middleware say already."""

from __future__ import annotations

import logging

from ..stdlib import error_of, text_of
from . import _request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HANDLER = "unified_logger"


def log_config(
    loggers: tuple[str, ...], options: dict[str, Any], handler: str = "unified_logger.Handler"
) -> dict[str, Any]:
    """A configuration for `logging.config.dictConfig` that brings a server's loggers into our files.

    Args:
        loggers: Their names; those below others of them inherit.
        options: Options of `init_logging`. The process that only watches over workers knows no others, nor does one whose
            application does not call `init_logging`.
        handler: The class of the handler, where it is not the usual one.

    Returns:
        A new configuration. It can be written as JSON if the options can.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        # Empty, and there: uvicorn writes into them when it is told about colours.
        "formatters": {"default": {}, "access": {}},
        "handlers": {_HANDLER: {"class": handler, **options}},
        # They go on to the root logger, for the handlers that others have there; what comes to ours twice is written once.
        "loggers": {name: {"level": "INFO", "handlers": [_HANDLER], "propagate": True} for name in loggers},
    }


def show(config: dict[str, Any]) -> None:
    """Prints a configuration as the file that servers take on the command line."""
    import json

    print(json.dumps(config, indent=2))


def take_over() -> None:
    """Leaves out what servers say of requests that a middleware of ours tells of. Harmless when repeated."""
    for name in ("uvicorn.access", "hypercorn.access", "granian.access"):
        logging.getLogger(name).addFilter(_is_access_wanted)
    for name in ("uvicorn.error", "hypercorn.error", "_granian.utils"):
        logging.getLogger(name).addFilter(_is_error_wanted)


def _is_access_wanted(record: logging.LogRecord) -> bool:
    return not (_request.leave_out_line() or _is_outside_request(record))


def _is_outside_request(record: logging.LogRecord) -> bool:
    """Whether a server speaks of a request outside of what ran the application for it."""
    given: Any = vars(record).get("args")
    if not isinstance(given, dict):
        return False
    # hypercorn, when a client has gone before the response was complete; granian, before a websocket is accepted.
    is_hypercorn = text_of(vars(record).get("name")) == "hypercorn.access"
    return text_of(given.get("s" if is_hypercorn else "method")) == "-"


def _is_error_wanted(record: logging.LogRecord) -> bool:
    error = error_of(record)
    if error is not None:
        return not _request.take_logged(error)
    message = text_of(vars(record).get("msg"))
    if '"WebSocket %s"' in message:  # uvicorn's access lines of websockets go to its other logger.
        return not _request.leave_out_line()
    if message.startswith(_GRANIAN):
        # It logs the traceback as text. One that leads through our middleware is in the access record.
        return _FRAME not in message or message.rstrip().rpartition("\n")[2].startswith("asyncio.exceptions.")
    return True


_GRANIAN = "Application callable raised an exception"
# How the middleware's frame stands in a traceback.
_FRAME = f'File "{__file__.rpartition("_servers")[0]}asgi.py", line '
