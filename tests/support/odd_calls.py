"""Programs that log where few expect it, each record with a number; what is on disk is counted."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PRELUDE = """
import atexit, gc, itertools, json, logging, os, signal, sys, threading, time, weakref
from unified_logger import *

OPTIONS = {"log_dir": "logs", "console_format": "off", "max_bytes": 0, "ai_max_bytes": 0, "overflow_timeout": 60}
init_logging(**OPTIONS)
logger = get_logger("app")
numbers = itertools.count()

def emit(**fields):
    number = next(numbers)
    logger.info("m", n=number, **fields)

def finish():
    assert flush_logging(60)
    stats = get_stats()
    with open("counts.json", "w") as file:
        json.dump({"made": next(numbers), **{k: stats[k] for k in ("accepted", "written", "dropped", "failed")}}, file)
"""


@pytest.fixture
def prelude() -> str:
    """What each program begins with: logging started, and `emit`, which logs a record with the next number."""
    return PRELUDE


@pytest.fixture
def lines(tmp_path: Path) -> Callable[[], list[dict[str, Any]]]:
    """`lines()`: every record with a number in every directory of the program; each line must be whole."""

    def lines() -> list[dict[str, Any]]:
        found = []
        for path in sorted(tmp_path.glob("logs*/app.log*")):
            text = path.read_text(encoding="utf-8")
            assert text == "" or text.endswith("\n")
            found += [json.loads(line) for line in text.splitlines()]
        return [record for record in found if "n" in record]

    return lines


@pytest.fixture
def exact(
    run_python: Callable[..., subprocess.CompletedProcess[str]],
    lines: Callable[[], list[dict[str, Any]]],
    tmp_path: Path,
) -> Callable[..., list[dict[str, Any]]]:
    """`exact(code, others=0, first="")`: run the program, which calls `finish` last; every number is on disk once, and counted once.

    `others` is how many records without a number it logs as well, `first` runs before all else. Gives the records that
    have a number.
    """

    def exact(code: str, others: int = 0, first: str = "") -> list[dict[str, Any]]:
        done = run_python(f"{first}\n{PRELUDE}{code}\nfinish()\n", timeout=120)
        assert "Traceback" not in done.stderr, done.stderr
        counts = json.loads((tmp_path / "counts.json").read_text())
        found = lines()
        assert sorted(record["n"] for record in found) == list(range(counts["made"])), "lost or doubled"
        total = counts["made"] + others
        assert counts == {"made": counts["made"], "accepted": total, "written": total, "dropped": 0, "failed": 0}
        return found

    return exact
