"""This library, console off."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

TITLE = "unified_logger"
PACKAGE = "unified_logger"
FORMAT = "json"
PLACE = "%d"

_logger: Any = None


def start(folder: Path, max_bytes: int = 0, queue_size: int = 0, processes: str = "") -> None:
    global _logger
    from unified_logger import get_logger, init_logging

    from . import KEEP

    options: dict[str, Any] = {"overflow": "drop_new", "queue_size": queue_size} if queue_size else {}
    init_logging(log_dir=str(folder), max_bytes=max_bytes, backup_count=KEEP, console_format="off", **options)
    _logger = get_logger("app")


def log(text: str, *args: object) -> None:
    _logger.info(text, *args)


def value(text: str, value: object) -> None:
    _logger.info(text, value=value)


def flush() -> None:
    from unified_logger import flush_logging

    flush_logging(60.0)


def hand_over() -> None:
    return None


def take_over(handed: None, folder: Path, forked: bool) -> None:
    if not forked:
        start(folder)


def child_ends() -> None:
    """Nothing is asked of a child."""


def dropped() -> int | None:
    from unified_logger import get_stats

    return int(get_stats()["dropped"])


def recover(folder: Path) -> None:
    """What a dead process left is written: by the command where there is one, else by the next start on that directory."""
    script = Path(sys.executable).with_name("unified-logger")
    if script.exists():
        command = [str(script), "recover", str(folder)]
    elif importlib.util.find_spec("unified_logger.cli"):
        command = [sys.executable, "-m", "unified_logger.cli", "recover", str(folder)]
    else:
        code = (
            "import sys, unified_logger as u; u.init_logging(log_dir=sys.argv[1], console_format='off', max_bytes=0); "
            "u.flush_logging(60)"
        )
        command = [sys.executable, "-c", code, str(folder)]
    subprocess.run(command, capture_output=True, timeout=120, check=False)
