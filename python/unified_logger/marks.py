"""What is known of a record of `logging`: whether it is captured, and the fields and the context of one of `get_logger`.

Whoever exports records sends every attribute beyond those that `logging` gives to all of them. So what is known is no attribute: a number that
each record has anyway, such as that of its process, becomes an equal one that knows it. Copies of the record, and records made of its attributes,
have the same number. Only what is sent to another process has attributes for it, which `lift` takes off again: there is no such number there.
"""

from __future__ import annotations

import copyreg
import logging
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    # The fields behind a record's attributes (None: not a field), and the ids and fields of its context.
    Carried = tuple[dict[str, str | None], dict[str, Any]]

# Attributes of what is sent to other processes: the place where the record is written already, a text, and what it carries along.
MARK = "_unified_logger_captured"
FIELDS = "_unified_logger_fields"
# Numbers that `logging` gives to each record, those first that hardly anybody changes.
_NUMBERS = ("process", "thread", "lineno")
# How a class says itself what it is pickled as.
_WAYS = ("__reduce__", "__reduce_ex__", "__getstate__", "__setstate__")
# Classes of records that were seen. Somebody may make one for each record.
_classes: set[type[logging.LogRecord]] = set()
_MOST_CLASSES = 64
# Where the files of this process are, once logging was started.
directory: str | None = None
_sockets_know = False


class Mark(int):
    """A number of a record that knows what a record of `get_logger` carries along. Never changed: copies of the record share it."""

    carried: Carried | None = None
    ai = False

    def __copy__(self) -> Mark:
        return self

    def __deepcopy__(self, _: object) -> Mark:
        return self

    def __reduce__(self) -> tuple[type[int], tuple[int]]:
        # A class of this package's would not be known wherever the record goes.
        return int, (int(self),)


class Captured(Mark):
    """A number of a record that is captured."""


def mark_of(record: logging.LogRecord) -> Mark | None:
    """The number by which a record is known.

    Args:
        record: Of either interface.

    Returns:
        None where nothing is known of the record.
    """
    attributes = record.__dict__
    for name in _NUMBERS:
        number = attributes.get(name)
        if type(number) is Mark or type(number) is Captured:
            return number
    return None


def mark(record: logging.LogRecord, carried: Carried | None, ai: bool = False) -> None:
    """Notes what a record of `get_logger` carries along, before it is captured.

    Args:
        record: Of either interface.
        carried: The fields behind its attributes, and its context.
        ai: Whether it is an AI record whatever its logger.
    """
    _put(record, Mark, carried, ai)


def mark_captured(record: logging.LogRecord) -> None:
    """Notes that a record is captured, or that it is not to be.

    Args:
        record: Of either interface.
    """
    known = mark_of(record)
    if known is None:
        _put(record, Captured, None, False)
    elif type(known) is not Captured:
        _put(record, Captured, known.carried, known.ai)


def _put(record: logging.LogRecord, kind: type[Mark], carried: Carried | None, ai: bool) -> None:
    attributes = record.__dict__
    name, number = _NUMBERS[0], attributes.get(_NUMBERS[0])
    if type(number) is not int:
        name, number = _number_of(record)
    made = kind(number)
    if carried is not None:
        made.carried = carried
    if ai:
        made.ai = ai
    attributes[name] = made
    if type(record) not in _classes:
        pickle_with_mark(type(record))
    if not _sockets_know and "logging.handlers" in sys.modules:
        tell_sockets()


def _number_of(record: logging.LogRecord) -> tuple[str, int]:
    """The number that may know something, and its name: the one that does, or else the first plain one."""
    known = mark_of(record)
    for name in _NUMBERS:
        number: Any = record.__dict__.get(name)
        if type(number) is int if known is None else number is known:
            return name, number
    # Somebody has made the record without any: it gets the one that `logging` would have given.
    return _NUMBERS[0], os.getpid()


def is_captured(record: logging.LogRecord) -> bool:
    """Whether a record is in the pipeline already, or in that of another process that writes to the same files.

    Args:
        record: Of either interface.
    """
    known = mark_of(record)
    if known is not None:
        return type(known) is Captured
    place = record.__dict__.get(MARK)
    return type(place) is str and place == _place()


def lift(record: logging.LogRecord) -> bool:
    """Takes what is known of a record that another process has sent off its attributes.

    Args:
        record: Of either interface.

    Returns:
        Whether there was anything.
    """
    attributes = record.__dict__
    if type(attributes.get(MARK)) is not str:
        return False
    carried, done = carried_by(record), is_captured(record)
    del attributes[MARK]
    if carried is not None:
        attributes.pop(FIELDS, None)
        mark(record, carried)
    if done:
        mark_captured(record)
    return True


def carried_by(record: logging.LogRecord) -> Carried | None:
    """What a record of our own interface carries along, wherever it went meanwhile.

    A record may be made of what somebody else has sent. So what does not look as it does here is no news of ours.

    Args:
        record: Of either interface.

    Returns:
        The fields behind its attributes (None: not a field), and the ids and fields of its context; None for any other record.
    """
    known = mark_of(record)
    if known is not None:
        return known.carried
    carried: Any = record.__dict__.get(FIELDS)
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


def _place() -> str:
    """What tells the files of this process from those of others, on this machine and on others."""
    # What `platform.node` gives where it has it from the system; that module brings many others.
    node = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
    return f"{node}:{os.getpid() if directory is None else os.path.realpath(directory)}"


def _sent(attributes: dict[str, Any], known: Mark) -> dict[str, Any]:
    """A record's attributes as another process is to get them, which need not have this package."""
    sent = {name: int(value) if value is known else value for name, value in attributes.items()}
    # One that is not captured yet is written nowhere.
    sent[MARK] = _place() if type(known) is Captured else ""
    if known.carried is not None:
        names, current = known.carried
        sent[FIELDS] = ({**names, FIELDS: None}, current)
    return sent


class _State(dict):  # type: ignore[type-arg] # not generic at run time
    """A record's attributes for a copy in this process; pickled it is what another process is to get."""

    __slots__ = ("known",)
    known: Mark

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        from copy import deepcopy

        return deepcopy(dict(self), memo)

    def __reduce_ex__(self, _: object) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
        return dict, (_sent(self, self.known),)


def _reduced(record: logging.LogRecord) -> Any:
    """How `copy` and `pickle` make a record anew: as ever, but for what is known of it."""
    made: Any = record.__reduce_ex__(2)
    known = mark_of(record)
    if known is None or type(made) is not tuple or len(made) < 3:
        return made
    state = made[2]
    attributes = state[0] if type(state) is tuple and len(state) == 2 else state
    if type(attributes) is not dict:
        return made
    kept = _State(attributes)
    kept.known = known
    return (*made[:2], (kept, state[1]) if attributes is not state else kept, *made[3:])


def pickle_with_mark(kind: type[logging.LogRecord]) -> None:
    """Has records of a class copied and pickled with what is known of them, unless the class has a way of its own.

    Args:
        kind: The class.
    """
    if kind in _classes or len(_classes) == _MOST_CLASSES:
        return
    _classes.add(kind)
    bases = kind.__mro__[:-1]
    if kind not in copyreg.dispatch_table and not any(name in base.__dict__ for base in bases for name in _WAYS):
        copyreg.pickle(kind, _reduced)


def tell_sockets() -> bool:
    """Has `SocketHandler`, which sends a bare dictionary of a record's attributes, send along what is known of the record.

    Returns:
        Whether it does now. While `logging.handlers` is not imported there is no such handler.
    """
    global _sockets_know
    sockets = getattr(sys.modules.get("logging.handlers"), "SocketHandler", None)
    if sockets is None:
        return False
    if not _sockets_know:
        _sockets_know = True
        original = sockets.makePickle

        def makePickle(self: Any, record: logging.LogRecord) -> Any:  # noqa: N802 - the name is the class's
            """Pickles the record, with what is known of it."""
            known = mark_of(record)
            if known is not None:
                from copy import copy

                sent = _sent(record.__dict__, known)
                record = copy(record)
                record.__dict__.update(sent)
            return original(self, record)

        sockets.makePickle = makePickle
    return True


pickle_with_mark(logging.LogRecord)
