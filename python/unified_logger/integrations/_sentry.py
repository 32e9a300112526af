"""Keeps Sentry's SDK from reporting an exception twice if its middleware is around this library's."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from threading import Lock

from ..process import capabilities

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..config import Settings


@contextmanager
def left_to_sentry(logger: str) -> Iterator[None]:
    """Makes Sentry's SDK ignore a record if its own middleware is around and reports the exception that escapes.

    Otherwise it takes the record, which comes first, for the report of a handled exception, and the exception itself for a repetition. The SDK
    can only ignore a whole logger, for all threads, so it does so no longer than the record takes.

    Args:
        logger: The name of the record's logger.
    """
    sentry: Any = sys.modules.get("sentry_sdk.integrations.logging")
    if not isinstance(getattr(sentry, "_IGNORED_LOGGERS", None), set) or not _is_in_sentry():
        yield
        return
    with _lock:
        count = _left.get(logger, 0)
        # If the application ignores the logger too, it must stay ignored.
        is_ours = count > 0 or logger not in sentry._IGNORED_LOGGERS
        if is_ours:
            _left[logger] = count + 1
            # A new set each time: other threads may be iterating over the old one.
            sentry._IGNORED_LOGGERS = sentry._IGNORED_LOGGERS | {logger}
    try:
        yield
    finally:
        if is_ours:
            with _lock:
                left = _left.pop(logger, 1) - 1
                if left:
                    _left[logger] = left
                else:
                    sentry._IGNORED_LOGGERS = sentry._IGNORED_LOGGERS - {logger}


_lock = Lock()
# How many records of a logger are left to Sentry now.
_left: dict[str, int] = {}


def _is_in_sentry() -> bool:
    """Whether the running code was called by a middleware of Sentry."""
    for kind in ("asgi", "wsgi"):
        applied = getattr(sys.modules.get(f"sentry_sdk.integrations.{kind}"), f"_{kind}_middleware_applied", None)
        if applied is not None and applied.get(False):
            return True
    # The middleware of WSGI no longer shows this while the server takes the body.
    frame = sys._getframe() if "sentry_sdk.integrations.wsgi" in sys.modules else None
    while frame is not None:
        if frame.f_globals.get("__name__") == "sentry_sdk.integrations.wsgi":
            return True
        frame = frame.f_back
    return False


def start(settings: Settings) -> None:
    """Nothing: it is checked with each record."""


def stop() -> None:
    """Nothing: it is reverted with each record."""


def in_child() -> None:
    """Reverts everything: threads that were logging such a record do not exist here, and would not release lock and logger."""
    global _lock
    _lock = Lock()
    if _left:
        sentry: Any = sys.modules["sentry_sdk.integrations.logging"]
        sentry._IGNORED_LOGGERS = sentry._IGNORED_LOGGERS - _left.keys()
        _left.clear()


capabilities.join(__name__)
