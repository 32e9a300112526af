"""Outgoing calls of requests, httpx, httpx2 and urllib carry the trace to a real server."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from kinds import Records

pytest.importorskip("httpx")
pytest.importorskip("requests")

import httpx
import requests

from unified_logger import LoggingContext, UnifiedLogger, get_logger
from unified_logger.context import Scope, get_trace_context, propagation
from unified_logger.integrations import httpx as httpx_calls
from unified_logger.integrations import requests as requests_calls
from unified_logger.integrations import urllib as urllib_calls
from unified_logger.integrations._outgoing import Outgoing

try:
    import httpx2
except ImportError:  # The oldest versions that are supported are from before it.
    httpx2 = None

TRACE = "ab" * 16
SPAN = "cd" * 8
PARENT = f"00-{TRACE}-{SPAN}-01"


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers it got; `/away` leads to `/`, `/<number>` answers with that status."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self.server.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))  # type: ignore[attr-defined]
        status = 302 if self.path == "/away" else int(self.path.strip("/") or 200)
        body = json.dumps(self.server.seen[-1][1]).encode()  # type: ignore[attr-defined]
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def running() -> Iterator[ThreadingHTTPServer]:
    """The server, at a free port of loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def server(running: ThreadingHTTPServer) -> Any:
    """The server, which has seen nothing yet."""
    running.seen = []  # type: ignore[attr-defined]
    return running


@pytest.fixture
def logger(start: Callable[..., Any]) -> UnifiedLogger:
    """A logger of a process that logs to files only."""
    start(console_format="off")
    return get_logger("app")


class OfRequests:
    """Calls of a session of requests."""

    name = "requests"
    calls = requests_calls
    failure = requests.exceptions.ConnectionError

    def __init__(self) -> None:
        self.client = requests.Session()
        self.client.trust_env = False

    def get(self, url: str, **headers: str) -> int:
        return int(self.client.get(url, headers=headers, timeout=30).status_code)

    def close(self) -> None:
        self.client.close()


class OfHttpx:
    """Calls of a client of httpx."""

    name = "httpx"
    calls = httpx_calls
    library: Any = httpx
    failure: Any = httpx.ConnectError

    def __init__(self) -> None:
        self.client = self.library.Client(trust_env=False, follow_redirects=True)

    def get(self, url: str, **headers: str) -> int:
        return int(self.client.get(url, headers=headers).status_code)

    def close(self) -> None:
        self.client.close()


class OfAsyncHttpx(OfHttpx):
    """Calls of an asynchronous client of httpx."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.client = self.library.AsyncClient(trust_env=False, follow_redirects=True)

    def get(self, url: str, **headers: str) -> int:
        async def get() -> int:
            return int((await self.client.get(url, headers=headers)).status_code)

        return self.loop.run_until_complete(get())

    def close(self) -> None:
        self.loop.run_until_complete(self.client.aclose())
        self.loop.close()


class OfHttpx2(OfHttpx):
    """Calls of a client of httpx2."""

    library = httpx2
    failure = httpx2 and httpx2.ConnectError


class OfAsyncHttpx2(OfAsyncHttpx):
    """Calls of an asynchronous client of httpx2."""

    library = httpx2
    failure = httpx2 and httpx2.ConnectError


class OfUrllib:
    """Calls of an opener of urllib."""

    name = "urllib"
    calls = urllib_calls
    failure = urllib.error.URLError

    def __init__(self) -> None:
        self.client = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(self, url: str, **headers: str) -> int:
        try:
            with self.client.open(urllib.request.Request(url, headers=headers), timeout=30) as answer:
                answer.read()
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def close(self) -> None:
        self.client.close()


KINDS = [OfRequests, OfHttpx, OfAsyncHttpx, OfUrllib, *([OfHttpx2, OfAsyncHttpx2] if httpx2 else [])]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def kind(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A library that makes calls; nothing is installed before and after."""
    yield request.param
    request.param.calls.uninstall()


@pytest.fixture
def caller(kind: Any) -> Iterator[Any]:
    """A client of it."""
    caller = kind()
    yield caller
    caller.close()


@pytest.fixture
def calls(records: Records) -> Callable[[], list[dict[str, Any]]]:
    """The records of calls; what httpx itself says of its own is left out."""
    return lambda: [record for record in records() if record["message"] == "outgoing call"]


def url(server: Any, path: str = "/") -> str:
    """An address of the server."""
    return f"http://127.0.0.1:{server.server_port}{path}"


def parents(server: Any) -> list[Any]:
    """The `traceparent` of each request that the server has seen."""
    return [headers.get("traceparent") for _, headers in server.seen]


def test_a_call_carries_the_current_trace(caller: Any, server: Any) -> None:
    """Each its own; without a trace there is no header."""
    caller.calls.install(caller.client)
    for trace_id in (TRACE, "12" * 16):
        with LoggingContext(trace_id=trace_id, span_id=SPAN):
            assert caller.get(url(server)) == 200
    caller.get(url(server))
    assert parents(server) == [PARENT, f"00-{'12' * 16}-{SPAN}-01", None]


def test_a_record_names_the_code_that_called_the_library(logger: Any, kind: Any, server: Any, calls: Any) -> None:
    """Whichever of its functions lie between, also after a redirect. Seen to fail (`request` of httpx's client)."""
    kind.calls.install(level="INFO")
    caller = kind()
    try:
        caller.get(url(server))
        caller.get(url(server, "/away"))
        with pytest.raises(kind.failure):
            caller.get("http://127.0.0.1:1/")
    finally:
        caller.close()
    assert {(call["module"], call["function"]) for call in calls()} == {("test_outgoing", "get")}


def test_the_state_goes_along(caller: Any, server: Any) -> None:
    """What came with the request goes on with its calls."""
    caller.calls.install(caller.client)
    remote = propagation.extract({"traceparent": PARENT, "tracestate": "vendor=1"})
    scope = Scope(propagation.begin(remote, {}))
    caller.get(url(server))
    scope.leave()
    ((_, headers),) = server.seen
    assert headers["traceparent"].startswith(f"00-{TRACE}-")
    assert headers["tracestate"] == "vendor=1"


@pytest.mark.parametrize("name", ["traceparent", "Traceparent", "TRACEPARENT"])
def test_what_the_caller_has_set_stays(caller: Any, server: Any, name: str) -> None:
    """In any case of its letters; it is there once."""
    caller.calls.install(caller.client)
    with LoggingContext(trace_id=TRACE, span_id=SPAN):
        caller.get(url(server), **{name: "mine"})
    assert parents(server) == ["mine"]


def test_an_id_of_the_request_stays_beside_the_trace(caller: Any, server: Any) -> None:
    """Who sets `X-Request-ID` names the request, and no other trace."""
    before = propagation.settings()
    propagation.configure(("traceparent", "x-request-id"), "")
    try:
        caller.calls.install(caller.client)
        with LoggingContext(trace_id=TRACE, span_id=SPAN, request_id="ours"):
            caller.get(url(server), **{"X-Request-ID": "theirs"})
            caller.get(url(server))
    finally:
        propagation.configure(before.headers, before.response_header)
    assert parents(server) == [PARENT, PARENT]
    assert [headers["x-request-id"] for _, headers in server.seen] == ["theirs", "ours"]


def test_only_the_given_client_does(kind: Any, caller: Any, server: Any) -> None:
    """Another one's calls are as they were, and this one's once it is taken back."""
    other = kind()
    caller.calls.install(caller.client)
    with LoggingContext(trace_id=TRACE, span_id=SPAN):
        other.get(url(server))
        caller.calls.uninstall(caller.client)
        caller.get(url(server))
    other.close()
    assert parents(server) == [None, None]


def test_every_client_can(caller: Any, server: Any, logger: UnifiedLogger, calls: Records) -> None:
    """Without one named it is all of the process; one that is named besides logs each call once, at its own level."""
    caller.calls.install(level="DEBUG")
    with LoggingContext(trace_id=TRACE, span_id=SPAN):
        caller.get(url(server))
        caller.calls.install(caller.client, level="INFO")
        caller.get(url(server))
        caller.calls.uninstall(caller.client)
        caller.calls.uninstall()
        caller.get(url(server))
    first, second, third = parents(server)
    assert first is not None
    assert second is not None
    assert third is None
    assert [record["level"] for record in calls()] == ["INFO"]


def test_installing_again_replaces(caller: Any, server: Any, logger: UnifiedLogger, calls: Records) -> None:
    """The last level counts, and there is one record to a call."""
    for level in ("ERROR", "WARNING"):
        caller.calls.install(caller.client, level=level)
    caller.get(url(server))
    assert [record["level"] for record in calls()] == ["WARNING"]


def test_a_redirect_carries_it_on(caller: Any, server: Any) -> None:
    """Each of its requests has the header."""
    caller.calls.install(caller.client)
    with LoggingContext(trace_id=TRACE, span_id=SPAN):
        assert caller.get(url(server, "/away")) == 200
    assert [path for path, _ in server.seen] == ["/away", "/"]
    assert parents(server) == [PARENT, PARENT]


def test_a_call_can_be_a_span(caller: Any, server: Any, logger: UnifiedLogger, calls: Records) -> None:
    """Its id is the one that the server gets; the record has method, host, status and duration, and nothing else of the URL."""
    caller.calls.install(caller.client, level="INFO")
    with LoggingContext(trace_id=TRACE, span_id=SPAN, tenant=1):
        assert caller.get(url(server, "/404")) == 404
        after = get_trace_context()
    (record,) = calls()
    assert record["logger"] == f"unified_logger.integrations.{caller.name}"
    wanted = {
        "trace_id": TRACE,
        "parent_span_id": SPAN,
        "tenant": 1,
        "method": "GET",
        "host": f"127.0.0.1:{server.server_port}",
        "status": 404,
    }
    assert {name: record[name] for name in wanted} == wanted
    assert record["duration_ms"] > 0
    assert parents(server) == [f"00-{TRACE}-{record['span_id']}-01"]
    assert after["span_id"] == SPAN


def test_a_call_that_fails_is_told_of(caller: Any, logger: UnifiedLogger, calls: Records) -> None:
    """By the kind of its exception, which is passed on."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    caller.calls.install(caller.client, level="INFO")
    with pytest.raises(caller.failure):
        caller.get(f"http://127.0.0.1:{port}/?password=secret")
    (record,) = calls()
    assert record["error"] == caller.failure.__name__
    assert "status" not in record
    assert "secret" not in json.dumps(record)


def test_a_password_of_the_url_is_not_told(server: Any, logger: UnifiedLogger, calls: Records) -> None:
    """The host is told without its user."""
    caller = OfRequests()
    caller.calls.install(caller.client, level="INFO")
    caller.get(f"http://user:secret@127.0.0.1:{server.server_port}/")
    caller.close()
    (record,) = calls()
    assert record["host"] == f"127.0.0.1:{server.server_port}"


def test_a_wrong_level_is_named_at_once(caller: Any, server: Any) -> None:
    """Nothing is installed then."""
    with pytest.raises(ValueError, match="must be"):
        caller.calls.install(caller.client, level="LOUD")
    with LoggingContext(trace_id=TRACE):
        caller.get(url(server))
    assert parents(server) == [None]


def test_a_request_that_is_kept_has_the_trace_of_each_call(server: Any) -> None:
    """A prepared request that is sent twice carries nothing from the first time."""
    session = requests.Session()
    session.trust_env = False
    requests_calls.install(session)
    prepared = session.prepare_request(requests.Request("GET", url(server)))
    client = httpx.Client(trust_env=False)
    httpx_calls.install(client)
    built = client.build_request("GET", url(server))
    opener = OfUrllib().client
    urllib_calls.install(opener)
    request = urllib.request.Request(url(server))
    for trace_id in ("12" * 16, "34" * 16):
        with LoggingContext(trace_id=trace_id):
            session.send(prepared)
            client.send(built)
            opener.open(request).close()
    session.close()
    client.close()
    assert [str(parent).split("-")[1] for parent in parents(server)] == ["12" * 16] * 3 + ["34" * 16] * 3
    assert "traceparent" not in prepared.headers


def test_interleaved_calls_keep_their_traces(server: Any, logger: UnifiedLogger, calls: Records) -> None:
    """A hundred tasks of one client, and as many calls of threads."""
    httpx_calls.install(level="INFO")
    requests_calls.install(level="INFO")
    try:

        async def one(client: Any, number: int) -> None:
            async with LoggingContext(trace_id=f"{number:032x}"):
                await client.get(url(server, "/200"), headers={"number": str(number)})

        async def main() -> None:
            limits = httpx.Limits(max_connections=8)
            async with httpx.AsyncClient(trust_env=False, limits=limits, timeout=60) as client:
                await asyncio.gather(*(one(client, number) for number in range(1, 101)))

        asyncio.run(main())

        def call(number: int) -> None:
            with LoggingContext(trace_id=f"{number:032x}"):
                session.get(url(server, "/200"), headers={"number": str(number)}, timeout=60)

        with requests.Session() as session, ThreadPoolExecutor(4) as pool:
            session.trust_env = False
            list(pool.map(call, range(101, 201)))
    finally:
        httpx_calls.uninstall()
        requests_calls.uninstall()
    assert len(server.seen) == 200
    for _, headers in server.seen:
        assert headers["traceparent"].split("-")[1] == f"{int(headers['number']):032x}"
    spans = {record["span_id"] for record in calls()}
    assert {headers["traceparent"].split("-")[2] for _, headers in server.seen} == spans
    assert len(spans) == 200


def test_a_filter_that_raises_leaves_no_span_open(server: Any, logger: UnifiedLogger) -> None:
    """What it raises goes to the caller, as from every logging call."""

    def refuse(record: logging.LogRecord) -> bool:
        raise RuntimeError("refused")

    target = logging.getLogger(urllib_calls.__name__)
    target.addFilter(refuse)
    urllib_calls.install(level="INFO")
    try:
        with pytest.raises(RuntimeError, match="refused"):
            urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/")
        assert get_trace_context() == {}
    finally:
        urllib_calls.uninstall()
        target.removeFilter(refuse)


def test_a_request_without_headers_leaves_no_span_open(logger: UnifiedLogger) -> None:
    """It is the library's to say what it thinks of it."""
    headers: Any = None
    with LoggingContext(trace_id=TRACE, span_id=SPAN):
        with pytest.raises(TypeError), Outgoing("app", logging.INFO, "GET", "", headers):
            raise AssertionError("not reached")
        assert get_trace_context() == {"trace_id": TRACE, "span_id": SPAN}
