"""Shared by the hooks for outgoing calls: headers with the trace, and a record for each call if wanted."""

from __future__ import annotations

import sys
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR, CO_ITERABLE_COROUTINE
from types import MethodType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from unified_logger import _core, context, get_logger, levels
from unified_logger.clocks import perf_counter_ns
from unified_logger.context.propagation import trace_headers

if TYPE_CHECKING:
    from collections.abc import Callable, Container
    from types import FrameType, TracebackType
    from typing import Protocol

    from typing_extensions import Self

    class Headers(Protocol):
        """The headers of a request."""

        def __contains__(self, name: Any, /) -> bool: ...
        def __setitem__(self, name: str, value: str, /) -> None: ...
        def __delitem__(self, name: str, /) -> None: ...


# The libraries whose calls these are. A record names the code that called one of them.
_LIBRARIES = frozenset({"httpx", "httpx2", "requests", "urllib"})


class Outgoing:
    """One outgoing call. During the call the headers of the request have the trace, unless its caller has set one.

    After the call these headers are removed. So a request that is sent again, by a redirect or by a program that keeps it, gets new ones.

    Args:
        logger: Name of the record's logger.
        level: Level of a record at the end of the call, which is then a child span; None for no record and no span.
        method: The call's method.
        url: The URL. Only its host is logged.
        headers: The headers of the request.
    """

    __slots__ = ("_added", "_fields", "_headers", "_level", "_logger", "_scope", "_started")

    def __init__(self, logger: str, level: int | None, method: str, url: str, headers: Headers) -> None:
        self._logger = logger
        self._level = level
        self._headers = headers
        self._added: list[str] = []
        self._fields: dict[str, Any] = {"method": method, "host": _host(url)}
        self._scope: context.Scope | None = None
        self._started = 0

    def __enter__(self) -> Self:
        if self._level is not None:
            self._scope = context.Scope(context.child(None, None, {}), is_below=True)
            self._started = perf_counter_ns()
        try:
            for name, value in headers_beside(self._headers).items():
                self._headers[name] = value
                self._added.append(name)
        except BaseException:  # The headers of the request may be any object.
            if self._scope is not None:
                self._scope.leave()
            raise
        return self

    def ended(self, status: int) -> None:
        """Notes the status of the response."""
        self._fields["status"] = status

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for name in self._added:
            if name in self._headers:
                del self._headers[name]
        if self._level is None or self._scope is None:
            return
        fields = self._fields
        fields["duration_ms"] = (perf_counter_ns() - self._started) / 1_000_000
        if kind is not None:
            # Its text may have the whole URL with its secrets. The code that handles the exception logs it.
            fields["error"] = kind.__name__
        current = self._scope.context
        if current is not None and current.parent_span_id is not None:
            fields["parent_span_id"] = current.parent_span_id
        try:
            get_logger(self._logger).log(self._level, "outgoing call", stacklevel=_frames_to_caller(), **fields)
        finally:
            self._scope.leave()


_core.mark_wrapper(Outgoing.__exit__.__code__)


def _frames_to_caller() -> int:
    """The `stacklevel` of the code that called the library.

    Returns:
        1, which is the library's own code, if nothing is known to have called it: an event loop runs it as a task of its own.
    """
    inner = frame = sys._getframe(3)  # Below the replacement, which is marked, as is the block's end.
    level = 1
    while str(frame.f_globals.get("__name__")).partition(".")[0] in _LIBRARIES:
        if frame.f_back is None:
            return 1
        inner, frame = frame, frame.f_back
        level += 1
    return 1 if _is_awaited(inner) and not _is_awaited(frame) else level


def _is_awaited(frame: FrameType) -> bool:
    """Whether a frame is that of a coroutine, or of a generator that may be part of one."""
    return bool(frame.f_code.co_flags & (CO_COROUTINE | CO_ITERABLE_COROUTINE | CO_GENERATOR | CO_ASYNC_GENERATOR))


def headers_beside(given: Container[str]) -> dict[str, str]:
    """The headers with the current trace to add to those of the caller; none if the caller's have a trace of their own.

    Args:
        given: The caller's headers; it is asked for names in lower case.

    Returns:
        Values by name.
    """
    found = trace_headers()
    kept = [name for name in found if name in given]
    if kept not in ([], ["x-request-id"]):
        return {}
    return {name: value for name, value in found.items() if name not in kept}


def _host(url: str) -> str:
    """Host and port. Empty if it is not a URL, because the called library reports that."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def level_number(level: int | str | None) -> int | None:
    """The number of a level; None stays.

    Raises:
        ValueError: There is no such level.
    """
    return None if level is None else levels.parse(level)


# Attribute of a new function: the function that it replaced.
_REPLACED = "_unified_logger_replaced"


def replace(owner: Any, name: str, make: Callable[[Callable[..., Any]], Any]) -> None:
    """Replaces a method of a class or of one object. An earlier replacement is removed first.

    Args:
        owner: The class or the object.
        name: The method.
        make: Makes the new function from the old one; both take the object first.
    """
    restore(owner, name)
    replaced = getattr(owner, name)
    if isinstance(owner, type):
        made = make(replaced)
        setattr(owner, name, made)
    else:
        # If it is replaced for all objects, this object still gets its own function.
        bound = getattr(replaced, _REPLACED, None)
        bound = replaced if bound is None else MethodType(bound, owner)
        made = make(lambda _, *args, **kwargs: bound(*args, **kwargs))
        setattr(owner, name, MethodType(made, owner))
    setattr(made, _REPLACED, replaced)
    _core.mark_wrapper(made.__code__)


def restore(owner: Any, name: str) -> None:
    """Restores the method that `replace` replaced, unless other code has replaced it since."""
    replaced = getattr(vars(owner).get(name), _REPLACED, None)
    if replaced is None:
        return
    if isinstance(owner, type):
        setattr(owner, name, replaced)
    else:
        delattr(owner, name)
