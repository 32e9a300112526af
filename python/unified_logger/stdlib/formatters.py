"""A record of `logging` as text: the JSON line that our own files have for it, or lines for people."""

from __future__ import annotations

import logging
from time import time

from .. import _core, context
from .marks import CAPTURED_ATTRIBUTE, FIELDS_ATTRIBUTE, carried_by
from .reading import changed, error_of, level_of, merged_by_class, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_OWN = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {
    "message",
    "asctime",
    "taskName",
    FIELDS_ATTRIBUTE,
    CAPTURED_ATTRIBUTE,
}
RESERVED = frozenset(
    "timestamp level logger message module function line thread process trace_id span_id exception stack recovered".split()
)


class JSONFormatter(logging.Formatter):
    """Formats a record, for any handler of `logging`, as the line that our own files have for it.

    Keys and their order are those of docs/record.md: the ids and fields of the context, the exception as an object, `extra` as
    fields. Takes the arguments of `logging.Formatter`; a format given among them makes no difference.

    Args:
        redaction: What must not be in a line.
    """

    def __init__(self, *args: Any, redaction: _core.Redaction | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        """The line.

        Args:
            record: Left as it is.

        Returns:
            JSON, without a newline.
        """
        carried = carried_by(record)
        if carried is None:
            return _core.encode_record(merged_by_class(record), self._redaction)
        # One of ours says itself what its fields are, and what its context was: it may be formatted on another thread.
        names, current = carried
        record = changed(record, **{CAPTURED_ATTRIBUTE: names})
        if _are_same(current, context.get_trace_context()):
            return _core.encode_record(record, self._redaction)
        return context.call_within(current, lambda record: _core.encode_record(record, self._redaction), record)


def _are_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    try:
        return one == other
    except Exception:  # Values may compare as they like.
        return False


class TextFormatter(logging.Formatter):
    """One record for people: one line, a traceback indented below it, with the escapes of the native encoder.

    Args:
        redaction: What must not be in it.
    """

    def __init__(self, redaction: _core.Redaction | None = None) -> None:
        super().__init__()
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        """The lines, without the last newline. Whatever attributes the record has: somebody else may have made it."""
        message = self._redacted(_message(record, self._redaction))
        name = vars(record).get("name")
        level, name = self._redacted(level_name(record)), self._redacted("unknown" if name is None else text_of(name))
        lines = [f"{self._time(record)} {level:<8} {name} {message}"]
        error, stack = error_of(record), vars(record).get("stack_info")
        for given in ("" if error is None else _core.format_exception(error), "" if stack is None else text_of(stack)):
            text = self._redacted(given)
            lines += [f"    {part}" for part in text.rstrip("\n").split("\n") if text]
        return "\n".join(_core.escape_text(whole(line)) for line in lines)

    def _time(self, record: logging.LogRecord) -> str:
        try:
            return self.formatTime(record)
        except Exception:  # No time, or none that there can be: then it is that of now.
            now = time()
            return self.formatTime(changed(record, created=now, msecs=now % 1 * 1000))

    def _redacted(self, text: str) -> str:
        return text if self._redaction is None else self._redaction.text(whole(text))


def level_name(record: logging.LogRecord) -> str:
    """The name that a record has for its level.

    Args:
        record: Of either interface.

    Returns:
        The name, or that of the level's number for one that was made without a name.
    """
    given = vars(record).get("levelname")
    name = "Level None" if given is None else text_of(given)
    return text_of(logging.getLevelName(level_of(record))) if name == "Level None" else name


# What is told beside a message that its arguments do not fit.
_NOTES = ("$error", "$args")


class _Merged(logging.LogRecord):
    """A record whose message is merged. Where the arguments did not fit, `notes` say so."""

    __slots__ = ("notes",)
    notes: dict[str, str]


def merged(record: logging.LogRecord, redaction: _core.Redaction | None) -> logging.LogRecord:
    """A record for several formatters: its arguments, whose code may log, are asked once.

    Args:
        record: Left as it is.
        redaction: What must not be in the message.

    Returns:
        The same where there is nothing to ask, or else a copy whose message is merged.
    """
    attributes = vars(record)
    given = attributes.get("args")
    is_whole = type(attributes.get("msg")) is str and (given is None or (type(given) is tuple and not given))
    if type(record) is _Merged or (type(record) is logging.LogRecord and is_whole):
        return record
    source, other = merged_by_class(record), _Merged.__new__(_Merged)
    other.__dict__.update(source.__dict__, args=None)
    other.msg, notes = _core.merge_record(source, redaction)
    # Where the record's own class could not merge it, that is told already.
    other.notes = notes or {
        name: vars(source)[name] for name in _NOTES if name in vars(source) and name not in attributes
    }
    for name, text in notes.items():
        while name in other.__dict__:
            name = f"fields.{name}"
        other.__dict__[name] = text
    return other


def _message(record: logging.LogRecord, redaction: _core.Redaction | None) -> str:
    ready = merged(record, redaction)
    message = text_of(vars(ready).get("msg"))
    return (
        f"{message} [{ready.notes.get('$error')}; args: {ready.notes.get('$args')}]"
        if type(ready) is _Merged and ready.notes
        else message
    )


def whole(text: str) -> str:
    """The text with lone surrogates written out: a file takes none."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """The fields of a record: what it carries beyond the attributes all records have.

    Args:
        record: Of either interface.

    Returns:
        Values by name.
    """
    carried = carried_by(record)
    names = {} if carried is None else carried[0]
    fields: dict[str, Any] = {}
    for attribute, value in vars(record).items():
        if type(attribute) is not str or attribute not in _OWN:
            name = names.get(attribute, text_of(attribute))
            if name is not None:
                fields[name] = value
    return fields


def context_of(record: logging.LogRecord) -> dict[str, Any]:
    """The context of a record: what it carries along, if it is one of ours, and otherwise what is current.

    Args:
        record: Of either interface.

    Returns:
        Ids and fields.
    """
    carried = carried_by(record)
    return context.get_trace_context() if carried is None else dict(carried[1])
