"""gunicorn's own records and one access record per request are in our files, with every kind of worker."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.importorskip("gunicorn")
pytest.importorskip("flask")

from over_http import ACCESS, ask, ask_raw, eventually

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}

FLASK = """
from flask import Flask, request
from unified_logger import get_logger
from unified_logger.integrations.flask import install

application = Flask("shop")
install(application, skip=["/health"])
logger = get_logger("app")

@application.get("/task/<own>")
def work(own):
    logger.info("inside", own=own)
    return own

@application.get("/health")
def health():
    return "ok"
"""
PLAIN = """
def application(environ, start_response):
    if environ["PATH_INFO"] == "/broken":
        raise ValueError("broken")
    start_response("200 OK", [("Content-Length", "5")])
    if environ["PATH_INFO"] in ("/later", "/late"):
        def pieces():
            yield b"he" if environ["PATH_INFO"] == "/later" else b""
            raise ValueError("broken later")
        return pieces()
    return [b"hello"]
"""
ASGI = """
async def application(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": b"hello"})
"""
WRAPPED = f"{PLAIN}\nfrom unified_logger.integrations.wsgi import Middleware\napplication = Middleware(application)\n"


# Newer versions have a socket in the user's home; older ones pass over what they do not know.
CONFIGURATION = """
control_socket_disable = True

def post_worker_init(worker):
    worker.log.info("worker is ready")
"""


class Gunicorn:
    """A gunicorn of two workers that inherits its listening socket."""

    def __init__(self, folder, code, *arguments, more="", max_bytes="10MB"):
        self.folder = folder
        (folder / "service.py").write_text(code, encoding="utf-8")
        (folder / "gunicorn.conf.py").write_text(CONFIGURATION + more, encoding="utf-8")
        self.logs = folder / "logs"
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        descriptor = self.listener.fileno()
        logger = "unified_logger.integrations.gunicorn.Logger"
        command = ["gunicorn", "-w", "2", "--bind", f"fd://{descriptor}", "--logger-class", logger, *arguments]
        with (folder / "printed.txt").open("wb") as printed:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *command, "service:application"],
                cwd=folder,
                env={
                    **os.environ,
                    "LOG_DIR": "logs",
                    "UNIFIED_LOGGER_CONSOLE_FORMAT": "off",
                    "UNIFIED_LOGGER_MAX_BYTES": max_bytes,
                    "UNIFIED_LOGGER_BACKUP_COUNT": "1000",
                    # Beside the logs it is root's, and workers of another user say that they do not look there.
                    "UNIFIED_LOGGER_BLACK_BOX": "shm",
                },
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                pass_fds=[descriptor],
                start_new_session=True,
            )

    def records(self, name="app.log"):
        """What is in a file, as far as its lines are whole."""
        try:
            text = (self.logs / name).read_text("utf-8")
        except FileNotFoundError:  # It is not there yet, or was rotated away since it was seen.
            text = ""
        return [json.loads(line) for line in text.split("\n")[:-1]]

    def all_records(self):
        """The same of app.log and what it was before."""
        return [record for file in self.logs.glob("app.log*") for record in self.records(file.name)]

    def said(self, message):
        """The records of gunicorn that begin so, once there is one."""
        return eventually(
            lambda: [
                r for r in self.all_records() if r["logger"] == "gunicorn.error" and r["message"].startswith(message)
            ]
        )

    def access(self, count):
        """The access records, once there are that many; more fail."""

        def find():
            return [record for record in self.records() if record["logger"] == ACCESS]

        found = eventually(find, lambda found: len(found) >= count)
        assert len(found) == count, found
        return found

    def stop(self, workers=2):
        """Ends it gracefully once so many workers were ready: gunicorn forgets the signal of one that begins. Gives what was printed."""
        if workers:
            eventually(lambda: self.said("worker is ready"), lambda found: len(found) >= workers)
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0, self.printed()
        return self.printed()

    def printed(self):
        return (self.folder / "printed.txt").read_text()

    def end(self):
        self.listener.close()
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def gunicorn(tmp_path):
    """Starts a gunicorn; takes the application's code and further arguments."""
    started = []

    def gunicorn(code, *arguments, folder=tmp_path, **options):
        started.append(Gunicorn(folder, code, *arguments, **options))
        return started[-1]

    yield gunicorn
    for server in started:
        server.end()


KINDS = {
    "sync": (),
    "sync-preload": ("--preload",),
    "gthread": ("-k", "gthread", "--threads", "4"),
    "gthread-preload": ("-k", "gthread", "--threads", "4", "--preload"),
    "gevent": ("-k", "gevent"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_request_has_one_access_record_and_no_other_s_trace(gunicorn, kind):
    """Interleaved requests over two workers; all of gunicorn's own lines are records, and nothing is printed."""
    if kind == "gevent":
        pytest.importorskip("gevent")
    server = gunicorn(FLASK, *KINDS[kind])

    def client(first):
        for number in range(first, first + 20):
            own = f"{number + 1:032x}"
            headers = {"traceparent": f"00-{own}-00f067aa0ba902b7-01"}
            assert ask(server.port, f"/task/{own}", headers=headers).headers["x-trace-id"] == own

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(client, range(0, 80, 20)))
    assert ask(server.port, "/health").status == 200
    assert server.stop() == ""
    found = server.access(80)
    assert {record["route"] for record in found} == {"/task/<own>"}
    records = server.records()
    inside = [record for record in records if record["logger"] == "app"]
    assert len(inside) == 80
    assert all(record["trace_id"] == record["own"] for record in inside)
    assert {r["trace_id"] for r in found} == {r["own"] for r in inside}
    for message in ("Starting gunicorn", "Listening at", "Booting worker", "Handling signal: term", "Shutting down"):
        assert server.said(message)
    assert not [record for record in records if record["logger"] == "gunicorn.access"]


def test_without_a_middleware_the_logger_writes_the_access_record(gunicorn):
    """It has the same fields, and the trace of the request's header."""
    server = gunicorn(PLAIN, "--access-logfile", "-")
    assert ask(server.port, "/orders/7?token=secret", headers=PARENT).body == b"hello"
    assert server.stop() == ""
    (access,) = server.access(1)
    assert (access["message"], access["level"], access["trace_id"]) == ("GET /orders/7 200", "INFO", TRACE)
    assert (access["route"], access["bytes"], access["client"]) == ("/orders/7", 5, "127.0.0.1")
    assert access["duration_ms"] > 0
    assert "secret" not in str(server.records())


@pytest.mark.skipif(find_spec("gunicorn.workers.gasgi") is None, reason="this gunicorn has no worker for ASGI")
def test_the_worker_for_asgi_has_access_records_too(gunicorn):
    """It tells its logger less than the others; what there is, is in the record."""
    server = gunicorn(ASGI, "-k", "asgi")
    assert ask(server.port, "/orders/7?token=secret", headers=PARENT).body == b"hello"
    assert server.stop() == ""
    (access,) = server.access(1)
    assert (access["message"], access["bytes"], access["trace_id"]) == ("GET /orders/7 200", 5, TRACE)
    assert 0 < access["duration_ms"] < 60_000
    assert "secret" not in str(server.records())


@pytest.mark.parametrize(
    ("code", "path"),
    # After an empty piece gunicorn itself tells of the request twice: of what was to be sent, and of what was.
    [(PLAIN, "/broken"), (PLAIN, "/later"), (WRAPPED, "/broken"), (WRAPPED, "/later"), (WRAPPED, "/late")],
    ids=["alone-broken", "alone-later", "middleware-broken", "middleware-later", "middleware-late"],
)
def test_an_exception_that_escapes_is_logged_once(gunicorn, code, path):
    """By the middleware, with the request's trace; without one by gunicorn. There is one access record either way."""
    server = gunicorn(code)
    try:
        ask(server.port, path, headers=PARENT)
    except (http.client.IncompleteRead, ConnectionError):
        assert path == "/later"
    assert server.stop() == ""
    (error,) = (record for record in server.records() if "exception" in record)
    assert error["exception"]["type"] == "ValueError"
    assert error["logger"] == (ACCESS if code is WRAPPED else "gunicorn.error")
    if code is WRAPPED:
        assert error["trace_id"] == TRACE
    assert server.records("errors.log") == [error]
    server.access(1)


def test_a_request_that_is_none_is_told_of_once(gunicorn):
    """It answers that itself; the client's bytes end no line."""
    server = gunicorn(WRAPPED)
    assert ask(server.port).status == 200
    assert ask_raw(server.port, b"NONSENSE\x1b[31m\r\n\r\n").startswith(b"HTTP/1.1 400")
    assert server.stop() == ""
    assert server.said("Invalid request from ip=127.0.0.1")
    assert len([r for r in server.records() if r["logger"] == ACCESS and r["status"] == 400]) <= 1


def test_files_are_opened_again_at_sigusr1(gunicorn):
    """After a rename, as logrotate does it, master and workers write to the new file."""
    server = gunicorn(FLASK)
    ask(server.port, "/task/before")
    eventually(lambda: len(server.said("worker is ready")) == 2)
    server.access(1)
    logs = server.logs
    (logs / "app.log").rename(logs / "old.txt")
    server.process.send_signal(signal.SIGUSR1)
    ask(server.port, "/task/after")
    (access,) = server.access(1)
    assert access["path"] == "/task/after"
    server.said("Handling signal: usr1")
    assert server.stop(workers=0) == ""
    assert b"/task/after" not in (logs / "old.txt").read_bytes()


def test_a_reload_loses_nothing(gunicorn):
    """SIGHUP brings new workers while requests are served; every one has its access record, and gunicorn's lines stay records."""
    server = gunicorn(FLASK)
    # One that begins forgets the signal to end, and the reload waits for it, 30 s.
    eventually(lambda: len(server.said("worker is ready")) == 2)
    answered = 0
    for reload in range(2):
        for _ in range(10):
            ask(server.port, f"/task/{answered}")
            answered += 1
        server.process.send_signal(signal.SIGHUP)
        for _ in range(10):
            ask(server.port, f"/task/{answered}")
            answered += 1
        eventually(lambda reload=reload: len(server.said("Hang up")) == reload + 1)
        eventually(lambda reload=reload: len(server.said("worker is ready")) == 2 * (reload + 2))
    assert server.stop() == ""
    assert sorted(int(record["path"].rpartition("/")[2]) for record in server.access(answered)) == list(range(answered))
    assert len(server.said("Starting gunicorn")) == 1


def test_logging_may_be_started_in_its_configuration(gunicorn, tmp_path):
    """What gunicorn.conf.py has started is left alone."""
    server = gunicorn(
        FLASK, more='from unified_logger import init_logging\ninit_logging(log_dir="elsewhere", console_format="off")\n'
    )
    server.logs = tmp_path / "elsewhere"
    ask(server.port, "/task/1")
    assert server.stop() == ""
    server.access(1)
    assert not (tmp_path / "logs").exists()


AS_USER = """
from unified_logger import flush_logging, get_logger, get_stats

def application(environ, start_response):
    get_logger("app").error("inside", path=environ["PATH_INFO"])
    on_disk = flush_logging(10)
    body = f"{on_disk} {get_stats()['dropped']}".encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
# What workers import may lie in directories of root's: all of it is there before they give root's rights up.
AS_USER_CONFIGURATION = """
import random, sys
random.seed(b"x")  # from Python 3.14 on it imports what it takes for that
sys.path.insert(0, ".")
import service
import unified_logger.integrations._routes, unified_logger.stdlib.fallback, unified_logger.context.propagation
user = group = 43210
"""


@pytest.fixture
def reachable():
    """A directory that every user can enter; those of pytest are the test's alone."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        path = Path(directory)
        path.chmod(0o755)
        yield path


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("arguments", [(), ("--preload",)], ids=["plain", "preload"])
@pytest.mark.parametrize("max_bytes", ["10MB", "2000"])
def test_workers_of_another_user_write_and_rotate(gunicorn, reachable, arguments, max_bytes):
    """A master of root's gives them its files, and a directory that holds nothing else. Seen to fail (nothing on disk) without that."""
    server = gunicorn(AS_USER, *arguments, more=AS_USER_CONFIGURATION, folder=reachable, max_bytes=max_bytes)
    for number in range(40):
        assert ask(server.port, f"/{number}").body == b"True 0"
    # The master makes files too, and its workers go on with them.
    eventually(lambda: len(server.said("worker is ready")) == 2)
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: len(server.said("worker is ready")) == 4)
    for number in range(40, 80):
        assert ask(server.port, f"/{number}").body == b"True 0"
    assert server.stop(workers=0) == ""
    paths = [record["path"] for record in server.all_records() if record["logger"] == "app"]
    assert sorted(paths) == sorted(f"/{number}" for number in range(80))
    found = [path for path in server.logs.rglob("*") if path.is_file() and path.suffix != ".box"]
    assert {(path.stat().st_uid, path.stat().st_gid) for path in found} == {(43210, 43210)}
    assert (len(list(server.logs.glob("app.log.*"))) > 0) == (max_bytes == "2000")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_what_is_no_log_file_stays_root_s(gunicorn, reachable):
    """A directory with other files in it, links, and what has another name too; the log says so, and workers write what is open."""
    logs = reachable / "logs"
    logs.mkdir(mode=0o755)
    for name in ("precious", "victim"):
        (reachable / name).touch()
    (logs / "database").touch()
    (logs / "errors.log").symlink_to(reachable / "precious")
    os.link(reachable / "victim", logs / "app.log.1")
    server = gunicorn(AS_USER, more=AS_USER_CONFIGURATION, folder=reachable)
    for number in range(10):
        assert ask(server.port, f"/{number}").body == b"True 0"
    assert server.stop() == ""
    for path in (logs, logs / "database", reachable / "precious", reachable / "victim"):
        assert path.stat().st_uid == 0, path
    assert (logs / "app.log").stat().st_uid == 43210
    records = server.records()
    assert len([record for record in records if record["logger"] == "app"]) == 10
    assert len([record for record in records if "holds other files too" in record["message"]]) == 1


FAILS_TO_START = """
from contextlib import asynccontextmanager
from fastapi import FastAPI

@asynccontextmanager
async def life(application):
    raise RuntimeError("database is not there")
    yield

application = FastAPI(lifespan=life)
"""
WITHOUT_MIDDLEWARE = """
from fastapi import FastAPI

application = FastAPI()

@application.get("/")
async def page():
    return {}

@application.get("/broken")
async def broken():
    raise ValueError("broken")
"""
UVICORN = ("-k", "uvicorn_worker.UvicornWorker")


def test_why_an_application_does_not_start_under_uvicorns_worker(gunicorn):
    """It takes the handlers of gunicorn's loggers. Seen to fail (a raw traceback and no record) where these had none."""
    pytest.importorskip("uvicorn_worker")
    server = gunicorn(FAILS_TO_START, *UVICORN)
    assert server.process.wait(60) != 0
    told = [r for r in server.records("errors.log") if "database is not there" in json.dumps(r)]
    assert {record["logger"] for record in told} == {"uvicorn.error"}
    # gunicorn itself may end with a traceback, of its own.
    assert "database is not there" not in server.printed()


def test_what_uvicorns_worker_logs_is_in_the_files(gunicorn):
    """Its start, its access lines and the exceptions of requests, each once. Seen to fail (nothing of it) likewise."""
    pytest.importorskip("uvicorn_worker")
    server = gunicorn(WITHOUT_MIDDLEWARE, *UVICORN)
    assert ask(server.port, "/").status == 200
    assert ask(server.port, "/broken").status == 500

    def messages(logger):
        return [record["message"] for record in server.all_records() if record["logger"] == logger]

    def starts():
        return sum("Application startup complete" in message for message in messages("uvicorn.error"))

    eventually(starts, lambda found: found == 2)
    assert server.stop() == ""
    assert sum("Exception in ASGI application" in message for message in messages("uvicorn.error")) == 1
    assert sorted(message.split('"')[1] for message in messages("uvicorn.access")) == [
        "GET / HTTP/1.1",
        "GET /broken HTTP/1.1",
    ]
    assert len(server.said("Starting gunicorn")) == 1


@pytest.mark.parametrize("kind", ["sync", "sync-preload", "gevent"])
def test_a_signal_to_the_master_changes_the_files_once(gunicorn, kind):
    """It takes the handler away, passes the signal on to its workers, and has them open their files again."""
    if kind == "gevent":
        pytest.importorskip("gevent")
    more = """import os\nos.environ["UNIFIED_LOGGER_ROTATE"] = '{"signal": "SIGUSR1"}'\n"""
    server = gunicorn(PLAIN, *KINDS[kind], more=more)
    eventually(lambda: server.said("worker is ready"), lambda found: len(found) >= 2)
    server.process.send_signal(signal.SIGUSR1)
    eventually(lambda: (server.logs / "app.log.1").exists())
    eventually(lambda: ask(server.port, "/")[0] == 200)
    server.access(1)
    server.stop(workers=0)
    assert [path.name for path in server.logs.glob("app.log.*")] == ["app.log.1"]
