"""Carries the context to where context variables do not follow: other threads, executors, callbacks and processes."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import update_wrapper, wraps
from types import MethodType

from .. import _core
from .blocks import around, is_coroutine_function
from .packing import Unchanging, packed, unpacked
from .scope import Continuation, make

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from typing_extensions import Self

    _Function = TypeVar("_Function", bound=Callable[..., Any])

# Threads of these serve all callers, so they must not keep the context in which they happened to be started.
_OF_EVERYBODY = ("concurrent.futures", "logging", "multiprocessing")


def carry(function: _Function) -> _Function:
    """Binds the current context to a function: wherever and whenever it is called, its records have these ids and fields.

    In a request of a middleware the function belongs to the request, as a task would: see `set_trace_context`. If nothing is current, its
    records have no context, whatever the calling thread has. Only this library's context is carried, not the context variables of others.

    Args:
        function: A function, a coroutine function, or a generator function of either kind.

    Returns:
        A function of the same kind. For a plain function it can be pickled if the function itself can. The fields are then sent in the
        form that they have in records.
    """
    import inspect

    if isinstance(function, staticmethod | classmethod):
        return type(function)(carry(function.__func__))
    kinds = (is_coroutine_function, inspect.isasyncgenfunction, inspect.isgeneratorfunction)
    if any(is_kind(function) for is_kind in kinds):
        continuation = Continuation.here()
        return around(function, lambda: _Inside(continuation))
    return _Carried(function, Continuation.here())  # type: ignore[return-value]


class _Inside:
    """A piece of code in a context that was made elsewhere."""

    __slots__ = ("_continuation", "_scope")

    def __init__(self, continuation: Continuation) -> None:
        self._continuation = continuation

    def __enter__(self) -> Self:
        self._scope = self._continuation.enter()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        # The scope itself is not told: the caller may catch the exception, and the trace goes on.
        self._scope.note(error)
        self._scope.leave()


class _Carried(Unchanging):
    """A function with the context in which it is called."""

    def __init__(self, function: Callable[..., Any], continuation: Continuation) -> None:
        update_wrapper(self, function, updated=())
        self._function = function
        self._continuation = continuation

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        scope = self._continuation.enter()
        try:
            return self._function(*args, **kwargs)
        except BaseException as error:
            # The traceback holds this frame, and with it what waits of the trace, until nobody can report the exception any more.
            scope.note(error)
            raise
        finally:
            scope.leave()

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpacked, (self._function, _packed(self._continuation.context))


_core.mark_wrapper(_Carried.__call__.__code__)


def _packed(carried: _core.Context | None) -> tuple[Any, ...] | None:
    """A context in a form for another process."""
    if carried is None:
        return None
    carried = carried.now
    fields = packed(carried.fields)
    sent = carried.carried
    if carried.sent is not None:
        from .trace_formats import Carried  # Only programs that sample traces pay for this import.

        # The flags are for a process that samples no traces itself, the decision for one that does.
        sent = Carried(*carried.sent)
    return carried.trace_id, carried.span_id, fields, carried.parent_span_id, sent, carried.level, carried.sampling


def _unpacked(function: Callable[..., Any], sent: tuple[Any, ...] | None) -> _Carried:
    if sent is None:
        return _Carried(function, Continuation(None))
    trace_id, span_id, fields, *rest = sent
    return _Carried(function, Continuation(make(trace_id, span_id, unpacked(fields), *rest)))


def carry_into_threads(on: bool = True) -> None:
    """Lets every thread, and every call of a `ThreadPoolExecutor`, begin with the context that is current where it is started.

    For programs that start them where `carry` cannot be used, also by `loop.run_in_executor`. A thread keeps its first context for as
    long as it lives. So threads of pools are left out (`concurrent.futures`, `multiprocessing` and `logging`), and so is a thread that
    was given a `contextvars.Context` of its own (Python 3.14). Harmless when repeated.

    Args:
        on: False turns it off.
    """
    for patch in _PATCHES:
        patch.put(on)


class _Patch:
    """A method that carries the context while it is on.

    Args:
        owner: The class.
        name: The method.
        make: Makes the new method from the old one.
    """

    def __init__(self, owner: type, name: str, make: Callable[[Any], Any]) -> None:
        self._owner = owner
        self._name = name
        self._make = make
        self._before: Any = None
        self._ours: Any = None
        self._on = False

    def put(self, on: bool) -> None:
        """Installs the method, or removes it."""
        self._on = on
        here = self._owner.__dict__[self._name]
        if on and self._ours is None:
            self._before, carrying = here, self._make(here)

            @wraps(here)
            def either(*args: Any, **kwargs: Any) -> Any:
                # The method at that time: other code may have kept this one, and put it back below the next one.
                return (carrying if self._on else here)(*args, **kwargs)

            self._ours = either
            setattr(self._owner, self._name, either)
        elif not on and here is self._ours:
            # If other code has wrapped it since, it stays, and does nothing.
            setattr(self._owner, self._name, self._before)
            self._ours = None


def _carrying_start(start: Callable[..., None]) -> Callable[..., None]:
    def carrying(thread: threading.Thread) -> None:
        if _core.current_context() is None or _has_its_own(thread):
            start(thread)
            return
        continuation = Continuation.here()
        run, attributes = thread.run, vars(thread)
        before = attributes.get("run")

        def carry_and_run(_: threading.Thread) -> None:
            put_back()
            scope = continuation.enter()
            run()
            # The thread ends with an exception: the hook that reports it is called then, and must find the ids.
            scope.leave()

        def put_back() -> None:
            if attributes.get("run") is carried:
                if before is None:
                    del attributes["run"]
                else:
                    attributes["run"] = before

        # Bound to the thread, because others that wrap the start of threads call the function with the thread.
        attributes["run"] = carried = MethodType(carry_and_run, thread)
        try:
            start(thread)
        except BaseException:
            put_back()
            raise

    return carrying


def _has_its_own(thread: threading.Thread) -> bool:
    """Whether a thread has a context of its own already, or works for everybody."""
    if getattr(sys.flags, "thread_inherit_context", 0) or getattr(thread, "_context", None) is not None:
        return True
    target = getattr(getattr(thread, "_target", None), "__module__", None) or ""
    return any(
        module == package or module.startswith(f"{package}.")
        for module in (type(thread).__module__, target)
        for package in _OF_EVERYBODY
    )


def _carrying_submit(submit: Callable[..., Any]) -> Callable[..., Any]:
    def carrying(pool: ThreadPoolExecutor, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        of_interpreters = sys.modules.get("concurrent.futures.interpreter")  # Python 3.14: pools without this library
        if of_interpreters is not None and isinstance(pool, of_interpreters.InterpreterPoolExecutor):
            return submit(pool, function, *args, **kwargs)
        return submit(pool, _Carried(function, Continuation.here()), *args, **kwargs)

    return carrying


_PATCHES = (
    _Patch(threading.Thread, "start", _carrying_start),
    _Patch(ThreadPoolExecutor, "submit", _carrying_submit),
)
