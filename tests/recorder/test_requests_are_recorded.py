"""Requests that fail, or that ask for it with the right secret, are written with their details."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from kinds import Record, Records, Start

from unified_logger import LoggingContext, continue_trace, get_logger
from unified_logger.integrations.asgi import Middleware as AsgiMiddleware
from unified_logger.integrations.wsgi import Middleware as WsgiMiddleware

SECRET = "let me see everything"


def details(records: list[Record]) -> list[str]:
    return [record["message"] for record in records if record["level"] == "DEBUG"]


def over_wsgi(status: str, headers: dict[str, str], error: Exception | None = None) -> None:
    """One request to an application that answers so."""

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        get_logger("app").debug("details of %s", status)
        if error is not None:
            raise error
        start_response(status, [])
        return [b"done"]

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "REMOTE_ADDR": "1.2.3.4"}
    environ |= {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()}
    body: Any = WsgiMiddleware(application)(environ, lambda *_: None)
    try:
        list(body)
    finally:
        getattr(body, "close", lambda: None)()


def over_asgi(status: str, headers: dict[str, str], error: Exception | None = None) -> None:
    """The same."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        get_logger("app").debug("details of %s", status)
        if error is not None:
            raise error
        await send({"type": "http.response.start", "status": int(status.split()[0]), "headers": []})
        await send({"type": "http.response.body", "body": b"done"})

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        return None

    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": encoded, "client": ("1.2.3.4", 5)}
    asyncio.run(AsgiMiddleware(application)(scope, receive, send))


@pytest.mark.parametrize("serve", [over_wsgi, over_asgi])
def test_a_request_that_fails_has_its_details(start: Start, records: Records, serve: Callable[..., None]) -> None:
    """By its status or by an exception, before its access record; others have none."""
    start(recorder=True, recorder_secret=SECRET, log_level="INFO")
    serve("200 OK", {})
    serve("404 Not Found", {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
    assert details(records()) == []
    serve("503 Service Unavailable", {})
    found = records()[2:]
    assert [record["level"] for record in found] == ["INFO", "DEBUG", "WARNING"]
    assert found[0]["reason"] == "status 503"
    assert found[1]["trace_id"] == found[2]["trace_id"] == found[0]["trace"]
    with pytest.raises(ValueError):
        serve("200 OK", {}, ValueError("bad"))
    assert [record["level"] for record in records()[5:]] == ["INFO", "DEBUG", "ERROR"]


@pytest.mark.parametrize("serve", [over_wsgi, over_asgi])
def test_a_request_that_asks_for_it_has_its_details(start: Start, records: Records, serve: Callable[..., None]) -> None:
    """With the secret, and with no other value. The header is written nowhere."""
    start(recorder=True, recorder_secret=SECRET, log_level="INFO")
    for value in ("", "1", SECRET[:-1], SECRET + "!", "ü" * 5):
        serve("200 OK", {"X-Debug-Log": value.encode().decode("latin-1")})
    assert details(records()) == []
    serve("201 Created", {"X-Debug-Log": SECRET})
    found = records()
    assert details(found) == ["details of 201 Created"]
    assert SECRET not in str(found)


@pytest.mark.parametrize("serve", [over_wsgi, over_asgi])
def test_nobody_can_ask_where_there_is_no_secret(start: Start, records: Records, serve: Callable[..., None]) -> None:
    start(recorder=True, log_level="INFO")
    for value in ("", "None", "true"):
        serve("200 OK", {"X-Debug-Log": value})
    assert details(records()) == []


def test_a_message_may_ask_too(start: Start, records: Records) -> None:
    """As it does of a queue."""
    start(recorder=True, recorder_secret=SECRET, log_level="INFO")
    for headers in ({"X-Debug-Log": b"no"}, {"x-debug-log": SECRET.encode()}):
        with continue_trace(headers):
            get_logger("app").debug("details")
    assert details(records()) == ["details"]


def test_requests_of_one_process_that_call_each_other_are_one_trace(start: Start, records: Records) -> None:
    """The end of the inner one forgets nothing of the outer one."""
    start(recorder=True, log_level="INFO")
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with LoggingContext(trace_id=trace.split("-")[1]):
        get_logger("app").debug("outer")
        over_wsgi("200 OK", {"traceparent": trace})
        get_logger("app").error("failed")
    assert details(records()) == ["outer", "details of 200 OK"]
