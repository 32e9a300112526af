"""Contexts around code: `with` blocks, and the calls of decorated functions."""

from __future__ import annotations

from functools import wraps

from .. import _core, levels
from .packing import Unchanging, added, packed, unpacked
from .scope import Scope, _current, _innermost, child, scope_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import CodeType, TracebackType
    from typing import Any, TypeVar

    _Function = TypeVar("_Function", bound=Callable[..., Any])


class LoggingContext(Unchanging):
    """Ids and fields for a piece of code: `with`, `async with`, or a decorator of functions, coroutines and generators.

    Inside another context and without ids it inherits the trace, opens a child span and keeps the outer fields. Without a context
    outside it begins a new trace. Leaving restores the previous context, also on exceptions, and if scopes are left out of order.

    Args:
        trace_id: Kept as it is; None inherits the outer trace or begins a new one.
        span_id: Kept as it is; None opens a new span.
        level: Least level of the records made inside, by name or number, whatever the levels of their loggers. None inherits the
            outer level, or leaves it to the loggers. A value that is not a level has no effect, and is reported once.
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
            scope.leave(error)

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


# How many decorators of a function are looked below: each may say that it wraps another one.
_MOST_DECORATORS = 100
# Values that are not levels, as far as they were reported.
_reported: set[str] = set()
_MOST_REPORTED = 16


def _level(given: object) -> int | None:
    """A level by name or number; None if it is not a level, because a request must not fail because of that."""
    try:
        return levels.parse(given)
    except (ValueError, TypeError):
        from ..errors import ConfigurationError

        wrong = ConfigurationError(source="LoggingContext", key="level", value=given, allowed=levels.ALLOWED)
        if str(wrong) not in _reported and len(_reported) < _MOST_REPORTED:
            _reported.add(str(wrong))
            _core.say("LoggingContext", f"a context has no level of its own: {wrong}", 30, [])
        return None


def around(
    function: _Function, make: Callable[[], AbstractContextManager[object]], default: object = None
) -> _Function:
    """A function that does the same as `function`, inside a context manager that is made for each call.

    A generator enters it at its first step, and leaves it when it ends, is closed, or raises. Between its steps the context of
    its consumer is current. If a function returns an awaitable, that is inside too: the context manager is left when it is done.

    Args:
        function: A function, a coroutine function, or a generator function of either kind; also a static or class method, or an object
            that is called like one.
        make: Makes the context manager. Records that it logs name the caller of the function.
        default: What the function returns if the context manager ends an exception.

    Returns:
        A function of the same kind, name and signature.
    """
    import inspect  # Only programs that decorate pay for this import.

    if isinstance(function, staticmethod | classmethod):
        return type(function)(around(function.__func__, make, default))
    if is_coroutine_function(function):

        @wraps(function)
        async def inside(*args: Any, **kwargs: Any) -> Any:
            with make():
                return await function(*args, **kwargs)
            return default

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
                return default
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
                    return default
                raise
            if hasattr(result, "__await__"):
                if callable(getattr(result, "add_done_callback", None)):
                    sides.change()
                    result.add_done_callback(lambda future: _end(manager, future))
                    return result
                if _is_only_awaited(result):
                    sides.change()
                    return _awaited(result, manager, sides, default)
            manager.__exit__(None, None, None)
            return result

    wrapper: Any = inside
    _core.mark_wrapper(wrapper.__code__)
    return wrapper  # type: ignore[no-any-return]


def is_coroutine_function(function: object) -> bool:
    """Whether a call returns a coroutine: of a coroutine function, also a marked one, or of an object with such a `__call__`."""
    import inspect

    if inspect.iscoroutinefunction(function):
        return True
    if isinstance(function, type) or inspect.isroutine(function):
        # `asyncio.iscoroutinefunction` asks for this mark before 3.12; wrappers have it that are no coroutine functions for `inspect`.
        return type(getattr(function, "_is_coroutine", None)) is object
    return callable(function) and inspect.iscoroutinefunction(type(function).__call__)


def _is_only_awaited(result: object) -> bool:
    """Whether a coroutine can replace a result: only if the result is a coroutine or can only be awaited. A query may also be refined."""
    names = {name for name in dir(type(result)) if not name.startswith("_")}
    return names <= {"send", "throw", "close"} or {"cr_code", "cr_frame"} <= names


def _end(manager: AbstractContextManager[object], future: Any) -> None:
    """Leaves a context manager in the way in which a future ended."""
    try:
        error = future.exception()
    except BaseException as cancelled:  # Raised if it was cancelled: not a subclass of Exception for asyncio.
        error = cancelled
    manager.__exit__(None if error is None else type(error), error, None)


async def _awaited(result: Any, manager: AbstractContextManager[object], sides: _Sides, default: object) -> Any:
    """Waits for an awaitable that a function returned, inside a context manager that was entered for the call."""
    sides.change()
    try:
        try:
            value = await result
        except BaseException as error:
            if manager.__exit__(type(error), error, error.__traceback__):
                return default
            raise
        manager.__exit__(None, None, None)
        return value
    finally:
        sides.restore()


def code_of(function: Any) -> CodeType | None:
    """The code of a function, below its decorators and partials.

    Args:
        function: Any object.

    Returns:
        Its code; None if it has none of Python.
    """
    for _ in range(_MOST_DECORATORS):
        inner = getattr(function, "__wrapped__", None) or getattr(function, "__func__", None)
        if inner is None and not hasattr(function, "__code__"):
            inner = getattr(function, "func", None)
        if inner is None:
            break
        function = inner
    code = getattr(function, "__code__", None)
    return code if hasattr(code, "co_firstlineno") else None


class _Sides:
    """The contexts inside a generator and at its consumer: one of them is put aside while the other code runs."""

    __slots__ = ("_aside",)

    def __init__(self) -> None:
        # A generator begins with the context of its first consumer.
        self._aside = (_current.get(), _innermost.get())

    def change(self) -> None:
        """Puts the current context aside, and brings back the other."""
        aside = (_current.get(), _innermost.get())
        self.restore()
        self._aside = aside

    def restore(self) -> None:
        """Brings back the context that was put aside."""
        current, innermost = self._aside
        _current.set(current)
        _innermost.set(innermost)
