"""The fields that follow a request: trace and span ids, and everything else that is set for its duration.

They are in a context variable, so each thread and each task has its own. A *scope* is a piece of code. When it is left, it restores
the previous context (`LoggingContext`, and what integrations build on it).
"""

from __future__ import annotations

from contextlib import suppress

from .. import _core
from .._core import new_span_id, new_trace_id
from . import failing, recording

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import ContextVar
    from typing import Any, TypeVar

    _Argument = TypeVar("_Argument")
    _Result = TypeVar("_Result")

_current: ContextVar[_core.Context | None] = _core.context_variable("unified_logger_context")
_innermost: ContextVar[Scope | None] = _core.context_variable("unified_logger_scope")
_core.set_context_variable(_current)


def set_trace_context(trace_id: str | None = None, span_id: str | None = None, **fields: object) -> None:
    """Sets ids and fields of the running request, for everything that this thread or task logs from here on.

    Inside a scope, an id that is not given keeps the scope's value, and fields are added to those of the scope. Anywhere in a request of a
    middleware the fields belong to the request: its other threads and tasks have them too, unless they have set the same fields themselves.
    Outside a scope, a new trace begins, and the context that an earlier request left on a reused thread is gone.

    Args:
        trace_id: Kept as it is; None keeps the scope's, or begins a new trace outside a scope.
        span_id: Kept as it is; None keeps the scope's, or begins a new span outside a scope.
        **fields: Fields of every record in this context.
    """
    current, scope = _core.current_context(), _innermost.get()
    # A trace of another library is a scope too: that library ends it.
    if current is None or (scope is None and foreign() is None):
        _current.set(make(trace_id or new_trace_id(), span_id or new_span_id(), fields, is_random=not trace_id))
        return
    request, is_shared = (None, False) if scope is None else (scope.request, scope.is_shared)
    given_trace, given_span = (str(given) if given else None for given in (trace_id, span_id))
    _current.set(_core.context_with(request, _current.get(), given_trace, given_span, fields, is_shared))


def get_trace_context() -> dict[str, Any]:
    """Ids and fields of the running request, by their names; empty if there is none."""
    current = _core.current_context()
    if current is None:
        return {}
    ids = {"trace_id": current.trace_id, "span_id": current.span_id}
    return {name: value for name, value in ids.items() if value is not None} | current.fields


def log_failure(error: BaseException | None, log: Callable[[], None], is_elsewhere: bool = False) -> None:
    """Logs an exception in the context of what has failed, and thereby has its trace written.

    That is the current context, as far as there is one: a thread or a task ends with what it began with. If the exception has left a context
    inside of that, or there is no other, it is this one.

    Args:
        error: The exception; None if only its class is known.
        log: Logs it.
        is_elsewhere: Whether the current context is that of other work, in which the garbage collector has happened to run.
    """
    remembered = failing.of(error)
    current = None if is_elsewhere else _core.current_context()
    inside: _core.Context | None = None
    if remembered is not None and (current is None or current.trace_id == remembered.trace_id):
        with suppress(MemoryError):  # The record matters more than its trace.
            inside = _core.recall_context(remembered)
    if inside is None and not is_elsewhere:
        log()
        return
    token = _current.set(inside)
    try:
        log()
    finally:
        _current.reset(token)


def call_within(current: dict[str, Any], function: Callable[[_Argument], _Result], argument: _Argument) -> _Result:
    """Calls a function with these ids and fields as those of the running request.

    Args:
        current: As `get_trace_context` returns them; empty for none.
        function: The function.
        argument: Its argument.

    Returns:
        The result of the function.
    """
    fields = dict(current)
    ids = fields.pop("trace_id", None), fields.pop("span_id", None)
    token = _current.set(make(*ids, fields) if current else None)
    try:
        return function(argument)
    finally:
        _current.reset(token)


def clear_trace_context() -> None:
    """Forgets ids and fields. Inside a scope, the ids and fields with which the scope began come back."""
    scope = _innermost.get()
    begun = None if scope is None else scope.context
    if scope is not None and scope.is_shared and scope.request is not None and begun is not None:
        _core.clear_within(scope.request, _current.get(), begun)
    _current.set(begun)


def forget() -> None:
    """Forgets the context and all scopes of this thread or task."""
    _innermost.set(None)
    _current.set(None)


def foreign() -> _core.Context | None:
    """The current context, if it is another tracing library's: see `_core.set_foreign_context`. Otherwise None."""
    current, own = _core.current_context(), _current.get()
    return None if current is (own and own.now) else current


def make(
    trace_id: object,
    span_id: object,
    fields: dict[str, Any],
    parent_span_id: str | None = None,
    carried: object = None,
    level: int | None = None,
    sampling: tuple[int, str | None, float] | None = None,
    is_random: bool = False,
) -> _core.Context:
    """A context. Ids of any type are taken as text; None leaves an id out.

    Args:
        trace_id: The trace.
        span_id: The span.
        fields: Fields of every record.
        parent_span_id: The span of which this span is a part.
        carried: What is sent on to other services although no record has it: see `propagation`.
        level: The least level of records, whatever the levels of their loggers; None leaves it to the loggers.
        sampling: The decision on the trace, if it was made in another context of the trace: its `sampling`. None decides by `carried`, or
            by the rule for traces that begin here.
        is_random: Whether the id of the trace was made here, of random bytes.

    Returns:
        The context, not current anywhere yet.
    """
    return _core.Context(
        None if trace_id is None else str(trace_id),
        None if span_id is None else str(span_id),
        fields,
        parent_span_id,
        carried,
        level,
        sampling,
        is_random,
    )


class Scope:
    """A piece of code with a context of its own, entered at once. `leave` restores the previous context.

    Args:
        context: The context inside; None for none.
        owner: The object that entered it, for `scope_of`.
        is_below: Whether the context is inside the current one, and does not come from elsewhere.
    """

    __slots__ = ("before", "context", "is_recorded", "is_shared", "left", "outer", "owner", "request", "strayed")

    def __init__(self, context: _core.Context | None, owner: object = None, is_below: bool = False) -> None:
        self.owner = owner
        self.context = context
        self.before = _current.get()
        self.outer = outer = _innermost.get()
        # The first context of the request to which this belongs, and whether values that are set here are set for the whole request.
        self.request: _core.Context | None = None if outer is None else outer.request
        self.is_shared: bool = is_below and outer is not None and outer.is_shared
        self.left = False
        # Whether the flight recorder is told when it is left.
        self.is_recorded = False
        # Whether it was left while an inner one was open, or elsewhere: restoring the previous context skips it.
        self.strayed = False
        if recording.is_on and context is not None:
            self.is_recorded = recording.entered(context, None if outer is None else self.before)
        _innermost.set(self)
        _current.set(context)

    def leave(self, error: BaseException | None = None) -> None:
        """Restores the previous context, skipping outer scopes that were left out of order. Harmless when repeated.

        An inner scope that is still open stays, and skips this one when it restores. If this scope is left in another thread or task than it was
        entered in, it restores nothing there. A task that was started inside may outlive this scope: it keeps the context with which it
        began.

        Args:
            error: The exception with which it is left; None for none.
        """
        again, self.left = self.left, True
        inside = _core.current_context() if self.is_recorded else None
        try:
            self._restore(again)
        finally:
            if self.is_recorded and self.context is not None:
                self.is_recorded = False
                recording.left(self.context, error, inside)
        if error is not None:
            self.note(error)

    def note(self, error: BaseException | None) -> None:
        """Has the context remembered for the report of an exception that leaves this scope, in case nobody catches it.

        Args:
            error: The exception; None for none.
        """
        # What ends programs, tasks and generators is reported by nobody.
        if failing.is_on and isinstance(error, Exception) and self.context is not None:
            failing.note(error, self.context.now)

    def _restore(self, again: bool) -> None:
        if _innermost.get() is not self:
            self.strayed = self.strayed or not again
            return
        before, outer = self.before, self.outer
        while outer is not None and outer.strayed:
            before, outer = outer.before, outer.outer
        _innermost.set(outer)
        _current.set(before)
        self.forget_left()

    def forget_left(self) -> None:
        """Lets go of outer scopes that are left. If each call schedules the next, every scope begins inside the previous one."""
        while self.outer is not None and self.outer.left:
            if self.outer.strayed:
                self.before = self.outer.before
            self.outer = self.outer.outer


class Continuation:
    """A position in a request from which another thread or task continues.

    Args:
        context: The context there; None for none.
        request: The first context of the request to which it belongs; None for none.
        is_shared: Whether values that are set there are set for the whole request.
    """

    __slots__ = ("_is_shared", "_request", "context")

    def __init__(
        self, context: _core.Context | None, request: _core.Context | None = None, is_shared: bool = False
    ) -> None:
        self.context = context
        self._request = request
        self._is_shared = is_shared

    @classmethod
    def here(cls) -> Continuation:
        """The current context, and the request to which it belongs."""
        current, own, scope = _core.current_context(), _current.get(), _innermost.get()
        # Within a request, the context that follows later changes of the request.
        current = own if own is not None and own.now is current else current
        return cls(current) if scope is None else cls(current, scope.request, scope.is_shared)

    def enter(self) -> Scope:
        """Enters a scope here. The caller leaves it."""
        context, request = self.context, self._request
        if context is not None and request is not None:
            context = _core.context_again(request, context)
        scope = Scope(context)
        scope.request, scope.is_shared = request, self._is_shared
        return scope


def scope_of(owner: object) -> Scope | None:
    """The innermost scope of this thread or task that `owner` entered and has not left; None if there is none."""
    scope = _innermost.get()
    while scope is not None and (scope.owner is not owner or scope.left):
        scope = scope.outer
    return scope


def child(trace_id: str | None, span_id: str | None, fields: dict[str, Any], level: int | None = None) -> _core.Context:
    """A context inside the current one: a child span with the outer fields, or a new trace if there is no outer context.

    Args:
        trace_id: Kept as it is; None inherits the outer trace or begins a new one.
        span_id: Kept as it is; None opens a new span.
        fields: Further fields; they win over outer ones.
        level: The least level of records; None inherits the outer level, if there is one.

    Returns:
        The context, not current anywhere yet.
    """
    outer, scope = _core.current_context(), _innermost.get()
    if outer is None:
        return make(trace_id or new_trace_id(), span_id or new_span_id(), fields, level=level, is_random=not trace_id)
    given = trace_id or (None if outer.trace_id else new_trace_id())
    return _core.context_below(
        None if scope is None else scope.request,
        _current.get(),
        None if given is None else str(given),
        str(span_id or new_span_id()),
        fields,
        level,
    )
