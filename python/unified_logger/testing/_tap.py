"""Sees every record that a logger lets through, wherever the record goes from there.

A handler would not do: records of loggers that do not propagate do not reach the handlers of the root, `dictConfig` and
`basicConfig(force=True)` take handlers away, and `basicConfig` does nothing if there is one.
"""

from __future__ import annotations

import logging
from threading import Lock
from types import FunctionType
from typing import TYPE_CHECKING

from .. import stdlib
from ..stdlib import marks

if TYPE_CHECKING:
    from collections.abc import Callable

_lock = Lock()
_uninstall: Callable[[], None] | None = None


def open_for(see: Callable[[logging.LogRecord], None]) -> None:
    """Calls `see` with each record from now on, on the thread that logs it."""
    global _uninstall
    with _lock:
        stdlib.taps.append(see)
        if _uninstall is None:
            _uninstall = _install()


def close_for(see: Callable[[logging.LogRecord], None]) -> None:
    """Stops calling `see`. Harmless if it was never called."""
    global _uninstall
    with _lock:
        if see in stdlib.taps:
            stdlib.taps.remove(see)
        if not stdlib.taps and _uninstall is not None:
            _uninstall()
            _uninstall = None


def _install() -> Callable[[], None]:
    """Wraps `Logger.callHandlers`, and returns a function that removes the wrapper.

    Loggers of this library notice the wrapper, and make a `LogRecord` of each call.
    """
    original, last_resort = logging.Logger.callHandlers, logging.lastResort
    # A record that is seen here need not be shown on standard error because it has no handler.
    nowhere = logging.NullHandler()
    installed = True
    is_captured, show_to_taps = marks.is_captured, stdlib.show_to_taps

    def see(self: logging.Logger, record: logging.LogRecord) -> None:
        if not installed:
            put_back()
        elif not is_captured(record):
            show_to_taps(record)
        original(self, record)

    # Code that looks for a record's caller skips frames of `logging`, which it knows by their file or their module's name.
    code = see.__code__.replace(co_filename=logging.addLevelName.__code__.co_filename)
    call_handlers = FunctionType(code, {"__name__": "logging"}, "callHandlers", closure=see.__closure__)

    def put_back() -> None:
        # Other code may have wrapped this wrapper since: then it stays until that code removes its own, and does nothing.
        if logging.Logger.callHandlers is call_handlers:
            logging.Logger.callHandlers = original  # type: ignore[method-assign]

    def uninstall() -> None:
        nonlocal installed
        installed = False
        put_back()
        if logging.lastResort is nowhere:
            logging.lastResort = last_resort

    logging.lastResort = nowhere
    logging.Logger.callHandlers = call_handlers  # type: ignore[method-assign]
    return uninstall
