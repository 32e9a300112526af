"""Takes the context along to where context variables do not follow: other threads, executors, callbacks and processes."""

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

# Their threads serve whoever comes: what is current where one happens to be started is not theirs.
_OF_EVERYBODY = ("concurrent.futures", "logging", "multiprocessing")


def carry(function: _Function) -> _Function:
    """Binds what is current now to a function: wherever and whenever it is called, its records have these ids and fields.

    In a request of a middleware it goes on to be part of that, as a task would: see `set_trace_context`. With nothing current, its records have none, whatever the thread that calls it was left with. Only this library's context
    goes along; the context variables of others stay where they are.

    Args:
        function: A function, a coroutine function, or a generator function of either kind.

    Returns:
        A function of the same kind. That of a plain function can be pickled where the function itself can: the fields then go
        along in the form that they have in records.
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
    """A stretch of code in a context made elsewhere."""

    __slots__ = ("_continuation", "_scope")

    def __init__(self, continuation: Continuation) -> None:
        self._continuation = continuation

    def __enter__(self) -> Self:
        self._scope = self._continuation.enter()
        return self

    def __exit__(self, *_: object) -> None:
        self._scope.leave()


class _Carried(Unchanging):
    """A function with the context it is called in."""

    def __init__(self, function: Callable[..., Any], continuation: Continuation) -> None:
        update_wrapper(self, function, updated=())
        self._function = function
        self._continuation = continuation

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        scope = self._continuation.enter()
        try:
            return self._function(*args, **kwargs)
        finally:
            scope.leave()

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpacked, (self._function, _packed(self._continuation.context))


_core.mark_wrapper(_Carried.__call__.__code__)


def _packed(carried: _core.Context | None) -> tuple[Any, ...] | None:
    """A context for another process."""
    if carried is None:
        return None
    carried = carried.now
    fields = packed(carried.fields)
    return carried.trace_id, carried.span_id, fields, carried.parent_span_id, carried.carried, carried.level


def _unpacked(function: Callable[..., Any], sent: tuple[Any, ...] | None) -> _Carried:
    if sent is None:
        return _Carried(function, Continuation(None))
    trace_id, span_id, fields, *rest = sent
    return _Carried(function, Continuation(make(trace_id, span_id, unpacked(fields), *rest)))


def carry_into_threads(on: bool = True) -> None:
    """Has every thread, and every call given to a `ThreadPoolExecutor`, begin with what is current where it is started.

    For programs that start them in places that `carry` does not reach, also by `loop.run_in_executor`. A thread keeps what it
    began with for as long as it lives, so threads of pools are passed over (those of `concurrent.futures`, `multiprocessing` and
    `logging`), and so is a thread that was given a `contextvars.Context` of its own (Python 3.14). Harmless when repeated.

    Args:
        on: False takes it back.
    """
    for patch in _PATCHES:
        patch.put(on)


class _Patch:
    """A method that carries the context while it is on.

    Args:
        owner: The class.
        name: The method.
        make: Makes the new method of the old one.
    """

    def __init__(self, owner: type, name: str, make: Callable[[Any], Any]) -> None:
        self._owner = owner
        self._name = name
        self._make = make
        self._before: Any = None
        self._ours: Any = None
        self._on = False

    def put(self, on: bool) -> None:
        """Puts the method in place, or takes it away."""
        self._on = on
        here = self._owner.__dict__[self._name]
        if on and self._ours is None:
            self._before, carrying = here, self._make(here)

            @wraps(here)
            def either(*args: Any, **kwargs: Any) -> Any:
                # What was there then: somebody may have kept this one, and put it back below the next of ours.
                return (carrying if self._on else here)(*args, **kwargs)

            self._ours = either
            setattr(self._owner, self._name, either)
        elif not on and here is self._ours:
            # Where somebody else has wrapped it since, it stays, and does nothing.
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
            # The thread ends with an exception: what tells of it is called then, and is to find the ids.
            scope.leave()

        def put_back() -> None:
            if attributes.get("run") is carried:
                if before is None:
                    del attributes["run"]
                else:
                    attributes["run"] = before

        # A method of the thread, as what others who wrap the start of threads find there: they call its function with the thread.
        attributes["run"] = carried = MethodType(carry_and_run, thread)
        try:
            start(thread)
        except BaseException:
            put_back()
            raise

    return carrying


def _has_its_own(thread: threading.Thread) -> bool:
    """Whether a thread has a context already, or none that is anybody's."""
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
