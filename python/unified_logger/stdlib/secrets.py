"""Records of `get_logger` for handlers of others, without their secrets."""

from __future__ import annotations

import logging

from .. import _core, context
from .marks import CAPTURED_ATTRIBUTE, mark_of
from .reading import changed, error_of, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# The redaction that logging was started with.
redaction: _core.Redaction | None = None


def hide(record: logging.LogRecord, redaction: _core.Redaction) -> None:
    """Replaces the secrets of a record that is captured already: in its message, its fields, its context, and its texts of exception and stack.

    The exception itself is an object of the program and stays as it is. Its text has no secrets, and formatters of `logging` use that text.

    Args:
        record: A record of `get_logger`, which is changed.
        redaction: The rules.
    """
    number = mark_of(record)
    if number is None or number.carried is None or number.hidden:
        return
    names, current = number.carried
    found = context.call_within(
        current,
        lambda shown: _core.with_and_without_secrets(shown, redaction),
        changed(record, **{CAPTURED_ATTRIBUTE: names}),
    )
    if found is None:
        return
    number.hidden = True
    before, after = found
    attributes = record.__dict__
    if before.get("message") != after.get("message") or type(attributes.get("args")) is dict:
        attributes["msg"], attributes["args"] = after.get("message"), ()
    elif attributes.get("args"):
        attributes["args"] = tuple(_argument(value, redaction) for value in attributes["args"])
    for attribute, name in names.items():
        _replace(attributes, attribute, attribute if name is None else name, before, after)
    error = error_of(record)
    if error is not None and before.get("exception") != after.get("exception"):
        attributes["exc_text"] = redaction.text(_core.format_exception(error)).rstrip("\n")
    if attributes.get("stack_info"):
        attributes["stack_info"] = redaction.text(text_of(attributes["stack_info"]))


def _replace(
    attributes: dict[str, Any], attribute: str, name: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """Replaces a field if it has secrets."""
    key = name if name in before else f"fields.{name}"
    if key not in before:
        return
    if key not in after:  # Its name is a secret itself.
        del attributes[attribute]
    elif before[key] != after[key]:
        attributes[attribute] = after[key]


def _argument(value: Any, redaction: _core.Redaction) -> Any:
    """An argument of a message that has no secret itself: its own text may have more than the message shows."""
    if type(value) is not str:
        return value
    return redaction.text(value)
