"""Errors of this package. Logging itself never raises; only starting it does."""

from __future__ import annotations

import reprlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


# Where all names are that have no place in a message.
ALL_OPTIONS = "All options: python -m unified_logger.cli options"


class MISSING:
    """Stands for the value of something that is needed and was not given."""


class UnifiedLoggerError(Exception):
    """The base of all errors of this package."""


class ConfigurationError(UnifiedLoggerError, ValueError):
    """The configuration is wrong; nothing was started or changed.

    Args:
        source: Where the value was given: 'argument', 'environment variable LOG_LEVEL', a file's path …
        key: The option, with dots between levels.
        value: The value. `MISSING` if none was given.
        allowed: The allowed values, in words.
        line: Line in the file, from 1; None if there is none.
        suggestion: The nearest known key for an unknown one, or the nearest word for a value that is one of some words.
        unknown: What `key` is not, if nothing has this name: 'option', 'key' …
        hint: A second line of the message.
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
        unknown: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.source = source
        self.key = key
        self.value = value
        self.allowed = allowed
        self.line = line
        self.suggestion = suggestion
        self.unknown = unknown
        self.hint = hint
        super().__init__(source, key, value, allowed, line, suggestion, unknown, hint)

    def __reduce__(self) -> tuple[Any, ...]:
        # If a worker sends an error that cannot be unpickled, the process that waits for it would hang.
        value = _sendable(self.value)
        arguments = self.source, self.key, value, self.allowed, self.line, self.suggestion, self.unknown, self.hint
        notes = getattr(self, "__notes__", None)
        return _again, arguments, None if notes is None else {"__notes__": list(notes)}

    def __str__(self) -> str:
        more = self.hint
        if more is None and self.unknown is None and self.suggestion is not None:
            more = _listed(f"It must be {self.allowed}")
        return self.sentence if more is None else f"{self.sentence}\n{_printable(more)}"

    @property
    def sentence(self) -> str:
        """The first line of the message, which says what is wrong."""
        place = self.source if self.line is None else f"{self.source}:{self.line}"
        if self.value is MISSING:
            text, right = f"{_cut(self.key)} is missing", f"must be {self.allowed}"
        elif self.unknown is None:
            text = f"{_cut(self.key)} = {shown(self.value)} is not allowed"
            right = f"must be {self.allowed}"
        else:
            text, right = f"there is no {self.unknown} '{_cut(self.key)}'", ""
        if self.suggestion is not None:
            right = f"did you mean {self.suggestion!r}?"
        return _printable(f"{place}: {text}{right and ': '}{right}")


class NotAllowedError(ValueError):
    """A value that is not allowed. The text says what is, if that depends on the value.

    Args:
        allowed: The allowed values, in words.
        suggestion: The allowed word that is most like a wrong one.
    """

    def __init__(self, allowed: str, suggestion: str | None = None) -> None:
        super().__init__(allowed)
        self.suggestion = suggestion


class PartError(ValueError):
    """One part of a value is not allowed.

    Args:
        part: Its name in the value.
        value: What was given.
        allowed: The allowed values, in words.
        path: The keys that lead to it, if there are several.
        known: The allowed names, if its name is not one of them.
        suggestion: The allowed word that is most like a wrong value, or where an unknown name is known; by default the known name that is
            most like it.
    """

    def __init__(
        self,
        part: str,
        value: object,
        allowed: str,
        path: tuple[str, ...] | None = None,
        known: list[str] | None = None,
        suggestion: str | None = None,
    ) -> None:
        super().__init__(part, value, allowed)
        self.part = part
        self.value = value
        self.allowed = allowed
        self.path = (part,) if path is None else path
        self.known = known
        if suggestion is None and known and self.path:
            suggestion = nearest(self.path[-1], known)
        self.suggestion = suggestion

    def of(
        self, source: str, option: str | None = None, line: int | None = None, hint: str | None = None
    ) -> ConfigurationError:
        """The error of the whole configuration.

        Args:
            source: Where the value was given.
            option: The option that has this value; None if the value is a whole file.
            line: The line in the file.
            hint: The second line for an unknown key, if it is not that of a file or an option.
        """
        path = self.path if option is None else (option, *self.path)
        if not self.known:
            hint = None
        elif hint is None:
            hint = f"{'.'.join(path[:-1])} has {', '.join(self.known)}" if path[1:] else ALL_OPTIONS
        return ConfigurationError(
            source=source,
            key=self.part if option is None else f"{option}.{self.part}",
            value=self.value,
            allowed=self.allowed,
            line=line,
            suggestion=self.suggestion,
            unknown="key" if self.known else None,
            hint=hint and _listed(hint),
        )


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like an unknown one; None if none is."""
    try:
        from difflib import get_close_matches
    except ImportError:  # No descriptor is left, or the root has changed: the error itself is more important.
        return None
    return next(iter(get_close_matches(name, known, 1)), None)


def nearest_word(value: object, words: Iterable[object]) -> str | None:
    """The allowed word that is most like a wrong value, in any case; None if none is."""
    known = {word.lower(): word for word in words if isinstance(word, str)}
    return known.get(nearest(value.lower(), known) or "") if isinstance(value, str) and known else None


def unknown_shown(name: str, value: object) -> object:
    """The value of an unknown name as it may be shown in a message: the name may be that of the hash key, misspelt."""
    return "(not shown)" if "key" in name.lower() and isinstance(value, str) else value


def _again(
    source: str,
    key: str,
    value: object,
    allowed: str,
    line: int | None,
    suggestion: str | None,
    unknown: str | None = None,
    hint: str | None = None,
) -> ConfigurationError:
    """Makes an error that was copied or pickled."""
    return ConfigurationError(
        source=source,
        key=key,
        value=value,
        allowed=allowed,
        line=line,
        suggestion=suggestion,
        unknown=unknown,
        hint=hint,
    )


def _sendable(value: object) -> object:
    """The value, or its text if it cannot be pickled."""
    import pickle

    try:
        pickle.dumps(value)
    except Exception:
        return shown(value)
    return value


_LONGEST = 120


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _listed(text: str) -> str:
    """A text with a list of names, within bounds: names that have no room are left out."""
    return text if len(text) <= 2 * _LONGEST else f"{text[: 2 * _LONGEST].rpartition(', ')[0]}, …"


def shown(value: object) -> str:
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
