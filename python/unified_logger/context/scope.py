"""The fields that follow a request: trace and span ids, and whatever else is set for its duration.

They live in a context variable, so each thread and each task has its own. A *scope* is a stretch of code that restores
what was before it when it is left (`LoggingContext`, and what integrations build on it).
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import wraps

from .. import _core, levels
from .._core import new_span_id, new_trace_id
from .packing import Unchanging, added, packed, unpacked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import TracebackType
    from typing import Any, TypeVar

    _Argument = TypeVar("_Argument")
    _Function = TypeVar("_Function", bound=Callable[..., Any])
    _Result = TypeVar("_Result")

_current: ContextVar[_core.Context | None] = ContextVar("unified_logger_context", default=None)
_innermost: ContextVar[Scope | None] = ContextVar("unified_logger_scope", default=None)
_core.set_context_variable(_current)


def set_trace_context(trace_id: str | None = None, span_id: str | None = None, **fields: object) -> None:
    """Sets ids and fields of the running request, for everything this thread or task logs from here on.

    Inside a scope, an id that is not given keeps the scope's, and fields are added to the scope's. Anywhere in a request of a middleware
    the fields are the request's: its other threads and tasks have them too, except what they have set themselves. Outside a scope, a
    new trace begins: what an earlier request left on a reused thread is gone.

    Args:
        trace_id: Kept verbatim; None keeps the scope's, or begins a new trace outside one.
        span_id: Kept verbatim; None keeps the scope's, or begins a new span outside one.
        **fields: Fields of every record in this context.
    """
    current, scope = _core.current_context(), _innermost.get()
    # A trace of another library's is a scope too: it knows when it ends.
    if current is None or (scope is None and foreign() is None):
        _current.set(make(trace_id or new_trace_id(), span_id or new_span_id(), fields))
        return
    request, is_shared = (None, False) if scope is None else (scope.request, scope.is_shared)
    given_trace, given_span = (str(given) if given else None for given in (trace_id, span_id))
    _current.set(_core.context_with(request, _current.get(), given_trace, given_span, fields, is_shared))


def get_trace_context() -> dict[str, Any]:
    """Ids and fields of the running request; empty when there is none."""
    current = _core.current_context()
    if current is None:
        return {}
    ids = {"trace_id": current.trace_id, "span_id": current.span_id}
    return {name: value for name, value in ids.items() if value is not None} | current.fields


def call_within(current: dict[str, Any], function: Callable[[_Argument], _Result], argument: _Argument) -> _Result:
    """Calls a function while these are the ids and fields of the running request.

    Args:
        current: As `get_trace_context` gives them; empty for none.
        function: What is called.
        argument: Its argument.

    Returns:
        What it returns.
    """
    fields = dict(current)
    ids = fields.pop("trace_id", None), fields.pop("span_id", None)
    token = _current.set(make(*ids, fields) if current else None)
    try:
        return function(argument)
    finally:
        _current.reset(token)


def clear_trace_context() -> None:
    """Forgets ids and fields. Inside a scope, those the scope began with come back."""
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
    """The current context where it is that of another tracing library: see `_core.set_foreign_context`."""
    current, own = _core.current_context(), _current.get()
    return None if current is (own and own.now) else current


def make(
    trace_id: object,
    span_id: object,
    fields: dict[str, Any],
    parent_span_id: str | None = None,
    carried: object = None,
    level: int | None = None,
) -> _core.Context:
    """A context. Ids of any type are taken as text; None leaves one out.

    Args:
        trace_id: The trace.
        span_id: The span.
        fields: Fields of every record.
        parent_span_id: The span that this one is part of.
        carried: What goes on to other services though no record has it: see `propagation`.
        level: The least level of records, whatever those of their loggers; None leaves it to those.

    Returns:
        The context, current nowhere yet.
    """
    return _core.Context(
        None if trace_id is None else str(trace_id),
        None if span_id is None else str(span_id),
        fields,
        parent_span_id,
        carried,
        level,
    )


class Scope:
    """A stretch of code with a context of its own, entered at once; `leave` restores what was before.

    Args:
        context: What is current inside; None for nothing.
        owner: Who entered it, for `scope_of`.
        is_below: Whether the context is one inside of the current one, and not one that comes from elsewhere.
    """

    __slots__ = ("before", "context", "is_shared", "left", "outer", "owner", "request", "strayed")

    def __init__(self, context: _core.Context | None, owner: object = None, is_below: bool = False) -> None:
        self.owner = owner
        self.context = context
        self.before = _current.get()
        self.outer = outer = _innermost.get()
        # The context that the request began with which this is a part of, and whether what is set here is set for all of it.
        self.request: _core.Context | None = None if outer is None else outer.request
        self.is_shared: bool = is_below and outer is not None and outer.is_shared
        self.left = False
        # Whether it was left while an inner one was open, or elsewhere: whoever restores what was before goes past it.
        self.strayed = False
        _innermost.set(self)
        _current.set(context)

    def leave(self) -> None:
        """Restores what was before, past outer scopes that were left out of order. Harmless when repeated.

        An inner scope that is still open goes on, and restores past this one. Left in another thread or task than
        entered, nothing there is this scope's to restore. A task that was started inside may outlive this scope: what it
        began with stays its own.
        """
        again, self.left = self.left, True
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
        """Lets go of outer scopes that are left: where each call schedules the next, every one begins inside the one before."""
        while self.outer is not None and self.outer.left:
            if self.outer.strayed:
                self.before = self.outer.before
            self.outer = self.outer.outer


class Place:
    """Where a scope of another thread or task goes on.

    Args:
        context: What is current in it; None for nothing.
        request: The context that the request began with which it is in; None for none.
        is_shared: Whether what is set in it is set for all of the request.
    """

    __slots__ = ("_is_shared", "_request", "context")

    def __init__(
        self, context: _core.Context | None, request: _core.Context | None = None, is_shared: bool = False
    ) -> None:
        self.context = context
        self._request = request
        self._is_shared = is_shared

    @classmethod
    def here(cls) -> Place:
        """What is current now, and the request that it is in."""
        current, own, scope = _core.current_context(), _current.get(), _innermost.get()
        # Of a request it is the one that goes on to follow that.
        current = own if own is not None and own.now is current else current
        return cls(current) if scope is None else cls(current, scope.request, scope.is_shared)

    def enter(self) -> Scope:
        """Enters a scope here, which its caller leaves."""
        context, request = self.context, self._request
        if context is not None and request is not None:
            context = _core.context_again(request, context)
        scope = Scope(context)
        scope.request, scope.is_shared = request, self._is_shared
        return scope


def scope_of(owner: object) -> Scope | None:
    """The innermost scope of this thread or task that `owner` entered and has not left."""
    scope = _innermost.get()
    while scope is not None and (scope.owner is not owner or scope.left):
        scope = scope.outer
    return scope


def child(trace_id: str | None, span_id: str | None, fields: dict[str, Any], level: int | None = None) -> _core.Context:
    """A context inside the current one: a child span with the outer fields, or a new trace where there is none outside.

    Args:
        trace_id: Kept verbatim; None inherits the outer trace or begins a new one.
        span_id: Kept verbatim; None opens a new span.
        fields: Further fields; they win over outer ones.
        level: The least level of records; None inherits the outer one, if there is one.

    Returns:
        The context, current nowhere yet.
    """
    outer, scope = _core.current_context(), _innermost.get()
    if outer is None:
        return make(trace_id or new_trace_id(), span_id or new_span_id(), fields, level=level)
    given = trace_id or (None if outer.trace_id else new_trace_id())
    return _core.context_below(
        None if scope is None else scope.request,
        _current.get(),
        None if given is None else str(given),
        str(span_id or new_span_id()),
        fields,
        level,
    )


class LoggingContext(Unchanging):
    """Ids and fields for a stretch of code: `with`, `async with`, or a decorator of functions, coroutines and generators.

    Nested without ids it inherits the trace, opens a child span and keeps the outer fields; with nothing outside it
    begins a new trace. Leaving restores what was before, also on exceptions, and when scopes are left out of order.

    Args:
        trace_id: Kept verbatim; None inherits the outer trace or begins a new one.
        span_id: Kept verbatim; None opens a new span.
        level: Least level of the records made inside, by name or number, whatever the levels of their loggers; None
            inherits the outer one, or leaves it to the loggers. What names no level has no effect, and is said once.
        **fields: Fields of every record inside.
    """

    __slots__ = ("_fields", "_level", "_span_id", "_trace_id")

    def __init__(
        self,
        /,
        trace_id: str | None = None,
        span_id: str | None = None,
        *,
        level: str | int | None = None,
        **fields: object,
    ) -> None:
        self._trace_id = trace_id
        self._span_id = span_id
        self._level = None if level is None else _level(level)
        self._fields = fields

    def __enter__(self) -> LoggingContext:
        Scope(child(self._trace_id, self._span_id, self._fields, self._level), self, is_below=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        scope = scope_of(self)
        if scope is not None:
            scope.leave()

    def __getstate__(self) -> tuple[Any, ...]:
        return self._trace_id, self._span_id, self._level, packed(self._fields), added(self, LoggingContext)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._trace_id, self._span_id, self._level, fields, attributes = state
        self._fields = unpacked(fields)
        for name, value in attributes.items():
            setattr(self, name, value)

    async def __aenter__(self) -> LoggingContext:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    def __call__(self, function: _Function) -> _Function:
        """Runs every call of `function` in a context of its own."""
        return around(function, self._again)

    def _again(self) -> LoggingContext:
        return LoggingContext(self._trace_id, self._span_id, level=self._level, **self._fields)


# What was given as a level and is none, as far as it was said.
_told: set[str] = set()
_MOST_TOLD = 16


def _level(given: object) -> int | None:
    """A level by name or number. What names none is no reason for a request to fail."""
    try:
        return levels.parse(given)
    except (ValueError, TypeError):
        from ..errors import ConfigurationError

        wrong = ConfigurationError(source="LoggingContext", key="level", value=given, allowed=levels.ALLOWED)
        if str(wrong) not in _told and len(_told) < _MOST_TOLD:
            _told.add(str(wrong))
            _core.say("LoggingContext", f"a context has no level of its own: {wrong}", 30, [])
        return None


def around(function: _Function, make: Callable[[], AbstractContextManager[object]]) -> _Function:
    """A function that does what `function` does, inside a context manager made for each call.

    A generator enters at its first step and leaves when it ends, is closed, or raises. Between its steps what is current is
    its consumer's. What a function gives to be awaited is inside too: the context manager is left when that is done.

    Args:
        function: A function, a coroutine function, or a generator function of either kind; also as a static or class method, or an object
            that is called like one.
        make: Makes the context manager. Records it logs name the caller of the function.

    Returns:
        A function of the same kind, name and signature.
    """
    import inspect  # Only programs that decorate pay for it.

    if isinstance(function, staticmethod | classmethod):
        return type(function)(around(function.__func__, make))
    if is_coroutine_function(function):

        @wraps(function)
        async def inside(*args: Any, **kwargs: Any) -> Any:
            with make():
                return await function(*args, **kwargs)

    elif inspect.isasyncgenfunction(function):

        @wraps(function)
        async def inside(*args: Any, **kwargs: Any) -> Any:
            steps = function(*args, **kwargs)
            step, given = steps.asend, None
            sides = _Sides()
            sides.change()
            try:
                with make():
                    while True:
                        try:
                            item = await step(given)
                        except StopAsyncIteration:
                            return
                        sides.change()
                        try:
                            given = yield item
                            step = steps.asend
                        except BaseException as error:
                            step, given = steps.athrow, error
                        sides.change()
            finally:
                sides.change()
                given = None  # The exception's traceback refers to this frame.

    elif inspect.isgeneratorfunction(function):

        @wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            steps = function(*args, **kwargs)
            step, given = steps.send, None
            sides = _Sides()
            sides.change()
            try:
                with make():
                    while True:
                        try:
                            item = step(given)
                        except StopIteration as end:
                            return end.value
                        sides.change()
                        try:
                            given = yield item
                            step = steps.send
                        except BaseException as error:
                            step, given = steps.throw, error
                        sides.change()
            finally:
                sides.change()
                given = None

    else:

        @wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            sides = _Sides()
            manager = make()
            manager.__enter__()
            try:
                result = function(*args, **kwargs)
            except BaseException as error:
                if manager.__exit__(type(error), error, error.__traceback__):
                    return None
                raise
            if hasattr(result, "__await__"):
                if callable(getattr(result, "add_done_callback", None)):
                    sides.change()
                    result.add_done_callback(lambda future: _end(manager, future))
                    return result
                if _is_only_awaited(result):
                    sides.change()
                    return _awaited(result, manager, sides)
            manager.__exit__(None, None, None)
            return result

    wrapper: Any = inside
    _core.mark_wrapper(wrapper.__code__)
    return wrapper  # type: ignore[no-any-return]


def is_coroutine_function(function: object) -> bool:
    """Whether a call gives a coroutine: of a coroutine function, also one in disguise, or of an object whose call is one."""
    import inspect

    if inspect.iscoroutinefunction(function):
        return True
    if isinstance(function, type) or inspect.isroutine(function):
        # As `asyncio.iscoroutinefunction` asks before 3.12, and wrappers answer that are no coroutine function for `inspect`.
        return type(getattr(function, "_is_coroutine", None)) is object
    return callable(function) and inspect.iscoroutinefunction(type(function).__call__)


def _is_only_awaited(result: object) -> bool:
    """Whether a coroutine can take a result's place: it is one, or can nothing else. A query that may be awaited or refined is left as it is."""
    names = {name for name in dir(type(result)) if not name.startswith("_")}
    return names <= {"send", "throw", "close"} or {"cr_code", "cr_frame"} <= names


def _end(manager: AbstractContextManager[object], future: Any) -> None:
    """Leaves a context manager as a future ended."""
    try:
        error = future.exception()
    except BaseException as cancelled:  # Raised where it was cancelled: no subclass of Exception for asyncio.
        error = cancelled
    manager.__exit__(None if error is None else type(error), error, None)


async def _awaited(result: Any, manager: AbstractContextManager[object], sides: _Sides) -> Any:
    """Waits for what a function gave to be awaited, on the inner side of a context manager that was entered for the call."""
    sides.change()
    try:
        try:
            value = await result
        except BaseException as error:
            if manager.__exit__(type(error), error, error.__traceback__):
                return None
            raise
        manager.__exit__(None, None, None)
        return value
    finally:
        sides.restore()


class _Sides:
    """What is current inside a generator, and at its consumer's: one of them is put aside while the other runs."""

    __slots__ = ("_aside",)

    def __init__(self) -> None:
        # A generator begins with what its first consumer has.
        self._aside = (_current.get(), _innermost.get())

    def change(self) -> None:
        """Puts aside what is current, and brings back what was put aside."""
        aside = (_current.get(), _innermost.get())
        self.restore()
        self._aside = aside

    def restore(self) -> None:
        """Brings back what was put aside."""
        current, innermost = self._aside
        _current.set(current)
        _innermost.set(innermost)
