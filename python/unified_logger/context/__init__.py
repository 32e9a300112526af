"""The trace and the fields that follow a request: from its headers to its records, and with work that continues elsewhere."""

from .blocks import LoggingContext
from .scope import (
    Scope,
    call_within,
    child,
    clear_trace_context,
    foreign,
    forget,
    get_trace_context,
    log_failure,
    make,
    scope_of,
    set_trace_context,
)

__all__ = [
    "LoggingContext",
    "Scope",
    "call_within",
    "child",
    "clear_trace_context",
    "foreign",
    "forget",
    "get_trace_context",
    "log_failure",
    "make",
    "scope_of",
    "set_trace_context",
]
