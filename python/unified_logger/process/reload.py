"""Reads the configuration file again: on request, at a signal, and when it has changed."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import levels
from ..config import OPTIONS
from ..config.file import is_pipe, load_again, load_config
from ..errors import ConfigurationError, UnifiedLoggerError
from . import capabilities, engine, level_changes, notices, signals, timers
from .start import start as start_logging

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from ..config import Settings

# A changed file is read after it has been stable for so long, seconds: it may still be written.
_SETTLED = 1.0
_CHANGED = "the file has changed"
# How long the exit hook waits for a running reload, seconds.
_EXIT_PATIENCE = 10.0


class _Source(NamedTuple):
    """The file and the options from which logging was started."""

    path: str
    options: dict[str, Any]
    # The content of the file.
    config: dict[str, Any]


_source: _Source | None = None
_watch: timers.Timer | None = None
# The state of the file when it was read last.
_seen: object = None


def start_from_file(path: str | PathLike[str], options: Mapping[str, Any]) -> None:
    """Starts logging from a file, which is read again later as its options say. A pipe is read only now.

    Args:
        path: The file.
        options: Options that outrank it.

    Raises:
        ConfigurationError: The file, the environment or an option is wrong.
    """
    global _source, _seen
    if is_pipe(path):
        # A pipe ends when its writer does, so the lock is not held during that time.
        start_logging(options, load_config(path))
        return
    with engine.exclusively():
        # The program may change its working directory.
        whole = _absolute(path)
        state = _stat(whole)
        source = _Source(whole, dict(options), load_again(path))
        start_logging(source.options, source.config, os.fspath(path))
        _source, _seen = source, state
        _arm()


def _absolute(path: str | PathLike[str]) -> str:
    try:
        return os.path.abspath(path)
    except OSError as error:
        raise ConfigurationError(
            source=str(path),
            key="(the whole file)",
            value=str(path),
            allowed=f"an absolute path where the working directory is gone ({error})",
        ) from error


def reload() -> dict[str, tuple[Any, Any]]:
    """Reads the file again: see `unified_logger.reload_logging`."""
    return _reload("reload_logging")


def _reload(reason: str) -> dict[str, tuple[Any, Any]]:
    global _seen, _source
    with engine.exclusively():
        source, before = _source, engine.settings()
        if source is None or before is None:
            raise UnifiedLoggerError("there is nothing to read again: logging was not started from a file")
        # Checked before it is read: a change during the reading is seen the next time.
        _seen = _stat(source.path)
        try:
            read = source._replace(config=_read(source, reason))
            before_levels = start_logging(read.options, read.config, read.path)
        except ConfigurationError as error:
            _refuse(source.path, error, reason)
            raise
        _source = read
        _arm()
        after = engine.settings()
    changed = {} if after is None else _differences(before, after)
    for option in OPTIONS.values():
        if option.hidden and option.in_file(source.config) != option.in_file(read.config):
            changed[option.reported_as or option.name] = ("...", "...")
    names = ", ".join(changed) or "nothing"
    values = {f"changed.{name}": f"{_shown(old)} -> {_shown(new)}" for name, (old, new) in changed.items()}
    notices.report(
        f"configuration read again from {source.path} ({reason}): changed: {names}",
        {"file": source.path, "reason": reason, **values},
        function="reload_logging",
    )
    for logger, old in before_levels:
        new = levels.base(logger)
        if new != old:
            later = "" if logger.level == new else ", once the time of its present one is over"
            level_changes.report(logger, old, new, reason + later)
    return changed


def _read(source: _Source, reason: str) -> dict[str, Any]:
    """The present content of the file, if somebody can have meant to write it."""
    config = load_again(source.path)
    if not config and source.config:
        raise ConfigurationError(
            source=source.path,
            key="(the whole file)",
            value="",
            allowed="not empty where it was not before: it may be in the middle of being written",
        )
    if reason == _CHANGED:
        kept = [option.name for option in OPTIONS.values() if option.kept]
        config = {name: source.config[name] for name in kept if name in source.config} | config
    return config


def _refuse(path: str, error: ConfigurationError, reason: str) -> None:
    notices.report(
        f"configuration not read again ({reason}), everything stays as it was: {error.sentence}",
        {
            "file": path,
            "reason": reason,
            "source": error.source,
            "key": error.key,
            "value": repr(error.value)[:200],
            "allowed": error.allowed,
            "line_in_file": error.line,
        },
        logging.ERROR,
        "reload_logging",
    )


def _reload_quietly(reason: str) -> None:
    """Reloads for callers that do not see an exception: a failure is logged."""
    try:
        _reload(reason)
    except UnifiedLoggerError:
        pass
    except Exception as error:
        notices.report(f"configuration not read again ({reason}): {error!r}", None, logging.ERROR, "reload_logging")


_listener = signals.Listener("reload_signal:", _reload_quietly)


def _differences(before: Settings, after: Settings) -> dict[str, tuple[Any, Any]]:
    """The options that have changed, with the values before and after."""
    old, new = before.reported(), after.reported()
    return {name: (old.get(name), new.get(name)) for name in old | new if old.get(name) != new.get(name)}


def _shown(value: object) -> str:
    """A value for people. Only simple values are shown: others may hold what must not be in a log."""
    items = value if isinstance(value, tuple) else (value,)
    plain = all(item is None or isinstance(item, (str, int, float, os.PathLike)) for item in items)
    return str(value) if plain else "..."


def _arm() -> None:
    settings = engine.settings()
    if settings is not None:
        _listener.listen(settings.reload_signal)
        _begin_to_watch(settings.watch_config)


def _forget() -> None:
    """Logging no longer has a file."""
    global _source
    _source = None
    _listener.listen(signals.NONE)
    _begin_to_watch(0)


def _stat(path: str) -> object:
    """A value that changes when the file does, also behind links: for a ConfigMap, links are replaced. None while the file is missing."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def _begin_to_watch(seconds: float) -> None:
    global _watch
    if _watch is not None:
        _watch.cancel()
    _watch = timers.later(seconds, lambda: _watch_once(seconds, None)) if seconds else None


def _watch_once(seconds: float, changed: object) -> None:
    """Checks the file once. `changed` is its state at the last check, if that was new."""
    global _watch
    source = _source
    if source is None:
        return
    state = _stat(source.path)
    if state is not None and state == changed:
        _reload_quietly(_CHANGED)
    with engine.exclusively():
        settings = engine.settings()
        if _source is not source or settings is None or settings.watch_config != seconds:
            return  # Another watch has replaced this one, or there is none any more.
        new = state if state not in (None, _seen) else None
        pause = seconds if new is None else min(seconds, _SETTLED)
        if _watch is not None:
            _watch.cancel()
        _watch = timers.later(pause, lambda: _watch_once(seconds, new))


def start(settings: Settings) -> None:
    """Nothing: `start_from_file` begins to watch when the file is known, and a start without a file ends the watch."""


def stop() -> None:
    """Lets a running reload end."""
    global _source
    lock = engine.exclusively()
    if lock.acquire(timeout=_EXIT_PATIENCE):
        _source = None
        lock.release()


def in_child() -> None:
    """A check that was running in the parent continues only there."""
    settings = engine.settings()
    if _source is not None and settings is not None:
        with suppress(RuntimeError):  # No thread can be started.
            _begin_to_watch(settings.watch_config)


engine.forget_file = _forget
capabilities.join(__name__)
