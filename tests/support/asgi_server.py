"""Real ASGI servers on loopback, in processes of their own, and clients of them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Answer = tuple[int, dict[str, str], bytes]


class Server:
    """A server that serves `service:app` from a folder, and logs into its `logs`.

    `command` may have FD, a listening socket that is inherited, or PORT, a port that was free just before.
    """

    def __init__(self, folder: Path, code: str, *command: str, **environment: str) -> None:
        self.folder = folder
        (folder / "service.py").write_text(code, encoding="utf-8")
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        descriptor = self.listener.fileno()
        inherits = any("FD" in word for word in command)
        if not inherits:
            self.listener.close()
        self.output = folder / "server.txt"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    *(word.replace("FD", str(descriptor)).replace("PORT", str(self.port)) for word in command),
                ],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": os.environ.get("PYTHONPATH", ""), **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[descriptor] if inherits else [],
                start_new_session=True,
            )
        self._wait_until_it_answers()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.close()
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                if self.get("/ready")[0] == 200:
                    return
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise AssertionError(f"the server does not answer\n{self.output.read_text()}")
            time.sleep(0.02)

    def get(self, *paths: str, **headers: str) -> Answer:
        """Asks for paths, one after the other over one connection; tells the last answer."""
        return asyncio.run(self.ask([(path, headers) for path in paths]))[-1]

    async def ask(self, requests: Iterable[tuple[str, dict[str, str]]]) -> list[Answer]:
        """Asks over one connection, one request after the other."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        answers = []
        try:
            for path, headers in requests:
                lines = [f"GET {path} HTTP/1.1", "host: test", *(f"{name}: {value}" for name, value in headers.items())]
                writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
                answers.append(await asyncio.wait_for(_answer(reader), 30))
        finally:
            writer.close()
        return answers

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Asks the server to end gracefully, and waits until it has."""
        self.process.send_signal(number)
        code = self.process.wait(30)
        # uvicorn ends by the signal it was sent, after everything else; after Ctrl-C as a shell has it.
        assert code in (0, -number, 128 + number), f"exit code {code}\n{self.output.read_text()}"

    def records(self, *loggers: str) -> list[dict[str, Any]]:
        """What is in app.log, of these loggers or those below them, without requests for /ready."""
        text = (self.folder / "logs" / "app.log").read_text(encoding="utf-8")
        # The last line may be in the middle of being written.
        parsed = [json.loads(line) for line in text.split("\n")[:-1]]
        return [
            record
            for record in parsed
            if record.get("path") != "/ready"
            and (
                not loggers
                or any(record["logger"] == name or record["logger"].startswith(name + ".") for name in loggers)
            )
        ]

    def wait_for(self, message: str, count: int = 1) -> None:
        """Waits until a message is in app.log."""
        deadline = time.monotonic() + 30
        while sum(message in record["message"] for record in self._so_far()) < count:
            assert time.monotonic() < deadline, f"no {message!r}\n{self.output.read_text()}"
            time.sleep(0.02)

    def _so_far(self) -> list[dict[str, Any]]:
        try:
            return self.records()
        except (FileNotFoundError, ValueError):
            return []

    def unformatted(self) -> list[str]:
        """The lines of its standard output and error that are no records."""
        return [line for line in self.output.read_text().splitlines() if not _is_record(line)]


async def _answer(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    return int(head[0].split()[1]), headers, body


def _is_record(line: str) -> bool:
    try:
        return "logger" in json.loads(line)
    except ValueError:
        return False
