"""A Django project has the context of its requests, and one access record for each, under WSGI and ASGI."""

import contextlib
import http.client
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("django")

from over_http import ACCESS, ask, eventually

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}

# The server is what `manage.py runserver` runs, with a port of its own; it goes on until its standard input ends.
PROJECT = """
import asyncio, io, sys, threading
from django.conf import settings

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"unified": {"class": "unified_logger.Handler", "log_dir": "logs", "console_format": "off"}},
    "root": {"handlers": ["unified"], "level": "INFO"},
}
settings.configure(
    DEBUG="debug" in sys.argv, ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="x", STATIC_URL="/static/",
    MIDDLEWARE=["unified_logger.integrations.django.Middleware", "django.middleware.common.CommonMiddleware"],
    UNIFIED_LOGGER={"skip": ["/health"]}, LOGGING=LOGGING,
)
import django
django.setup()

from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.urls import path
from unified_logger import get_logger

logger = get_logger("app")

def order(request, number):
    logger.info("inside", own=request.GET.get("own"))
    return HttpResponse(f"order {number}")

async def later(request, number):
    await asyncio.sleep(0)
    logger.info("inside", own=request.GET.get("own"))
    return HttpResponse("later")

def broken(request):
    raise ValueError("broken")

def stream(request):
    def pieces():
        for _ in range(3):
            logger.info("piece")
            yield b"12"
    return StreamingHttpResponse(pieces())

async def stream_later(request):
    async def pieces():
        for _ in range(3):
            logger.info("piece")
            await asyncio.sleep(0)
            yield b"12"
    return StreamingHttpResponse(pieces())

def failing(request, at):
    def pieces():
        for number in range(3):
            if number == at:
                raise ValueError("broken")
            yield b"12"
    return StreamingHttpResponse(pieces())

async def failing_later(request, at):
    async def pieces():
        for number in range(3):
            if number == at:
                raise ValueError("broken")
            yield b"12"
    return StreamingHttpResponse(pieces())

def file(request):
    return FileResponse(io.BytesIO(b"x" * 10_000))

def named(request):
    logger.set_trace_context(user="u-1")
    return HttpResponse("named")

async def named_later(request):
    await asyncio.to_thread(named, request)
    logger.info("inside")
    return HttpResponse("named")

def named_in_pieces(request):
    def pieces():
        named(request)
        yield b"12"
    return StreamingHttpResponse(pieces())

urlpatterns = [
    path("orders/<int:number>/", order), path("later/<int:number>/", later), path("broken", broken),
    path("failing/<int:at>", failing), path("failing_later/<int:at>", failing_later),
    path("stream", stream), path("stream_later", stream_later), path("file", file),
    path("named", named), path("named_later", named_later), path("named_in_pieces", named_in_pieces),
    path("health", lambda request: HttpResponse("ok")),
]
"""
RUNSERVER = """
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application

server = ThreadedWSGIServer(("127.0.0.1", 0), WSGIRequestHandler)
server.set_app(StaticFilesHandler(get_wsgi_application()))
threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
print(server.server_port, flush=True)
sys.stdin.read()
server.shutdown()
server.server_close()
"""
UVICORN = """
import socket, uvicorn
from django.core.asgi import get_asgi_application

listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
server = uvicorn.Server(uvicorn.Config(get_asgi_application(), log_config=None, access_log=False, lifespan="off"))
def end():
    sys.stdin.read()
    server.should_exit = True
threading.Thread(target=end).start()
server.run(sockets=[listener])
"""


class Project:
    """The project in a process of its own."""

    def __init__(self, folder, server, *arguments):
        script = folder / "project.py"
        script.write_text(PROJECT + server, encoding="utf-8")
        self.folder = folder
        with (folder / "stderr.txt").open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, str(script), *arguments],
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self.port = int(self.process.stdout.readline() or self.fail())

    def fail(self):
        raise AssertionError((self.folder / "stderr.txt").read_text())

    def records(self):
        file = self.folder / "logs" / "app.log"
        return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []

    def access(self, count):
        """The access records, once there are that many; more fail."""

        def find():
            return [record for record in self.records() if record["logger"] == ACCESS]

        found = eventually(find, lambda found: len(found) >= count)
        assert len(found) == count
        return found

    def stop(self):
        """Ends it; gives what it printed."""
        self.process.communicate(timeout=30)
        assert self.process.returncode == 0, self.fail()
        return (self.folder / "stderr.txt").read_text()

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


@pytest.fixture
def project(tmp_path, request):
    project = Project(tmp_path, *getattr(request, "param", (RUNSERVER,)))
    yield project
    project.end()


both = pytest.mark.parametrize("project", [(RUNSERVER,), (UVICORN,)], indirect=True, ids=["wsgi", "asgi"])


@both
def test_what_a_view_sets_is_the_requests(project):
    """Views of both kinds, a thread of one, and a body that is streamed."""
    for path in ("/named", "/named_later", "/named_in_pieces"):
        ask(project.port, path)
    assert {record["path"]: record.get("user") for record in project.access(3)} == {
        "/named": "u-1",
        "/named_later": "u-1",
        "/named_in_pieces": "u-1",
    }
    assert [record["user"] for record in project.records() if record["message"] == "inside"] == ["u-1"]


@both
def test_a_request_has_one_access_record(project):
    """The route is the pattern; views of both kinds, bodies of all kinds, and what is skipped."""
    for path in ("/orders/7/?token=secret", "/later/8/", "/stream", "/stream_later", "/file", "/health", "/nothing"):
        assert ask(project.port, path, headers=PARENT).headers["x-trace-id"] == TRACE
    # A thread of the server may still be writing its record while the next request is answered.
    found = {record["path"]: record for record in project.access(6)}
    assert {path: (r["route"], r["status"], r["bytes"]) for path, r in found.items() if path != "/nothing"} == {
        "/orders/7/": ("/orders/<int:number>/", 200, 7),
        "/later/8/": ("/later/<int:number>/", 200, 5),
        "/stream": ("/stream", 200, 6),
        "/stream_later": ("/stream_later", 200, 6),
        "/file": ("/file", 200, 10_000),
    }
    assert (found["/nothing"]["route"], found["/nothing"]["status"]) == ("/nothing", 404)
    assert found["/orders/7/"]["message"] == "GET /orders/<int:number>/ 200"
    assert found["/orders/7/"]["client"] == "127.0.0.1"
    printed = project.stop()
    records = project.records()
    assert [r["message"] for r in records].count("piece") == 6
    ours = [r for r in records if r["logger"] in ("app", "django.request", ACCESS)]
    assert {r["trace_id"] for r in ours} == {TRACE}
    assert [r["logger"] for r in ours].count(ACCESS) == 6
    assert not [r for r in records if r["logger"] == "django.server"]
    assert "secret" not in str(records)
    assert "GET /" not in printed
    assert '"GET' not in printed


@both
def test_an_exception_is_logged_once_by_django(project):
    """With its traceback and the request's trace; the access record has no traceback."""
    answer = ask(project.port, "/broken?token=secret", headers=PARENT)
    assert (answer.status, answer.headers["x-trace-id"]) == (500, TRACE)
    (access,) = project.access(1)
    assert project.stop() == ""
    (error,) = (record for record in project.records() if "exception" in record)
    assert (error["logger"], error["exception"]["message"], error["trace_id"]) == ("django.request", "broken", TRACE)
    assert error["request"] == "GET /broken"
    assert (access["level"], access["route"]) == ("WARNING", "/broken")


@both
def test_the_status_of_a_stream_that_fails_is_the_one_its_client_got(project):
    """Under WSGI headers go out with the first piece. Seen to fail with 200 where nothing was sent."""
    seen = {}
    for path in ("/failing/0", "/failing/2", "/failing_later/0", "/failing_later/2"):
        connection = http.client.HTTPConnection("127.0.0.1", project.port, timeout=30)
        connection.request("GET", path)
        answer = connection.getresponse()
        with contextlib.suppress(http.client.IncompleteRead):
            answer.read()
        connection.close()
        seen[path] = answer.status
    found = {record["path"]: record for record in project.access(4)}
    assert {path: record["status"] for path, record in found.items()} == seen
    assert {(record["level"], record["exception"]["message"]) for record in found.values()} == {("ERROR", "broken")}


@pytest.mark.parametrize("project", [(RUNSERVER, "debug")], indirect=True)
def test_nothing_is_printed_while_debugging(project):
    """Neither the console of `DEBUG` nor the server's own lines; what no middleware saw stays a record of the server's."""
    ask(project.port, "/broken")
    ask(project.port, "/static/nothing.css")
    project.access(1)
    eventually(lambda: [r for r in project.records() if r["logger"] == "django.server"])
    assert project.stop() == ""
    (server,) = (r for r in project.records() if r["logger"] == "django.server")
    assert "/static/nothing.css" in server["message"]
    assert len([r for r in project.records() if "exception" in r]) == 1


@both
def test_requests_at_once_are_apart(project):
    """Hundreds of requests with an id of its own each, to views of both kinds: no record has another's."""

    def client(first):
        for number in range(first, first + 25):
            own = f"{number + 1:032x}"
            headers = {"traceparent": f"00-{own}-00f067aa0ba902b7-01"}
            view = "later" if number % 2 else "orders"
            assert ask(project.port, f"/{view}/{number}/?own={own}", headers=headers).headers["x-trace-id"] == own

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(client, range(0, 200, 25)))
    project.access(200)
    for record in project.records():
        if record["logger"] == "app":
            assert record["trace_id"] == record["own"]
        elif record["logger"] == ACCESS:
            assert record["trace_id"] == f"{int(record['path'].split('/')[2]) + 1:032x}"


def test_bad_options_are_refused(run_python):
    """Django says what is wrong with its settings as it starts."""
    code = PROJECT.replace('{"skip": ["/health"]}', '{"skipped": []}') + RUNSERVER
    assert "UNIFIED_LOGGER has no 'skipped'" in run_python(code, check=False).stderr
    code = PROJECT.replace('{"skip": ["/health"]}', '["/health"]') + RUNSERVER
    assert "UNIFIED_LOGGER is a dictionary, not ['/health']" in run_python(code, check=False).stderr
    code = PROJECT.replace('{"skip": ["/health"]}', '{"skip": ["health"]}') + RUNSERVER
    assert "UNIFIED_LOGGER: " in run_python(code, check=False).stderr


def test_a_client_that_did_not_wait_is_no_error(run_python, tmp_path):
    """Django cancels what serves it: 499, as with other frameworks, and nothing of it is left in the task."""
    run_python(
        PROJECT
        + """
from django.test import RequestFactory
from unified_logger.integrations.django import Middleware

async def wait(request):
    await asyncio.Event().wait()

async def main():
    task = asyncio.create_task(Middleware(wait)(RequestFactory().get("/slow")))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

asyncio.run(main())
"""
    )
    (record,) = (json.loads(line) for line in (tmp_path / "logs" / "app.log").read_text("utf-8").splitlines())
    assert (record["status"], record["level"], record["path"]) == (499, "INFO", "/slow")


def test_a_response_is_closed_once(run_python, tmp_path):
    """Closing what it reads from closes it again, in the test client. Seen to fail (`AttributeError`) without the guard."""
    run_python(
        PROJECT
        + """
urlpatterns = [path("stream", stream)]
from django.test import Client
response = Client().get("/stream")
next(response.streaming_content)
response.close()
assert response.closed
"""
    )
    told = [json.loads(line) for line in (tmp_path / "logs" / "app.log").read_text("utf-8").splitlines()]
    assert [record["path"] for record in told if record["logger"] == ACCESS] == ["/stream"]


def test_what_else_the_development_server_says_is_kept(run_python, tmp_path):
    """After a request of the test client, which no server tells of. Seen to fail (the first line gone) with each line taken for a request's."""
    run_python(
        PROJECT
        + """
urlpatterns = [path("orders/<int:number>", order)]
import logging
from django.test import Client
Client().get("/orders/1")
server = logging.getLogger("django.server")
server.error("You're accessing it over %s", "HTTPS", extra={"server_time": "now"})
server.info('"%s" %s %s', "GET /orders/1 HTTP/1.1", "200", "7", extra={"server_time": "now"})
"""
    )
    told = [json.loads(line) for line in (tmp_path / "logs" / "app.log").read_text("utf-8").splitlines()]
    assert [record["message"] for record in told if record["logger"] == "django.server"] == [
        "You're accessing it over HTTPS"
    ]


def test_options_of_access_records(run_python):
    """A function by its dotted path sees Django's request and the response; the place is the view's, of a class its method."""
    done = run_python("""
import sys
from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="x", LOGGING_CONFIG=None,
    MIDDLEWARE=["unified_logger.integrations.django.Middleware"],
    UNIFIED_LOGGER={"access_fields": f"{__name__}.fields", "user_agent": True, "request_bytes": True},
)
import django
django.setup()
from django.http import HttpResponse
from django.test import Client
from django.urls import path
from django.views import View
from unified_logger.testing import capture_logs

def fields(request, response):
    return {"tenant": request.headers["x-tenant"], "kind": response.headers["content-type"], "was": response.status}

def order(request):
    return HttpResponse("order", content_type="text/plain")

class Orders(View):
    def post(self, request):
        return HttpResponse("orders", content_type="text/plain", status=201)

urlpatterns = [path("order", order), path("orders", Orders.as_view())]
with capture_logs() as records:
    given = {"HTTP_X_TENANT": "7", "HTTP_USER_AGENT": "curl/8"}
    Client().get("/order", **given)
    Client().post("/orders", b"123", content_type="text/plain", **given)
for record in records.find(logger="unified_logger.access"):
    assert (record["tenant"], record["kind"], record["user_agent"]) == ("7", "text/plain", "curl/8")
    print(record["status"], record["was"], record["request_bytes"], record["function"])
""")
    assert done.stdout.splitlines() == ["200 200 0 order", "201 201 3 post"]
