"""What stands in the place of a value that cannot be had."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def describe(error: BaseException) -> str:
    """An exception in one line: its class, and its text where it has one. Nothing it raises leaves."""
    try:
        text = str(error)
    except Exception:
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def marker(error: BaseException, kind: type) -> dict[str, str]:
    """Stands for a value of a class whose conversion raised."""
    return {"$error": describe(error), "$type": f"{kind.__module__}.{kind.__qualname__}"}


def attempt(function: Callable[[Any], Any], value: Any) -> Any:
    """What a function makes of a value, or of one attribute of it. If it raises, that is lost and nothing else."""
    try:
        return function(value)
    except Exception as error:
        return marker(error, type(value))
