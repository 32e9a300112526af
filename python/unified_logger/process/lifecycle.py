"""Starting, stopping, forking and exiting: what happens once for the process, in one place."""

from __future__ import annotations

import atexit
import logging
import os
import sys
from threading import TIMEOUT_MAX, RLock

# All that a start, a call, a flush and the end need: by then there may be no descriptor left for an import, or another root.
from .. import _core, context, levels, stdlib, values
from ..clocks import monotonic
from ..config import redaction, resolve
from ..context import headers
from ..errors import ConfigurationError, UnifiedLoggerError
from ..logger import UnifiedLogger, get_logger
from ..stdlib.plain import PlainOutput
from ..values import traceback
from . import crashes, uncaught, warnings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from ..config import Settings

_POSITIONAL = (
    "log_level",
    "log_dir",
    "queue_size",
    "max_bytes",
    "backup_count",
    "console_level",
    "file_level",
    "enable_ai_handler",
    "ai_max_bytes",
    "ai_backup_count",
)
_EXIT_TIMEOUT = 10.0
# How long the exit waits where `shutdown_logging()` has waited in vain before, at most.
_SECOND_TIMEOUT = 1.0
_exit_patience = _EXIT_TIMEOUT
# How long a handler that is made waits for another thread that starts logging, seconds.
_HANDLER_PATIENCE = 1.0

_lock = RLock()
_plain: PlainOutput | None = None
_redacts_early = False
_settings: Settings | None = None
# Loggers whose level a configuration has set, with that level.
_levels_set: dict[str, int] = {}
# Called when logging has no configuration file any more: started without one, or ended. Set by who reads files again.
forget_file: Callable[[], None] | None = None


def given(args: Sequence[object], options: Mapping[str, object]) -> dict[str, object]:
    """The options of a call, positional ones by name."""
    if len(args) > len(_POSITIONAL):
        raise TypeError(f"at most {len(_POSITIONAL)} positional arguments, {len(args)} given")
    named = dict(zip(_POSITIONAL, args, strict=False))
    twice = named.keys() & options.keys()
    if twice:
        raise TypeError(f"given twice: {', '.join(sorted(twice))}")
    return named | dict(options)


def start(
    options: Mapping[str, object], file: Mapping[str, Any] | None = None, path: str | None = None
) -> list[tuple[logging.Logger, int]]:
    """Starts or reconfigures; on a bad configuration nothing has changed.

    Args:
        options: Those of the call.
        file: What the configuration file holds.
        path: Where it lies.

    Returns:
        The loggers whose level was set, with the level from before.
    """
    global _redacts_early
    # Should the start fail, what was logged until then is shown at the end.
    _redacts_early = _redacts_early or bool(options.get("redaction") or (file or {}).get("redaction"))
    settings = resolve(options, file=file, file_path=path, environ=os.environ)
    with _lock:
        before = _apply(settings)
        if path is None and forget_file is not None:
            forget_file()
    return before


def exclusively() -> RLock:
    """The lock that whoever starts or stops logging holds."""
    return _lock


def settings() -> Settings | None:
    """What logging was started with last."""
    return _settings


def _start_for_handler(options: dict[str, Any]) -> None:
    """Starts for a handler that is made by others, who say themselves where it goes. Without options once is enough."""
    if not options and _settings is not None:
        return
    settings = resolve(options, environ=os.environ)
    # `logging.config` holds the lock of `logging` meanwhile; another thread may hold ours and wait for that one.
    if not _lock.acquire(timeout=_HANDLER_PATIENCE):
        raise UnifiedLoggerError("another thread is starting logging at the same time")
    try:
        _apply(settings, on_root=False, root_level="log_level" in options)
    finally:
        _lock.release()


def _apply(
    settings: Settings,
    on_root: bool = True,
    root_level: bool = True,
) -> list[tuple[logging.Logger, int]]:
    """Has the settings hold, and tells the loggers whose level was set with the level from before."""
    global _settings
    # Before the start: it delivers what was logged earlier, at the levels that hold from now on.
    wanted = _levels(settings, root_level)
    loggers = [logging.getLogger(name) for name in wanted]
    before = [(logger, levels.base(logger)) for logger in loggers]
    for logger, level in zip(loggers, wanted.values(), strict=True):
        levels.set_base(logger, level)
    try:
        if settings.use_unified_logging:
            _start_engine(settings, on_root)
        else:
            _start_plain(settings, on_root)
    except BaseException:
        for logger, level in before:
            levels.set_base(logger, level)
        raise
    warnings.install()
    headers.configured = (settings.trace_headers, settings.trace_response_header)
    configure_headers = getattr(_propagation(), "configure", None)
    if configure_headers is not None:
        configure_headers(*headers.configured)
    _settings = settings
    _levels_set.clear()
    _levels_set.update({name: level for name, level in wanted.items() if name and level != logging.NOTSET})
    for notice in settings.notices:
        say(notice)
    _see_the_end(settings)
    return before


def is_started() -> bool:
    """Whether logging was started in this process, or in the one it was forked from."""
    return _settings is not None


def base_name() -> str:
    """The base of the old loggers' names: as configured, before the start as the environment has it."""
    if _settings is not None:
        return _settings.base_name
    return os.environ.get("UNIFIED_LOGGER_BASE_NAME") or "wechat_backend"


def _start_engine(settings: Settings, on_root: bool) -> None:
    global _plain, _exit_patience
    try:
        _run_engine(settings, settings.black_box)
    except OSError as error:
        raise _unusable_directory(settings, error) from error
    except RuntimeError as error:
        raise UnifiedLoggerError(f"logging cannot be started now: {error}") from error
    if _plain is not None:
        _plain.close()
        _plain = None
    _exit_patience = _EXIT_TIMEOUT
    stdlib.install(str(settings.log_dir), on_root=on_root)
    _core.set_stdlib_native(settings.native_stdlib)


def _run_engine(settings: Settings, black_box: str, rotate: bool = True) -> None:
    """Has the engine run, which delivers what was logged before."""
    console = None if settings.console_format == "off" else (settings.console_level, *_console(settings))
    _core.start(
        directory=str(settings.log_dir),
        directory_mode=(settings.dir_mode, settings.dir_mode_given),
        file_mode=(settings.file_mode, settings.file_mode_given),
        files=[
            (file.kind, file.name, file.level, file.max_bytes if rotate else 0, file.backup_count)
            for file in settings.files
            if file.enabled
        ],
        console=console,
        ai_loggers=list(settings.ai_loggers),
        legacy_substring=settings.legacy_substring,
        redaction=settings.redaction,
        queue_size=settings.queue_size,
        queue_bytes=settings.queue_bytes,
        overflow=settings.overflow,
        overflow_timeout=settings.overflow_timeout,
        fsync=settings.fsync,
        black_box=black_box,
        black_box_bytes=settings.black_box_bytes,
        patience=_EXIT_TIMEOUT,
    )


def _start_plain(settings: Settings, on_root: bool) -> None:
    global _plain
    try:
        output = PlainOutput(settings, console=_console(settings))
    except OSError as error:
        raise _unusable_directory(settings, error) from error
    failure = _deliver_early(settings)
    _core.shutdown(_EXIT_TIMEOUT)
    if _plain is not None:
        _plain.close()
    _plain = output
    _core.set_stdlib_native(False)
    stdlib.install(str(settings.log_dir), output.emit, on_root)
    _core.turn_off()
    if failure is not None:
        say(f"what was logged before the start is lost: {failure}", level=logging.ERROR)


def _deliver_early(settings: Settings) -> Exception | None:
    """Writes what was logged before a start without the engine, and tells why it could not be.

    It was captured for the engine, which writes the same lines: for once it does, into files that the plain handlers hold open
    already and alone may rotate.
    """
    if not _core.has_early():
        return None
    try:
        _run_engine(settings, "off", rotate=False)
    except (OSError, RuntimeError) as error:
        return error
    return None


def _unusable_directory(settings: Settings, error: OSError) -> Exception:
    return ConfigurationError(
        source="log directory",
        key="log_dir",
        value=str(settings.log_dir),
        allowed=f"a directory in which log files can be written ({error})",
    )


def _console(settings: Settings) -> tuple[str, bool]:
    """Format and colour of the console: for people on a terminal, for machines elsewhere."""
    try:
        terminal = os.isatty(2)
    except OSError:
        terminal = False
    environ = os.environ
    color = terminal and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    if environ.get("FORCE_COLOR") and not environ.get("NO_COLOR"):
        color = True
    if settings.console_format != "auto":
        return settings.console_format, color
    replaced = sys.stderr is not None and sys.stderr is not sys.__stderr__
    return ("text" if terminal or replaced else "json"), color


def _levels(settings: Settings, root_level: bool) -> dict[str, int]:
    """The level of each logger that the configuration names, and of those that only the one before did."""
    wanted = {
        # Somebody else may have set another meanwhile.
        name: logging.NOTSET
        for name, level in _levels_set.items()
        if levels.base(logging.getLogger(name)) == level
    }
    wanted.update(dict.fromkeys(settings.suppress_loggers, logging.WARNING))
    wanted.update(settings.logger_levels)
    if root_level:
        wanted[""] = settings.log_level
    return wanted


def say(
    notice: str,
    fields: Mapping[str, int | float | str | None] | None = None,
    level: int = logging.WARNING,
    function: str = "init_logging",
) -> None:
    """Logs something of the library's own, whatever the levels of loggers are.

    Args:
        notice: The message.
        fields: Its fields; those that are None are left out.
        level: Its level.
        function: The function that has something to say.
    """
    given = {name: value for name, value in (fields or {}).items() if value is not None}
    if _plain is not None:
        logger = logging.getLogger("unified_logger")
        place = (logger.name, level, __file__, 0, notice, (), None, function)
        logger.handle(logger.makeRecord(*place, extra=given))
    elif not _core.say(function, notice, level, list(given.items())):
        get_logger("unified_logger").log(level, notice, extra=given)


def _see_the_end(settings: Settings) -> None:
    """Hooks for exceptions that nobody catches, and a file for crashes that Python cannot see."""
    if settings.log_uncaught:
        uncaught.install(flush, settings.redaction)
    else:
        uncaught.remove()
    if not settings.fault_handler:
        crashes.disable()
        return
    try:
        crashes.enable(str(settings.log_dir), (settings.file_mode, settings.file_mode_given), say)
    except OSError as error:
        say(f"faulthandler has no file beside the logs: {error}")


def flush(timeout: float | None) -> bool:
    """Waits until everything accepted before is on disk."""
    return _core.flush(timeout) if _plain is None else _plain.flush()


def shutdown(timeout: float) -> bool:
    """Writes what is queued and ends the writer."""
    global _exit_patience
    deadline = monotonic() + timeout
    # Who waits in vain does not have to again when the process ends.
    _exit_patience = min(max(timeout, 0.0), _SECOND_TIMEOUT)
    lock = _lock
    # A start that holds the lock may wait for a disk, or for a thread that a signal handler has interrupted right here.
    if not lock.acquire(timeout=min(max(timeout, 0.0), TIMEOUT_MAX)):
        return False
    try:
        if forget_file is not None:
            forget_file()
        if _plain is not None:
            return _plain.flush()
        _core.set_stdlib_native(False)
        _core.leave_stdlib_levels()
        done = _core.shutdown(max(deadline - monotonic(), 0.0))
    finally:
        lock.release()
    if done:
        _exit_patience = _EXIT_TIMEOUT
    return done


def stats() -> dict[str, Any]:
    """What was counted."""
    found = _core.stats() if _plain is None else _plain.stats()
    propagation = _propagation()
    found["trace_headers_ignored"] = 0 if propagation is None else propagation.ignored()
    return found


def _propagation() -> Any:
    """The module, where the program has it: most do not."""
    return sys.modules.get(f"{headers.__package__}.propagation")


def _early_redaction() -> _core.Redaction | None:
    """The rules for what is shown at the end because no start came: those of the environment."""
    if not _core.has_early() or not (_redacts_early or os.environ.get("UNIFIED_LOGGER_REDACTION", "").strip()):
        return None
    try:
        rules = resolve({}, environ=os.environ).redaction
    except Exception:  # Then it is not known what is a secret: all that looks like one.
        rules = redaction.settle([("", True)], None)
    return rules if rules is not None or not _redacts_early else redaction.settle([("", True)], None)


def _at_exit(_end: object = None) -> None:
    _core.show_early(_early_redaction())
    _core.shutdown(_exit_patience)


def _watch_for_the_end() -> None:
    """Registers the exit hook, with what tells that all hooks have run: nobody else may keep it."""
    atexit.register(_at_exit, _core.End(_watch_for_the_end))


def _before_fork() -> None:
    _flush_when_multiprocessing_ends()
    _core.before_fork()


def _after_fork_in_child() -> None:
    global _lock
    # The old one may be held by a thread that only the parent has.
    _lock = RLock()
    propagation = _propagation()
    if propagation is not None:
        propagation.forget_ignored()
    _core.after_fork_in_child()


_watching_multiprocessing = False


def _flush_when_multiprocessing_ends() -> None:
    """Children of `multiprocessing` end without exit hooks, but with finalizers of its own."""
    global _watching_multiprocessing
    util, process = sys.modules.get("multiprocessing.util"), sys.modules.get("multiprocessing.process")
    if util is None or process is None or _watching_multiprocessing:
        return
    _watching_multiprocessing = True

    def finalize(at_exit: Callable[[], None]) -> None:
        util.Finalize(None, at_exit, exitpriority=-100)

    def begin(at_exit: Callable[[], None]) -> None:
        finalize(at_exit)
        target = getattr(process.current_process(), "_target", None)
        if getattr(target, "__module__", None) in ("concurrent.futures.process", "multiprocessing.pool"):
            # A pool's process works for all who give it work, not for the request in which it happened to be forked.
            context.forget()

    # A child forgets the finalizers it was born with, then runs these hooks; one that is already at work needs its own now.
    util.register_after_fork(_at_exit, begin)
    if process.parent_process() is not None:
        finalize(_at_exit)


del traceback  # The native core asks for it.
_core.set_converter(values.convert)
_core.set_listened(stdlib.log_listened)
_core.mark_wrapper(stdlib.as_of_logging(UnifiedLogger.ai).__code__)
stdlib.connect(_start_for_handler, flush)
_watch_for_the_end()
_flush_when_multiprocessing_ends()  # the server of `forkserver` forks children that have not imported this yet
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_core.after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
