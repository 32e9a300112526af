"""A record of `logging` as text: the JSON line of the log files, or lines for people."""

from __future__ import annotations

import logging

from .. import _core, context
from . import secrets
from .marks import CAPTURED_ATTRIBUTE, FIELDS_ATTRIBUTE, carried_by, mark_of
from .reading import changed, merged_by_class, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
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
        # The settings of text; None for JSON.
        self._text: str | None = None

    @property
    def redaction(self) -> _core.Redaction | None:
        """What replaces secrets in a line now; None if nothing does."""
        return secrets.redaction if isinstance(self._redaction, _AsConfigured) else self._redaction

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record.

        Args:
            record: Not changed.

        Returns:
            JSON, without a newline.
        """
        carried, redaction = carried_by(record), self.redaction
        if carried is None:
            return self._encoded(merged_by_class(record), redaction)
        # A record of `get_logger` carries its fields and its context, since it may be formatted on another thread.
        names, current = carried
        number = mark_of(record)
        if number is not None and number.hidden and redaction is secrets.redaction:
            redaction = None
        record = changed(record, **{CAPTURED_ATTRIBUTE: names})
        if _are_same(current, context.get_trace_context()):
            return self._encoded(record, redaction)
        return context.call_within(current, lambda record: self._encoded(record, redaction), record)

    def _encoded(self, record: logging.LogRecord, redaction: _core.Redaction | None) -> str:
        return _core.encode_record(record, redaction, True, self._text)


def _are_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    try:
        return one == other
    except Exception:  # Comparing values may raise.
        return False


class TextFormatter(JSONFormatter):
    """A record for people, as `format: text` has it: one line, and what has lines of its own marked below it.

    Args:
        redaction: Replaces secrets; None for no redaction.
        text: The settings of the text, as the engine has them; None for those of files.
    """

    def __init__(self, redaction: _core.Redaction | None = None, text: Mapping[str, Any] | None = None) -> None:
        from json import dumps

        super().__init__(redaction=redaction)
        self._text = dumps({key: value for key, value in (text or {}).items() if key != "name"})


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
