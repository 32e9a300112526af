"""Runs an example as its page says: the page's commands, one after the other, on a copy of the example's files."""

from __future__ import annotations

import http.client
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from example_pages import PAGES, Page, Record, missing

# Commands that go on until they are stopped, and what tells each which socket to listen on: its own, and nobody else's.
SERVERS = {"gunicorn": ["--bind", "fd://{}"], "uvicorn": ["--fd", "{}"], "celery": []}
# Options of theirs that say how many workers there are.
WORKERS = {"-w", "--workers"}
PATIENCE = 20  # seconds


@dataclass
class Answer:
    """A request, and what it was answered; names of headers in lower case."""

    path: str
    sent: dict[str, str]
    status: int
    headers: dict[str, str]


@dataclass
class Run:
    """What came of running an example."""

    page: Page
    folder: Path
    answers: list[Answer] = field(default_factory=list)
    codes: dict[str, int] = field(default_factory=dict)

    def records(self, name: str = "app.log") -> list[Record]:
        """The records of a log file, in the order of logging; of a line that is just being written nothing."""
        path = self.folder / "logs" / name
        found = [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]] if path.exists() else []
        return sorted(found, key=lambda record: str(record["timestamp"]))

    def printed(self) -> list[str]:
        """The lines that the example's processes wrote on standard output and standard error."""
        files = sorted(self.folder.glob("output-*.txt"))
        return [line for path in files for line in path.read_text(encoding="utf-8").splitlines()]


class Runner:
    """Runs the commands of a page.

    Args:
        page: The page.
        folder: An empty directory to run them in.
    """

    def __init__(self, page: Page, folder: Path) -> None:
        shutil.copytree(page.folder, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "logs"))
        # Newer versions have a socket in the user's home; older ones pass over what they do not know.
        (folder / "gunicorn.conf.py").write_text("control_socket_disable = True\n", encoding="utf-8")
        self.run = Run(page, folder)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.started: dict[str, subprocess.Popen[bytes]] = {}

    def run_everything(self) -> Run:
        """Types each command, waits until what the page shows is there, and stops servers as a supervisor does."""
        for command in self.run.page.commands:
            words = shlex.split(command)
            assigned = [word for word in words if re.match("[A-Z_]+=", word)]
            name, *options = words[len(assigned) :]
            if name == "curl":
                self.run.answers.append(self.ask(options))
            elif name in SERVERS:
                options += [option.format(self.listener.fileno()) for option in SERVERS[name]]
                environment = dict(word.split("=", 1) for word in assigned)
                self.start(command, [sys.executable, "-m", name, *options], **environment)
                self.wait_for_workers(workers(options))
            else:
                self.run.codes[command] = self.start(command, ["sh", "-c", command]).wait(PATIENCE)
        self.wait_until(lambda: not missing(self.run.page, self.run.records()))
        for command, process in self.started.items():
            if command not in self.run.codes:
                process.send_signal(signal.SIGTERM)
                self.run.codes[command] = process.wait(PATIENCE)
        return self.run

    def start(self, command: str, words: list[str], **environment: str) -> subprocess.Popen[bytes]:
        """Starts a command in a session of its own, with the programs of this interpreter's environment at hand."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("LOG_", "UNIFIED_LOGGER_", "USE_UNIFIED_LOGGING"))
        }
        kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', os.defpath)}"
        with (self.run.folder / f"output-{len(self.started)}.txt").open("wb") as output:
            process = self.started[command] = subprocess.Popen(
                words,
                cwd=self.run.folder,
                env={**kept, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[self.listener.fileno()],
                start_new_session=True,
            )
        return process

    def ask(self, options: list[str]) -> Answer:
        """Does what curl would do."""
        parts = iter(options)
        headers: dict[str, str] = {}
        url = ""
        for part in parts:
            if part == "-H":
                name, _, headers[name] = next(parts).partition(": ")
            else:
                assert not part.startswith("-"), f"curl has an option {part} that is unknown here"
                url = part
        target = urlsplit(f"http://{url}")
        connection = http.client.HTTPConnection("127.0.0.1", self.listener.getsockname()[1], timeout=PATIENCE)
        try:
            connection.request("GET", f"{target.path}?{target.query}" if target.query else target.path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(target.path, headers, answer.status, told)
        finally:
            connection.close()

    def wait_for_workers(self, wanted: int) -> None:
        """Waits until so many processes have logged; with workers, the one that watches over them has done so before."""
        there = self.wait_until(lambda: len({record["process"] for record in self.run.records()}) > wanted)
        assert there, "\n".join(["the server did not start:", *self.run.printed()])

    def wait_until(self, holds: Callable[[], bool]) -> bool:
        """Waits until something holds, or a program has failed, or patience ends; tells whether it holds."""
        deadline = time.monotonic() + PATIENCE
        while not holds():
            if time.monotonic() > deadline or any(process.poll() for process in self.started.values()):
                return holds()
            time.sleep(0.01)
        return True

    def end(self) -> None:
        """Ends whatever is left, workers included."""
        self.listener.close()
        for process in self.started.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def workers(options: list[str]) -> int:
    """How many worker processes a server's options ask for."""
    return sum(int(value) for name, value in pairwise(options) if name in WORKERS)


@pytest.fixture(scope="module", params=PAGES)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """An example that was run once, for all tests that look at what came of it."""
    page = PAGES[request.param]
    for extra in page.extras:
        if find_spec(extra) is None:
            pytest.skip(f"there is no {extra} for this Python")
    runner = Runner(page, tmp_path_factory.mktemp(page.name))
    try:
        yield runner.run_everything()
    finally:
        runner.end()
