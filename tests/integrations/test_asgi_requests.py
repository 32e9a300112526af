"""A request of any ASGI application has a context for as long as it runs, one access record, and its trace in the response."""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

import pytest
from asgi_calls import Call, hello, http
from kinds import Records

from unified_logger import ConfigurationError, LoggingContext, get_logger, get_stats, init_logging
from unified_logger.context import get_trace_context, set_trace_context
from unified_logger.integrations.asgi import Middleware, _add

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01".encode()

pytestmark = pytest.mark.usefixtures("logger")
log = get_logger("app")


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Logs, and answers with five bytes."""
    log.info("inside")
    for message in hello():
        await send(message)


def call(app: Any, scope: dict[str, Any], *received: dict[str, Any]) -> Call:
    """Calls an application once, in a task and with a context variable of its own."""
    return asyncio.run(Call(*received)(app, scope))


def access(records: Records, name: str = "unified_logger.access") -> list[dict[str, Any]]:
    """The records of one logger."""
    return [record for record in records() if record["logger"] == name]


def test_records_carry_the_trace_that_the_request_came_with(records: Records) -> None:
    """The caller's span is the parent of this one; the client is told the trace."""
    done = call(Middleware(application), http(headers=[(b"traceparent", PARENT)]))
    assert {record["trace_id"] for record in records()} == {TRACE}
    assert len(records()) == 2
    assert access(records)[0]["parent_span_id"] == PARENT.decode().split("-")[2]
    assert done.headers == {b"x-trace-id": TRACE.encode()}


def test_a_request_without_a_trace_begins_one(records: Records) -> None:
    """Each its own, of 32 digits."""
    app = Middleware(application)
    told = [call(app, http()).headers[b"x-trace-id"].decode() for _ in range(3)]
    assert len(set(told)) == 3
    assert [record["trace_id"] for record in records()] == [trace for trace in told for _ in range(2)]
    assert all(len(trace) == 32 for trace in told)


def test_the_access_record_has_its_fields(records: Records) -> None:
    """Method, route, path, status, duration, bytes and client; at INFO."""
    call(Middleware(application), http("/orders/7", method="POST"))
    (record,) = access(records)
    assert record["level"] == "INFO"
    assert record["message"] == "POST /orders/7 200"
    assert 0 < record["duration_ms"] < 60_000
    wanted = {
        "method": "POST",
        "route": "/orders/7",
        "path": "/orders/7",
        "status": 200,
        "bytes": 5,
        "client": "192.0.2.7",
    }
    assert {name: record[name] for name in wanted} == wanted


def test_all_pieces_of_a_body_are_counted(records: Records) -> None:
    """The record is written with the last of them, before the application goes on."""
    seen: list[int] = []

    async def streaming(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for piece in (b"ab", b"", b"cde"):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        seen.append(len(access(records)))
        await send({"type": "http.response.body", "body": b"f"})
        seen.append(len(access(records)))
        log.info("in the background")

    call(Middleware(streaming), http(headers=[(b"traceparent", PARENT)]))
    assert seen == [0, 1]
    assert access(records)[0]["bytes"] == 6
    assert [record["message"] for record in records()] == ["GET / 200", "in the background"]
    assert {record["trace_id"] for record in records()} == {TRACE}


def test_a_file_that_the_server_sends_ends_the_response(records: Records) -> None:
    """The extension by which applications name a file instead of reading it."""

    async def file(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1234")]})
        await send({"type": "http.response.pathsend", "path": "/etc/hostname"})
        log.info("after")

    call(Middleware(file), http())
    assert [record["message"] for record in records()] == ["GET / 200", "after"]
    assert access(records)[0]["bytes"] == 1234


def test_a_request_for_headers_alone_has_no_bytes(records: Records) -> None:
    """Frameworks answer it with a body, which servers do not send."""
    call(Middleware(application), http(method="HEAD"))
    assert access(records)[0]["bytes"] == 0


def test_an_exception_is_logged_once_with_the_access_record(records: Records) -> None:
    """It goes on to the server, whose own record of it is left out."""

    async def failing(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError("no such order")

    app = Middleware(failing)
    with pytest.raises(ValueError, match="no such order") as caught:
        call(app, http(headers=[(b"traceparent", PARENT)]))
    server = get_logger("uvicorn.error").logger
    server.error("Exception in ASGI application\n", exc_info=caught.value)
    server.error("Exception in ASGI application\n", exc_info=KeyError("another"))
    first, second = records()
    assert (first["level"], first["status"], first["trace_id"]) == ("ERROR", 500, TRACE)
    assert first["exception"]["type"] == "ValueError"
    assert second["exception"]["type"] == "KeyError"


def test_an_exception_after_the_answer_to_it_is_in_the_same_record(records: Records) -> None:
    """Frameworks answer, and raise then."""

    async def failing(scope: Any, receive: Any, send: Any) -> None:
        for message in hello(500):
            await send(message)
        raise ValueError

    with pytest.raises(ValueError):
        call(Middleware(failing), http())
    (record,) = records()
    assert (record["status"], record["bytes"], record["exception"]["type"]) == (500, 5, "ValueError")


def test_an_exception_after_the_response_has_a_record_of_its_own(records: Records) -> None:
    """The access record is written by then, and tells of a request that was answered well."""

    async def failing(scope: Any, receive: Any, send: Any) -> None:
        await application(scope, receive, send)
        raise ValueError("in the background")

    with pytest.raises(ValueError) as caught:
        call(Middleware(failing), http(headers=[(b"traceparent", PARENT)]))
    get_logger("hypercorn.error").logger.error("Error in ASGI Framework", exc_info=caught.value)
    _, answered, failed = records()
    assert (answered["status"], answered["level"]) == (200, "INFO")
    assert (failed["level"], failed["exception"]["message"], failed["trace_id"]) == (
        "ERROR",
        "in the background",
        TRACE,
    )


def test_an_answer_of_an_error_without_an_exception_is_a_warning(records: Records) -> None:
    """The framework, or the application, has said more about it."""

    async def failing(scope: Any, receive: Any, send: Any) -> None:
        for message in hello(503):
            await send(message)

    call(Middleware(failing), http())
    (record,) = records()
    assert (record["level"], record["status"], record["bytes"]) == ("WARNING", 503, 5)


def test_no_answer_is_an_error_of_the_server(records: Records) -> None:
    """Servers answer 500 for an application that returns without having said anything."""

    async def silent(scope: Any, receive: Any, send: Any) -> None:
        return

    call(Middleware(silent), http())
    assert [record["status"] for record in access(records)] == [500]


@pytest.mark.parametrize("begun", [False, True])
def test_a_cancelled_request_is_told_once(records: Records, begun: bool) -> None:
    """With the status that the client has seen, or as a request whose client did not wait; and nothing of it stays."""

    async def main() -> None:
        reached = asyncio.Event()

        async def slow(scope: Any, receive: Any, send: Any) -> None:
            if begun:
                await send(hello()[0])
            reached.set()
            await asyncio.Event().wait()

        async def serve() -> None:
            try:
                await Call()(Middleware(slow), http())
            finally:
                assert get_trace_context() == {}

        task = asyncio.create_task(serve())
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    (record,) = records()
    assert (record["status"], record["level"]) == (200 if begun else 499, "INFO")
    assert "exception" not in record


def test_a_client_that_has_gone_is_told_once(records: Records) -> None:
    """Servers may tell by an exception that nobody is there to take more."""

    async def gone(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body":
            raise OSError("the client has gone")

    with pytest.raises(OSError, match="gone"):
        asyncio.run(Middleware(application)(http(), Call().receive, gone))
    (record,) = access(records)
    assert (record["status"], record["exception"]["type"]) == (200, "OSError")


def test_a_request_that_is_thrown_away_elsewhere_leaves_the_context_there_alone(records: Records) -> None:
    """A coroutine that nobody awaits any more ends wherever it is collected."""

    class Never:
        def __await__(self) -> Any:
            yield

    async def waiting(scope: Any, receive: Any, send: Any) -> None:
        await Never()

    serving = Middleware(waiting)(http(), Call().receive, Call().send)
    contextvars.Context().run(serving.send, None)
    with LoggingContext("other"):
        serving.close()
        log.info("here")
    assert {record["message"]: record["trace_id"] == "other" for record in records()} == {
        "GET / 499": False,
        "here": True,
    }


def test_what_was_before_comes_back(records: Records) -> None:
    """For whoever calls the application in its own task, as tests do."""

    async def main() -> None:
        with LoggingContext("outer", step=1):
            await Call()(Middleware(application), http())
            log.info("after")

    asyncio.run(main())
    inside, _, after = records()
    assert inside["trace_id"] != "outer"
    assert "step" not in inside
    assert (after["trace_id"], after["step"]) == ("outer", 1)


def test_fields_that_the_application_sets_are_in_the_access_record(records: Records) -> None:
    """A trace that it takes from elsewhere too."""

    async def setting(scope: Any, receive: Any, send: Any) -> None:
        set_trace_context("from-elsewhere", user=7)
        await application(scope, receive, send)

    done = call(Middleware(setting), http())
    (record,) = access(records)
    assert (record["trace_id"], record["user"]) == ("from-elsewhere", 7)
    assert done.headers[b"x-trace-id"] == b"from-elsewhere"


def test_what_another_task_sends_is_this_requests(records: Records) -> None:
    """One that began before the request, and knows nothing of it."""

    async def main() -> None:
        queue: asyncio.Queue[Any] = asyncio.Queue()

        async def sender() -> None:
            with LoggingContext("foreign"):
                for _ in range(2):
                    send, message, sent = await queue.get()
                    await send(message)
                    sent.set()

        async def handing(scope: Any, receive: Any, send: Any) -> None:
            for message in hello():
                sent = asyncio.Event()
                await queue.put((send, message, sent))
                await sent.wait()

        other = asyncio.create_task(sender())
        done = await Call()(Middleware(handing), http(headers=[(b"traceparent", PARENT)]))
        await other
        assert done.headers[b"x-trace-id"] == TRACE.encode()

    asyncio.run(main())
    assert [record["trace_id"] for record in records()] == [TRACE]


def test_messages_of_the_application_are_not_changed(records: Records) -> None:
    """It may send the same ones again."""
    messages = hello()

    async def constant(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    for _ in range(2):
        assert len(call(Middleware(constant), http()).headers) == 1
    assert messages == hello()


def test_a_start_without_headers_gets_one(records: Records) -> None:
    """The specification leaves them out where there are none."""

    async def bare(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    assert b"x-trace-id" in call(Middleware(bare), http()).headers
    assert access(records)[0]["bytes"] == 0


def test_a_scope_without_headers_is_served(records: Records) -> None:
    """Clients that call applications themselves may leave them out."""
    scope = http()
    del scope["headers"], scope["client"], scope["root_path"]
    call(Middleware(application), scope)
    assert access(records)[0]["client"] is None


def test_the_applications_own_header_stays(records: Records) -> None:
    """It is not there twice."""

    async def own(scope: Any, receive: Any, send: Any) -> None:
        for message in hello(headers=[(b"x-trace-id", b"mine")]):
            await send(message)

    assert call(Middleware(own), http()).headers == {b"x-trace-id": b"mine"}


@pytest.mark.parametrize("own", [True, False])
def test_headers_may_be_given_once(records: Records, own: bool) -> None:
    """The specification has any iterable there: a generator's are sent whole, the application's own header with them."""
    given = [(b"content-length", b"5"), *([(b"x-trace-id", b"mine")] if own else [])]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": (header for header in given)})
        await send({"type": "http.response.pathsend", "path": "/a"})

    sent = call(Middleware(app), http()).headers
    assert {**sent, b"x-trace-id": b"mine"} == {b"content-length": b"5", b"x-trace-id": b"mine"}
    assert (sent[b"x-trace-id"] == b"mine") is own
    assert access(records)[0]["bytes"] == 5


def test_headers_are_as_configured(log_dir: Any, records: Records) -> None:
    """Also when logging is configured again after the middleware was made."""
    app = Middleware(application)
    init_logging(log_dir=str(log_dir), trace_headers=["X-Request-ID"], trace_response_header="X-Request-ID")
    done = call(app, http(headers=[(b"traceparent", PARENT), (b"x-request-id", b"order-7")]))
    assert done.headers == {b"x-request-id": b"order-7"}
    assert {(record["trace_id"], record["request_id"]) for record in records()} == {("order-7", "order-7")}
    init_logging(log_dir=str(log_dir), trace_response_header="none")
    assert call(app, http()).headers == {}


MALFORMED = {
    "not one": [(b"traceparent", b"hello")],
    "bytes": [(b"traceparent", bytes(range(128, 256)))],
    "a line of its own": [(b"traceparent", PARENT + b"\r\nx-evil: 1")],
    "twice": [(b"traceparent", PARENT), (b"traceparent", PARENT)],
    "long": [(b"traceparent", b"0" * 1_000_000)],
    "flood": [(b"traceparent", PARENT)] * 50_000,
    "empty": [(b"traceparent", b"")],
}


@pytest.mark.parametrize("headers", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_header_begins_a_new_trace(records: Records, headers: list[tuple[bytes, bytes]]) -> None:
    """It is counted, and in no record."""
    before = get_stats()["trace_headers_ignored"]
    done = call(Middleware(application), http(headers=headers))
    told = done.headers[b"x-trace-id"].decode()
    assert told != TRACE
    assert {record["trace_id"] for record in records()} == {told}
    assert get_stats()["trace_headers_ignored"] == before + 1
    assert all("evil" not in str(record) for record in records())


def test_a_flood_of_headers_is_bounded() -> None:
    """What is kept of one that comes again and again is more than any format allows, and no more than that."""
    headers: dict[str, str] = {}
    for _ in range(10_000):
        _add(headers, "tracestate", b"a=1")
    assert 8_192 < len(headers["tracestate"]) < 8_200


def test_the_states_of_a_trace_are_joined(records: Records) -> None:
    """As HTTP has it for headers that come several times."""
    from unified_logger import trace_headers

    async def calling(scope: Any, receive: Any, send: Any) -> None:
        log.info("calls", headers=trace_headers())
        await application(scope, receive, send)

    headers = [(b"traceparent", PARENT), (b"tracestate", b"a=1"), (b"tracestate", b"b=2")]
    call(Middleware(calling), http(headers=headers))
    assert records()[0]["headers"]["tracestate"] == "a=1,b=2"


@pytest.mark.parametrize("path", ["/caf\u00e9", "/\ufffd\ufffd", "/\udcff", "/a\nb\x1b[31m", "/" + "x" * 100_000, ""])
def test_any_path_is_logged(records: Records, path: str) -> None:
    """Escaped, and cut where it is long."""
    call(Middleware(application), http(path, raw_path=b""))
    (record,) = access(records)
    assert len(record["path"]) <= 1_024
    assert record["status"] == 200


@pytest.mark.parametrize("client", [None, ["unix:", None], ("::1", 80)])
def test_any_client_is_logged(records: Records, client: Any) -> None:
    """Sockets of a file system have none."""
    call(Middleware(application), http(client=client))
    assert access(records)[0]["client"] == (client and client[0])


def test_proxies_are_trusted_when_told(records: Records) -> None:
    """As many as there are."""
    headers = [(b"x-forwarded-for", b"198.51.100.9"), (b"x-forwarded-for", b"203.0.113.5")]
    for trusted in (0, 1, 2):
        call(Middleware(application, trusted_proxies=trusted), http(headers=headers))
    assert [record["client"] for record in access(records)] == ["192.0.2.7", "203.0.113.5", "198.51.100.9"]


def test_a_flood_does_not_hide_what_a_proxy_says(records: Records) -> None:
    """However much of it the client has sent before, in as many headers as it likes."""
    flood = [(b"x-forwarded-for", b"203.0.113.9, " * 500)] * 3
    app = Middleware(application, trusted_proxies=1)
    call(app, http(headers=[*flood, (b"x-forwarded-for", b"198.51.100.1")]))
    assert access(records)[0]["client"] == "198.51.100.1"


def test_skipped_paths_have_a_context_but_no_access_record(records: Records) -> None:
    """The response has its header too."""
    app = Middleware(application, skip=["/health", "/static/*"])
    for path in ("/health", "/static/a.css", "/healthy"):
        assert b"x-trace-id" in call(app, http(path)).headers
    assert [record["path"] for record in access(records)] == ["/healthy"]
    assert all("trace_id" in record for record in records())


def test_a_middleware_within_another_adds_nothing(records: Records) -> None:
    """The outer one tells of the request."""
    done = call(Middleware(Middleware(application)), http())
    assert len(access(records)) == 1
    assert len({record["trace_id"] for record in records()}) == 1
    assert len(done.headers) == 1


@pytest.mark.parametrize("kind", ["lifespan", "of tomorrow"])
def test_what_is_no_request_is_left_alone(records: Records, kind: str) -> None:
    """Neither a context nor a record, and the very same arguments."""
    given: list[Any] = []

    async def told(*arguments: Any) -> None:
        given.extend(arguments)
        log.info("inside")

    one = Call()
    scope, receive, send = {"type": kind}, one.receive, one.send
    asyncio.run(Middleware(told)(scope, receive, send))
    assert given == [scope, receive, send]
    assert scope == {"type": kind}
    assert "trace_id" not in records()[0]


def test_a_bad_option_is_refused_at_once() -> None:
    """Not with the first request."""
    with pytest.raises(ConfigurationError, match="skip"):
        Middleware(application, skip=["health"])


@pytest.mark.stress
def test_interleaved_requests_keep_their_traces(records: Records) -> None:
    """Two thousand at a time, which take turns, call threads and start tasks."""
    count = 2_000

    async def busy(scope: Any, receive: Any, send: Any) -> None:
        number = scope["number"]
        for step in range(3):
            log.info("step", number=number, step=step)
            await asyncio.sleep(0)
        await asyncio.create_task(nested(number))
        if number % 10 == 0:
            await asyncio.to_thread(log.info, "thread", number=number)
        for message in hello():
            await send(message)
            await asyncio.sleep(0)

    async def nested(number: int) -> None:
        log.info("task", number=number)

    async def main() -> None:
        app = Middleware(busy)
        await asyncio.gather(
            *(Call()(app, http(f"/{number}", [header(number)], number=number)) for number in range(count))
        )

    def header(number: int) -> tuple[bytes, bytes]:
        return b"traceparent", f"00-{number + 1:032x}-b7ad6b7169203331-01".encode()

    asyncio.run(main())
    found = records()
    assert len(found) == count * 5 + count // 10
    for record in found:
        number = record["number"] if "number" in record else int(record["path"][1:])
        assert record["trace_id"] == f"{number + 1:032x}"
