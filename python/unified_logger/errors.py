"""Errors of this package. Logging itself never raises; only starting it does."""

from __future__ import annotations


class UnifiedLoggerError(Exception):
    """The base of all errors of this package."""


class ConfigurationError(UnifiedLoggerError, ValueError):
    """Something in the configuration is not as it must be; nothing was started or changed.

    Args:
        source: Where it stands: 'argument', 'environment variable LOG_LEVEL', a file's path …
        key: The option, with dots between levels.
        value: What stands there.
        allowed: What may stand there, in words.
        line: Line in the file, from 1; None where there is none.
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

    def __str__(self) -> str:
        place = self.source if self.line is None else f"{self.source}:{self.line}"
        shown = repr(self.value)
        if len(shown) > 120:
            shown = f"{shown[:119]}…"
        hint = "" if self.suggestion is None else f"; did you mean {self.suggestion!r}?"
        return f"{place}: {self.key} = {shown} is not allowed: must be {self.allowed}{hint}"
