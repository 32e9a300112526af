"""This library with all patterns of its redaction on: what it costs the writer, and the calls nothing."""

from . import ours
from .ours import KIND, OMITS, calls, disabled, errors, files, finish, start

__all__ = ["KIND", "OMITS", "TITLE", "calls", "disabled", "errors", "files", "finish", "start"]

TITLE = "unified_logger, redaction on"
ours.OPTIONS["redaction"] = True
