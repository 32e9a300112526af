"""Packages whose functions wrap those of `logging`, and what each of them needs.

A wrapper may see every record, so with an unknown one every call makes a `LogRecord`. A known wrapper is asked for the levels at which it does
anything; other calls need no record. To add one, write a module with a function `needs`, and a line in `WRAPPERS`.
"""

from __future__ import annotations

import logging
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# By what is wrapped, and the module whose function wraps it.
WRAPPERS = {
    ("callHandlers", "sentry_sdk.integrations.logging"): "sentry",
    ("callHandlers", "newrelic.hooks.logger_logging"): "newrelic",
    ("makeRecord", "ddtrace.contrib.internal.logging.patch"): "datadog",
    ("_logRecordFactory", "opentelemetry.instrumentation.logging"): "opentelemetry",
}
_FUNCTION = type(import_module)
# How many wrappers around each other are looked through.
_MOST = 8


class Needs:
    """What a wrapper needs, and what that depends on.

    Args:
        inner: The function that it wraps.
        least: The least level at which it must be given a record; None if it needs none.
        kept: The least level at which records are kept for it unless it is given one; None if none are.
        handlers: Handlers that it gives records to. `least` is worked out again when one of their levels changes.
        watched: Dictionaries, and objects with attributes, which are watched in the same way.
        classes: Classes of which every attribute is watched.
        slots: Attributes that are watched, of objects that have slots for them.
    """

    def __init__(
        self,
        inner: object,
        least: int | None,
        kept: int | None = None,
        handlers: list[logging.Handler] | None = None,
        watched: list[object] | None = None,
        classes: list[type] | None = None,
        slots: list[tuple[object, str]] | None = None,
    ) -> None:
        self.inner = inner
        self.least = least
        self.kept = kept
        self.handlers = handlers or []
        self.watched = watched or []
        self.classes = classes or []
        self.slots = slots or []

    def join(self, other: Needs) -> None:
        """Adds what a wrapper needs that this one wraps."""
        self.inner = other.inner
        self.least = _lower(self.least, other.least)
        self.kept = _lower(self.kept, other.kept)
        self.handlers += other.handlers
        self.watched += other.watched
        self.classes += other.classes
        self.slots += other.slots


def needs(name: str, function: object) -> Needs | None:
    """What a function needs that has replaced one of `logging`.

    Args:
        name: The name of the replaced function.
        function: The one that has replaced it.

    Returns:
        What it and the functions that it wraps need; None if one of them is not known.
    """
    found: Needs | None = None
    for _ in range(_MOST):
        module = WRAPPERS.get((name, module_of(function)))
        if module is None:
            return None
        wrapper = import_module(f"{__name__}.{module}").needs(function)
        if wrapper is None:
            return None
        if found is None:
            found = wrapper
        else:
            found.join(wrapper)
        function = found.inner
        if function is logging.LogRecord or _is_of_logging(function):
            return found
    return None


def _lower(one: int | None, other: int | None) -> int | None:
    return min((level for level in (one, other) if level is not None), default=None)


def closure(function: Any) -> dict[str, object]:
    """The variables that a function has of the function around it, by name.

    Args:
        function: One of Python code.
    """
    names, cells = function.__code__.co_freevars, function.__closure__ or ()
    return {name: cell.cell_contents for name, cell in zip(names, cells, strict=True)}


def module_of(function: Any) -> str:
    """The module of the code that wraps.

    Args:
        function: A function, or an object of `wrapt`, which shows the attributes of the function that it wraps.

    Returns:
        The name of the module; an empty text if there is none.
    """
    if type(function) is not _FUNCTION:
        function = getattr(function, "_self_wrapper", None) or getattr(function, "_nr_wrapper", None) or function
    return str(function.__globals__.get("__name__", "")) if type(function) is _FUNCTION else ""


def _is_of_logging(function: Any) -> bool:
    return type(function) is _FUNCTION and function.__globals__ is vars(logging)
