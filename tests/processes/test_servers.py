"""gunicorn and uvicorn with several workers on one directory, under real requests on loopback."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from on_disk import all_there, assert_bounds_kept, assert_each_once, files, records
from recovery import recover
from servers import Server

pytest.importorskip("gunicorn")
pytest.importorskip("uvicorn")

BOUND = 20_000
PARTS = 5
REQUESTS = 120

WSGI = """
import atexit, os
atexit.register(os._exit, 0)  # the last hook of all: what is not written by then never is
from flask import Flask
from unified_logger import get_logger, init_logging

init_logging(log_dir="logs", max_bytes=20_000, backup_count=1_000, console_format="off", overflow_timeout=60)
application = Flask(__name__)
logger = get_logger("app")
atexit.register(lambda: get_logger("ends").info("end"))  # comes before the hook of the import above

@application.route("/<int:number>")
def index(number):
    for part in range(5):
        logger.info("request", writer="requests", number=number * 5 + part)
    return str(os.getpid())
"""

ASGI = """
import os
from unified_logger import get_logger, init_logging

init_logging(log_dir="logs", max_bytes=20_000, backup_count=1_000, console_format="off", overflow_timeout=60)
logger = get_logger("app")

async def application(scope, receive, send):
    if scope["type"] != "http":
        return
    number = int(scope["path"].strip("/"))
    for part in range(5):
        logger.info("request", writer="requests", number=number * 5 + part)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode()})
"""


@pytest.fixture
def gunicorn(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    """A gunicorn with three workers; `--preload` if the test is called with it."""
    # Newer versions have a socket in the user's home; older ones pass over what they do not know.
    (tmp_path / "gunicorn.conf.py").write_text("control_socket_disable = True\n")
    more = [request.param] if getattr(request, "param", None) else []
    server = Server(tmp_path, WSGI, "gunicorn", "-w", "3", "--bind", "fd://FD", *more, "service:application")
    yield server
    server.end()


PRELOAD = pytest.mark.parametrize("gunicorn", ["", "--preload"], indirect=True, ids=["own", "preload"])


def has_record(tmp_path: Path, number: int) -> bool:
    """Whether a record is on disk, for tests that wait for it."""
    wanted = f'"number":{number}}}\n'.encode()
    try:
        return any(wanted in path.read_bytes() for path in files(tmp_path / "logs"))
    except (AssertionError, FileNotFoundError):
        return False  # looked at in the middle of a rotation


def wait_for_record(tmp_path: Path, number: int) -> None:
    """Wait until a worker's writer has come to a record."""
    deadline = time.monotonic() + 30
    while not has_record(tmp_path, number):
        assert time.monotonic() < deadline, f"record {number} is not written"
        time.sleep(0.005)


@PRELOAD
def test_every_request_of_gunicorn_is_logged_once(gunicorn: Server, tmp_path: Path) -> None:
    """Three workers share the rotated files; a graceful stop writes what is queued, also what exit hooks log.

    Seen to fail without the exit hook.
    """
    answered = gunicorn.get_all(range(REQUESTS))
    gunicorn.stop()
    assert {record["process"] for record in records(tmp_path / "logs", logger="ends")} >= answered
    assert_each_once(records(tmp_path / "logs"), {"requests": REQUESTS * PARTS}, in_order=False)
    assert_bounds_kept(tmp_path / "logs", BOUND)


@PRELOAD
def test_workers_that_are_sent_away_take_nothing_with_them(gunicorn: Server, tmp_path: Path) -> None:
    """SIGTERM ends a worker after its request; another takes its place and writes on."""
    workers: set[int] = set()
    for start in range(0, REQUESTS, 30):
        for worker in list(gunicorn.get_all(range(start, start + 30)) - workers)[:1]:
            workers.add(worker)
            os.kill(worker, signal.SIGTERM)
    gunicorn.stop()
    assert workers
    assert_each_once(records(tmp_path / "logs"), {"requests": REQUESTS * PARTS}, in_order=False)
    assert_bounds_kept(tmp_path / "logs", BOUND)


@PRELOAD
def test_a_killed_worker_tears_nothing(gunicorn: Server, tmp_path: Path) -> None:
    """SIGKILL after its records were written: they stay, and the others write on."""
    killed = gunicorn.get(0)
    wait_for_record(tmp_path, PARTS - 1)
    os.kill(killed, signal.SIGKILL)
    gunicorn.get_all(range(1, REQUESTS))
    gunicorn.stop()
    assert_each_once(records(tmp_path / "logs"), {"requests": REQUESTS * PARTS}, in_order=False)
    assert_bounds_kept(tmp_path / "logs", BOUND)


@PRELOAD
def test_a_worker_killed_after_its_answer_has_logged(gunicorn: Server, tmp_path: Path) -> None:
    """SIGKILL at once: what its calls returned from is recovered by those that live, by the end of the server at the latest.

    Seen to fail without the black box: up to 50 ms of the worker's records are gone.
    """
    for number in range(0, REQUESTS, 30):
        os.kill(gunicorn.get(number), signal.SIGKILL)
        gunicorn.get_all(range(number + 1, number + 30))
    gunicorn.stop()
    wanted = {"requests": REQUESTS * PARTS}
    recover(tmp_path / "logs", lambda: all_there(tmp_path / "logs", wanted), BOUND)
    assert_each_once(records(tmp_path / "logs"), wanted, in_order=False)
    assert_bounds_kept(tmp_path / "logs", BOUND)


def test_every_request_of_uvicorn_is_logged_once(tmp_path: Path) -> None:
    """Two workers share the rotated files, and both answered."""
    server = Server(tmp_path, ASGI, "uvicorn", "--workers", "2", "--fd", "FD", "service:application")
    try:
        answered: set[int] = set()
        asked = 0
        deadline = time.monotonic() + 60
        while asked < REQUESTS or len(answered) < 2:
            assert time.monotonic() < deadline, "one worker answered everything"
            answered |= server.get_all(range(asked, asked + 20))
            asked += 20
        server.stop()
    finally:
        server.end()
    found = records(tmp_path / "logs")
    assert_each_once(found, {"requests": asked * PARTS}, in_order=False)
    assert {record["process"] for record in found} == answered
    assert_bounds_kept(tmp_path / "logs", BOUND)


def test_numbers_in_the_files_are_json(tmp_path: Path) -> None:
    """`has_record` looks for text that is in the line as it is written."""
    line = json.dumps({"writer": "requests", "number": 4}, separators=(",", ":")) + "\n"
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "app.log").write_text(line)
    assert has_record(tmp_path, 4)
    assert not has_record(tmp_path, 5)
