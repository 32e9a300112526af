"""Rust's tracing with its JSON format, through tracing-appender's thread with nothing lost: a program of its own.

The trace, the function and the process are those of the current span, which its users set; its JSON has the span as an object.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from native_loggers import build

from . import _program

TITLE = "tracing + JSON + tracing-appender (Rust program), lossless"
OMITS = "module (the name of the file is there)"
KIND = "program"


def run(folder: Path, *, rounds: int, records: int, seconds: float) -> list[dict[str, Any]]:
    return _program.run(build.rust_tracing(), folder, rounds=rounds, records=records, seconds=seconds)
