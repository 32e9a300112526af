"""Applications of WSGI, ASGI and Django answer with the metrics, in the form that a client likes most."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asgi_calls import Call, http, websocket
from asgi_server import Server
from kinds import Records, Run
from over_http import ask, serving

from unified_logger import UnifiedLogger, flush_logging
from unified_logger.integrations.metrics import ASGIApp, WSGIApp
from unified_logger.process import exposition

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
# As Prometheus 2.42 and 3.0 send it.
PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
WRITTEN = 'unified_logger_records_written_total{file="app"}'


def value(body: bytes, name: str = WRITTEN) -> float:
    """What a series has in an answer."""
    [found] = [line.rpartition(" ")[2] for line in body.decode().splitlines() if line.startswith(f"{name} ")]
    return float(found)


@pytest.mark.parametrize(
    ("accept", "sent"),
    [
        (PROMETHEUS_2, OPEN_METRICS),
        (PROMETHEUS_3, OPEN_METRICS),
        ("application/openmetrics-text", OPEN_METRICS),
        ("Application/OpenMetrics-Text; Version=1.0.0, text/plain", OPEN_METRICS),
        ('application/openmetrics-text; version="1.0.0"', OPEN_METRICS),
        ("application/openmetrics-text;q=0.5, */*", TEXT),
        ("application/openmetrics-text;q=0.5, text/plain;q=0.4, */*", OPEN_METRICS),
        ("application/openmetrics-text;q=0.5, text/plain;version=1.0.0, text/*;q=0.1", OPEN_METRICS),
        ("text/plain, text/plain;version=0.0.4;q=0.4, application/openmetrics-text;q=0.5", OPEN_METRICS),
        ("application/openmetrics-text;version=0.0.1", TEXT),
        ("application/openmetrics-text;q=0", TEXT),
        ("application/openmetrics-text;q=none", TEXT),
        ("text/plain;version=0.0.4", TEXT),
        ("application/json", TEXT),
        ("*/*", TEXT),
        ("", TEXT),
        (";;,,=;q=", TEXT),
    ],
)
def test_the_form_is_the_one_that_is_liked_most(accept: str, sent: str) -> None:
    """OpenMetrics only for a client that names it: people with a browser get text."""
    with serving(WSGIApp()) as port:
        answer = ask(port, headers={"Accept": accept})
    assert (answer.status, answer.headers["content-type"]) == (200, sent)
    assert answer.body.endswith(b"# EOF\n") is (sent == OPEN_METRICS)
    assert answer.headers["vary"] == "Accept, Accept-Encoding"


@pytest.mark.parametrize(
    ("accepted", "is_packed"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.1", True),
        ("*", True),
        ("gzip;q=0, *", False),
        ("identity", False),
        ("br", False),
    ],
)
def test_the_body_is_packed_for_clients_that_take_it(accepted: str, is_packed: bool) -> None:
    """And only then."""
    with serving(WSGIApp()) as port:
        answer = ask(port, headers={"Accept-Encoding": accepted})
    assert (answer.headers.get("content-encoding") == "gzip") is is_packed
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert b"unified_logger_build_info{" in (gzip.decompress(answer.body) if is_packed else answer.body)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "ODD"])
def test_other_methods_are_refused(method: str) -> None:
    """With those that are allowed."""
    with serving(WSGIApp()) as port:
        answer = ask(port, method=method)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


def test_head_has_headers_alone(logger: UnifiedLogger) -> None:
    """Those of GET."""
    with serving(WSGIApp()) as port:
        whole, head = ask(port), ask(port, method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-type"] == whole.headers["content-type"]
    assert int(head.headers["content-length"]) > 1_000
    # A server may leave a body out by itself.
    assert exposition.answer("HEAD", "", "").body == b""


def test_an_application_of_asgi_answers_the_same(logger: UnifiedLogger) -> None:
    """Headers that come several times count together."""
    logger.info("m")
    assert flush_logging(10)
    headers = [
        (b"accept", b"text/plain;q=0.5"),
        (b"accept", b"application/openmetrics-text"),
        (b"accept-encoding", b"gzip"),
    ]
    call = asyncio.run(Call()(ASGIApp(), http("/", headers)))
    assert call.headers[b"content-type"] == OPEN_METRICS.encode()
    assert call.sent[0]["status"] == 200
    assert value(gzip.decompress(call.sent[1]["body"])) == 1
    refused = asyncio.run(Call()(ASGIApp(), http("/", method="POST")))
    assert (refused.sent[0]["status"], refused.headers[b"allow"]) == (405, b"GET, HEAD")


def test_an_application_of_asgi_is_whole_by_itself() -> None:
    """A server may start and end it, and a websocket is refused."""
    call = asyncio.run(
        Call({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})(ASGIApp(), {"type": "lifespan"})
    )
    assert [message["type"] for message in call.sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    call = asyncio.run(Call({"type": "websocket.connect"})(ASGIApp(), websocket()))
    assert [message["type"] for message in call.sent] == ["websocket.close"]


def test_before_a_start_and_without_a_directory_this_process_is_told(run_python: Run) -> None:
    """Nothing fails, and nothing of a directory is read."""
    run_python("""
from unified_logger import flush_logging, get_logger, init_logging
from unified_logger.process import exposition
early = exposition.answer("GET", "", "").body.decode()
assert "unified_logger_processes 1" in early
init_logging(log_dir=None, console_format="json")
get_logger("app").info("m")
assert flush_logging(10)
answer = exposition.answer("GET", "", "").body.decode()
assert 'unified_logger_records_accepted_total{level="INFO"} 1\\n' in answer
""")


def test_a_directory_can_be_given(run_python: Run, tmp_path: Path) -> None:
    """One in which this process does not log."""
    run_python("""
from unified_logger import get_logger, init_logging
init_logging(log_dir="logs", console_format="off")
get_logger("app").info("m")
""")
    for given in (tmp_path / "logs", str(tmp_path / "logs")):
        with serving(WSGIApp(given)) as port:
            assert value(ask(port).body) == 1


def test_what_cannot_be_read_is_logged_once(start: Callable[..., Any], records: Records, log_dir: Path) -> None:
    """And counted at each scrape."""
    start(console_format="off")
    home = log_dir / ".unified_logger"
    home.mkdir(exist_ok=True)
    (home / "counts").write_text("no counts")
    with serving(WSGIApp()) as port:
        for _ in range(3):
            assert value(ask(port).body, "unified_logger_blocks_unreadable") == 1
    [notice] = [record for record in records() if "metrics are not whole" in record["message"]]
    assert (notice["level"], "damaged" in notice["message"]) == ("WARNING", True)


def test_it_is_mounted_in_flask(logger: UnifiedLogger, records: Records) -> None:
    """And the middleware leaves scrapes out."""
    flask = pytest.importorskip("flask")
    from werkzeug.middleware.dispatcher import DispatcherMiddleware

    from unified_logger.integrations.wsgi import Middleware

    application = DispatcherMiddleware(flask.Flask("shop").wsgi_app, {"/metrics": WSGIApp()})
    with serving(Middleware(application, skip=["/metrics"])) as port:
        assert ask(port, "/metrics").headers["content-type"] == TEXT
        assert ask(port, "/other").status == 404
    assert [record["path"] for record in records() if "path" in record] == ["/other"]


def test_it_is_mounted_in_starlette_and_fastapi(logger: UnifiedLogger) -> None:
    """As a mount and as a route."""
    pytest.importorskip("httpx")
    starlette = pytest.importorskip("starlette.applications")
    fastapi = pytest.importorskip("fastapi")
    from starlette.routing import Mount, Route
    from starlette.testclient import TestClient

    routes = [Route("/exact", ASGIApp()), Mount("/metrics", ASGIApp())]
    mounted = fastapi.FastAPI()
    mounted.mount("/metrics", ASGIApp())
    for application, path in [
        (starlette.Starlette(routes=routes), "/exact"),
        (starlette.Starlette(routes=routes), "/metrics"),
        (mounted, "/metrics"),
    ]:
        answer = TestClient(application).get(path, headers={"accept": PROMETHEUS_2})
        assert (answer.status_code, answer.headers["content-type"]) == (200, OPEN_METRICS), path


def test_it_is_a_view_of_django(run_python: Run) -> None:
    """For GET and HEAD, and with the headers of the request."""
    pytest.importorskip("django")
    run_python(f"""
import gzip
import django
from django.conf import settings
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="x" * 50)
django.setup()
from django.test import Client
from django.urls import path
from unified_logger import init_logging
from unified_logger.integrations.django import metrics_view
urlpatterns = [path("metrics", metrics_view)]
init_logging(log_dir="logs", console_format="off")
answer = Client().get("/metrics", headers={{"accept": {PROMETHEUS_2!r}, "accept-encoding": "gzip"}})
assert (answer.status_code, answer["content-type"]) == (200, {OPEN_METRICS!r})
assert gzip.decompress(answer.content).endswith(b"# EOF\\n")
assert Client().head("/metrics").content == b""
refused = Client().post("/metrics")
assert (refused.status_code, refused["allow"]) == (405, "GET, HEAD")
""")


SERVICE = """
import os
from unified_logger import get_logger, init_logging
from unified_logger.integrations.metrics import ASGIApp, WSGIApp

init_logging(log_dir="logs", console_format="off", levels={"gunicorn": 60, "uvicorn": 60})
metrics, asgi_metrics = WSGIApp(), ASGIApp()

def count():
    for number in range(7):
        get_logger("app").info("m", number=number)
    return str(os.getpid()).encode()

def wsgi(environ, start_response):
    if environ["PATH_INFO"] == "/metrics":
        return metrics(environ, start_response)
    start_response("200 OK", [])
    return [count() if environ["PATH_INFO"] == "/count" else b""]

async def asgi(scope, receive, send):
    if scope["type"] == "lifespan" or scope["path"] == "/metrics":
        return await asgi_metrics(scope, receive, send)
    body = count() if scope["path"] == "/count" else b""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})
"""
SERVERS = {
    "gunicorn": ["-m", "gunicorn", "-w", "2", "--bind", "fd://FD", "service:wsgi"],
    "uvicorn": ["-m", "uvicorn", "--workers", "2", "--fd", "FD", "service:asgi"],
}


@pytest.mark.skipif(sys.platform == "win32", reason="no processes can be killed so")
@pytest.mark.parametrize("name", SERVERS)
def test_any_worker_tells_all_of_them_also_of_one_that_was_killed(name: str, tmp_path: Path) -> None:
    """The sum is that of the lines in the file, to the unit, and never less than before."""
    pytest.importorskip(name)
    with Server(tmp_path, SERVICE, *SERVERS[name]) as server:
        workers = set()
        counted = before = 0.0
        for turn in range(60):
            workers.add(int(server.get("/count")[2]))
            counted += 7
            if turn == 30 or (turn > 30 and len(workers) < 2):
                os.kill(workers.pop(), signal.SIGKILL)
            scraped = value(server.get("/metrics")[2], 'unified_logger_records_accepted_total{level="INFO"}')
            assert before <= scraped <= counted
            before = scraped
        final = ""
        for _ in range(1_000):
            body = server.get("/metrics", accept=PROMETHEUS_2)[2]
            final = body.decode()
            if value(body, 'unified_logger_records_accepted_total{level="INFO"}') == counted:
                break
        assert f'unified_logger_records_accepted_total{{level="INFO"}} {counted:.0f}\n' in final
        server.stop()
    lines = [
        json.loads(line) for path in (tmp_path / "logs").glob("app.log*") for line in path.read_text().splitlines()
    ]
    assert sum(line["message"] == "m" for line in lines) == counted
