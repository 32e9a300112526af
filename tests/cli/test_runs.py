"""`unified-logger runs`: which processes logged in a directory, and how each ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kinds import Run

LOG = """
import sys
from unified_logger import flush_logging, get_logger, init_logging

init_logging(log_dir="logs", console_format="off")
for number in range(10):
    get_logger("shop").info("order", number=number)
flush_logging(timeout=10)
"""


def told(text: str) -> list[dict[str, Any]]:
    """The objects of an answer."""
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_each_process_has_its_end(run: Run, run_python: Callable[..., Any], tmp_path: Path) -> None:
    """In order, running, died, and recovered. Seen to fail where boxes were not looked at."""
    run_python(LOG)
    more = "get_logger('shop').info('not written', number=10)\nprint('here', flush=True)\nsys.stdin.read()\n"
    # The writer of a stopped process writes nothing more.
    code = LOG + "import os, signal\n" + more
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        first, second = told(run("runs", "--json").stdout)
        assert (first["end"], first["records"], first["lost"]) == ("ended", 10, None)
        assert (second["process"], second["end"]) == (process.pid, "running")
        assert first["first"] <= first["last"] <= second["first"]
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    ends = {"died, not recovered", "ended"}  # nothing is left of a process whose records were all written
    assert told(run("runs", "--json").stdout)[1]["end"] in ends
    shown = run("runs", "--utc").stdout.splitlines()
    assert shown[0].split() == ["process", "first", "last", "records", "end", "recovered", "lost"]
    assert len(shown) == 3
    assert len(run("runs", "-n", "1").stdout.splitlines()) == 2


def test_what_a_recovery_said_is_told(run: Run, tmp_path: Path) -> None:
    """By the number of the process. Seen to fail where damaged records were not counted as lost."""
    lines: list[dict[str, Any]] = [
        {
            "timestamp": f"2026-02-19T10:00:0{n}.000000+00:00",
            "level": "INFO",
            "logger": "a",
            "message": "x",
            "process": 77,
        }
        for n in range(3)
    ]
    notice = {"logger": "unified_logger", "function": "recovery", "pid": 77, "records": 2, "damaged": 1}
    lines.append({**lines[0], "timestamp": "2026-02-19T10:01:00.000000+00:00", **notice})
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "app.log").write_text("".join(json.dumps(line) + "\n" for line in lines))
    [found] = told(run("runs", "--json").stdout)
    assert (found["process"], found["records"], found["end"], found["recovered"], found["lost"]) == (
        77,
        4,
        "died",
        2,
        1,
    )


def test_nothing_is_found_where_nothing_is(run: Run, tmp_path: Path) -> None:
    """And a directory that is missing is trouble."""
    assert run("runs", "nowhere").returncode == 2
    (tmp_path / "logs").mkdir()
    assert run("runs").returncode == 1
    assert run("runs", "-n", "x").returncode == 2
