"""Functions of the program that options name: given as they are, or as a text that says where they are."""

from __future__ import annotations

from ..texts import name_of
from .kinds import Kind, NotAllowedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ALLOWED = "a function, or where one is: 'package.module:name'"


def _function(value: Any) -> Any:
    if callable(value):
        return _running(value)
    if not isinstance(value, str):
        raise TypeError
    module, colon, name = value.strip().partition(":")
    if not (module and colon and name):
        raise ValueError
    return _running(imported(module, name))


def _running(function: Any) -> Any:
    """A function whose call runs its body: that of a generator function would run only for someone who takes its items."""
    from inspect import isasyncgenfunction, isgeneratorfunction

    for called in (function, type(function).__call__):
        if isgeneratorfunction(called) or isasyncgenfunction(called):
            raise NotAllowedError(f"{_ALLOWED}; {shown(function)} has a yield, so a call would run nothing of it")
    return function


def imported(module: str, name: str) -> Any:
    """The function of a module, which is imported.

    Args:
        module: The module's full name.
        name: The function's name in it; with dots for one in a class or an object.

    Raises:
        NotAllowedError: There is no such module or function, or the import fails.
    """
    from importlib import import_module

    try:
        found: Any = import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except Exception as error:  # The module may do anything.
        raise NotAllowedError(f"{_ALLOWED}; this one cannot be imported ({type(error).__name__}: {error})") from error
    if not callable(found):
        raise NotAllowedError(f"{_ALLOWED}; this is no function")
    return found


def shown(function: Any) -> str:
    """A function as messages and reloads name it."""
    return name_of(function, ":")


class _FunctionKind(Kind):
    def shown(self, value: object) -> object:
        return shown(value) if callable(value) else value

    def reported(self, value: Any) -> object:
        return shown(value)


FUNCTION = _FunctionKind(
    "function",
    _ALLOWED,
    _function,
    _function,
    {"type": "string", "pattern": "^[^:]+:[^:]+$"},
    "Callable[[Any], object] | str",
)


def _functions(value: Any) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise TypeError
    return tuple(_plain(FUNCTION.parse(function)) for function in value)


def _plain(function: Any) -> Any:
    """A function that returns when it is done: the calling thread does not wait for a coroutine."""
    from inspect import iscoroutinefunction

    if iscoroutinefunction(function) or iscoroutinefunction(type(function).__call__):
        raise NotAllowedError(f"functions that return when they are done; {shown(function)} is a coroutine function")
    return function


class _FunctionsKind(Kind):
    def shown(self, value: object) -> object:
        return [FUNCTION.shown(one) for one in value] if isinstance(value, (list, tuple)) else value

    def reported(self, value: Any) -> object:
        return tuple(shown(function) for function in value)


FUNCTIONS = _FunctionsKind(
    "functions",
    "a list of functions, or of texts that say where they are: 'package.module:name' (in the environment: with commas between)",
    _functions,
    lambda text: _functions([part for part in text.split(",") if part.strip()]),
    {"type": "array", "items": FUNCTION.schema},
    "Sequence[Callable[[dict[str, Any]], Any] | str]",
)
