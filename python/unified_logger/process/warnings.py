"""Warnings of Python as records of the logger `py.warnings`."""

from __future__ import annotations

import logging
import warnings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TextIO

    from ..config import Settings

_before: Any = None
_stock: Any = getattr(warnings, "_showwarning_orig", None)


def start(settings: Settings) -> None:
    """Has warnings logged. Harmless when repeated."""
    global _before
    # `captureWarnings(False)` of `logging` may have restored the previous function.
    if _before is None or warnings.showwarning in (_before, _stock):
        _before = warnings.showwarning
        warnings.showwarning = _show_warning


def stop() -> None:
    """Nothing: warnings are logged until the end."""


def in_child() -> None:
    """Nothing: the child has them logged as well."""


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Logs a warning as a record of the line that caused it."""
    logger = logging.getLogger("py.warnings")
    # Disabled by `logging.config`, which did not name it: then warnings are shown as without this library.
    if (file is not None or logger.disabled or _is_caught()) and _before is not None:
        _before(message, category, filename, lineno, file, line)
        return
    if logger.isEnabledFor(logging.WARNING):
        record = logger.makeRecord(
            logger.name, logging.WARNING, filename, lineno, str(message), (), None, "", {"category": category.__name__}
        )
        logger.handle(record)


def _is_caught() -> bool:
    """Whether a `catch_warnings(record=True)` wants the warning, as pytest has around each test.

    From 3.14 on it may be bound to the context, and then it replaces nothing. Before, it replaces a function by the method of a list, and
    calls a `showwarning` that is set later, inside of it, first.
    """
    current = getattr(warnings, "_get_context", None)
    if current is not None and getattr(current(), "log", None) is not None:
        return True
    return not hasattr(getattr(warnings, "_showwarnmsg_impl", _is_caught), "__code__")
