"""Flask's reloader: two processes, one directory, no record lost or written twice."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

PROGRAM = """
import atexit
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
    app.run(debug=True, port=PORT, use_debugger=False)
"""


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def get(port: int, name: str, wanted: str) -> None:
    """Asks until the wanted version answers; a reloading server refuses for a while."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", f"/{name}")
            if connection.getresponse().read().decode() == wanted:
                return
        except (OSError, http.client.HTTPException):
            pass  # Also where it ends in the middle of an answer.
        time.sleep(0.05)
    raise AssertionError(f"{wanted} did not answer")


def test_records_before_and_after_a_reload_are_written_once(tmp_path: Path) -> None:
    """The parent waits, the child serves, a changed file starts another child."""
    port = free_port()
    main = tmp_path / "main.py"
    main.write_text(PROGRAM.replace("PORT", str(port)))
    process = subprocess.Popen(
        [sys.executable, "main.py"],
        cwd=tmp_path,
        env=os.environ.copy(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        get(port, "before", "one")
        main.write_text(main.read_text().replace('"one"', '"two"'))
        os.utime(main, (time.time() + 5, time.time() + 5))
        get(port, "after", "two")
        deadline = time.monotonic() + 10
        while "after" not in (tmp_path / "logs" / "app.log").read_text() and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(30)
    lines = [json.loads(line) for line in (tmp_path / "logs" / "app.log").read_text().splitlines()]
    messages = [line["message"] for line in lines if line["logger"] == "app"]
    assert messages.count("before") == 1
    assert messages[-1] == "after"
