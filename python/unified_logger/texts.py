"""Texts that files and messages take: without what no file can hold, and names of classes and functions."""

from __future__ import annotations


def whole(text: str) -> str:
    """The text with lone surrogates escaped, which stand for bytes that are not UTF-8: a file takes none."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def name_of(thing: object, between: str = ".") -> str:
    """The full name of a class or a function; any other object has that of its class.

    Args:
        thing: The class, the function or the object.
        between: What stands between the module and the name in it.

    Returns:
        The name, such as `package.module.name`.
    """
    name = getattr(thing, "__qualname__", None) or type(thing).__qualname__
    return f"{getattr(thing, '__module__', None) or '?'}{between}{name}"
