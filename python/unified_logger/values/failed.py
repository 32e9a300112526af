"""Markers for values that cannot be converted."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def describe(error: BaseException) -> str:
    """An exception in one line: its class, and its text if it has one. It never raises."""
    try:
        text = str(error)
    except Exception:
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def marker(error: BaseException, kind: type) -> dict[str, str]:
    """The marker of a value of a class whose conversion raised."""
    return {"$error": describe(error), "$type": f"{kind.__module__}.{kind.__qualname__}"}


def attempt(function: Callable[[Any], Any], value: Any) -> Any:
    """The result of a function for a value, or for one attribute of it; a marker if it raises."""
    try:
        return function(value)
    except Exception as error:
        return marker(error, type(value))
