"""A server that ends, and a worker that is replaced, leave no black box that holds nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from asgi_server import Server
from over_http import eventually
from recovery import recover

pytest.importorskip("uvicorn")
pytest.importorskip("gunicorn")

SERVICE = """
import os
from unified_logger import get_logger, init_logging
from unified_logger.integrations.asgi import Middleware

init_logging(log_dir="logs", console_format="off", black_box="dir")
logger = get_logger("app")

async def app(scope, receive, send):
    if scope["type"] == "http":
        logger.info("serving")
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": b"hello"})

app = Middleware(app)
"""
UVICORN = ("-m", "uvicorn", "--fd", "FD", "--lifespan", "off", "service:app")
# It kills workers that take longer than 5 s to start or to answer it, as they may on a busy machine.
PATIENT = ("--timeout-worker-healthcheck", "60")


def boxes(folder: Path) -> list[str]:
    """The boxes beside the logs."""
    return sorted(path.name for path in (folder / "logs" / ".unified_logger").glob("*.box"))


def uvicorn(folder: Path, *more: str, with_config: bool = True) -> Server:
    """A uvicorn, with or without the configuration of its integration."""
    printed = subprocess.run(
        [sys.executable, "-m", "unified_logger.integrations.uvicorn"], check=True, capture_output=True, timeout=60
    )
    (folder / "logging.json").write_bytes(printed.stdout)
    config = ("--log-config", "logging.json") if with_config else ()
    environment = {"UNIFIED_LOGGER_LOG_DIR": "logs", "UNIFIED_LOGGER_BLACK_BOX": "dir"}
    return Server(folder, SERVICE, *UVICORN, *config, *more, **environment)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("with_config", [True, False], ids=["its configuration", "uvicorn's own"])
def test_uvicorn_leaves_no_box(tmp_path: Path, with_config: bool, number: signal.Signals) -> None:
    """It ends by the signal itself, without exit hooks; by then everything is written, and the box is gone."""
    with uvicorn(tmp_path, with_config=with_config) as running:
        assert running.get("/")[2] == b"hello"
        assert len(boxes(tmp_path)) == 1
        running.stop(number)
        assert boxes(tmp_path) == []
        assert [record["message"] for record in running.records("app")][-1] == "serving"
        if with_config:
            assert running.records("uvicorn")[-1]["message"].startswith("Finished server process")


def test_workers_of_uvicorn_leave_no_box(tmp_path: Path) -> None:
    """Neither the workers, nor the process above them."""
    with uvicorn(tmp_path, "--workers", "2", *PATIENT) as running:
        # A worker that begins takes no signal yet, and uvicorn would wait for it.
        running.wait_for("Started server process", 2)
        running.get("/")
        running.stop()
        assert boxes(tmp_path) == []


def test_a_process_that_is_reloaded_leaves_no_box(tmp_path: Path) -> None:
    """It ends by SIGTERM, too, for each change of a file."""
    with uvicorn(tmp_path, "--reload") as running:
        running.wait_for("Started server process", 1)

        def starts() -> int:
            # A change before the first look at the files goes unnoticed.
            (tmp_path / "service.py").write_text(f"{SERVICE}\n# changed\n", encoding="utf-8")
            time.sleep(1.0)
            return sum(record["message"].startswith("Started server process") for record in running.records("uvicorn"))

        eventually(starts, lambda found: found >= 2)
        eventually(lambda: boxes(tmp_path), lambda found: len(found) == 2)  # also that of the process above
        running.stop()
        assert boxes(tmp_path) == []


# Without a middleware, which would be another way to notice uvicorn.
PLAIN = SERVICE.replace("\napp = Middleware(app)\n", "\n")
# Before the import of uvicorn; the middleware finds it when it comes.
LATE = """
import sys
from service import app

def run(**options):
    import uvicorn
    uvicorn.run(app, fd=int(sys.argv[1]), lifespan="off", **options)

"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("level", ["warning", "critical"])
def test_the_level_of_uvicorn_does_not_matter(tmp_path: Path, level: str, number: signal.Signals) -> None:
    """None of its records tells of its end. Seen to fail with a wait for "Finished server process", at SIGTERM."""
    with Server(tmp_path, SERVICE, *UVICORN, "--log-level", level) as running:
        assert len(boxes(tmp_path)) == 1
        running.stop(number)
        assert boxes(tmp_path) == []
        assert [record["message"] for record in running.records("app")][-1] == "serving"


def test_with_its_configuration_the_level_does_not_matter(tmp_path: Path) -> None:
    """The option changes the levels of the loggers that the configuration names."""
    with uvicorn(tmp_path, "--log-level", "critical") as running:
        running.get("/")
        running.stop()
        assert boxes(tmp_path) == []


@pytest.mark.parametrize("more", [(), ("--workers", "2", *PATIENT)], ids=["one process", "two workers"])
def test_a_start_of_logging_is_enough(tmp_path: Path, more: tuple[str, ...]) -> None:
    """Neither a middleware nor a handler of the integration. Seen to fail without a look at the start."""
    with Server(tmp_path, PLAIN, *UVICORN, "--log-level", "critical", *more) as running:
        # Each worker has begun: one that begins takes no signal yet.
        eventually(lambda: boxes(tmp_path), lambda found: len(found) == (2 if more else 1))
        time.sleep(1 if more else 0)
        running.stop()
        assert boxes(tmp_path) == []


def test_a_reloaded_process_leaves_no_box_at_any_level(tmp_path: Path) -> None:
    """It gets SIGTERM with each change."""
    with Server(tmp_path, SERVICE, *UVICORN, "--log-level", "critical", "--reload") as running:
        eventually(lambda: len(boxes(tmp_path)), lambda found: found == 1)
        (first,) = boxes(tmp_path)

        def there() -> list[str]:
            (tmp_path / "service.py").write_text(f"{SERVICE}\n# changed\n", encoding="utf-8")
            time.sleep(1.0)
            return boxes(tmp_path)

        eventually(there, lambda found: len(found) == 1 and found != [first])
        running.get("/")
        running.stop()
        assert boxes(tmp_path) == []


@pytest.mark.parametrize("options", ["log_config=None", "log_level='critical'", "log_config=None, log_level=60"])
def test_a_program_that_runs_uvicorn_leaves_no_box(tmp_path: Path, options: str) -> None:
    """It is imported after the application was made. Seen to fail without the wait for its import."""
    program = f"{LATE}run({options})"
    with Server(tmp_path, SERVICE, "-c", program, "FD") as running:
        running.stop()
        assert boxes(tmp_path) == []


def test_workers_of_gunicorn_that_run_uvicorn_leave_no_box(tmp_path: Path) -> None:
    """With the logger alone: the application starts nothing, and has no middleware. Seen to fail without a look in the forked child."""
    pytest.importorskip("uvicorn_worker")
    (tmp_path / "gunicorn.conf.py").write_text("control_socket_disable = True\n", encoding="utf-8")
    service = PLAIN.replace('init_logging(log_dir="logs", console_format="off", black_box="dir")', "")
    command = ["-m", "gunicorn", "-k", "uvicorn_worker.UvicornWorker", "--bind", "fd://FD"]
    command += ["--log-level", "critical", "--logger-class", "unified_logger.integrations.gunicorn.Logger"]
    environment = {"LOG_DIR": "logs", "UNIFIED_LOGGER_BLACK_BOX": "dir", "UNIFIED_LOGGER_CONSOLE_FORMAT": "off"}
    with Server(tmp_path, service, *command, "service:app", **environment) as running:
        # That of the worker is there since its first record.
        assert len(boxes(tmp_path)) == 2
        running.stop()
        assert boxes(tmp_path) == []


@pytest.mark.parametrize("server", ["hypercorn", "granian"])
def test_other_servers_leave_no_box_at_any_level(tmp_path: Path, server: str) -> None:
    """They end in the usual way."""
    pytest.importorskip(server)
    command = {
        "hypercorn": ("--bind", "fd://FD", "--log-level", "CRITICAL"),
        "granian": ("--interface", "asgi", "--host", "127.0.0.1", "--port", "PORT", "--log-level", "critical"),
    }[server]
    with Server(tmp_path, SERVICE, "-m", server, *command, "service:app") as running:
        assert len(boxes(tmp_path)) == 1
        running.stop()
        assert boxes(tmp_path) == []


def test_what_else_uvicorn_takes_from_the_module_stays(tmp_path: Path) -> None:
    """Also what a test of an application puts there."""
    code = """
import signal
import uvicorn.server
from unittest import mock
from unified_logger import init_logging
init_logging(log_dir="logs", console_format="off", black_box="dir")
seen = uvicorn.server.signal
assert seen is not signal
assert (seen.SIGTERM, seen.signal, seen.__name__, seen.__file__) == (15, signal.signal, "signal", signal.__file__)
with mock.patch("signal.raise_signal") as raised:
    seen.raise_signal(15)
raised.assert_called_once_with(15)
with mock.patch("uvicorn.server.signal.signal") as put:
    seen.signal(15, print)
put.assert_called_once_with(15, print)
assert seen.signal is signal.signal
init_logging(log_dir="logs", console_format="off", black_box="dir")
assert uvicorn.server.signal is seen
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, cwd=tmp_path)


GUNICORN = """
from unified_logger import get_logger, init_logging
from unified_logger.integrations.wsgi import Middleware

logger = get_logger("app")

def app(environ, start_response):
    logger.info("serving")
    start_response("200 OK", [("Content-Length", "5")])
    return [b"hello"]

app = Middleware(app)
"""


@pytest.mark.parametrize("kind", ["sync", "gthread"])
def test_workers_of_gunicorn_leave_no_box(tmp_path: Path, kind: str) -> None:
    """With `--max-requests`, each worker ends after some requests."""
    (tmp_path / "gunicorn.conf.py").write_text("control_socket_disable = True\n", encoding="utf-8")
    command = ["-m", "gunicorn", "-w", "2", "-k", kind, "--bind", "fd://FD", "--max-requests", "3"]
    command += ["--logger-class", "unified_logger.integrations.gunicorn.Logger", "service:app"]
    environment = {"LOG_DIR": "logs", "UNIFIED_LOGGER_BLACK_BOX": "dir", "UNIFIED_LOGGER_CONSOLE_FORMAT": "off"}
    with Server(tmp_path, GUNICORN, *command, **environment) as running:

        def processes() -> set[int]:
            running.get("/")
            return {record["process"] for record in running.records("app")}

        eventually(processes, lambda found: len(found) > 3)
        # A worker that begins forgets the signal: gunicorn forks it with its own handlers. Then nobody ends it for half a minute.
        eventually(lambda: boxes(tmp_path), lambda found: len(found) == 3)
        time.sleep(1)
        running.stop()
        assert boxes(tmp_path) == []


def test_a_child_that_ends_by_itself_is_tidied_up_after_by_its_parent(tmp_path: Path) -> None:
    """`os._exit` runs no hook: the box is empty once the parent has written its records, and the parent removes it."""
    code = """
import os, sys
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", console_format="off", black_box="dir")
logger = get_logger("app")
child = os.fork()
if child == 0:
    logger.info("of the child")
    flush_logging(20)
    os._exit(0)
os.waitpid(child, 0)
print(child, flush=True)
sys.stdin.read()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        child = process.stdout.readline().strip()
        eventually(lambda: [name for name in boxes(tmp_path) if name.startswith(f"{child}-")], lambda found: not found)
        process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            process.kill()
    assert boxes(tmp_path) == []
    lines = (tmp_path / "logs" / "app.log").read_text("utf-8").splitlines()
    assert [json.loads(line)["message"] for line in lines] == ["of the child"]


def test_the_next_process_removes_what_a_killed_one_left(run_python: Callable[..., object], tmp_path: Path) -> None:
    """SIGTERM without a handler: everything was written, and the box waits for the next start."""
    run_python(
        "import os, signal\n"
        "from unified_logger import flush_logging, get_logger, init_logging\n"
        "init_logging(log_dir='logs', console_format='off', black_box='dir')\n"
        "get_logger('app').info('written')\n"
        "flush_logging(20)\n"
        "os.kill(os.getpid(), signal.SIGTERM)",
        check=False,
    )
    assert len(boxes(tmp_path)) == 1
    recover(tmp_path / "logs", lambda: len(boxes(tmp_path)) == 1)
    assert boxes(tmp_path) == []


def test_a_server_that_goes_on_after_its_signal_keeps_logging(tmp_path: Path) -> None:
    """A program with its own handler of SIGTERM ends later than its server: what it logs until then is there too."""
    (tmp_path / "service.py").write_text(SERVICE, encoding="utf-8")
    code = """
import signal, sys, threading, os
import uvicorn
from service import app, logger

signal.signal(signal.SIGTERM, lambda *_: logger.info("asked to end"))
server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off"))

def ask():
    import time
    while not server.started:
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=ask).start()
server.run()
logger.info("after the server")
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ,
    )
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "logs" / "app.log").read_text("utf-8").splitlines()
    assert [json.loads(line)["message"] for line in lines][-2:] == ["asked to end", "after the server"]
    assert boxes(tmp_path) == []
