"""C++'s spdlog, asynchronous and waiting when its queue is full, with JSON by its pattern: a program of its own.

It knows neither fields nor context: both are formatted into the message, as JSON, their texts escaped by a few lines of the program.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from native_loggers import build

from . import _program

TITLE = "spdlog (C++ program), asynchronous, JSON by pattern"
OMITS = "name of the thread (its number is there)"
KIND = "program"


def run(folder: Path, *, rounds: int, records: int, seconds: float) -> list[dict[str, Any]]:
    return _program.run(build.cpp_spdlog(), folder, rounds=rounds, records=records, seconds=seconds)
