"""Programs of several processes: started together, waited for within bounds, and ended if they do not end themselves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from forks import run_forking as run_forking
from odd_calls import exact as exact
from odd_calls import lines as lines
from odd_calls import prelude as prelude

# A program on a loaded machine needs this long at most; whoever needs longer hangs.
PATIENCE = 180

# Each process says at its end what it counted, for the test to add up.
PREAMBLE = """
import json, os, sys, time
from unified_logger import flush_logging, get_logger, get_stats, init_logging

def work(writer, count, **options):
    logger = get_logger("app")
    for number in range(count):
        logger.info("line", writer=str(writer), number=number)

def together(writer, count):
    # Nobody begins before all are there, so that none is done before another writes.
    open(f"here.{writer}", "w").close()
    while sum(name.startswith("here.") for name in os.listdir()) < count:
        time.sleep(0.001)

def report(writer):
    assert flush_logging(60)
    with open(f"stats.{writer}.json", "w") as file:
        json.dump(get_stats(), file)
"""


class Programs:
    """Starts programs in one directory and waits for all of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[str]] = []

    def start(self, code: str, *arguments: object) -> subprocess.Popen[str]:
        """Start a program, `PREAMBLE` before its code, in a file of its own (`spawn` imports it again)."""
        script = self.folder / f"program_{len(self.started)}.py"
        script.write_text(PREAMBLE + code, encoding="utf-8")
        program = subprocess.Popen(
            [sys.executable, str(script), *map(str, arguments)],
            cwd=self.folder,
            env=os.environ.copy(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(program)
        return program

    def wait(self) -> None:
        """Wait until all have ended well."""
        for program in self.started:
            output, _ = program.communicate(timeout=PATIENCE)
            assert program.returncode == 0, f"exit code {program.returncode}\n{output}"

    def stats(self) -> list[dict[str, Any]]:
        """What the processes counted that reported."""
        return [json.loads(path.read_text()) for path in sorted(self.folder.glob("stats.*.json"))]

    def rotations(self) -> int:
        """How often they rotated app.log, all together."""
        return sum(stats["files"]["app"]["rotations"] for stats in self.stats())

    def lock_timeouts(self) -> int:
        """How often one of them waited a second for the directory and went on without its lock."""
        return sum(stats["lock_timeouts"] for stats in self.stats())


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    """Programs whose working directory is `tmp_path`."""
    programs = Programs(tmp_path)
    yield programs
    for program in programs.started:
        if program.poll() is None:
            program.kill()
        program.communicate()
