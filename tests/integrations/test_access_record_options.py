"""Access records: fields of a function, user agent and sizes on request, a client that leaves, the endpoint's place."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kinds import Records

pytest.importorskip("fastapi")
pytest.importorskip("flask")

import flask
from asgi_calls import Call, hello, http, websocket
from fastapi import FastAPI, WebSocket
from flask.views import MethodView
from over_http import ACCESS
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from unified_logger import get_logger
from unified_logger.errors import ConfigurationError
from unified_logger.integrations import fastapi as of_fastapi
from unified_logger.integrations import flask as of_flask
from unified_logger.integrations import starlette as of_starlette
from unified_logger.integrations.asgi import Middleware as Asgi
from unified_logger.integrations.wsgi import Middleware as Wsgi

pytestmark = pytest.mark.usefixtures("logger")
log = get_logger("app")
POSTED = (b"content-length", b"3")
AGENT = (b"user-agent", b"curl/8")


def access(records: Records) -> list[dict[str, Any]]:
    """The access records."""
    return [record for record in records() if record["logger"] == ACCESS]


def ask(app: Any, scope: dict[str, Any] | None = None, *received: dict[str, Any]) -> Call:
    """Asks an application of ASGI."""
    return asyncio.run(Call(*received)(app, scope or http()))


async def greet(scope: Any, receive: Any, send: Any) -> None:
    """An application of ASGI that answers at once."""
    for message in hello(201, headers=[(b"x-kind", b"greeting")]):
        await send(message)


def greet_over_wsgi(environ: Any, start_response: Any) -> list[bytes]:
    """An application of WSGI that answers at once."""
    start_response("201 Created", [("X-Kind", "greeting")])
    return [b"hello"]


def call_wsgi(app: Any, close_after: int | None = None, **environ: Any) -> bytes:
    """Calls an application of WSGI as a server does, which closes the body after some pieces."""
    base = {"REQUEST_METHOD": "GET", "PATH_INFO": "/orders", "SCRIPT_NAME": "", "wsgi.errors": None}
    body = app(base | environ, lambda *_: lambda _data: None)
    pieces = []
    try:
        for number, piece in enumerate(body):
            if number == close_after:
                break
            pieces.append(piece)
    finally:
        if hasattr(body, "close"):
            body.close()
    return b"".join(pieces)


# Fields of a function


def test_a_function_gives_an_access_record_fields(records: Records) -> None:
    """Over ASGI it sees the scope, over WSGI the environ; both see the response. Its own records are of the request."""

    def of_scope(scope: Any, response: Any) -> dict[str, Any]:
        log.info("asked")
        return {
            "peer": scope["client"][1],
            "kind": response.headers["x-kind"],
            "was": (response.status, response.bytes),
        }

    def of_environ(environ: Any, response: Any) -> dict[str, Any]:
        return {"peer": environ["PEER"], "kind": response.headers["x-kind"], "was": (response.status, response.bytes)}

    ask(Asgi(greet, access_fields=of_scope))
    call_wsgi(Wsgi(greet_over_wsgi, access_fields=of_environ), PEER=5000)
    found = access(records)
    for record in found:
        assert (record["peer"], record["kind"], record["was"]) == (5000, "greeting", [201, 5])
    (asked,) = [record for record in records() if record["message"] == "asked"]
    assert asked["trace_id"] == found[0]["trace_id"]
    assert len(found) == 2


def test_a_function_sees_the_request_of_its_framework(records: Records) -> None:
    """Starlette's, also for a websocket, and Flask's."""
    seen: list[Any] = []

    def note(request: Any, response: Any) -> dict[str, Any]:
        seen.append(request)
        return {"tenant": request.headers["x-tenant"]}

    api = FastAPI()
    of_fastapi.install(api, access_fields=note)

    @api.get("/orders")
    async def orders() -> dict[str, int]:
        return {}

    @api.websocket("/news")
    async def news(socket: WebSocket) -> None:
        await socket.accept()
        await socket.close()

    shop = flask.Flask("shop")
    of_flask.install(shop, access_fields=note)

    @shop.get("/orders")
    def shop_orders() -> str:
        return "none"

    tenant = [(b"x-tenant", b"7")]
    ask(api, http("/orders", tenant))
    ask(api, websocket("/news", tenant), {"type": "websocket.connect"})
    shop.test_client().get("/orders", headers={"x-tenant": "7"})
    shop.test_client().get("/nowhere", headers={"x-tenant": "7"})
    assert [record["tenant"] for record in access(records)] == ["7"] * 4
    assert [type(request) for request in seen] == [Request, HTTPConnection, flask.Request, flask.Request]


def test_a_name_of_the_record_itself_stays(records: Records) -> None:
    """And no name is an argument of the call that logs."""
    odd = {"status": 1, "exc_info": True, "message": "m", "msg": "n", "level": "o", "extra": {"a": 1}, 7: "seven"}
    ask(Asgi(greet, access_fields=lambda *_: odd))
    (record,) = access(records)
    assert (record["status"], record["level"], record["message"]) == (201, "INFO", "GET / 201")
    assert record["7"] == "seven"
    assert "exception" not in record


class Odd(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def failing(request: Any, response: Any) -> Any:
    raise ValueError("no such tenant")


def odd(request: Any, response: Any) -> Any:
    raise Odd


def nothing(request: Any, response: Any) -> Any:
    return None


async def late(request: Any, response: Any) -> Any:
    return {}


@pytest.mark.parametrize(
    ("function", "what"),
    [
        (failing, "failing raised ValueError: no such tenant"),
        (odd, "odd raised Odd"),
        (nothing, "nothing returned NoneType, not a mapping"),
        (late, "late returned coroutine, not a mapping"),
        (functools.partial(failing), "partial raised ValueError: no such tenant"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_function_that_fails_loses_nothing(function: Any, what: str, records: Records) -> None:
    """That is reported once, and each request still has its record."""
    app = Asgi(greet, access_fields=function)
    for _ in range(3):
        ask(app)
    assert len(access(records)) == 3
    told = [record["message"] for record in records() if record["message"].startswith("access_fields")]
    assert told == [f"access_fields: {what}; access records are without its fields"]


@pytest.mark.parametrize("option", [{"access_fields": "f"}, {"user_agent": "yes"}, {"request_bytes": 1}])
@pytest.mark.parametrize("install", [Asgi, Wsgi, lambda _, **o: of_flask.install(flask.Flask("a"), **o)])
def test_a_wrong_option_fails_at_once(install: Any, option: dict[str, Any]) -> None:
    """With its name and what is allowed."""
    with pytest.raises(ConfigurationError, match=next(iter(option))):
        install(greet, **option)


# User agent and sizes


def test_user_agent_and_size_are_there_on_request(records: Records) -> None:
    """Over ASGI and WSGI; without the options they are not."""
    options: Any = {"user_agent": True, "request_bytes": True}
    posted = http(headers=[POSTED, AGENT])
    ask(Asgi(greet, **options), posted)
    call_wsgi(Wsgi(greet_over_wsgi, **options), HTTP_USER_AGENT="curl/8", CONTENT_LENGTH="3")
    ask(Asgi(greet), http(headers=[POSTED, AGENT]))
    call_wsgi(Wsgi(greet_over_wsgi), HTTP_USER_AGENT="curl/8", CONTENT_LENGTH="3")
    found = [(record.get("user_agent"), record.get("request_bytes")) for record in access(records)]
    assert found == [("curl/8", 3)] * 2 + [(None, None)] * 2


def test_what_clients_send_instead_is_kept_in_bounds(records: Records) -> None:
    """A long agent is cut; a length that is none is left out; a body without one is counted as it is received."""

    async def read(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await greet(scope, receive, send)

    app = Asgi(read, user_agent=True, request_bytes=True)
    ask(app, http(headers=[(b"user-agent", b"\xff" * 10_000), (b"content-length", b"-1")]))
    pieces = [{"type": "http.request", "body": b"123", "more_body": more} for more in (True, False)]
    ask(app, http(), *pieces)
    first, second = access(records)
    assert first["user_agent"] == "\xff" * 512
    assert "request_bytes" not in first
    assert (second.get("user_agent"), second["request_bytes"]) == (None, 6)


# A client that leaves


def outcome(records: Records) -> tuple[Any, ...]:
    """Of the only access record: level, status and outcome, and whether it has an exception."""
    (record,) = access(records)
    return record["level"], record["status"], record.get("outcome"), "exception" in record


def test_a_client_that_leaves_before_the_answer_is_seen(records: Records) -> None:
    """An application that waits for it and gives up is no error."""

    async def wait(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    ask(Asgi(wait))
    assert outcome(records) == ("INFO", 499, "client_disconnected", False)


def test_a_client_that_leaves_in_the_middle_of_a_stream_is_seen(records: Records) -> None:
    """Starlette stops the stream."""

    async def pieces() -> Any:
        for _ in range(100):
            yield b"1"
            await asyncio.sleep(0.001)

    async def stream(request: Any) -> StreamingResponse:
        return StreamingResponse(pieces())

    app = Starlette(routes=[Route("/", stream)])
    of_starlette.install(app)
    ask(app, http(), {"type": "http.disconnect"})
    assert outcome(records) == ("INFO", 200, "client_disconnected", False)


def test_a_client_that_leaves_while_its_body_is_read_is_no_error(records: Records) -> None:
    """Starlette raises an exception for it, and answers it with 500, which reaches nobody."""

    async def read(request: Request) -> Any:
        await request.body()

    app = Starlette(routes=[Route("/", read, methods=["POST"])])
    of_starlette.install(app)
    with pytest.raises(ClientDisconnect):
        ask(app, http(method="POST"), {"type": "http.request", "body": b"1", "more_body": True})
    assert outcome(records)[0::3] == ("INFO", False)
    assert outcome(records)[2] == "client_disconnected"


def test_a_server_that_refuses_to_send_tells_it_too(records: Records) -> None:
    """From version 2.4 of the specification on, `send` raises an OSError; another OSError is an error."""

    async def refuse(message: Any) -> None:
        raise OSError("gone")

    async def none() -> Any:
        raise AssertionError

    app = Asgi(greet)
    with pytest.raises(OSError, match="gone"):
        asyncio.run(app(http(asgi={"version": "3.0", "spec_version": "2.4"}), none, refuse))
    assert outcome(records)[2:] == ("client_disconnected", False)


@pytest.mark.skipif("sys.version_info < (3, 11)", reason="there are no groups")
@pytest.mark.parametrize("spec_version", ["2.3", "2.4"])
def test_a_group_of_tasks_may_find_it_out(records: Records, spec_version: str) -> None:
    """It raises a group, in which nothing else has failed."""

    async def serves(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

        async def listens() -> None:
            if (await receive())["type"] == "http.disconnect":
                raise ClientDisconnect

        async def sends() -> None:
            await send({"type": "http.response.body", "body": b"1", "more_body": True})

        async with asyncio.TaskGroup() as group:
            group.create_task(listens() if spec_version == "2.3" else sends())

    async def left() -> Any:
        return {"type": "http.disconnect"}

    async def refuse(message: Any) -> None:
        if message["type"] == "http.response.body":
            raise OSError("gone")

    with pytest.raises(Exception, match="unhandled errors in a TaskGroup"):
        asyncio.run(Asgi(serves)(http(asgi={"version": "3.0", "spec_version": spec_version}), left, refuse))
    assert outcome(records)[0::2] == ("INFO", "client_disconnected")
    assert outcome(records)[3] is False


def test_an_error_stays_one_if_the_client_has_left(records: Records) -> None:
    """It is not hidden by that."""

    async def fail(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        ask(Asgi(fail))
    assert outcome(records) == ("ERROR", 500, "client_disconnected", True)


def test_a_client_that_leaves_after_its_answer_is_none_of_these(records: Records) -> None:
    """A server reports the end of each connection."""

    async def listen(scope: Any, receive: Any, send: Any) -> None:
        await greet(scope, receive, send)
        while (await receive())["type"] != "http.disconnect":
            pass

    ask(Asgi(listen))
    assert outcome(records) == ("INFO", 201, None, False)


def streamed(*headers: tuple[str, str], status: str = "200 OK") -> Any:
    """An application of WSGI with a body of three pieces."""

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response(status, list(headers))
        yield from (b"1", b"2", b"3")

    return Wsgi(app)


@pytest.mark.parametrize(
    ("app", "close_after", "environ", "expected"),
    [
        (streamed(), 1, {}, "client_disconnected"),
        (streamed(), 0, {}, "client_disconnected"),
        (streamed(("Content-Length", "3")), 2, {}, "client_disconnected"),
        (streamed(), None, {}, None),
        (streamed(), 0, {"REQUEST_METHOD": "HEAD"}, None),
        (streamed(status="304 Not Modified"), 0, {}, None),
    ],
)
def test_a_body_that_is_closed_before_its_end_shows_it_over_wsgi(
    app: Any, close_after: int | None, environ: dict[str, str], expected: str | None, records: Records
) -> None:
    """Unless nothing of it would have been sent."""
    call_wsgi(app, close_after, **environ)
    level, _, found, _ = outcome(records)
    assert (level, found) == ("INFO", expected)


# An exception after the response


def test_an_exception_after_the_response_has_route_and_path(records: Records) -> None:
    """Over ASGI and WSGI; its trace is that of the request."""
    app = FastAPI()
    of_fastapi.install(app)

    @app.get("/orders/{number}")
    async def order(number: int) -> StreamingResponse:
        async def pieces() -> Any:
            yield b"1"
            raise ValueError("in the body")

        return StreamingResponse(pieces())

    @app.get("/late/{number}")
    async def late(number: int, tasks: Any = None) -> Any:
        from starlette.background import BackgroundTask
        from starlette.responses import PlainTextResponse

        def fail() -> None:
            raise ValueError("in the background")

        return PlainTextResponse("1", background=BackgroundTask(fail))

    for path in ("/orders/7", "/late/7"):
        with pytest.raises(ValueError, match="in the"):
            ask(app, http(path))

    class Body(list[bytes]):
        def close(self) -> None:
            raise ValueError("in close")

    def body(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [("Content-Length", "1")])
        return iter(Body([b"1"]))

    class Closed:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"1"])

        def close(self) -> None:
            raise ValueError("in close")

    def closing(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [("Content-Length", "1")])
        return Closed()

    with pytest.raises(ValueError, match="in close"):
        call_wsgi(Wsgi(closing, route=lambda environ: "/{all}"))
    found = {
        (record["message"], record["route"], record["path"]): record for record in records() if "exception" in record
    }
    assert list(found) == [
        ("GET /orders/{number} 200", "/orders/{number}", "/orders/7"),
        ("exception after the response", "/late/{number}", "/late/7"),
        ("exception after the response", "/{all}", "/orders"),
    ]
    assert all("trace_id" in record for record in found.values())


# The place


def line_of(function: Any) -> int:
    """The first line of a function."""
    return inspect.unwrap(function).__code__.co_firstlineno  # type: ignore[no-any-return]


def test_the_place_of_a_record_is_the_endpoint(records: Records, start: Callable[..., Any]) -> None:
    """Of functions, classes and what is wrapped around them, in Starlette, FastAPI and Flask; also of plain functions."""

    def around(function: Any) -> Any:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapped

    api = FastAPI()

    @api.get("/a")
    @around
    def wrapped() -> dict[str, int]:
        return {}

    class Orders(HTTPEndpoint):
        async def get(self, request: Any) -> Any:
            return StreamingResponse(iter([b"1"]))

    api.router.routes.append(Route("/b", Orders))
    of_fastapi.install(api)
    shop = flask.Flask("shop")
    of_flask.install(shop)

    @shop.get("/c")
    def view() -> str:
        return ""

    class Items(MethodView):
        def get(self) -> str:
            return ""

    shop.add_url_rule("/d", view_func=Items.as_view("items"))
    ask(api, http("/a"))
    ask(api, http("/b"))
    shop.test_client().get("/c")
    shop.test_client().get("/d")
    ask(Asgi(greet))
    call_wsgi(Wsgi(greet_over_wsgi))
    ask(api, http("/nowhere"))
    *found, nowhere = access(records)
    functions = [wrapped, Orders.get, view, Items.get, greet, greet_over_wsgi]
    assert [record["function"] for record in found] == [function.__name__ for function in functions]
    assert [record["line"] for record in found] == [line_of(function) for function in functions]
    assert {record["module"] for record in found} == {__name__.rpartition(".")[2]}
    assert nowhere["module"] == "_access"


def test_an_endpoint_without_code_has_no_place_of_its_own(records: Records) -> None:
    """Whatever an application has put there."""
    for endpoint in (7, [], print, type("Empty", (), {}), functools.partial(print)):
        ask(Asgi(greet_with(endpoint)))
    assert {record["module"] for record in access(records)} == {"_access"}


def test_the_place_is_below_decorators_and_partials(records: Records) -> None:
    """In any order. An attribute of a function that only looks like that of a partial leads nowhere."""

    def endpoint() -> None: ...

    def deeper() -> None: ...

    endpoint.func = print  # type: ignore[attr-defined]
    deeper.func = print  # type: ignore[attr-defined]
    wrapped = functools.wraps(deeper)(lambda: None)
    twice = functools.partial(functools.wraps(deeper)(functools.partial(deeper)))
    for found in (endpoint, functools.partial(endpoint), wrapped, twice):
        ask(Asgi(greet_with(found)))
    assert [record["function"] for record in access(records)] == ["endpoint", "endpoint", "deeper", "deeper"]


class greet_with:
    """An application that leaves an endpoint in the scope."""

    def __init__(self, endpoint: Any) -> None:
        self.endpoint = endpoint

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope["endpoint"] = self.endpoint
        await greet(scope, receive, send)
