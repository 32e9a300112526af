"""A websocket has a context for as long as it is open, and one access record at its end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from asgi_calls import Call, websocket
from kinds import Records

from unified_logger import get_logger
from unified_logger.integrations.asgi import Middleware

CONNECT = {"type": "websocket.connect"}
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = (b"traceparent", f"00-{TRACE}-b7ad6b7169203331-01".encode())

pytestmark = pytest.mark.usefixtures("logger")
log = get_logger("app")


class WebSocketDisconnect(Exception):
    """Called as that of Starlette, which is told by its name."""


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Sends back what it receives, until the client has gone."""
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        log.info("message")
        await send({"type": "websocket.send", "bytes": message.get("bytes"), "text": message.get("text")})


def call(app: Any, *received: dict[str, Any], **more: Any) -> Call:
    """Opens a websocket that receives these messages."""
    return asyncio.run(Call(CONNECT, *received)(app, websocket("/chat", [PARENT], **more)))


def test_one_record_tells_of_all(records: Records) -> None:
    """How long, how much, and how it ended; with the trace that every record inside has."""
    received = [{"type": "websocket.receive", "text": text} for text in ("a", "b\u00e9")]
    done = call(
        Middleware(echo),
        *received,
        {"type": "websocket.receive", "bytes": b"abc"},
        {"type": "websocket.disconnect", "code": 1001},
    )
    *inside, record = records()
    assert [one["message"] for one in inside] == ["message"] * 3
    assert {one["trace_id"] for one in records()} == {TRACE}
    wanted = {
        "message": "WEBSOCKET /chat 101",
        "method": "WEBSOCKET",
        "path": "/chat",
        "status": 101,
        "bytes": 7,
        "client": "192.0.2.7",
        "messages_received": 3,
        "messages_sent": 3,
        "close_code": 1001,
    }
    assert {name: record[name] for name in wanted} == wanted
    assert record["duration_ms"] > 0
    assert done.headers == {b"x-trace-id": TRACE.encode()}


def test_servers_that_know_no_headers_get_none(records: Records) -> None:
    """They came with version 2.1 of the specification."""
    done = call(Middleware(echo), asgi={"version": "3.0"})
    assert done.sent[0] == {"type": "websocket.accept"}


def test_the_first_to_close_names_the_code(records: Records) -> None:
    """The answer to it is not another end."""

    async def closing(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 4001})
        await receive()

    call(Middleware(closing), {"type": "websocket.disconnect", "code": 1006})
    assert records()[-1]["close_code"] == 4001


@pytest.mark.parametrize("code", [{}, {"code": None}])
def test_codes_have_their_defaults(records: Records, code: dict[str, Any]) -> None:
    """Those of the specification."""

    async def closing(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", **code})

    call(Middleware(echo), {"type": "websocket.disconnect", **code})
    call(Middleware(closing))
    assert [record["close_code"] for record in records()] == [1005, 1000]


def test_a_refused_handshake_is_told(records: Records) -> None:
    """Servers answer 403 to it."""

    async def refusing(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.close", "code": 1008})

    call(Middleware(refusing))
    (record,) = records()
    assert (record["status"], record["level"]) == (403, "INFO")
    assert "close_code" not in record


def test_a_handshake_may_be_answered_with_a_response(records: Records) -> None:
    """The extension has a status, headers and a body."""

    async def denying(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.http.response.start", "status": 401, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b"who?"})

    done = call(Middleware(denying))
    (record,) = records()
    assert (record["status"], record["bytes"]) == (401, 4)
    assert done.headers == {b"x-trace-id": TRACE.encode()}


def test_an_exception_is_logged_once(records: Records) -> None:
    """With the access record; what the server says of it is left out."""

    async def failing(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        raise ValueError

    with pytest.raises(ValueError) as caught:
        call(Middleware(failing))
    get_logger("uvicorn.error").logger.error("Exception in ASGI application\n", exc_info=caught.value)
    (record,) = records()
    assert (record["level"], record["status"], record["exception"]["type"]) == ("ERROR", 101, "ValueError")


def test_a_client_that_has_gone_is_no_error(records: Records) -> None:
    """Endpoints of Starlette that wait for more end by an exception, which is no failure of theirs."""

    async def waiting(scope: Any, receive: Any, send: Any) -> None:
        await echo(scope, receive, send)
        raise WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect) as caught:
        call(Middleware(waiting), {"type": "websocket.disconnect", "code": 1001})
    get_logger("uvicorn.error").logger.error("Exception in ASGI application\n", exc_info=caught.value)
    (record,) = records()
    assert (record["level"], record["close_code"]) == ("INFO", 1001)
    assert "exception" not in record


@pytest.mark.skipif("sys.version_info < (3, 11)", reason="there are no groups")
def test_a_client_that_has_gone_is_no_error_of_a_group_of_tasks(records: Records) -> None:
    """Endpoints that receive and send at once have a task for each. Another failure beside it is one."""

    async def waits(receive: Any) -> None:
        await receive()
        raise WebSocketDisconnect

    async def fails() -> None:
        raise ValueError

    def application(*others: Any) -> Any:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await send({"type": "websocket.accept"})
            async with asyncio.TaskGroup() as group, asyncio.TaskGroup() as inner:
                inner.create_task(waits(receive))
                for other in others:
                    group.create_task(other())

        return Middleware(app)

    for app in (application(), application(fails)):
        with pytest.raises(Exception, match="unhandled errors in a TaskGroup") as caught:
            call(app, {"type": "websocket.disconnect", "code": 1001})
        get_logger("uvicorn.error").logger.error("Exception in ASGI application\n", exc_info=caught.value)
    assert [(record["level"], record["close_code"]) for record in records()] == [("INFO", 1001), ("ERROR", 1001)]


@pytest.mark.parametrize("framework", [False, True])
def test_a_client_that_has_gone_is_no_error_of_what_sends(records: Records, framework: bool) -> None:
    """The server says so by an exception, which Starlette replaces. The code is that of a connection that broke."""

    async def pushing(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        try:
            await send({"type": "websocket.send", "text": "news"})
        except OSError:
            if framework:
                raise WebSocketDisconnect from None
            raise

    async def gone(message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            raise BrokenPipeError

    opened = Call(CONNECT)
    scope = websocket("/chat", asgi={"version": "3.0", "spec_version": "2.4"})
    with pytest.raises((WebSocketDisconnect, BrokenPipeError)):
        asyncio.run(Middleware(pushing)(scope, opened.receive, gone))
    (record,) = records()
    assert (record["level"], record["close_code"]) == ("INFO", 1006)
    assert "exception" not in record


def test_that_exception_without_a_client_that_has_gone_is_one(records: Records) -> None:
    """Its name alone excuses nothing."""

    async def confused(scope: Any, receive: Any, send: Any) -> None:
        raise WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect):
        call(Middleware(confused))
    assert records()[0]["level"] == "ERROR"


def test_a_cancelled_websocket_is_told_once(records: Records) -> None:
    """Servers cancel what is still open when they end."""

    async def main() -> None:
        task = asyncio.create_task(Call(CONNECT)(Middleware(open_forever), websocket()))
        await opened.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def open_forever(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        opened.set()
        await asyncio.Event().wait()

    opened = asyncio.Event()
    asyncio.run(main())
    (record,) = records()
    assert (record["status"], record["level"]) == (101, "INFO")
