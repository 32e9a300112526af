"""Simple spans: steps of work that log their start, their end, their duration and their outcome."""

from __future__ import annotations

import logging
import sys
from typing import overload

from . import _core, context, levels, values
from .clocks import perf_counter_ns
from .context.blocks import around
from .context.packing import Unchanging, added, packed, unpacked
from .logger import UnifiedLogger, get_logger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any, TypeVar

    _Function = TypeVar("_Function", bound=Callable[..., Any])


# By name, so that no library is imported that the program does not use.
_CANCELLATIONS = (
    "greenlet.GreenletExit",
    "trio.Cancelled",
)


class span(Unchanging):  # noqa: N801 - used as a function is
    """A step of work: `with`, `async with`, or a decorator of functions, coroutines and generators.

    It is a child of the current span, or begins a new trace. It logs a record at its start and at its end. Both have `span` (its
    name), and `parent_span_id` if it has a parent. The record at the end also has `duration_ms` (milliseconds) and `outcome`: `ok`,
    `error` with the exception as `error`, or `cancelled`. An exception is passed on; the code that handles it logs its traceback.

    Args:
        name: The name of the span.
        logger: The logger of both records, or its name; None is the logger of the module that makes the span.
        level: Their level, by name or number.
        **fields: Fields of every record inside, these two included.

    Raises:
        ValueError: There is no such level.
    """

    __slots__ = ("_fields", "_level", "_logger", "_name", "_open")

    def __init__(
        self,
        name: str,
        /,
        *,
        logger: UnifiedLogger | str | None = None,
        level: int | str = logging.INFO,
        **fields: object,
    ) -> None:
        if logger is None:
            logger = sys._getframe(1).f_globals.get("__name__")
        self._logger = logger if isinstance(logger, UnifiedLogger) else get_logger(logger)
        self._name = name
        self._level = levels.parse(level)
        self._fields = fields
        self._open: list[_Scope] = []

    def __enter__(self) -> span:
        scope = _Scope(context.child(None, None, self._fields), self)
        try:
            self._logger.log(self._level, "span started", **self._record_fields(scope))
        except BaseException:  # Filters and handlers of others may raise anything, and so may Ctrl-C.
            scope.leave()
            raise
        self._open.append(scope)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        scope = context.scope_of(self)
        if isinstance(scope, _Scope):
            if scope in self._open:
                self._open.remove(scope)
        elif self._open:
            # Entered in another thread, task or context, as a dependency or a generator may be. It ends all the same.
            scope = self._open.pop()
        else:
            return
        fields = self._record_fields(scope)
        fields["duration_ms"] = (perf_counter_ns() - scope.started) / 1_000_000
        fields["outcome"] = "ok" if error is None else _outcome(error)
        if error is not None and fields["outcome"] == "error":
            fields["error"] = values.describe(error)
        # Even if other contexts were set or left open inside, the record belongs to this span.
        current, own = _core.current_context(), scope.context
        inside = None
        if current is None or (current.trace_id, current.span_id) != (own.trace_id, own.span_id):
            inside = context.Scope(own)
        try:
            self._logger.log(self._level, "span ended", **fields)
        finally:
            if inside is not None:
                inside.leave()
            scope.leave(error)

    async def __aenter__(self) -> span:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    def __getstate__(self) -> tuple[Any, ...]:
        return self._name, self._logger, self._level, packed(self._fields), added(self, span)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._name, self._logger, self._level, fields, attributes = state
        self._fields = unpacked(fields)
        self._open = []
        for name, value in attributes.items():
            setattr(self, name, value)

    def __call__(self, function: _Function) -> _Function:
        """Makes every call of `function` a span."""
        return around(function, lambda: span(self._name, logger=self._logger, level=self._level, **self._fields))

    def _record_fields(self, scope: _Scope) -> dict[str, Any]:
        fields: dict[str, Any] = {"span": self._name}
        if scope.context.parent_span_id is not None:
            fields["parent_span_id"] = scope.context.parent_span_id
        return fields


class _Scope(context.Scope):
    """One run of a span, with its start time."""

    __slots__ = ("started",)
    context: _core.Context

    def __init__(self, current: _core.Context, owner: span) -> None:
        super().__init__(current, owner, is_below=True)
        self.started = perf_counter_ns()


@overload
def traced(function: _Function, /) -> _Function: ...


@overload
def traced(
    name: str | None = None,
    /,
    *,
    logger: UnifiedLogger | str | None = None,
    level: int | str = logging.INFO,
    **fields: object,
) -> Callable[[_Function], _Function]: ...


def traced(
    name: Any = None,
    /,
    *,
    logger: UnifiedLogger | str | None = None,
    level: int | str = logging.INFO,
    **fields: object,
) -> Any:
    """Makes every call of a function a span: `@traced`, `@traced()` or `@traced("charge card", step=2)`.

    Args:
        name: The span's name; by default the function's qualified name.
        logger: The logger of its records, or its name; None is the logger of the function's module.
        level: Their level, by name or number.
        **fields: Fields of every record inside.

    Returns:
        The decorated function, or the decorator.

    Raises:
        ValueError: There is no such level.
    """
    if callable(name):
        return traced(None, logger=logger, level=level, **fields)(name)

    def decorate(function: _Function) -> _Function:
        named = name or getattr(function, "__qualname__", type(function).__name__)
        return span(named, logger=function.__module__ if logger is None else logger, level=level, **fields)(function)

    return decorate


def _outcome(error: BaseException) -> str:
    return "cancelled" if _is_cancellation(error) else "error"


def _is_cancellation(error: BaseException) -> bool:
    """Whether an exception means that the work was cancelled: those of asyncio, trio and gevent, and groups of nothing else."""
    if isinstance(error, GeneratorExit):
        return True
    if any(
        kind.__name__ == "CancelledError" or f"{kind.__module__.partition('.')[0]}.{kind.__name__}" in _CANCELLATIONS
        for kind in type(error).__mro__
    ):
        return True
    group = getattr(error, "exceptions", None)
    # `BaseExceptionGroup` exists from Python 3.11 on, and before in a package of its own.
    if isinstance(group, tuple) and any(kind.__name__ == "BaseExceptionGroup" for kind in type(error).__mro__):
        return bool(group) and all(map(_is_cancellation, group))
    return False


for _method in (span.__enter__, span.__exit__, span.__aenter__, span.__aexit__):
    _core.mark_wrapper(_method.__code__)
