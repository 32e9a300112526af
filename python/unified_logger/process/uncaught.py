"""Hooks that log uncaught exceptions, before the process dies of them."""

from __future__ import annotations

import gc
import logging
import sys
import threading
from _contextvars import Context
from _thread import get_ident
from contextlib import suppress

from .. import _core, context
from ..context import failing
from ..logger import get_logger
from ..stdlib import log_listened
from ..stdlib.marks import mark_captured
from ..texts import whole
from . import engine, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable
    from types import FrameType, TracebackType
    from typing import Any

    from ..config import Settings

LOGGER = "unified_logger.uncaught"
# How long a dying main thread waits until its last record is in the files, seconds.
_LAST_FLUSH = 2.0
# How many errors of hooks inside hooks, of one thread, are still logged: a hook that fails each time must come to an end.
_NESTED = 8

_logger = get_logger(LOGGER, "%")
_flush: Callable[[float], bool] | None = None
# Whether a handler of an event loop was installed, which stays when the hooks are removed.
_has_loops = False


def start(settings: Settings) -> None:
    """Installs the hooks, or removes them."""
    shown.follow(settings)
    if settings.log_uncaught:
        install(engine.flush, settings.redaction)
    else:
        remove()


def stop() -> None:
    """Nothing: an exception may be raised until the very end."""


def in_child() -> None:
    """Nothing: the child has the hooks of its parent."""


def install(flush: Callable[[float], bool], redaction: _core.Redaction | None) -> None:
    """Installs the hooks before the present ones. Harmless when repeated.

    Args:
        flush: Writes what was logged, within so many seconds.
        redaction: Replaces secrets in what the interpreter's own hooks print on standard error; None for no redaction.
    """
    global _flush
    _flush = flush
    failing.turn_on()
    for chain in _CHAINS:
        chain.redaction = redaction
        chain.install()
    shell = _shell()
    if shell is not None:
        _forget_cells(shell)
        shell.events.register("post_run_cell", _log_cell)


def remove() -> None:
    """Removes the hooks. A hook that other code keeps and calls only passes on from now on."""
    for chain in _CHAINS:
        chain.remove()
    if not _has_loops:
        failing.turn_off()
    shell = _shell()
    if shell is not None:
        _forget_cells(shell)


def _shell() -> Any:
    """The shell of IPython, also of a notebook; None if this program does not run in one."""
    get = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return None if get is None else get()


def _forget_cells(shell: Any) -> None:
    """Unregisters the function, also that of another import of this package, which would log the same into the same files."""
    ours = (_log_cell.__module__, _log_cell.__qualname__)
    for called in tuple(shell.events.callbacks.get("post_run_cell", ())):
        if (getattr(called, "__module__", None), getattr(called, "__qualname__", None)) == ours:
            shell.events.unregister("post_run_cell", called)


def _log_cell(result: Any = None) -> None:
    """Logs what a cell raised. IPython catches it and shows it itself, so no hook of Python is called."""
    error = getattr(result, "error_in_exec", None)
    if isinstance(error, Exception):
        with suppress(Exception):  # The shell of a notebook shows the error itself.
            _log(logging.ERROR, "uncaught exception", (), error, {})


class _Chain:
    """One of the interpreter's hooks, and the hooks of this library among those that call one another there.

    Args:
        owner: The module that has it.
        name: Its name there.
        exception: Finds the exception in the hook's arguments.
        log: Logs it.
        text_of_default: Makes the text that the interpreter's own hook prints.
    """

    def __init__(
        self,
        owner: Any,
        name: str,
        exception: Callable[..., object],
        log: Callable[..., None],
        text_of_default: Callable[..., str],
    ) -> None:
        self.owner = owner
        self.name = name
        self.default = getattr(owner, f"__{name}__")
        self.exception = exception
        self.log = log
        self.text_of_default = text_of_default
        self.redaction: _core.Redaction | None = None
        self.enabled = False
        # By thread: the hooks at work and the ids of their exceptions. Kept here, because late in finalisation globals are gone.
        self.running: dict[int, list[tuple[_Hook, int]]] = {}
        self.thread = get_ident

    def install(self) -> None:
        current = getattr(self.owner, self.name)
        # A hook of another import of this package, as tests make them, would log the same into the same files.
        while not isinstance(current, _Hook) and _is_of_another_import(current):
            current = current.previous
        # A later hook may call this one or not, so another one is put before it.
        setattr(self.owner, self.name, current if isinstance(current, _Hook) else _Hook(self, current))
        self.enabled = True

    def remove(self) -> None:
        self.enabled = False
        current = getattr(self.owner, self.name)
        if isinstance(current, _Hook):
            setattr(self.owner, self.name, current.previous)

    def call(self, hook: Callable[..., Any], args: tuple[Any, ...]) -> None:
        """Calls another hook. For the interpreter's own hook, prints its text without secrets instead, if there is redaction."""
        if self.redaction is None or hook is not self.default:
            hook(*args)
            return
        # If a hook raises, the interpreter shows everything.
        try:
            text = whole(self.text_of_default(*args))
            if sys.stderr is not None:
                sys.stderr.write(self.redaction.text(text))
                sys.stderr.flush()
        except Exception:
            pass


class _Hook:
    """Logs once, then calls the previous hook.

    Args:
        chain: The hooks to which it belongs.
        previous: The previous hook.
    """

    def __init__(self, chain: _Chain, previous: Callable[..., Any]) -> None:
        self.chain = chain
        self.previous = previous

    def __call__(self, *args: Any) -> None:
        """Called by the interpreter."""
        chain, thread = self.chain, self.chain.thread()
        me = (self, id(chain.exception(*args)))
        running = chain.running.setdefault(thread, [])
        if me in running:
            # A hook further down calls the first one, which is this, and would never end.
            chain.call(chain.default, args)
            return
        logged = any(exception == me[1] for _, exception in running) or len(running) >= _NESTED
        # Sentry reports an exception once. If it sees the record first, it reports the exception as handled.
        reports = self._is_before_sentrys()
        running.append(me)
        on_console: list[bool] = []
        steps: list[Callable[[], None]] = [
            lambda: on_console.append(self._log(chain.enabled and not logged, args)),
            lambda: None if any(on_console) and self.previous is chain.default else chain.call(self.previous, args),
        ]
        first, last = reversed(steps) if reports else steps
        try:
            try:
                first()
            finally:
                last()
        finally:
            running.remove(me)
            if not running:
                chain.running.pop(thread, None)

    def _is_before_sentrys(self) -> bool:
        """Whether the previous hook is Sentry's. Older versions of it have the name and module of the hook before them."""
        before: Any = self.previous
        try:
            # Proxies and mocks have any attribute.
            module = before.__globals__["__name__"]
            return type(module) is str and module.startswith("sentry_sdk.")
        except Exception:
            return False

    def _log(self, wanted: bool, args: tuple[Any, ...]) -> bool:
        try:
            before = shown.counts()
            if wanted:
                self.chain.log(*args)
            return wanted and self.chain.exception(*args) is not None and shown.is_since(before)
        except Exception:
            return False  # No code is left to report it to; the previous hook prints the exception itself.


def _is_of_another_import(hook: object) -> bool:
    kind = type(hook)
    return (kind.__module__, kind.__qualname__) == (_Hook.__module__, _Hook.__qualname__)


def log(message: str, error: BaseException, fields: dict[str, Any] | None = None) -> None:
    """Logs an uncaught exception that no hook of Python sees.

    Args:
        message: Where it was raised.
        error: The exception. The call site of the record is the line that raised it.
        fields: Further fields.
    """
    _log(logging.ERROR, message, (), error, fields or {})


def _log(
    level: int,
    message: str,
    args: tuple[object, ...],
    error: object,
    fields: dict[str, Any],
    is_elsewhere: bool = False,
) -> None:
    """Logs a record whose call site is the line that raised the exception, in the context of what has failed: see `log_failure`."""
    exception = error if isinstance(error, BaseException) else None
    if sys.is_finalizing():
        # `logging` may be partly gone already; the native core is not.
        _logger.log(level, message, *args, exc_info=exception, extra=fields)
    elif _is_wanted(level):
        frame = _raising_frame(exception)
        context.log_failure(
            exception,
            lambda: log_listened(_logger, level, message, args, fields, exception, False, frame, False),
            is_elsewhere,
        )


def _is_wanted(level: int) -> bool:
    """Whether the logger's level wants it. `logging.config` disables loggers that it does not name, but that must not silence this one."""
    logger = _logger.logger
    return level > logger.manager.disable and level >= logger.getEffectiveLevel()


def _raising_frame(exception: BaseException | None) -> FrameType | None:
    step = None if exception is None else exception.__traceback__
    frame = None
    while step is not None:
        frame, step = step.tb_frame, step.tb_next
    return frame


def _log_uncaught(kind: type[BaseException], error: BaseException | None, _: TracebackType | None) -> None:
    if issubclass(kind, (KeyboardInterrupt, SystemExit)):
        return
    if hasattr(sys, "ps1"):
        # At a prompt the program does not end.
        _log(logging.ERROR, "uncaught exception", (), error, {})
        return
    _log(logging.CRITICAL, "uncaught exception", (), error, {})
    if _flush is not None:
        _flush(_LAST_FLUSH)


def _log_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if not issubclass(args.exc_type, (KeyboardInterrupt, SystemExit)):
        name = "unknown" if args.thread is None else args.thread.name
        fields = {} if args.exc_value is not None else {"error_type": args.exc_type.__name__}
        # From 3.14 on a thread runs in a context of its own, and the hook is called outside of it.
        _call_in(
            getattr(args.thread, "_context", None),
            lambda: _log(logging.ERROR, "uncaught exception in thread %s", (name,), args.exc_value, fields),
        )
        if shown.is_followed() and _flush is not None:
            _flush(_LAST_FLUSH)


def _call_in(found: object, call: Callable[[], None]) -> None:
    """Calls a function in a context of `contextvars`, or where it is called if there is none, or if that is the one."""
    if not isinstance(found, Context):
        call()
        return
    begun = False

    def within() -> None:
        nonlocal begun
        begun = True
        call()

    try:
        found.run(within)
    except RuntimeError:  # It is entered already.
        if begun:
            raise
        call()


def _log_unraisable(args: Any) -> None:
    # Only its text: a reference to the object would bring it back to life.
    fields = {} if args.object is None else {"object": shown.repr_of(args.object)}
    if args.exc_value is None:
        fields["error_type"] = args.exc_type.__name__
    # Not a format with arguments: Sentry groups records by their messages before merging, and would have all of these in one group.
    _log(logging.ERROR, args.err_msg or "exception ignored", (), args.exc_value, fields)


def _traceback(kind: type[BaseException], error: BaseException | None, traceback: TracebackType | None) -> str:
    from traceback import format_exception

    return "".join(format_exception(kind, error, traceback))


def _thread_text(args: threading.ExceptHookArgs) -> str:
    if args.exc_type is SystemExit:
        return ""
    name = get_ident() if args.thread is None else args.thread.name
    return f"Exception in thread {name}:\n{_traceback(args.exc_type, args.exc_value, args.exc_traceback)}"


def _unraisable_text(args: Any) -> str:
    where = "" if args.object is None else f": {shown.repr_of(args.object)}"
    traceback = _traceback(args.exc_type, args.exc_value, args.exc_traceback)
    return f"{args.err_msg or 'Exception ignored in'}{where}\n{traceback}"


_CHAINS = (
    _Chain(sys, "excepthook", lambda kind, error, _: error, _log_uncaught, _traceback),
    _Chain(threading, "excepthook", lambda args: args.exc_value, _log_uncaught_in_thread, _thread_text),
    _Chain(sys, "unraisablehook", lambda args: args.exc_value, _log_unraisable, _unraisable_text),
)


def install_asyncio_handler(loop: AbstractEventLoop | None = None) -> None:
    """Logs the exceptions of a loop that reach no code that could catch them, then calls the previous handler.

    Args:
        loop: The loop; None is the running one.

    Raises:
        RuntimeError: No loop is given and none is running.
    """
    global _has_loops
    if loop is None:
        import asyncio

        loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    if not isinstance(before, _LoopHandler):
        _has_loops = True
        failing.turn_on()
        loop.set_exception_handler(_LoopHandler(before))
        asyncio_logger = logging.getLogger("asyncio")
        if _once not in asyncio_logger.filters:
            asyncio_logger.addFilter(_once)


class _LoopHandler:
    """Logs once, then calls the previous handler, or the loop's own.

    Args:
        previous: The previous handler, or None.
    """

    def __init__(self, previous: Callable[[AbstractEventLoop, dict[str, Any]], object] | None) -> None:
        self._previous = previous

    def __call__(self, loop: AbstractEventLoop, told: dict[str, Any]) -> None:
        """Called by the loop."""
        thread = get_ident()
        nested = thread in _reporting
        try:
            if not nested:
                found = _context_of(told)
                # A future that nobody asked is reported when the garbage collector finds it, wherever that is.
                is_elsewhere = found is None and told.get("future") is not None
                message = told.get("message") or "unhandled exception"
                _call_in(found, lambda: _log(logging.ERROR, message, (), *_parts(told), is_elsewhere))
                _reporting.add(thread)
        finally:
            try:
                if nested or self._previous is None:
                    loop.default_exception_handler(told)
                else:
                    self._previous(loop, told)
            finally:
                if not nested:
                    _reporting.discard(thread)


# Threads in which a loop's handler has logged and now calls the previous handler.
_reporting: set[int] = set()


def _context_of(told: dict[str, Any]) -> Context | None:
    """The context in which the task or the callback has run that a loop tells of; None if it is not known.

    From 3.12 on the loop itself calls its handler there.
    """
    found: object = None
    with suppress(Exception):  # Whoever tells of an error may say anything.
        thing: Any = told.get("task") or told.get("future") or told.get("handle")
        get = getattr(thing, "get_context", None)
        found = get() if callable(get) else getattr(thing, "_context", None)
        if found is None and hasattr(thing, "get_coro"):
            # Before 3.12 a task of C does not give its context. It is the first of those that it holds.
            found = next((held for held in gc.get_referents(thing) if isinstance(held, Context)), None)
    return found if isinstance(found, Context) else None


def _parts(told: dict[str, Any]) -> tuple[object, dict[str, Any]]:
    """The exception of what a loop tells, and the other items as fields; a task by its name."""
    fields = {
        name: shown.repr_of(value)
        for name, value in told.items()
        if name not in ("message", "exception", "source_traceback", "handle_traceback")
    }
    task: Any = told.get("task") or told.get("future")
    if hasattr(task, "get_name"):
        fields["task"] = task.get_name()
    return told.get("exception"), fields


class _Once(logging.Filter):
    """Keeps the loop's own record of a logged exception out of the log files; handlers of others still see it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Marks the record as written."""
        if get_ident() in _reporting:
            mark_captured(record)
        return True


_once = _Once()
