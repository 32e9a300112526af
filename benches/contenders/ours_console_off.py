"""This library with its console off."""

from . import ours
from .ours import KIND, OMITS, calls, disabled, errors, files, finish, start

__all__ = ["KIND", "OMITS", "TITLE", "calls", "disabled", "errors", "files", "finish", "start"]

TITLE = "unified_logger, console off"
ours.OPTIONS["console_format"] = "off"
