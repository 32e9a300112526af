"""Keeps Sentry's SDK from reporting an exception twice where its middleware is around ours."""

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
    """Has Sentry's SDK make nothing of a record where its own middleware is around ours and reports the exception that escapes.

    Else it takes the record, which comes first, for the report of an exception that was handled, and the exception itself for the same again.
    What it is told to ignore is a logger, by all threads: so for no longer than the record takes.

    Args:
        logger: The name of the record's logger.
    """
    sentry: Any = sys.modules.get("sentry_sdk.integrations.logging")
    if not isinstance(getattr(sentry, "_IGNORED_LOGGERS", None), set) or not _is_in_sentry():
        yield
        return
    with _lock:
        count = _left.get(logger, 0)
        # One that the application has it ignore is not ours to take out again.
        is_ours = count > 0 or logger not in sentry._IGNORED_LOGGERS
        if is_ours:
            _left[logger] = count + 1
            # Another set each time: other threads may be going through the one that is there.
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
    """Whether a middleware of Sentry's has called what runs now."""
    for kind in ("asgi", "wsgi"):
        applied = getattr(sys.modules.get(f"sentry_sdk.integrations.{kind}"), f"_{kind}_middleware_applied", None)
        if applied is not None and applied.get(False):
            return True
    # That of WSGI tells it no longer while the server takes the body.
    frame = sys._getframe() if "sentry_sdk.integrations.wsgi" in sys.modules else None
    while frame is not None:
        if frame.f_globals.get("__name__") == "sentry_sdk.integrations.wsgi":
            return True
        frame = frame.f_back
    return False


def start(settings: Settings) -> None:
    """Nothing: it is asked with each record."""


def stop() -> None:
    """Nothing: what is left to Sentry is taken back with each record."""


def in_child() -> None:
    """Takes all back: other threads that were in the middle of such a record are not here, and nobody else would let go of lock and logger."""
    global _lock
    _lock = Lock()
    if _left:
        sentry: Any = sys.modules["sentry_sdk.integrations.logging"]
        sentry._IGNORED_LOGGERS = sentry._IGNORED_LOGGERS - _left.keys()
        _left.clear()


capabilities.join(__name__)
