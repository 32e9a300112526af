"""Errors of this package. Logging itself never raises; only starting it does."""

from __future__ import annotations

import reprlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class UnifiedLoggerError(Exception):
    """The base of all errors of this package."""


class ConfigurationError(UnifiedLoggerError, ValueError):
    """The configuration is wrong; nothing was started or changed.

    Args:
        source: Where the value was given: 'argument', 'environment variable LOG_LEVEL', a file's path …
        key: The option, with dots between levels.
        value: The value.
        allowed: The allowed values, in words.
        line: Line in the file, from 1; None if there is none.
        suggestion: The nearest known key, for an unknown one.
    """

    def __init__(
        self,
        *,
        source: str,
        key: str,
        value: object,
        allowed: str,
        line: int | None = None,
        suggestion: str | None = None,
    ) -> None:
        self.source = source
        self.key = key
        self.value = value
        self.allowed = allowed
        self.line = line
        self.suggestion = suggestion
        super().__init__(source, key, value, allowed, line, suggestion)

    def __reduce__(self) -> tuple[Any, ...]:
        # If a worker sends an error that cannot be unpickled, the process that waits for it would hang.
        arguments = (self.source, self.key, _sendable(self.value), self.allowed, self.line, self.suggestion)
        notes = getattr(self, "__notes__", None)
        return _again, arguments, None if notes is None else {"__notes__": list(notes)}

    def __str__(self) -> str:
        place = self.source if self.line is None else f"{self.source}:{self.line}"
        hint = "" if self.suggestion is None else f"; did you mean {self.suggestion!r}?"
        text = f"{place}: {_cut(self.key)} = {_shown(self.value)} is not allowed: must be {self.allowed}{hint}"
        return _printable(text)


def _again(
    source: str, key: str, value: object, allowed: str, line: int | None, suggestion: str | None
) -> ConfigurationError:
    """Makes an error that was copied or pickled."""
    return ConfigurationError(source=source, key=key, value=value, allowed=allowed, line=line, suggestion=suggestion)


def _sendable(value: object) -> object:
    """The value, or its text if it cannot be pickled."""
    import pickle

    try:
        pickle.dumps(value)
    except Exception:
        return _shown(value)
    return value


_LONGEST = 120


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _shown(value: object) -> str:
    """The value's repr, within bounds: a configuration may hold any value of any size."""
    short = reprlib.Repr()
    short.maxlevel, short.maxstring, short.maxother, short.maxlong = 3, _LONGEST, _LONGEST, _LONGEST
    short.maxdict = short.maxlist = short.maxtuple = short.maxset = short.maxfrozenset = 20
    try:
        return _cut(short.repr(value))
    except Exception:  # For example, an integer of more digits than the interpreter converts.
        return f"<{type(value).__name__}>"


def _printable(text: str) -> str:
    """The text on one line that is harmless for a terminal, whatever paths and values it has."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
