"""Records as in the log files, with methods that tests need."""

from __future__ import annotations

import json
import logging
import sys
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from re import Pattern
from typing import TYPE_CHECKING, Any

from .. import _core, levels
from ..process import engine
from ..stdlib import error_of, level_of, merged_by_class, text_of
from ..stdlib.marks import carried_by

if TYPE_CHECKING:
    from collections.abc import Iterator

_RESERVED = frozenset(_core.reserved_keys())
# If there are more records, a text shows the last of them.
_SHOWN = 200


class CapturedRecord(dict[str, Any]):
    """One record: the keys and values of its line in the files, in their order.

    Values are those that a reader of the file gets: a `Decimal` is a text, a tuple is a list. See docs/record.md, docs/values.md.

    Args:
        record: The `logging.LogRecord`.
    """

    error: BaseException | None
    """The exception itself; `exception` is its written form."""
    levelno: int
    """The level's number."""

    def __init__(self, record: logging.LogRecord) -> None:
        # The core merges the message of a record of `get_logger`, whatever its class.
        record_to_encode = record if carried_by(record) is not None else merged_by_class(record)
        settings = engine.settings()
        super().__init__(
            json.loads(_core.encode_record(record_to_encode, None if settings is None else settings.redaction))
        )
        self.error = error_of(record)
        self.levelno = level_of(record)

    @property
    def timestamp(self) -> str:
        """When the call was made: UTC, ISO 8601."""
        return self._text("timestamp")

    @property
    def level(self) -> str:
        """The level's name."""
        return self._text("level")

    @property
    def logger(self) -> str:
        """The logger's name."""
        return self._text("logger")

    @property
    def message(self) -> str:
        """The message with its arguments."""
        return self._text("message")

    @property
    def module(self) -> str:
        """The caller's file, without directory and `.py`."""
        return self._text("module")

    @property
    def function(self) -> str:
        """The caller's function."""
        return self._text("function")

    @property
    def line(self) -> int:
        """The caller's line."""
        return int(self["line"])

    @property
    def thread(self) -> str:
        """The name of the thread that made the call."""
        return self._text("thread")

    @property
    def trace_id(self) -> str | None:
        """The context's trace id, if it has one."""
        return self.get("trace_id")

    @property
    def span_id(self) -> str | None:
        """The context's span id, if it has one."""
        return self.get("span_id")

    @property
    def exception(self) -> dict[str, Any] | None:
        """The exception in its parts of the log file: `type`, `message`, `traceback` and others."""
        return self.get("exception")

    @property
    def stack(self) -> str | None:
        """The stack that `stack_info=True` asked for."""
        return self.get("stack")

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of the context and of the call: every key that is not a key of all records."""
        return {name: value for name, value in self.items() if name not in _RESERVED}

    def _text(self, key: str) -> str:
        return str(self[key])

    def __repr__(self) -> str:
        return f"<{self}>"

    def __str__(self) -> str:
        """The record on one line."""
        named = {name: self[name] for name in ("trace_id", "span_id") if name in self} | self.fields
        parts = [self.level, self.logger, repr(self.message), *(f"{name}={value!r}" for name, value in named.items())]
        if self.exception is not None:
            parts.append(f"exception={self.exception['type']}({self.exception['message']!r})")
        return " ".join(parts)


class CapturedLogs(list[CapturedRecord]):
    """The records of a test, the oldest first."""

    def __init__(self) -> None:
        super().__init__()
        self._levels: dict[logging.Logger, tuple[int, int]] = {}
        # Whether the test has asked for details of third parties too.
        self._whole = False

    def add(self, record: logging.LogRecord) -> None:
        """Stores a record as it is now, unless it is a detail of third parties for which the test has not asked."""
        is_wanted = self._whole or level_of(record) >= logging.INFO or carried_by(record) is not None
        if is_wanted or not _is_of_others(text_of(vars(record).get("name"))):
            self.append(CapturedRecord(record))

    @property
    def messages(self) -> list[str]:
        """The messages alone."""
        return [record.message for record in self]

    def find(
        self,
        message: str | Pattern[str] | None = None,
        *,
        level: int | str | None = None,
        logger: str | None = None,
        exception: type[BaseException] | tuple[type[BaseException], ...] | None = None,
        **fields: object,
    ) -> list[CapturedRecord]:
        """The records that match.

        Args:
            message: The whole message, or a pattern that is found in it.
            level: The level's name, in any case, or its number.
            logger: The logger's name.
            exception: A class, or classes, of the exception.
            **fields: Values of fields, or of any other key of a record (`trace_id`, `function` …). A value that has another form in the
                files is found by both forms.

        Returns:
            The records, the oldest first; all of them if nothing is asked for.

        Raises:
            ValueError: There is no such level.
        """
        number = None if level is None else levels.parse(level)
        return [
            record
            for record in self
            if (message is None or _is_message(record.message, message))
            and number in (None, record.levelno)
            and logger in (None, record.logger)
            and (exception is None or isinstance(record.error, exception))
            and all(name in record and _is_value(record[name], value) for name, value in fields.items())
        ]

    def one(
        self,
        message: str | Pattern[str] | None = None,
        *,
        level: int | str | None = None,
        logger: str | None = None,
        exception: type[BaseException] | tuple[type[BaseException], ...] | None = None,
        **fields: object,
    ) -> CapturedRecord:
        """The only record that matches. The arguments are those of `find`.

        Returns:
            The record.

        Raises:
            AssertionError: No record matches, or more than one. The text shows the records.
            ValueError: There is no such level.
        """
        __tracebackhide__ = True  # the failure is shown at the line of the test
        found = self.find(message, level=level, logger=logger, exception=exception, **fields)
        if len(found) == 1:
            return found[0]
        named = {"message": message, "level": level, "logger": logger, "exception": exception}
        asked = {name: value for name, value in named.items() if value is not None} | fields
        wanted = "".join(f" {name}={value!r}" for name, value in asked.items())
        if found:
            raise AssertionError(f"{len(found)} records instead of one are{wanted or ' there'}:\n{_listed(found)}")
        there = f"there are {len(self)}:\n{_listed(self)}" if self else "nothing was logged"
        raise AssertionError(f"no record is{wanted or ' there'}; {there}")

    def text(self) -> str:
        """The records for people, one to a line, each followed by its traceback and stack. Of very many records, the last ones."""
        left_out = len(self) - _SHOWN
        lines = [f"… {left_out} earlier records"] if left_out > 0 else []
        for record in self[-_SHOWN:]:
            lines.append(f"{record} ({record.module}:{record.line} {record.function}, {record.thread})")
            traceback = record.exception["traceback"] if record.exception is not None else ""
            lines += [f"    {line}" for line in f"{traceback}\n{record.stack or ''}".splitlines() if line]
        return "\n".join(lines)

    def set_level(self, level: int | str, logger: str | None = None) -> None:
        """Sets the level of a logger until the collection ends.

        Args:
            level: Its name or number.
            logger: The logger's name; None is the root logger.

        Raises:
            ValueError: There is no such level.
        """
        self._set(logging.getLogger(logger), levels.parse(level))
        self._whole = True

    def _set(self, target: logging.Logger, number: int) -> None:
        before, last = self._levels.get(target, (target.level, target.level))
        if target.level != last:
            before = target.level  # the application has set it since
        target.setLevel(number)
        self._levels[target] = (before, number)

    @contextmanager
    def at_level(self, level: int | str, logger: str | None = None) -> Iterator[None]:
        """Sets the level of a logger for a block.

        Args:
            level: Its name or number.
            logger: The logger's name; None is the root logger.

        Raises:
            ValueError: There is no such level.
        """
        target, number = logging.getLogger(logger), levels.parse(level)
        before, whole, self._whole = target.level, self._whole, True
        target.setLevel(number)
        try:
            yield
        finally:
            target.setLevel(before)
            self._whole = whole

    def begin(self) -> None:
        """Lets the root logger pass all records of the application."""
        self._set(logging.root, logging.DEBUG)

    def restore_levels(self) -> None:
        """Restores the levels that `set_level` found. If the application has set a level since, that level stays."""
        for target, (before, number) in self._levels.items():
            if target.level == number:
                target.setLevel(before)


@lru_cache(1_024)
def _is_of_others(name: str) -> bool:
    """Whether a logger is named as a module of the standard library, or of an installed package."""
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names:
        return True
    file = getattr(sys.modules.get(top), "__file__", None)
    return isinstance(file, str) and not {"site-packages", "dist-packages"}.isdisjoint(Path(file).parts)


def _is_message(message: str, asked: str | Pattern[str]) -> bool:
    return message == asked if isinstance(asked, str) else asked.search(message) is not None


def _is_value(written: object, asked: object) -> bool:
    # `True` equals 1 in Python, but not in a file.
    if isinstance(written, bool) is not isinstance(asked, bool) and isinstance(asked, (bool, int, float)):
        return False
    return bool(written == asked) or bool(written == json.loads(_core.encode_value(asked)))


def _listed(records: list[CapturedRecord]) -> str:
    shown = [f"  {record}" for record in records[:_SHOWN]]
    more = len(records) - _SHOWN
    return "\n".join([*shown, f"  … and {more} more"] if more > 0 else shown)
