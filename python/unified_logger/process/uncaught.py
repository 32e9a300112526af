"""Hooks that see the end: what nobody caught is logged before the process dies of it."""

from __future__ import annotations

import logging
import sys
import threading
from _thread import get_ident
from contextlib import suppress

from .. import _core
from ..logger import get_logger
from ..stdlib import log_listened
from ..stdlib.marks import mark_captured
from . import engine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable
    from types import FrameType, TracebackType
    from typing import Any

    from ..config import Settings

LOGGER = "unified_logger.uncaught"
# How long a dying main thread waits for its last record to be in the files, seconds.
_LAST_FLUSH = 2.0
# Errors of hooks inside hooks, of one thread, that are still logged: a hook that fails each time must come to an end.
_NESTED = 8

_logger = get_logger(LOGGER)
_flush: Callable[[float], bool] | None = None


def start(settings: Settings) -> None:
    """Puts our hooks in place, or takes them away."""
    if settings.log_uncaught:
        install(engine.flush, settings.redaction)
    else:
        remove()


def stop() -> None:
    """Nothing: what nobody caught may be raised to the very end."""


def in_child() -> None:
    """Nothing: the child has the hooks of its parent."""


def install(flush: Callable[[float], bool], redaction: _core.Redaction | None) -> None:
    """Puts our hooks before those that are there now. Harmless when repeated.

    Args:
        flush: Writes what was logged, within so many seconds.
        redaction: What must not be on standard error either, where the interpreter's own hooks write.
    """
    global _flush
    _flush = flush
    for chain in _CHAINS:
        chain.redaction = redaction
        chain.install()
    shell = _shell()
    if shell is not None:
        _forget_cells(shell)
        shell.events.register("post_run_cell", _log_cell)


def remove() -> None:
    """Takes our hooks away; those that somebody else keeps and calls only pass on from now on."""
    for chain in _CHAINS:
        chain.remove()
    shell = _shell()
    if shell is not None:
        _forget_cells(shell)


def _shell() -> Any:
    """IPython's, a notebook's among them, if this program runs in one."""
    get = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return None if get is None else get()


def _forget_cells(shell: Any) -> None:
    """Takes our function away, and that of another import of this package, which would log the same into the same files."""
    ours = (_log_cell.__module__, _log_cell.__qualname__)
    for called in tuple(shell.events.callbacks.get("post_run_cell", ())):
        if (getattr(called, "__module__", None), getattr(called, "__qualname__", None)) == ours:
            shell.events.unregister("post_run_cell", called)


def _log_cell(result: Any = None) -> None:
    """Logs what a cell raised: IPython catches it and shows it itself, no hook of Python's is called."""
    error = getattr(result, "error_in_exec", None)
    if isinstance(error, Exception):
        with suppress(Exception):  # A notebook is told by its shell.
            _log(logging.ERROR, "uncaught exception", (), error, {})


class _Chain:
    """One of the interpreter's hooks, and ours among those that follow one another there.

    Args:
        owner: The module that has it.
        name: Its name there.
        exception: Tells the exception from the hook's arguments.
        log: Logs it.
        text_of_default: What the interpreter's own hook writes.
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
        # By thread: which of our hooks are at work on which exceptions. Late in finalisation globals are gone: hence here.
        self.running: dict[int, list[tuple[_Hook, int]]] = {}
        self.thread = get_ident

    def install(self) -> None:
        current = getattr(self.owner, self.name)
        # One of another import of this package, as tests make them, would log the same into the same files.
        while not isinstance(current, _Hook) and _is_of_another_import(current):
            current = current.previous
        # Where another hook has come before ours it may or may not call it: one more of ours covers both.
        setattr(self.owner, self.name, current if isinstance(current, _Hook) else _Hook(self, current))
        self.enabled = True

    def remove(self) -> None:
        self.enabled = False
        current = getattr(self.owner, self.name)
        if isinstance(current, _Hook):
            setattr(self.owner, self.name, current.previous)

    def call(self, hook: Callable[..., Any], args: tuple[Any, ...]) -> None:
        """Calls another hook. Does itself what the interpreter's own does, where that would tell secrets."""
        if self.redaction is None or hook is not self.default:
            hook(*args)
            return
        # A hook that raises has the interpreter show all of it.
        try:
            text = self.text_of_default(*args).encode("utf-8", "backslashreplace").decode("utf-8")
            if sys.stderr is not None:
                sys.stderr.write(self.redaction.text(text))
                sys.stderr.flush()
        except Exception:
            pass


class _Hook:
    """Logs once, then calls the hook that was there before.

    Args:
        chain: Where it stands.
        previous: The hook that was there before.
    """

    def __init__(self, chain: _Chain, previous: Callable[..., Any]) -> None:
        self.chain = chain
        self.previous = previous

    def __call__(self, *args: Any) -> None:
        """What the interpreter calls."""
        chain, thread = self.chain, self.chain.thread()
        me = (self, id(chain.exception(*args)))
        running = chain.running.setdefault(thread, [])
        if me in running:
            # Somebody further down calls whoever is first now: that is us, and would never end.
            chain.call(chain.default, args)
            return
        logged = any(exception == me[1] for _, exception in running) or len(running) >= _NESTED
        # Sentry reports an exception once. A record that it sees before is taken for the report of one that was handled.
        reports = self._is_before_sentrys()
        running.append(me)
        steps: list[Callable[[], None]] = [
            lambda: self._log(chain.enabled and not logged, args),
            lambda: chain.call(self.previous, args),
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
        """Whether the hook before is Sentry's. Its older versions give theirs the name and module of the one before it."""
        before: Any = self.previous
        try:
            # Proxies and mocks answer anything.
            module = before.__globals__["__name__"]
            return type(module) is str and module.startswith("sentry_sdk.")
        except Exception:
            return False

    def _log(self, wanted: bool, args: tuple[Any, ...]) -> None:
        try:
            if wanted:
                self.chain.log(*args)
        except Exception:
            pass  # Nobody is left to be told; the hook before tells of the exception itself.


def _is_of_another_import(hook: object) -> bool:
    kind = type(hook)
    return (kind.__module__, kind.__qualname__) == (_Hook.__module__, _Hook.__qualname__)


def log(message: str, error: BaseException) -> None:
    """Logs an exception that nobody caught where no hook of Python's sees it.

    Args:
        message: Where that was.
        error: The exception. The record's place is the line that raised it.
    """
    _log(logging.ERROR, message, (), error, {})


def _log(level: int, message: str, args: tuple[object, ...], error: object, fields: dict[str, Any]) -> None:
    """A record that names the place where the exception was raised."""
    exception = error if isinstance(error, BaseException) else None
    if sys.is_finalizing():
        # `logging` may be half gone already; the native core is not.
        _logger.log(level, message, *args, exc_info=exception, extra=fields)
    elif _is_wanted(level):
        log_listened(_logger, level, message, args, fields, exception, False, _raising_frame(exception), False)


def _is_wanted(level: int) -> bool:
    """By the level of the logger. That `logging.config` disables loggers it does not name is not meant for last words."""
    logger = _logger.logger
    return level > logger.manager.disable and level >= logger.getEffectiveLevel()


def _raising_frame(exception: BaseException | None) -> FrameType | None:
    step = None if exception is None else exception.__traceback__
    frame = None
    while step is not None:
        frame, step = step.tb_frame, step.tb_next
    return frame


def _shown(thing: object) -> str:
    try:
        return repr(thing)
    except Exception as error:
        return f"<{type(thing).__name__}, whose repr() raised {type(error).__name__}>"


def _log_uncaught(kind: type[BaseException], error: BaseException | None, _: TracebackType | None) -> None:
    if issubclass(kind, (KeyboardInterrupt, SystemExit)):
        return
    if hasattr(sys, "ps1"):
        # At a prompt nothing dies.
        _log(logging.ERROR, "uncaught exception", (), error, {})
        return
    _log(logging.CRITICAL, "uncaught exception", (), error, {})
    if _flush is not None:
        _flush(_LAST_FLUSH)


def _log_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if not issubclass(args.exc_type, (KeyboardInterrupt, SystemExit)):
        name = "unknown" if args.thread is None else args.thread.name
        fields = {} if args.exc_value is not None else {"error_type": args.exc_type.__name__}
        _log(logging.ERROR, "uncaught exception in thread %s", (name,), args.exc_value, fields)


def _log_unraisable(args: Any) -> None:
    # By its text only: who kept the object would bring it back to life.
    fields = {} if args.object is None else {"object": _shown(args.object)}
    if args.exc_value is None:
        fields["error_type"] = args.exc_type.__name__
    # The text itself: who groups records by their messages before merging, as Sentry does, would have all of these in one.
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
    where = "" if args.object is None else f": {_shown(args.object)}"
    traceback = _traceback(args.exc_type, args.exc_value, args.exc_traceback)
    return f"{args.err_msg or 'Exception ignored in'}{where}\n{traceback}"


_CHAINS = (
    _Chain(sys, "excepthook", lambda kind, error, _: error, _log_uncaught, _traceback),
    _Chain(threading, "excepthook", lambda args: args.exc_value, _log_uncaught_in_thread, _thread_text),
    _Chain(sys, "unraisablehook", lambda args: args.exc_value, _log_unraisable, _unraisable_text),
)


def install_asyncio_handler(loop: AbstractEventLoop | None = None) -> None:
    """Logs what a loop could give to nobody, then calls the handler that was there before.

    Args:
        loop: The loop; None is the running one.

    Raises:
        RuntimeError: No loop is given and none is running.
    """
    if loop is None:
        import asyncio

        loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    if not isinstance(before, _LoopHandler):
        loop.set_exception_handler(_LoopHandler(before))
        asyncio_logger = logging.getLogger("asyncio")
        if _once not in asyncio_logger.filters:
            asyncio_logger.addFilter(_once)


class _LoopHandler:
    """Logs once, then calls the handler that was there before, or the loop's own.

    Args:
        previous: The handler that was there before, if one was.
    """

    def __init__(self, previous: Callable[[AbstractEventLoop, dict[str, Any]], object] | None) -> None:
        self._previous = previous

    def __call__(self, loop: AbstractEventLoop, context: dict[str, Any]) -> None:
        """What the loop calls."""
        thread = get_ident()
        nested = thread in _reporting
        try:
            if not nested:
                _log(logging.ERROR, context.get("message") or "unhandled exception", (), *_parts(context))
                _reporting.add(thread)
        finally:
            try:
                if nested or self._previous is None:
                    loop.default_exception_handler(context)
                else:
                    self._previous(loop, context)
            finally:
                if not nested:
                    _reporting.discard(thread)


# Threads whose loop's handler has logged, and now lets the handler before do its part.
_reporting: set[int] = set()


def _parts(context: dict[str, Any]) -> tuple[object, dict[str, Any]]:
    """The exception of a loop's context, and the rest as fields; a task by its name."""
    fields = {
        name: _shown(value)
        for name, value in context.items()
        if name not in ("message", "exception", "source_traceback", "handle_traceback")
    }
    task: Any = context.get("task") or context.get("future")
    if hasattr(task, "get_name"):
        fields["task"] = task.get_name()
    return context.get("exception"), fields


class _Once(logging.Filter):
    """Keeps the loop's own words on an exception that was logged out of our files; other people's handlers see them."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Marks the record as written."""
        if get_ident() in _reporting:
            mark_captured(record)
        return True


_once = _Once()
