"""The handler of the mode without the engine for the console."""

from __future__ import annotations

import logging

from .fallback_handlers import Reporting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .. import _core


class Console(Reporting, logging.StreamHandler):  # type: ignore[type-arg] # not generic at run time
    """The console, which counts its lines.

    Args:
        stream: The stream that it writes to.
        redaction: Replaces secrets; None for no redaction.
    """

    def __init__(self, stream: Any, redaction: _core.Redaction | None) -> None:
        super().__init__(stream)
        self.redaction = redaction
        self.counts = dict.fromkeys(("written", "dropped", "errors"), 0)
        # Whether the last line is lost.
        self.has_lost = False

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the record. A line that the stream does not take is lost."""
        self.has_lost = not self._is_shown(record)
        self.counts["dropped" if self.has_lost else "written"] += 1

    def _is_shown(self, record: logging.LogRecord) -> bool:
        try:
            line = f"{self.format(record)}{self.terminator}"
        except RecursionError:  # As in `logging`: reporting it would need more of the stack.
            raise
        except Exception:
            self.handleError(record)
            return False
        try:
            try:
                self._show(line)
            except UnicodeEncodeError as error:
                self._show(line.encode(error.encoding, "backslashreplace").decode(error.encoding))
        except RecursionError:
            raise
        except Exception as error:  # Full, closed or without a reader; an object in its place may raise anything.
            self.report("write to", "the console", error)
            return False
        return True

    def _show(self, line: str) -> None:
        self.stream.write(line)
        self.flush()
