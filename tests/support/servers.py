"""Servers with several workers, as programs of their own."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


class Server:
    """A server whose workers inherit a listening socket, so that its port is known and nobody else's."""

    def __init__(self, folder: Path, code: str, *command: str) -> None:
        (folder / "service.py").write_text(code, encoding="utf-8")
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.output = folder / "server.txt"
        descriptor = self.listener.fileno()
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *(word.replace("FD", str(descriptor)) for word in command)],
                cwd=folder,
                env=os.environ.copy(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[descriptor],
                start_new_session=True,
            )

    def get(self, number: int) -> int:
        """Ask for one number, once more when a worker ended under the request; tells which process answered."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", f"/{number}")
            answer = connection.getresponse()
            body = answer.read().decode()
        finally:
            connection.close()
        assert answer.status == 200, body
        return int(body)

    def get_all(self, numbers: range) -> set[int]:
        """Ask for many numbers, four at a time; tells which processes answered."""
        with ThreadPoolExecutor(4) as pool:
            return set(pool.map(self.get, numbers))

    def stop(self) -> None:
        """Ask the server to end gracefully, and wait until it has."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        # uvicorn ends by the signal it was sent, after everything else.
        assert code in (0, -signal.SIGTERM), f"exit code {code}\n{self.output.read_text()}"

    def end(self) -> None:
        """End whatever is left of it, workers included."""
        self.listener.close()
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
