"""The mark of a record of `logging`: whether it is captured, and the fields and the context of a record of `get_logger`.

Exporters send every attribute beyond those that `logging` gives to all records. So the mark is not an attribute of its own. Instead
`relativeCreated`, a number that each record has, is replaced by an equal number of a class of this module. Hardly any code exports that number
by itself, or copies it to another record. Copies of the record, and records that are made of all its attributes, have the same number. Only
what is sent to another process has attributes for the mark, because the number is not sent. `lift` removes them again.
"""

from __future__ import annotations

import copyreg
import logging
import os
import sys

from .. import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    # The fields by the names of their attributes (None: not a field), and the ids and fields of the context.
    Carried = tuple[dict[str, str | None], dict[str, Any]]

# Attributes of what is sent to other processes: a text with the location where the record is written already, and what it carries.
CAPTURED_ATTRIBUTE = "_unified_logger_captured"
FIELDS_ATTRIBUTE = "_unified_logger_fields"
# The number that becomes the mark: when the record was made, in milliseconds since `logging` was imported.
_NUMBER = "relativeCreated"
# Methods by which a class decides itself how it is pickled.
_WAYS = ("__reduce__", "__reduce_ex__", "__getstate__", "__setstate__")
# Classes of records that were seen. A program may make a class for each record.
_classes: set[type[logging.LogRecord]] = set()
_MOST_CLASSES = 64
# The log directory of this process, or the number of the stream that its records are written to, once logging was started.
location: str | int | None = None
# The class of handlers that was patched last. It is another one after `logging.handlers` is imported again, or with a stub of a test.
_socket_handler: object = None


class _Number(float):
    """A mark: a number equal to the one that it replaces. It never changes, since copies of the record share it."""

    __slots__ = ()
    carried: Carried | None = None
    ai = False
    # Whether the record has no secrets any more: for handlers of others they were replaced after the capture.
    hidden = False

    def __copy__(self) -> _Number:
        return self

    def __deepcopy__(self, _: object) -> _Number:
        return self

    def __reduce__(self) -> tuple[type[float], tuple[float]]:
        # The process that gets the record may not have this package.
        return float, (float(self),)


class Mark(_Number):
    """The mark of a record of `get_logger` before it is captured, with what it carries."""


if TYPE_CHECKING:

    class Captured(_Number):
        """The mark of a captured record of `logging`. The core makes one for each, so it has nothing but its value."""

else:
    Captured = _core.float_class()
    for _name in ("__copy__", "__deepcopy__", "__reduce__", "carried", "ai", "hidden"):
        setattr(Captured, _name, vars(_Number)[_name])


class CapturedWithFields(_Number):
    """The mark of a captured record that still carries something."""


# Compared by the class itself, since others may derive from these.
_KINDS = frozenset((Mark, Captured, CapturedWithFields))


def mark_of(record: logging.LogRecord) -> _Number | None:
    """The mark of a record.

    Args:
        record: Of either interface.

    Returns:
        The mark; None if the record has none.
    """
    number = record.__dict__.get(_NUMBER)
    return number if type(number) in _KINDS else None


def mark(record: logging.LogRecord, carried: Carried | None, ai: bool = False) -> None:
    """Marks a record of `get_logger` with what it carries, before it is captured.

    Args:
        record: Of either interface.
        carried: The fields by the names of their attributes, and the context.
        ai: Whether it is an AI record, whatever its logger.
    """
    _put(record, Mark, carried, ai)


def mark_captured(record: logging.LogRecord) -> None:
    """Marks a record as captured, or as one that must not be captured.

    Args:
        record: Of either interface.
    """
    number = mark_of(record)
    if number is None:
        _put(record, Captured, None, False)
    elif type(number) is Mark:
        _put(record, CapturedWithFields, number.carried, number.ai)


def _put(record: logging.LogRecord, kind: type[_Number], carried: Carried | None, ai: bool) -> None:
    attributes = record.__dict__
    number = attributes.get(_NUMBER)
    made = kind(number if type(number) is float else _float_of(number))
    if carried is not None:
        made.carried = carried
    if ai:
        made.ai = ai
    attributes[_NUMBER] = made
    if type(record) not in _classes:
        pickle_with_mark(type(record))
    handlers = sys.modules.get("logging.handlers")
    if handlers is not None and getattr(handlers, "SocketHandler", None) is not _socket_handler:
        patch_socket_handler()


def _float_of(number: object) -> float:
    """The number of a record, as a float. A record that other code has made may have any value there."""
    try:
        return float(number) if isinstance(number, (int, float)) else 0.0
    except Exception:  # An integer that is too large, or a number of another class.
        return 0.0


def is_captured(record: logging.LogRecord) -> bool:
    """Whether a record is captured already, here or in another process that writes to the same files.

    Args:
        record: Of either interface.
    """
    number = mark_of(record)
    if number is not None:
        return type(number) is not Mark
    sent = record.__dict__.get(CAPTURED_ATTRIBUTE)
    return type(sent) is str and sent == _location()


def lift(record: logging.LogRecord) -> bool:
    """Turns the attributes of a record that another process has sent into a mark.

    Args:
        record: Of either interface.

    Returns:
        Whether the record had such attributes.
    """
    attributes = record.__dict__
    if type(attributes.get(CAPTURED_ATTRIBUTE)) is not str:
        return False
    carried, done = carried_by(record), is_captured(record)
    del attributes[CAPTURED_ATTRIBUTE]
    if carried is not None:
        attributes.pop(FIELDS_ATTRIBUTE, None)
        mark(record, carried)
    if done:
        mark_captured(record)
    return True


def carried_by(record: logging.LogRecord) -> Carried | None:
    """The fields and the context that a record of `get_logger` carries, also after it was copied or sent.

    A record may be made from data that other code has sent. So attributes of an unexpected form are ignored.

    Args:
        record: Of either interface.

    Returns:
        The fields by the names of their attributes (None: not a field), and the ids and fields of the context; None for any other record.
    """
    number = mark_of(record)
    if number is not None:
        return number.carried
    carried: Any = record.__dict__.get(FIELDS_ATTRIBUTE)
    if type(carried) not in (tuple, list) or len(carried) != 2:
        return None
    names: Any
    current: Any
    names, current = carried
    if (
        type(names) is not dict
        or type(current) is not dict
        or any(type(name) is not str for name in (*names, *current))
    ):
        return None
    texts = (*names.values(), current.get("trace_id"), current.get("span_id"))
    return (names, current) if all(text is None or type(text) is str for text in texts) else None


def _location() -> str:
    """The location of this process's records: a text that differs from that of other files or streams, on this machine and on others."""
    # `platform.node` gives the same if the system has it, but that module imports many others.
    node = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
    return f"{node}:{os.path.realpath(location) if isinstance(location, str) else _stream(location)}"


def _stream(number: int | None) -> str:
    """What processes with the same standard stream have in common. A process that has none has nothing in common with others."""
    try:
        found = os.fstat(-1 if number is None else number)
    except OSError:
        return str(os.getpid())
    return f"stream {found.st_dev}:{found.st_ino}"


def _sent(attributes: dict[str, Any], number: _Number) -> dict[str, Any]:
    """A record's attributes for another process, which may not have this package."""
    sent = {**attributes, _NUMBER: float(number)}
    # A record that is not captured yet is written nowhere.
    sent[CAPTURED_ATTRIBUTE] = _location() if type(number) is not Mark else ""
    if number.carried is not None:
        names, current = number.carried
        sent[FIELDS_ATTRIBUTE] = ({**names, FIELDS_ATTRIBUTE: None}, current)
    return sent


class _State(dict):  # type: ignore[type-arg] # not generic at run time
    """A record's attributes for a copy in this process. Its pickle has the attributes for another process."""

    __slots__ = ("number",)
    number: _Number

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        from copy import deepcopy

        return deepcopy(dict(self), memo)

    def __reduce_ex__(self, _: object) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
        return dict, (_sent(self, self.number),)


def _reduced(record: logging.LogRecord) -> Any:
    """How `copy` and `pickle` make a record again: in the usual way, but with its mark."""
    made: Any = record.__reduce_ex__(2)
    number = mark_of(record)
    if number is None or type(made) is not tuple or len(made) < 3:
        return made
    state = made[2]
    attributes = state[0] if type(state) is tuple and len(state) == 2 else state
    if type(attributes) is not dict:
        return made
    kept = _State(attributes)
    kept.number = number
    return (*made[:2], (kept, state[1]) if attributes is not state else kept, *made[3:])


def pickle_with_mark(kind: type[logging.LogRecord]) -> None:
    """Has records of a class copied and pickled with their marks, unless the class has its own way of pickling.

    Args:
        kind: The class.
    """
    if kind in _classes or len(_classes) == _MOST_CLASSES:
        return
    _classes.add(kind)
    bases = kind.__mro__[:-1]
    if kind not in copyreg.dispatch_table and not any(name in base.__dict__ for base in bases for name in _WAYS):
        copyreg.pickle(kind, _reduced)


def patch_socket_handler() -> dict[str, Any] | None:
    """Patches `SocketHandler`, which sends a bare dictionary of a record's attributes, so that it sends the mark too.

    Returns:
        The dictionary of `logging.handlers`, whose class may be replaced. None if the module is not imported: then there is no such handler.
    """
    global _socket_handler
    handlers = sys.modules.get("logging.handlers")
    if handlers is None:
        return None
    _socket_handler = sockets = getattr(handlers, "SocketHandler", None)
    # It may be any object, if other code has put one there. That costs no record.
    try:
        original = sockets.makePickle  # type: ignore[union-attr]
        if getattr(original, "sends_mark", None) is not mark_of:
            sockets.makePickle = _sending_mark(original)  # type: ignore[union-attr]
    except Exception:
        pass
    return vars(handlers)


def _sending_mark(original: Callable[..., Any]) -> Callable[..., Any]:
    def makePickle(self: Any, record: logging.LogRecord) -> Any:  # noqa: N802 - the name is the class's
        """Pickles the record, with its mark."""
        number = mark_of(record)
        if number is not None:
            from copy import copy

            sent = _sent(record.__dict__, number)
            record = copy(record)
            record.__dict__.update(sent)
        return original(self, record)

    # Shows that the method is patched: the class may be put back, and another copy of this package may have wrapped it.
    makePickle.sends_mark = mark_of  # type: ignore[attr-defined]
    return makePickle


pickle_with_mark(logging.LogRecord)
