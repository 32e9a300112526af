"""What a class shows: whether its `repr` was written for it, and the text of that `repr`."""

from __future__ import annotations

import sys

# The `repr` of their containers shows everything in them.
_PLAIN = frozenset(("builtins", "collections", "_collections"))


def definer(kind: type, name: str) -> type:
    """The class that defines a method that every object has."""
    return next(base for base in kind.__mro__ if name in base.__dict__)


def has_own_words(kind: type, base: type) -> bool:
    """Whether a class, or one between it and `base`, has a `repr` of its own.

    Args:
        kind: The class of a value.
        base: The class as which the value would be written.
    """
    owner = definer(kind, "__repr__")
    return owner is not base and owner.__module__ not in _PLAIN and issubclass(owner, base)


def is_generated(kind: type) -> bool:
    """Whether a decorator made the `repr` of a class from its fields. With `repr=False` it makes none, and no field is shown."""
    owner = definer(kind, "__repr__")
    if owner is object:
        return False
    method = owner.__dict__["__repr__"]
    code = getattr(method, "__code__", None)
    if code is not None and code.co_filename.startswith("<attrs generated"):
        return True
    # The `repr` of dataclasses is made of text, and wrapped against recursion.
    inner = getattr(getattr(method, "__wrapped__", None), "__code__", None)
    return inner is not None and inner.co_filename == "<string>"


def is_of_named_tuple(kind: type) -> bool:
    """Whether the `repr` of a named tuple was made by `namedtuple`."""
    method = definer(kind, "__repr__").__dict__["__repr__"]
    return getattr(method, "__globals__", None) is vars(sys.modules["collections"])


def content(value: str) -> str:
    """The characters of a text of a subclass of `str`, unless its `repr` or `str` hides them."""
    characters = str.__getitem__(value, slice(None))
    kind = type(value)
    for name, show in (("__repr__", repr), ("__str__", str)):
        if definer(kind, name) is not str:
            try:
                text = show(value)
            except Exception:
                continue
            if characters not in text and repr(characters)[1:-1] not in text:
                return str.__getitem__(text, slice(None))
    return characters
