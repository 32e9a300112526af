"""The fields that follow a request: trace and span ids, and whatever else is set for its duration.

They live in a context variable, so each thread and each task has its own. A *scope* is a stretch of code that restores
what was before it when it is left (`LoggingContext`, and what integrations build on it).
"""

from __future__ import annotations

import os
from contextvars import ContextVar
from functools import wraps

from . import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any, TypeVar

    _Function = TypeVar("_Function", bound=Callable[..., Any])

_current: ContextVar[_core.Context | None] = ContextVar("unified_logger_context", default=None)
_innermost: ContextVar[_Scope | None] = ContextVar("unified_logger_scope", default=None)
_core.set_context_variable(_current)


def new_trace_id() -> str:
    """A new trace id: 32 hexadecimal digits (W3C Trace Context)."""
    return os.urandom(16).hex()


def new_span_id() -> str:
    """A new span id: 16 hexadecimal digits (W3C Trace Context)."""
    return os.urandom(8).hex()


def set_trace_context(trace_id: str | None = None, span_id: str | None = None, **fields: object) -> None:
    """Sets ids and fields of the running request, for everything this thread or task logs from here on.

    Inside a scope, an id that is not given keeps the scope's, and fields are added to the scope's. Outside one, a new
    trace begins: what an earlier request left on a reused thread is gone.

    Args:
        trace_id: Kept verbatim; None keeps the scope's, or begins a new trace outside one.
        span_id: Kept verbatim; None keeps the scope's, or begins a new span outside one.
        **fields: Fields of every record in this context.
    """
    current = _current.get()
    if current is None or _innermost.get() is None:
        _current.set(_context(trace_id or new_trace_id(), span_id or new_span_id(), fields))
    else:
        _current.set(_context(trace_id or current.trace_id, span_id or current.span_id, {**current.fields, **fields}))


def get_trace_context() -> dict[str, Any]:
    """Ids and fields of the running request; empty when there is none."""
    current = _current.get()
    if current is None:
        return {}
    ids = {"trace_id": current.trace_id, "span_id": current.span_id}
    return {name: value for name, value in ids.items() if value is not None} | current.fields


def clear_trace_context() -> None:
    """Forgets ids and fields. Inside a scope, those the scope began with come back."""
    scope = _innermost.get()
    _current.set(None if scope is None else scope.context)


def _context(trace_id: object, span_id: object, fields: dict[str, Any]) -> _core.Context:
    return _core.Context(None if trace_id is None else str(trace_id), None if span_id is None else str(span_id), fields)


class _Scope:
    """One entering of a `LoggingContext`."""

    __slots__ = ("before", "context", "left", "outer", "owner")

    def __init__(self, owner: LoggingContext, context: _core.Context) -> None:
        self.owner = owner
        self.context = context
        self.before = _current.get()
        self.outer = _innermost.get()
        self.left = False


class LoggingContext:
    """Ids and fields for a stretch of code: `with`, `async with`, or a decorator of sync and async functions.

    Nested without ids it inherits the trace, opens a child span and keeps the outer fields; with nothing outside it
    begins a new trace. Leaving restores what was before, also on exceptions, and when scopes are left out of order.

    Args:
        trace_id: Kept verbatim; None inherits the outer trace or begins a new one.
        span_id: Kept verbatim; None opens a new span.
        **fields: Fields of every record inside.
    """

    __slots__ = ("_fields", "_span_id", "_trace_id")

    def __init__(self, trace_id: str | None = None, span_id: str | None = None, **fields: object) -> None:
        self._trace_id = trace_id
        self._span_id = span_id
        self._fields = fields

    def __enter__(self) -> LoggingContext:
        outer = _current.get()
        trace_id = self._trace_id or (outer and outer.trace_id) or new_trace_id()
        fields = {**outer.fields, **self._fields} if outer else self._fields
        scope = _Scope(self, _context(trace_id, self._span_id or new_span_id(), fields))
        _innermost.set(scope)
        _current.set(scope.context)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        innermost = _innermost.get()
        scope = innermost
        while scope is not None and (scope.owner is not self or scope.left):
            scope = scope.outer
        if scope is None:
            return  # Left in another thread or task than entered: nothing here is its to restore.
        scope.left = True
        if scope is not innermost:
            return  # An inner scope is still open; it restores past this one.
        before, outer = scope.before, scope.outer
        while outer is not None and outer.left:
            before, outer = outer.before, outer.outer
        _innermost.set(outer)
        _current.set(before)

    async def __aenter__(self) -> LoggingContext:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    def __call__(self, function: _Function) -> _Function:
        """Runs every call of `function` in a context of its own."""
        from inspect import iscoroutinefunction  # Only programs that decorate pay for it.

        if iscoroutinefunction(function):

            @wraps(function)
            async def in_context(*args: Any, **kwargs: Any) -> Any:
                with LoggingContext(self._trace_id, self._span_id, **self._fields):
                    return await function(*args, **kwargs)
        else:

            @wraps(function)
            def in_context(*args: Any, **kwargs: Any) -> Any:
                with LoggingContext(self._trace_id, self._span_id, **self._fields):
                    return function(*args, **kwargs)

        return in_context  # type: ignore[return-value]
