"""How values without a native form are written in a record.

The native core writes `None`, booleans, numbers, texts, dicts, lists and tuples by itself. It passes everything else to `convert`, which
returns one of those. An exception that a value raises does not leave this package: a marker replaces the value.

A class decides what it shows: if its `repr` leaves something out, or has a text of its own, that holds here too. A value is only read: what is
not in memory is left out, and no more is read than a record keeps.
"""

from __future__ import annotations

from . import known, models
from .failed import describe, marker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["convert", "describe", "register", "registered"]

# The native core writes these itself.
_NATIVE = (type(None), bool, int, float, str, dict, list, tuple)
_DECIDED_LIMIT = 4_096

_registered: dict[type, Callable[[Any], Any]] = {}
# The converter of each class that was met, so that it is found once.
_decided: dict[type, Callable[[Any], Any]] = {}


def register(kind: type, function: Callable[[Any], Any]) -> None:
    """Sets how values of a class are written in records. It outranks everything that this library knows, also inside models and containers.

    Args:
        kind: The class; subclasses follow it unless they have a function of their own.
        function: Takes the value, returns another one to log instead (again any value).

    Raises:
        TypeError: `kind` is not a class, or has no effect. Values of `None`, `bool`, `int`, `float`, `str`, `dict`, `list` and `tuple` are
            written as they are; their subclasses may be registered.
    """
    if not isinstance(kind, type):
        raise TypeError(f"register_value({kind!r}, …): the first argument must be a class")
    if kind in _NATIVE:
        raise TypeError(
            f"register_value({kind.__name__}, …) has no effect: values of {kind.__name__} are written as they are; "
            "register a subclass, or use `redaction` for what must not be seen"
        )
    if not callable(function):
        raise TypeError(
            f"register_value({kind.__name__}, {function!r}): the second argument must be a function of one value"
        )
    _registered[kind] = function
    _decided.clear()


def registered(kind: type) -> Callable[[Any], Any] | None:
    """The function that was registered for a class, or for the nearest of its bases.

    Args:
        kind: The class.
    """
    return next((_registered[base] for base in kind.__mro__ if base in _registered), None)


def convert(value: Any) -> Any:
    """The form of a value in a record: one that the native core can write, or that contains such values.

    Args:
        value: Any value.

    Returns:
        None, a boolean, number, text, dict, list or tuple. For a value that raises
        `{"$error": "<exception>", "$type": "<class>"}`.
    """
    kind = type(value)
    function = _decided.get(kind)
    try:
        if function is None:
            function = _decide(kind)
            if len(_decided) >= _DECIDED_LIMIT:
                _decided.clear()
            _decided[kind] = function
        return function(value)
    except (
        Exception
    ) as error:  # Other exceptions (Ctrl-C, the end of a green thread) the native core raises after the call.
        return marker(error, kind)


def _decide(kind: type) -> Callable[[Any], Any]:
    return registered(kind) or models.reader(kind) or known.converter(kind) or repr
