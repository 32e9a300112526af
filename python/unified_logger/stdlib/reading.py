"""Reads the attributes of a record of `logging` as the core reads them, whatever values they have."""

from __future__ import annotations

import logging
import sys
from operator import index

from .. import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LogRecord = logging.LogRecord
_INT32 = 1 << 31


def text_of(value: object) -> str:
    """A value as a text.

    Args:
        value: Of any type, also one whose `__str__` raises.

    Returns:
        A text of the class `str` itself.
    """
    if type(value) is str:
        return value
    try:
        return str.__str__(value if issubclass(type(value), str) else str(value))
    except Exception as error:
        return f"<str() of {type.__repr__(type(value))} failed: {type(error).__name__}>"


def level_of(record: logging.LogRecord) -> int:
    """The number of a record's level.

    Args:
        record: Of either interface.

    Returns:
        The number; that of INFO if the record has no valid one.
    """
    try:
        number = int.__add__(index(vars(record)["levelno"]), 0)
    except Exception:
        return logging.INFO
    return number if -_INT32 <= number < _INT32 else logging.INFO


def error_of(record: logging.LogRecord) -> BaseException | None:
    """The exception of a record.

    Args:
        record: Of either interface.

    Returns:
        The exception that `exc_info` means: an exception, the second of a triple, or the one being handled for any other true value. If a
        triple has a class and no exception, because that could not be pickled, one is made without its `__init__`.
    """
    given: Any = vars(record).get("exc_info")
    if issubclass(type(given), tuple):
        kind, value, traceback = (*tuple.__iter__(given), None, None, None)[:3]
        if value is None and issubclass(type(kind), type) and issubclass(kind, BaseException):
            try:
                value = kind.__new__(kind)
                BaseException.with_traceback(value, traceback)
            except Exception:  # Then there is none, or none with a traceback.
                pass
        return value if issubclass(type(value), BaseException) else None
    if issubclass(type(given), BaseException):
        error: BaseException = given
        return error
    try:
        return sys.exc_info()[1] if given else None
    except Exception:
        return None


def merged_by_class(record: logging.LogRecord) -> logging.LogRecord:
    """A record for the core, which merges messages itself, except for classes that merge messages in their own way.

    Args:
        record: Of `logging`.

    Returns:
        The same, or a copy with the message that its class has merged. If that failed, the arguments are not asked again.
    """
    if type(record) is _LogRecord:
        return record
    merges = type(record).getMessage
    if merges is _LogRecord.getMessage or _is_of_logging(merges):
        return record
    message, notes = _core.merge_by_class(record)
    if notes:
        message_given = record.__dict__.get("msg")
        message = message_given if type(message_given) is str else f"<{type(message_given).__name__} object>"
    return changed(record, msg=message, args=None, **notes)


def _is_of_logging(merges: Any) -> bool:
    """Whether a method is that of `logging`, which is another one after `importlib.reload(logging)`."""
    known: Any = _LogRecord.getMessage
    return (
        type(merges) is type(known)
        and merges.__globals__ is known.__globals__
        and merges.__qualname__ == known.__qualname__
    )


def changed(record: logging.LogRecord, **attributes: object) -> logging.LogRecord:
    """A copy of a record, of the class `logging.LogRecord` itself, with some attributes changed.

    Args:
        record: Not changed.
        **attributes: The changed attributes.

    Returns:
        The copy.
    """
    other = _LogRecord.__new__(_LogRecord)
    other.__dict__.update(record.__dict__, **attributes)
    return other
