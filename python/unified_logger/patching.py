"""Loggers whose methods can be replaced one by one, as tests of applications do."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Patchable:
    """An object without a dictionary whose methods can be set: `mock.patch.object(logger, "info")`.

    An object with a replaced method gets a class of its own. So all other objects are called as fast as if this were not possible.
    Only methods can be replaced: any other name, misspelt or of `logging`, would be set without any effect.
    """

    __slots__ = ()

    def __setattr__(self, name: str, value: Any) -> None:
        kind = type(self)
        if name.startswith("__") or not _is_method(kind, name):
            # Raises what it raises for any object without a dictionary.
            object.__setattr__(self, name, value)
            return
        patched = _own_class(kind)
        own = kind if patched is None else patched
        if _is_original(own, self, name, value):
            if patched is not None and name in vars(patched):
                delattr(self, name)
            return
        if patched is None:
            patched = type(kind.__name__, (kind,), {"__slots__": (), "__module__": kind.__module__, _PATCHED: True})
            object.__setattr__(self, "__class__", patched)
        # A function in a class would be bound to the object.
        setattr(patched, name, staticmethod(value) if hasattr(type(value), "__get__") else value)

    def __delattr__(self, name: str) -> None:
        patched = _own_class(type(self))
        if patched is None or name not in vars(patched) or name.startswith("__"):
            object.__delattr__(self, name)
            return
        delattr(patched, name)
        if not vars(patched).keys() - _EMPTY:
            object.__setattr__(self, "__class__", patched.__base__)


# Marks a class that belongs to one object.
_PATCHED = "_patched_"


def _own_class(kind: type) -> type | None:
    return kind if _PATCHED in vars(kind) else None


def _is_method(kind: type, name: str) -> bool:
    found = getattr(kind, name, None)
    return callable(found) and not isinstance(found, property)


def _is_original(kind: type, held: object, name: str, value: object) -> bool:
    """Whether a value is the object's own method, as a test puts it back that has kept it."""
    base = kind.__base__ if _PATCHED in vars(kind) else kind
    own: Any = getattr(base, name)
    return bool(hasattr(own, "__get__") and own.__get__(held, base) == value)


_EMPTY = frozenset(vars(type("Empty", (Patchable,), {"__slots__": (), _PATCHED: True})))
