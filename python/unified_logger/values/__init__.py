"""What values without a native form become in a record.

The native core writes `None`, booleans, numbers, texts, dicts, lists and tuples by itself. Everything else comes here and
leaves as one of those. Nothing raised by a value leaves: it becomes a marker in the value's place.

What a class shows of itself decides: what its `repr` leaves out, or says in words of its own, is not taken apart. A value is looked at, never
worked: only what is in memory is read, and no more than a record keeps.
"""

from __future__ import annotations

from . import known, models
from .failed import describe, marker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["convert", "describe", "register"]

# The native core writes these itself and asks nobody.
_NATIVE = (type(None), bool, int, float, str, dict, list, tuple)
_DECIDED_LIMIT = 4_096

_registered: dict[type, Callable[[Any], Any]] = {}
# What was decided for each class met, so that it is decided once.
_decided: dict[type, Callable[[Any], Any]] = {}


def register(kind: type, function: Callable[[Any], Any]) -> None:
    """Says what values of a class become in records. Outranks everything this library knows, also inside of models and containers.

    Args:
        kind: The class; subclasses follow it unless they have a function of their own.
        function: Takes the value, returns what is logged in its place (again any value).

    Raises:
        TypeError: `kind` is no class, or has no effect. Values of `None`, `bool`, `int`, `float`, `str`, `dict`, `list` and `tuple` are
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


def convert(value: Any) -> Any:
    """What a value becomes: one the native core can write, or that contains such.

    Args:
        value: Anything.

    Returns:
        None, a boolean, number, text, dict, list or tuple. A value that raises becomes
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
    except Exception as error:  # What is none (Ctrl-C, a green thread's end) the native core raises after the call.
        return marker(error, kind)


def _decide(kind: type) -> Callable[[Any], Any]:
    for base in kind.__mro__:
        if base in _registered:
            return _registered[base]
    return models.reader(kind) or known.converter(kind) or repr
