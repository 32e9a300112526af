"""The engine of the process, or the fallback handlers in its place: started with the settings, flushed, and ended."""

from __future__ import annotations

import logging
import os
from threading import TIMEOUT_MAX, RLock

from .. import _core, levels, stdlib
from ..clocks import monotonic
from ..config import redaction
from ..config.resolve import resolve
from ..errors import ConfigurationError, UnifiedLoggerError
from ..stdlib import native
from ..stdlib.fallback import FallbackOutput
from . import notices

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..config import Settings
    from ..typing import Stats

_EXIT_TIMEOUT = 10.0
# How long the exit waits at most if `shutdown_logging()` has waited in vain before, seconds.
_SECOND_TIMEOUT = 1.0
_exit_patience = _EXIT_TIMEOUT

_lock = RLock()
_fallback: FallbackOutput | None = None
_settings: Settings | None = None
_is_running = False
# Whether a start had redaction. If it fails, earlier records are shown at the end.
_redacts_early = False
# Called when logging no longer has a configuration file: it was started without one, or ended. Set by `reload`.
forget_file: Callable[[], None] | None = None
# Called when logging ends, and may be started again later.
when_shut_down: list[Callable[[], None]] = []
# Outputs that the program has added while logging runs, as the engine is told of them. Set by `sinks`.
added_outputs: dict[str, dict[str, Any]] = {}


def exclusively() -> RLock:
    """The lock that is held while logging is started or stopped."""
    return _lock


def settings() -> Settings | None:
    """The settings of the last start; None before the first."""
    return _settings


def is_running() -> bool:
    """Whether logging was started and not ended since."""
    return _is_running


def start(settings: Settings) -> None:
    """Starts the engine with these settings, or the fallback handlers if the settings ask for them.

    Args:
        settings: The settings.

    Raises:
        ConfigurationError: The log directory cannot be used.
        UnifiedLoggerError: The engine cannot be started now.
    """
    global _settings, _is_running
    try:
        if settings.use_unified_logging:
            _start_engine(settings, settings.on_root)
        else:
            _start_fallback(settings, settings.on_root)
    except BaseException:
        levels.take_back()
        raise
    _settings, _is_running = settings, True


def stop() -> None:
    """Shows early records that no start has delivered, and ends the writer. Later records are written by the calls themselves."""
    _core.show_early(_early_redaction())
    _core.shutdown(_exit_patience)


def in_child() -> None:
    """Begins with another lock and a queue of its own: a thread that exists only in the parent may hold the old lock."""
    global _lock
    _lock = RLock()
    _core.after_fork_in_child()


def redact_early() -> None:
    """Has early records redacted, in case the start fails and they are shown at the end."""
    global _redacts_early
    _redacts_early = True


def _start_engine(settings: Settings, on_root: bool) -> None:
    global _fallback, _exit_patience
    try:
        _run_engine(settings, settings.black_box)
    except OSError as error:
        raise _unusable_directory(settings, error) from error
    except RuntimeError as error:
        raise UnifiedLoggerError(f"logging cannot be started now: {error}") from error
    _core.set_lines(settings.shape, settings.process_fields)
    if _fallback is not None:
        _fallback.close()
        _fallback, notices.without_engine = None, False
    _exit_patience = _EXIT_TIMEOUT
    stdlib.install(_location(settings), on_root=on_root)
    native.start(settings.native_stdlib)


def _location(settings: Settings) -> str | int:
    """Where records are written: the log directory, or without one the number of the console's stream."""
    return settings.log_dir or (1 if settings.console == "stdout" else 2)


def _run_engine(settings: Settings, black_box: str, rotate: bool = True) -> None:
    """Starts the engine, which delivers early records."""
    given = settings.to_engine()
    given["black_box"]["place"] = black_box
    to = given["output"]["to"]
    # Sections name outputs, so that one section can change another's; the engine has them as a list.
    for name in added_outputs.keys() & to["outputs"].keys():
        raise ConfigurationError(
            source="outputs", key=f"outputs.{name}", value=name, allowed="a name that no sink of add_sink has"
        )
    outputs = to["outputs"] | added_outputs
    to["outputs"] = [{"name": name, **output} for name, output in outputs.items() if output]
    if not rotate:
        given["output"]["keep"] = {}
        for output in to["outputs"]:
            if "file" in output["to"]:
                output["to"]["file"] = _only_written(output["to"]["file"])
    _core.start(settings.log_dir, given, settings.redaction, _EXIT_TIMEOUT)


def _only_written(file: dict[str, Any]) -> dict[str, Any]:
    """What the engine is told of a file that it only appends to: it is not rotated, and nothing of its set is packed, deleted or linked."""
    plain = {name: file[name] for name in ("name", "mode", "backup_count")}
    return plain | {"max_bytes": 0, "keep": {}}


def _start_fallback(settings: Settings, on_root: bool) -> None:
    global _fallback
    try:
        output = FallbackOutput(settings, console=settings.console_now())
    except OSError as error:
        raise _unusable_directory(settings, error) from error
    _core.set_lines(settings.shape, settings.process_fields)
    failure = _deliver_early(settings)
    _core.shutdown(_EXIT_TIMEOUT)
    if _fallback is not None:
        _fallback.close()
    _fallback, notices.without_engine = output, True
    _core.set_stdlib_native(False)
    stdlib.install(_location(settings), output.emit, on_root)
    _core.turn_off(settings.redaction)
    if failure is not None:
        notices.report(f"what was logged before the start is lost: {failure}", level=logging.ERROR)


def _deliver_early(settings: Settings) -> Exception | None:
    """Writes early records before a start without the engine. Returns the error if that fails.

    They were captured for the engine, which writes the same lines. So it runs once, with files that the fallback handlers have open
    already. Only the fallback handlers may rotate them.
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
        allowed=f"a directory in which log files can be written ({error}); log_dir=None logs to the console alone",
    )


def flush(timeout: float | None) -> bool:
    """Waits until everything accepted before is on disk. Returns whether it is."""
    return _core.flush(timeout) if _fallback is None else _fallback.flush()


def rotate(timeout: float | None, spared: float = 0.0) -> bool:
    """Changes each log file that has records for a new one, but none that was changed within `spared` seconds. Returns whether it is done."""
    return _core.rotate(timeout, spared) if _fallback is None else _fallback.rotate()


def shutdown(timeout: float) -> bool:
    """Writes what is queued and ends the writer. Returns whether everything is written."""
    global _exit_patience, _is_running
    deadline = monotonic() + timeout
    # If this wait is in vain, the end of the process does not wait as long again.
    _exit_patience = min(max(timeout, 0.0), _SECOND_TIMEOUT)
    lock = _lock
    # A start that holds the lock may wait for a disk, or for a thread that a signal handler has interrupted right here.
    if not lock.acquire(timeout=min(max(timeout, 0.0), TIMEOUT_MAX)):
        return False
    try:
        _is_running = False
        if forget_file is not None:
            forget_file()
        for end in when_shut_down:
            end()
        if _fallback is not None:
            return _fallback.flush()
        _core.set_stdlib_native(False)
        _core.leave_stdlib_levels()
        done = _core.shutdown(max(deadline - monotonic(), 0.0))
    finally:
        lock.release()
    if done:
        _exit_patience = _EXIT_TIMEOUT
    return done


def stats() -> Stats:
    """The counts, by name."""
    counted: Any = _core.stats()
    native_stdlib = (
        "off: logging is not started" if _settings is None else native.state(_settings.native_stdlib, _fallback is None)
    )
    if _fallback is not None:
        counted = _fallback.stats() | {"trace_headers_ignored": counted["trace_headers_ignored"]}
    return counted | {"native_stdlib": native_stdlib}  # type: ignore[no-any-return] # the type is generated from the list of these counts


def _early_redaction() -> _core.Redaction | None:
    """The rules for early records that are shown at the end because no start came: those of the environment."""
    if not _core.has_early() or not (_redacts_early or os.environ.get("UNIFIED_LOGGER_REDACTION", "").strip()):
        return None
    try:
        rules = resolve({}, environ=os.environ).redaction
    except Exception:  # The rules are not known, so everything that looks like a secret is replaced.
        rules = redaction.settle([("", True)], None)
    return rules if rules is not None or not _redacts_early else redaction.settle([("", True)], None)
