"""The path of the request that is served, for rules of sampling that ask for it."""

from __future__ import annotations

from contextvars import ContextVar

# Set by the middlewares while a rule wants it.
variable: ContextVar[str | None] = ContextVar("unified_logger_request_path", default=None)
wanted = False


def want(on: bool) -> None:
    """Says whether middlewares are to note the paths of requests."""
    global wanted
    wanted = on
