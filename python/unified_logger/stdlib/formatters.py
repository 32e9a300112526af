"""A record of `logging` as text: the JSON line of the log files, or lines for people."""

from __future__ import annotations

import logging
from time import time

from .. import _core, context
from .marks import CAPTURED_ATTRIBUTE, FIELDS_ATTRIBUTE, carried_by, mark_of
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


class _AsConfigured:
    """Stands for the redaction that logging was started with."""

    def __repr__(self) -> str:
        return "as configured"


_AS_CONFIGURED = _AsConfigured()
# The redaction that logging was started with.
configured: _core.Redaction | None = None


class JSONFormatter(logging.Formatter):
    """Formats a record, for any handler of `logging`, as the line that the log files have for it.

    Keys and their order are those of docs/record.md: the ids and fields of the context, the exception as an object, `extra` as
    fields. The options `fields`, `preset`, `keys` and `time_zone` of the last start hold for it too. It takes the arguments of `logging.Formatter`; a format among them has no effect.

    Args:
        redaction: Replaces secrets in a line; by default as logging was started. None for no redaction.
    """

    def __init__(
        self, *args: Any, redaction: _core.Redaction | _AsConfigured | None = _AS_CONFIGURED, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self._redaction = redaction

    @property
    def redaction(self) -> _core.Redaction | None:
        """What replaces secrets in a line now; None if nothing does."""
        return configured if isinstance(self._redaction, _AsConfigured) else self._redaction

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record.

        Args:
            record: Not changed.

        Returns:
            JSON, without a newline.
        """
        carried, redaction = carried_by(record), self.redaction
        if carried is None:
            return _core.encode_record(merged_by_class(record), redaction, True)
        # A record of `get_logger` carries its fields and its context, since it may be formatted on another thread.
        names, current = carried
        number = mark_of(record)
        if number is not None and number.hidden and redaction is configured:
            redaction = None
        record = changed(record, **{CAPTURED_ATTRIBUTE: names})
        if _are_same(current, context.get_trace_context()):
            return _core.encode_record(record, redaction, True)
        return context.call_within(current, lambda record: _core.encode_record(record, redaction, True), record)


def _are_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    try:
        return one == other
    except Exception:  # Comparing values may raise.
        return False


class TextFormatter(logging.Formatter):
    """A record for people: one line, and a traceback indented below it, with the escapes of the native encoder.

    Args:
        redaction: Replaces secrets; None for no redaction.
    """

    def __init__(self, redaction: _core.Redaction | None = None) -> None:
        super().__init__()
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        """The lines of a record, without the last newline. Other code may have made the record, so its attributes may be any objects."""
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
        except Exception:  # No time, or an impossible one: the present time is used.
            now = time()
            return self.formatTime(changed(record, created=now, msecs=now % 1 * 1000))

    def _redacted(self, text: str) -> str:
        return text if self._redaction is None else self._redaction.text(whole(text))


def level_name(record: logging.LogRecord) -> str:
    """The name of a record's level.

    Args:
        record: Of either interface.

    Returns:
        The name of the record; if it was made without one, the name of its level's number.
    """
    given = vars(record).get("levelname")
    name = "Level None" if given is None else text_of(given)
    return text_of(logging.getLevelName(level_of(record))) if name == "Level None" else name


# Keys in which a record has an error and its arguments, if these do not fit its message.
_NOTES = ("$error", "$args")


class _Merged(logging.LogRecord):
    """A record whose message is merged. If the arguments did not fit, `notes` has the error."""

    __slots__ = ("notes",)
    notes: dict[str, str]


def merged(record: logging.LogRecord, redaction: _core.Redaction | None) -> logging.LogRecord:
    """A record for several formatters. Its arguments, whose code may log, are asked for their texts once.

    Args:
        record: Not changed.
        redaction: Replaces secrets in the message; None for no redaction.

    Returns:
        The same record if there is nothing to merge, otherwise a copy whose message is merged.
    """
    attributes = vars(record)
    given = attributes.get("args")
    is_whole = type(attributes.get("msg")) is str and (given is None or (type(given) is tuple and not given))
    if type(record) is _Merged or (type(record) is logging.LogRecord and is_whole):
        return record
    source, other = merged_by_class(record), _Merged.__new__(_Merged)
    other.__dict__.update(source.__dict__, args=None)
    other.msg, notes = _core.merge_record(source, redaction)
    # If the record's own class could not merge it, that is in the record already.
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
    """The text with lone surrogates escaped, because a file takes none."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """The fields of a record: its attributes beyond those of all records.

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
    """The context of a record: the one that it carries, otherwise the current one.

    Args:
        record: Of either interface.

    Returns:
        Ids and fields.
    """
    carried = carried_by(record)
    return context.get_trace_context() if carried is None else dict(carried[1])
