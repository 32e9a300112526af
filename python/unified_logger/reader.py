"""Reads log files: their records in order of time, across rotated, packed and current files, and on as they are written.

A reader takes no lock and changes nothing, so it may run beside the programs that log, in another process and for another user::

    from unified_logger.reader import read_logs

    for record in read_logs("logs", trace_id="4bf92f3577b34da6a3ce929d0e0e4736"):
        print(record.time, record.text)
"""

from __future__ import annotations

import json
import logging
import os
import time as _time
from collections import deque
from datetime import datetime, timezone

from . import _core, levels
from .errors import ConfigurationError, UnifiedLoggerError
from .process import engine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType
    from typing import Any

    from typing_extensions import Self

    _Path = str | os.PathLike[str]
    _Time = datetime | float | str

__all__ = ["LogReader", "LogRecord", "Position", "ReadError", "read_logs"]

# How long the engine waits at most before signals are looked at, seconds.
_SLICE = 0.1
_FORMS = ("iso", "seconds", "milliseconds", "microseconds", "nanoseconds")
_KEYS = ("time", "level", "logger", "trace_id")


class ReadError(UnifiedLoggerError, OSError):
    """A directory or a file cannot be read."""


class Position:
    """The place behind a record, which holds through renames, packing and restarts. Its text may be kept.

    Args:
        text: What `str(position)` gave.

    Raises:
        ConfigurationError: The text is no position.
    """

    __slots__ = ("_parts", "_text")

    _parts: tuple[str, int | None, int, int | None]
    _text: str

    def __init__(self, text: str) -> None:
        try:
            parts = _core.read_position(text)
        except (TypeError, ValueError):
            raise _wrong("position", text, "the text of a position") from None
        object.__setattr__(self, "_text", text)
        object.__setattr__(self, "_parts", parts)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a position is not changed: {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a position is not changed: {name}")

    @property
    def set(self) -> str:
        """The name of the current file of its set, such as `app.log`."""
        return self._parts[0]

    @property
    def generation(self) -> int | None:
        """The number that the file keeps for life; None where the catalogue of the directory does not tell it."""
        return self._parts[1]

    @property
    def offset(self) -> int:
        """Uncompressed bytes of the file up to here."""
        return self._parts[2]

    @property
    def sequence(self) -> int | None:
        """The number of the record among all of its set; None where nobody has counted."""
        return self._parts[3]

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Position({self._text!r})"

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, Position) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> tuple[type[Position], tuple[str]]:
        return Position, (self._text,)


class LogRecord:
    """A record as it stands in a file."""

    __slots__ = ("_read", "_record")

    def __init__(self, read: _core.ReadRecord) -> None:
        self._read = read
        self._record: dict[str, Any] | None = None

    @property
    def raw(self) -> bytes:
        """The bytes of the line, without its newline."""
        return self._read.raw

    @property
    def text(self) -> str:
        """The line as text. Bytes that are no UTF-8 are replaced."""
        return self._read.raw.decode("utf-8", "replace")

    @property
    def record(self) -> dict[str, Any] | None:
        """The object of JSON; None if the line is none. It is parsed when it is asked for first."""
        if self._record is None:
            try:
                # Bytes that are no UTF-8 are replaced, as in the text.
                parsed = json.loads(self.text)
            except (ValueError, RecursionError):
                return None
            if not isinstance(parsed, dict):
                return None
            self._record = parsed
        return self._record

    @property
    def time(self) -> datetime | None:
        """The time in UTC, to the microsecond; None where none can be read."""
        nanoseconds = self._read.nanoseconds
        if nanoseconds is None:
            return None
        seconds, rest = divmod(nanoseconds, 1_000_000_000)
        return datetime.fromtimestamp(seconds, timezone.utc).replace(microsecond=rest // 1000)

    @property
    def nanoseconds(self) -> int | None:
        """The time in nanoseconds since 1970 UTC; None where none can be read."""
        return self._read.nanoseconds

    @property
    def level(self) -> str | None:
        """The name of the level, as the line has it."""
        return self._read.level

    @property
    def logger(self) -> str | None:
        """The name of the logger."""
        return self._read.logger

    @property
    def trace_id(self) -> str | None:
        """The id of the trace, as the line has it."""
        return self._read.trace_id

    @property
    def file(self) -> str:
        """The name of the file that it was read from, as it was then."""
        return self._read.file

    @property
    def set(self) -> str:
        """The name of the current file of its set, such as `app.log`."""
        return self._read.place[0]

    @property
    def position(self) -> Position:
        """The place behind it, for `after`."""
        return Position(self._read.place[4])

    def __repr__(self) -> str:
        return f"<LogRecord {self._read.place[4]} {self.text[:80]!r}>"


class LogReader:
    """Records of log files, one after the other. `read_logs` makes it; it ends with `close`, or as a context manager."""

    def __init__(self, files: _core.LogFiles, timeout: float | None) -> None:
        self._files = files
        self._timeout = timeout
        self._ready: deque[_core.ReadRecord] = deque()
        self._is_last = False
        self._remarks: list[str] = []
        self._process = os.getpid()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> LogRecord:
        # What is there already is searched first; only then does the time count.
        is_searching = True
        end: float | None = None
        while not self._ready:
            if self._is_last:
                raise StopIteration
            if os.getpid() != self._process:
                raise ReadError("the reader belongs to the process that this one was forked from")
            left = _SLICE
            if self._timeout is not None:
                left = min(left, self._timeout)
                if not is_searching and end is None:
                    end = _time.monotonic() + self._timeout
                if end is not None:
                    left = min(left, end - _time.monotonic())
                    if left <= 0:
                        self._is_last = True
                        continue
            try:
                records, is_last, is_searching = self._files.read(left)
            except OSError as error:
                raise ReadError(str(error)) from None
            self._ready.extend(records)
            self._is_last = self._is_last or is_last
        return LogRecord(self._ready.popleft())

    @property
    def remarks(self) -> list[str]:
        """What was noticed while reading, each once: files that are not read or were deleted before, a damaged index, a catalogue that is not used."""
        if os.getpid() == self._process:
            self._remarks += self._files.remarks()
        return list(self._remarks)

    def close(self) -> None:
        """Closes the files. There are no records after it."""
        self._is_last = True
        self._ready.clear()
        if os.getpid() != self._process:
            return
        self._remarks += self._files.remarks()
        self._files.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def read_logs(
    directory: _Path | None = None,
    *,
    files: _Path | Iterable[_Path] | None = None,
    since: _Time | None = None,
    until: _Time | None = None,
    level: str | int | None = None,
    logger: str | Iterable[str] | None = None,
    trace_id: str | None = None,
    text: str | None = None,
    after: Position | str | Iterable[Position | str] | None = None,
    follow: bool = False,
    timeout: float | None = None,
    keys: Mapping[str, str] | None = None,
) -> LogReader:
    """Reads the records of log files in order of time.

    A record is given if all of the conditions hold. Sets are merged by time; inside a set, lines come in the order of their files.

    Args:
        directory: The log directory. None for that of this process: the one it logs into, otherwise `LOG_DIR` or `logs`.
        files: Names of sets such as `app.log`, which stand for their rotated files too, or single rotated files such as `app.log.3`, packed or
            not. They are relative to the directory. None for all sets of the directory.
        since: The first time, which is included: a `datetime` (without a zone it is local time), seconds since 1970 UTC, or ISO 8601 text.
        until: The time before which records end: it is not included itself.
        level: The least level, by name or number. A record whose level has no number that is known is given, too; 0 gives all records.
        logger: Names of loggers. Each stands for its children, too.
        trace_id: The id of a trace.
        text: A text that stands in the line.
        after: Positions to go on behind, at most one for each set; sets without one are read from their beginning. Where several sets are read, give
            the last position of each.
        follow: Whether to go on with records as they are written. Then the iterator ends with `close` or `timeout` alone.
        timeout: For `follow`: the iterator ends once all that is there was searched and no record came for so many seconds. None waits for ever.
        keys: The keys of `time`, `level`, `logger` and `trace_id` in lines of JSON, where they are not those of a record or a preset; a key
            inside an object follows a dot. `time_form` says what the time is: `iso` (the default), `seconds`, `milliseconds`,
            `microseconds` or `nanoseconds` since 1970.

    Returns:
        An iterator of records, which is a context manager, too.

    Raises:
        ConfigurationError: An argument is wrong.
        ReadError: The directory cannot be read, or a file is not there.
    """
    if directory is None:
        settings = engine.settings()
        directory = (settings and settings.log_dir) or os.environ.get("LOG_DIR") or "logs"
    if not isinstance(directory, (str, os.PathLike)):
        raise _wrong("directory", directory, "the path of a directory")
    names = _several("files", files, (str, os.PathLike), _FILES)
    if files is not None and not names:
        raise _wrong("files", files, _FILES)
    loggers = _several("logger", logger, (str,), "the name of a logger, or several")
    positions = _several("after", after, (str, Position), "a position or its text, or several")
    if timeout is not None and not (isinstance(timeout, (int, float)) and timeout >= 0):
        raise _wrong("timeout", timeout, "a number of seconds from 0 on, or None")
    for key, value in (("trace_id", trace_id), ("text", text)):
        if value is not None and not (isinstance(value, str) and value):
            raise _wrong(key, value, "a text that is not empty")
    if level is not None:
        try:
            # Every record has level 0, also one whose level nobody knows.
            level = levels.parse(level) or None
        except ValueError:
            raise _wrong("level", level, levels.ALLOWED) from None
    texts = [str(each if isinstance(each, Position) else Position(each)) for each in positions]
    times = _nanoseconds("since", since), _nanoseconds("until", until)
    try:
        found = _core.LogFiles(
            os.fspath(directory),
            [os.fspath(path) for path in names],
            times,
            level,
            _named_levels() if level is not None else [],
            loggers,
            trace_id,
            text,
            texts,
            bool(follow),
            _given_keys(keys),
            [],
            False,
        )
    except OSError as error:
        told = str(error)
        if any(os.path.dirname(path) and not os.path.isabs(path) for path in names):
            told += f". Names of files are relative to the directory, {os.fspath(directory)}"
        raise ReadError(told) from None
    return LogReader(found, timeout)


_FILES = "a name, or names, of files; None for all sets of the directory"


def _several(key: str, given: object, kinds: tuple[type, ...], allowed: str) -> list[Any]:
    """One value or several, each of a kind and not empty."""
    if given is None:
        return []
    if isinstance(given, kinds):
        values = [given]
    elif isinstance(given, (bytes, bytearray)) or not hasattr(given, "__iter__"):
        raise _wrong(key, given, allowed)
    else:
        values = list(given)
    for value in values:
        if not isinstance(value, kinds) or value == "":
            raise _wrong(key, value, allowed)
    return values


def _wrong(key: str, value: object, allowed: str) -> ConfigurationError:
    return ConfigurationError(source="argument", key=key, value=value, allowed=allowed)


def _named_levels() -> list[tuple[str, int]]:
    """The levels that the program has named."""
    numbers = range(1, 101)
    named = ((logging.getLevelName(number), number) for number in numbers)
    return [(name, number) for name, number in named if name not in levels.NAMES and not name.startswith("Level ")]


_TIME = "a datetime, seconds since 1970, or text such as 2026-02-19T10:30:00+01:00"


def _nanoseconds(key: str, value: object) -> int | None:
    if value is None:
        return None
    moment: object = value
    if isinstance(moment, str):
        try:
            # Python 3.10 knows no Z.
            moment = datetime.fromisoformat(moment.strip().replace("Z", "+00:00"))
        except ValueError:
            raise _wrong(key, value, _TIME) from None
    try:
        if isinstance(moment, datetime):
            whole = int(moment.replace(microsecond=0).timestamp())
            nanoseconds = whole * 1_000_000_000 + moment.microsecond * 1000
        elif isinstance(moment, (int, float)) and not isinstance(moment, bool):
            nanoseconds = moment * 1_000_000_000 if isinstance(moment, int) else round(moment * 1e6) * 1000
        else:
            raise _wrong(key, value, _TIME)
    except (ValueError, OverflowError, OSError):
        raise _wrong(key, value, _TIME) from None
    if not -(2**63) <= nanoseconds < 2**63:
        raise _wrong(key, value, _TIME)
    return nanoseconds


def _given_keys(keys: Mapping[str, str] | None) -> tuple[str, str, str, str, str] | None:
    if keys is None:
        return None
    allowed = f"a mapping with {', '.join(_KEYS)} and time_form, one of {', '.join(_FORMS)}"
    try:
        given = dict(keys)
    except (TypeError, ValueError):
        raise _wrong("keys", keys, allowed) from None
    form = given.pop("time_form", "iso")
    is_right = all(name in _KEYS and isinstance(key, str) for name, key in given.items())
    if not is_right or form not in _FORMS:
        raise _wrong("keys", keys, allowed)
    default = {"time": "timestamp"}
    time, level, logger, trace = (given.get(name, default.get(name, name)) for name in _KEYS)
    return time, level, logger, trace, form
