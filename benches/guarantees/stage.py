"""Starts the child processes of an event, ends those that hang, and counts what they left."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .ledger import Ledger
from .lines import Outcome, count

if TYPE_CHECKING:
    from .events import Event

BENCHES = Path(__file__).resolve().parent.parent


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process that was started here and all that it started; the group has its number."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def how(code: int) -> str:
    """An exit code in words."""
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


class Stage:
    """One event for one library, in a directory of its own."""

    def __init__(self, logger: str, event: Event, root: Path) -> None:
        self.logger = logger
        self.event = event
        self.root = root
        self.folder = root / "logs"
        root.mkdir(parents=True)
        self.ledger = Ledger(root / "ledger")
        self.ended: list[str] = []

    def start(self, part: int = 0, **environment: str) -> subprocess.Popen[bytes]:
        """Start a child, in a session of its own."""
        with (self.root / f"out.{part}").open("ab") as out:
            return subprocess.Popen(
                [sys.executable, "-m", "guarantees.app", self.logger, self.event.name, str(self.root), str(part)],
                cwd=BENCHES,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def wait(self, process: subprocess.Popen[bytes], ends: int | None = None) -> None:
        """Wait until a child has ended, as the event wants; one that takes too long is killed and said to hang."""
        try:
            code = process.wait(self.event.timeout)
        except subprocess.TimeoutExpired:
            end_group(process)
            process.wait()
            self.ended.append("hangs")
        else:
            end_group(process)  # what it left behind, such as children that hang
            wanted = self.event.ends if ends is None else ends
            if code != wanted:
                self.ended.append(how(code))

    def run(self, **environment: str) -> None:
        """One child from start to end."""
        self.wait(self.start(**environment))

    def until(self, writer: int, number: int, process: subprocess.Popen[bytes]) -> None:
        """Wait until that many calls of a writer have returned, its process has ended or time is up."""
        deadline = time.monotonic() + self.event.timeout
        while self.ledger.returned(writer) < number and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)

    def notes(self) -> dict[str, Any]:
        """What the children told."""
        path = self.root / "notes"
        notes: dict[str, Any] = {}
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            for key, value in json.loads(line).items():
                notes.setdefault(key, value)  # the first of a kind
        return notes

    def outcome(self) -> Outcome:
        """Count, after what can be recovered has been."""
        module = importlib.import_module(f"guarantees.loggers.{self.logger}") if self.logger == "ours" else None
        if module is not None and self.folder.exists():
            module.recover(self.folder)
        paths = (
            [path for path in self.folder.iterdir() if path.name.startswith("app") and path.is_file()]
            if self.folder.exists()
            else []
        )
        outcome = count(paths, form(self.logger), self.ledger, self.event.bound)
        outcome.ended = self.ended
        outcome.notes |= self.notes()
        said = sum(path.stat().st_size for path in self.root.glob("out.*"))
        if said:
            outcome.notes["bytes on stderr"] = said
        self.event.judge(outcome, self)
        return outcome


def form(logger: str) -> str:
    """What the lines of a library are; its module is read, since it may not be importable here."""
    return constant(logger, "FORMAT")


def constant(logger: str, name: str) -> str:
    """A text constant of a library's module."""
    text = (BENCHES / "guarantees" / "loggers" / f"{logger}.py").read_text(encoding="utf-8")
    return next(line.split('"')[1] for line in text.splitlines() if line.startswith(f"{name} = "))
