"""Flask's reloader: two processes, one directory, no record lost or written twice."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PROGRAM = """
import atexit, os, socket
from flask import Flask
from unified_logger import get_logger, init_logging, shutdown_logging

init_logging(log_dir="logs", console_format="off")
atexit.register(shutdown_logging)
app = Flask(__name__)
logger = get_logger("app")

@app.route("/<name>")
def index(name):
    logger.info(name)
    return VERSION

VERSION = "one"
if __name__ == "__main__":
    if "WERKZEUG_SERVER_FD" in os.environ:
        # The system has chosen a port for the parent's socket. Nobody else can get it before the child serves.
        with socket.socket(fileno=os.dup(int(os.environ["WERKZEUG_SERVER_FD"]))) as listening, open("port.new", "w") as file:
            file.write(str(listening.getsockname()[1]))
        os.replace("port.new", "port")
    app.run(debug=True, port=0, use_debugger=False)
"""
# How long a server may take to start again on a machine that is busy, seconds.
PATIENCE = 60


class Server:
    """The program under the reloader, and what it prints."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = folder / "output.txt"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "main.py"],
                cwd=folder,
                env=os.environ.copy(),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def get(self, name: str, wanted: str) -> None:
        """Asks until the wanted version answers; a reloading server refuses for a while."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                port = int((self.folder / "port").read_text())
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
                connection.request("GET", f"/{name}")
                if connection.getresponse().read().decode() == wanted:
                    return
            except (OSError, http.client.HTTPException):
                pass  # Also where it ends in the middle of an answer, or has no port yet.
            time.sleep(0.05)
        raise AssertionError(f"{wanted} did not answer; the server has printed:\n{self.output.read_text()}")

    def end(self) -> None:
        """Ends both processes, as Ctrl-C does."""
        os.killpg(self.process.pid, signal.SIGINT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise


def test_records_before_and_after_a_reload_are_written_once(tmp_path: Path) -> None:
    """The parent waits, the child serves, a changed file starts another child."""
    main = tmp_path / "main.py"
    main.write_text(PROGRAM)
    server = Server(tmp_path)
    try:
        server.get("before", "one")
        # In one step: a child that read the file while it is written would end, and the server with it.
        changed = tmp_path / "changed"
        changed.write_text(PROGRAM.replace('"one"', '"two"'))
        os.utime(changed, (time.time() + 5, time.time() + 5))
        changed.replace(main)
        server.get("after", "two")
        deadline = time.monotonic() + 10
        while "after" not in (tmp_path / "logs" / "app.log").read_text() and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        server.end()
    lines = [json.loads(line) for line in (tmp_path / "logs" / "app.log").read_text().splitlines()]
    messages = [line["message"] for line in lines if line["logger"] == "app"]
    assert messages.count("before") == 1
    assert messages[-1] == "after"
