"""`logging` whose loggers this library has made native."""

from __future__ import annotations

from pathlib import Path

from . import ours
from ._stdlib import calls, disabled, errors
from .ours import files, finish

__all__ = ["calls", "disabled", "errors", "files", "finish", "start"]

TITLE = "logging made native by unified_logger"
OMITS = ""
KIND = "logger"


def start(folder: Path) -> None:
    ours.OPTIONS["native_stdlib"] = True
    ours.start(folder)
