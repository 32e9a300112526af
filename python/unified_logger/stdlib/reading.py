"""What a record of `logging` has: it is read as the core reads it, whatever somebody has put there."""

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
        A text of the plain class.
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
        That of INFO for a record that has no such number.
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
        What `exc_info` means: an exception, the second of a triple, or what is true for the one being handled. Where a triple names
        a class and has no value of it, as where that could not be pickled, one is made without its `__init__`.
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
    """A record for the core, which merges messages itself: a class that a record factory brought may do it in its own way.

    Args:
        record: Of `logging`.

    Returns:
        The same, or one whose message its class has merged. Where it could not, the arguments are not asked again.
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
    """A copy of a record, of the plain class, with some attributes changed.

    Args:
        record: Left as it is.
        **attributes: What is other than there.

    Returns:
        The copy.
    """
    other = _LogRecord.__new__(_LogRecord)
    other.__dict__.update(record.__dict__, **attributes)
    return other
