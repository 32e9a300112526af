"""The functions that most programs need."""

from __future__ import annotations

from . import _core
from .factory import DEFAULT, UnifiedLoggerFactory
from .logger import get_logger
from .process import engine
from .values import register as register_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Sequence
    from logging import Logger
    from os import PathLike
    from typing import Any, Literal, TypeVar

    from typing_extensions import Unpack

    from .logger import UnifiedLogger
    from .process.level_changes import LevelChange
    from .process.sinks import Sink
    from .typing import FurtherOptions, Level, Options, Stats

    _Function = TypeVar("_Function", bound=Callable[..., Any])

__all__ = [
    "add_sink",
    "flush_logging",
    "get_levels",
    "get_logger",
    "get_stats",
    "init_logging",
    "init_logging_from_config",
    "install_asyncio_handler",
    "load_config",
    "mark_wrapper",
    "metrics_url",
    "register_value",
    "reload_logging",
    "rotate_logging",
    "set_level",
    "shutdown_logging",
]


def init_logging(
    log_level: Level = DEFAULT,
    log_dir: str | PathLike[str] | None = DEFAULT,
    queue_size: int = DEFAULT,
    max_bytes: int | str = DEFAULT,
    backup_count: int = DEFAULT,
    console_level: Level = DEFAULT,
    file_level: Level = DEFAULT,
    enable_ai_handler: bool = DEFAULT,
    ai_max_bytes: int | str = DEFAULT,
    ai_backup_count: int = DEFAULT,
    **options: Unpack[FurtherOptions],
) -> UnifiedLoggerFactory:
    """Starts logging. Called again, it reconfigures without losing a record.

    Options that are not given come from the environment, then from the defaults below.

    Args:
        log_level: Level of the root logger ('INFO'); decides whether a record is made, as in `logging`.
        log_dir: Directory of the log files ('logs'), made if missing. None for no files: all records go to the console alone.
        queue_size: Records that the queue holds (10,000).
        max_bytes: Size at which app.log and errors.log are rotated, bytes (10 MiB); 0 never rotates.
        backup_count: Rotated files kept of each (7); 0 never rotates.
        console_level: Least level on the console ('INFO').
        file_level: Least level in app.log ('DEBUG').
        enable_ai_handler: Whether AI records also go to ai_responses.log (True).
        ai_max_bytes: Size at which ai_responses.log is rotated, bytes (100 MiB); 0 never rotates.
        ai_backup_count: Rotated files kept of ai_responses.log (30); 0 never rotates.
        **options: `overflow` ('block', 'drop_new', 'drop_old' or 'drop_low'), `overflow_timeout` (5.0 seconds),
            `queue_bytes` (64 MiB), `console` ('stderr' or 'stdout'), `console_format` ('auto', 'text', 'json', 'off', …, or a
            template) and all others of docs/configuration.md.

    Returns:
        A handle on the engine.

    Raises:
        ConfigurationError: An option, the environment or the log directory is wrong. Logging continues as before the call.
    """
    return UnifiedLoggerFactory().initialize(
        log_level=log_level,
        log_dir=log_dir,
        queue_size=queue_size,
        max_bytes=max_bytes,
        backup_count=backup_count,
        console_level=console_level,
        file_level=file_level,
        enable_ai_handler=enable_ai_handler,
        ai_max_bytes=ai_max_bytes,
        ai_backup_count=ai_backup_count,
        **options,
    )


def load_config(path: str | PathLike[str]) -> dict[str, Any]:
    """Reads and validates a YAML configuration.

    Args:
        path: The file.

    Returns:
        The configuration as it is in the file.

    Raises:
        ConfigurationError: The file cannot be read, or its content is wrong.
    """
    from .config.file import load_config as load

    return load(path)


def init_logging_from_config(path: str | PathLike[str], **options: Unpack[Options]) -> UnifiedLoggerFactory:
    """Starts logging with the options of a YAML file.

    Args:
        path: The file.
        **options: Options of `init_logging`; they outrank environment and file.

    Returns:
        A handle on the engine.

    Raises:
        ConfigurationError: The file, the environment or an option is wrong.
    """
    from .process.reload import start_from_file

    start_from_file(path, options)
    return UnifiedLoggerFactory()


def reload_logging() -> dict[str, tuple[Any, Any]]:
    """Reads the file of `init_logging_from_config` again, and applies it without losing a record.

    The environment, and the options that were given to that call, still outrank it. Each change is logged.

    Returns:
        The changed options by name, each with the values before and after.

    Raises:
        ConfigurationError: The file is wrong. Everything stays as it was, and one ERROR record gives the reason.
        UnifiedLoggerError: Logging was not started from a file.
    """
    from .process.reload import reload

    return reload()


def set_level(logger: str | Logger | UnifiedLogger, level: Level | None, seconds: float | None = None) -> LevelChange:
    """Sets the level of a logger while the program runs, permanently or for a time. The change is logged.

    A second call for the same logger replaces a level that was set for a time.

    Args:
        logger: A logger, or its name; "" is the root logger.
        level: By name or number; with None the logger inherits again.
        seconds: After this time the logger gets its previous level back, unless other code has set its level since. None is
            permanently.

    Returns:
        The change. Its `revert()` restores the previous level, and so does the end of a `with` block.

    Raises:
        ConfigurationError: The level or the seconds are not allowed.
        TypeError: `logger` is not a logger.
    """
    from .process.level_changes import set_level as set_

    return set_(logger, level, seconds)


def get_levels() -> dict[str, str]:
    """The names of the levels that are set now, by the logger's name. Loggers that inherit their level are left out."""
    from .process.level_changes import get_levels as get

    return get()


def flush_logging(timeout: float | None = None) -> bool:
    """Waits until everything accepted before this call is on disk.

    After that it waits for the console and for functions of `add_sink`, within `timeout` and for a second at most. They have no part in the
    answer: it is True, too, if a slow function has not had its records yet.

    Args:
        timeout: Seconds; None waits as long as it takes, unless a disk has failed.

    Returns:
        Whether all of it is on disk; where there are no files, whether standard output has it.
    """
    return engine.flush(timeout)


def rotate_logging(timeout: float | None = None) -> bool:
    """Changes each log file for a new one, once everything accepted before this call is in the old one.

    A file in which nothing stands is left as it is, and so is one whose `backup_count` is 0. Other processes go on in the new files, and make no
    further ones.

    Args:
        timeout: Seconds; within them it is tried again where it fails. None tries once, and waits as long as that takes.

    Returns:
        Whether every file that has records is changed. Before a start there is nothing to do, and it is True.
    """
    return engine.rotate(timeout)


def shutdown_logging(timeout: float = 10.0) -> bool:
    """Writes what is queued and stops the writer. Optional (an exit hook does it) and harmless when repeated.

    Args:
        timeout: Seconds.

    Returns:
        Whether everything is written.
    """
    return engine.shutdown(timeout)


def get_stats() -> Stats:
    """The counts since the process began, as plain integers. Exact after a flush.

    Returns:
        `accepted`, `filtered`, `written`, `dropped` (and `dropped_by_reason`, by level), `failed`, `malformed`, `files`
        (`written`, `bytes`, `rotations` and `errors` of each), `console`, `queue_depth`, `queue_high_water`,
        `writer_lag_us` (microseconds) and further counts of docs/statistics.md.
    """
    return engine.stats()


def metrics_url() -> str | None:
    """The URL at which this process answers scrapes, as the option `metrics` asks for. It names the port that the system chose for port 0.

    Returns:
        Such as `http://127.0.0.1:9464/metrics`; None while this process does not answer. Another process of the log directory may.
    """
    from .process import endpoint

    return endpoint.metrics_url()


def add_sink(
    function: Callable[[Any], object],
    *,
    level: Level = 0,
    logger: str | Sequence[str] | None = None,
    form: Literal["dict", "line"] = "dict",
    name: str | None = None,
    **select: Any,
) -> Sink:
    """Calls a function with every record, on a thread of its own, behind the queue.

    A slow function holds up no call and no file: beyond 16 MiB of waiting lines, its records are dropped and counted. What it raises is
    counted and reported, at most once in ten seconds. What it logs itself goes to the files, and to no sink.

    It may be called before `init_logging`. The sink stays through further starts, until it is removed.

    Args:
        function: Called with one record at a time. A coroutine function runs in an event loop of the thread.
        level: Least level of its records; by default all that are made.
        logger: Its loggers, as `loggers` of an output names them; None takes all.
        form: 'dict' for the record as a dictionary, as its line in the files has it, or 'line' for the line itself.
        name: The name of its output and of its counts in `get_stats()["sinks"]`; None is the function's name.
        **select: Further keys of an output, such as `max_level`, `ai`, `fields_present`, `fields_equal` and `format`.

    Returns:
        The sink. Its `remove()` ends the calls, and so does the end of a `with` block.

    Raises:
        ConfigurationError: An argument is wrong. Logging continues as before.
    """
    from .process.sinks import add

    return add(function, level=level, logger=logger, form=form, name=name, select=select)


def install_asyncio_handler(loop: AbstractEventLoop | None = None) -> None:
    """Logs the exceptions of an event loop that reach no code that could catch them, then calls the previous handler.

    The record, at ERROR, has the loop's message, the task's name and the exception. Harmless when repeated.

    Args:
        loop: The loop; None is the running one.

    Raises:
        RuntimeError: No loop is given and none is running.
    """
    from .process.uncaught import install_asyncio_handler as install

    install(loop)


def mark_wrapper(function: _Function) -> _Function:
    """Marks a function that wraps logging calls, so that their records name its caller. Usable as a decorator.

    Args:
        function: A Python function.

    Returns:
        The same function.
    """
    _core.mark_wrapper(function.__code__)
    return function
