"""`logging` with this library's handler on the root logger, where its loggers are not made native."""

from __future__ import annotations

from pathlib import Path

from . import ours
from ._stdlib import calls, disabled, errors
from .ours import files, finish

__all__ = ["calls", "disabled", "errors", "files", "finish", "start"]

TITLE = "logging through unified_logger"
OMITS = ""
KIND = "logger"


def start(folder: Path) -> None:
    ours.OPTIONS["native_stdlib"] = False
    ours.start(folder)
