"""Processes that die, and what is on disk after them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

PRELUDE = """
import os, signal, sys, threading, time
from unified_logger import flush_logging, get_logger, get_stats, init_logging, shutdown_logging
"""


def clean_environment(**more: str) -> dict[str, str]:
    """The environment of the test, and more."""
    return {**os.environ, **more}


def wait_for(condition: Callable[[], Any], seconds: float = 30.0) -> Any:
    """The first true answer of `condition`."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
    return answer


@dataclass
class Site:
    """A directory in which programs log and die."""

    path: Path
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def logs(self) -> Path:
        """The log directory."""
        return self.path / "logs"

    def start(self, code: str, **environment: str) -> subprocess.Popen[str]:
        """Runs a program and leaves it running. What it needs is imported."""
        process = subprocess.Popen(
            [sys.executable, "-c", PRELUDE + code],
            cwd=self.path,
            env=clean_environment(**environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def run(self, code: str, timeout: float = 60, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs a program to its end, however it ends."""
        process = self.start(code, **environment)
        out, err = process.communicate(timeout=timeout)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def recover(self, directory: Path | None = None) -> subprocess.CompletedProcess[str]:
        """`unified-logger recover` on the log directory."""
        return subprocess.run(
            [sys.executable, "-m", "unified_logger.cli", "recover", str(directory or self.logs)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def restart(self, **environment: str) -> subprocess.CompletedProcess[str]:
        """A new process that logs nothing of its own, only flushes."""
        return self.run('init_logging(log_dir="logs", console_format="off"); assert flush_logging(20)', **environment)

    def lines(self, name: str = "app.log") -> list[dict[str, Any]]:
        """The records of a file and of those rotated from it, oldest file first; each line is whole."""
        files = sorted(
            self.logs.glob(f"{name}*"), key=lambda path: -int(path.suffix[1:]) if path.suffix[1:].isdigit() else 1
        )
        return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]

    def numbers(self, name: str = "app.log", logger: str = "app") -> list[int]:
        """The field `number` of an application's records."""
        return [line["number"] for line in self.lines(name) if line["logger"] == logger]

    def notices(self) -> list[dict[str, Any]]:
        """What was said of processes that died."""
        return [line for line in self.lines() if line["function"] == "recovery" and line["logger"] == "unified_logger"]

    def left_behind(self) -> Path:
        """The box of a process that was killed with all of its ten records unwritten."""
        self.run(
            """
init_logging(log_dir="logs", console_format="off", black_box="dir")
os.unlink("logs/app.log")
os.mkdir("logs/app.log")
for number in range(10):
    get_logger("app").info("m", number=number)
os.kill(os.getpid(), signal.SIGKILL)
"""
        )
        (self.logs / "app.log").rmdir()
        (box,) = self.boxes()
        return box

    def boxes(self) -> list[Path]:
        """The boxes beside the logs."""
        known = (self.logs / ".unified_logger").glob("*")
        return sorted(path for path in known if path.suffix == ".box")

    def kill(self, process: subprocess.Popen[str], number: int = signal.SIGKILL) -> None:
        """Ends a process that was started here."""
        process.send_signal(number)
        self.wait(process)

    def wait(self, process: subprocess.Popen[str]) -> None:
        """Waits until the process has ended, whoever else may hold its output."""
        process.wait(60)
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


@pytest.fixture
def site(tmp_path: Path) -> Any:
    """A directory in which programs log and die; what still runs afterwards is ended."""
    site = Site(tmp_path)
    yield site
    for process in site.processes:
        if process.poll() is None:
            process.kill()
        site.wait(process)


@pytest.fixture
def wait() -> Callable[..., Any]:
    """`wait(condition, seconds=30)`: the first true answer of `condition`."""
    return wait_for


@pytest.fixture
def exactly_once() -> Callable[[list[int], int], None]:
    """Checks that numbers count from 0 to a bound, each once, in order."""

    def check(numbers: list[int], count: int) -> None:
        twice = [number for number, times in Counter(numbers).items() if times > 1]
        missing = sorted(set(range(count)) - set(numbers))
        assert not twice, f"written more than once: {twice[:10]}"
        assert not missing, f"lost: {missing[:10]} of {count}"
        assert numbers == list(range(count)), "not in order"

    return check
