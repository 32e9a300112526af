"""A WSGI application has the context of its request, and one access record for each."""

import io
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

import pytest
from over_http import access_of, ask, ask_raw, eventually, serving

from unified_logger import ConfigurationError, LoggingContext, _core, get_logger, get_stats
from unified_logger.context import get_trace_context
from unified_logger.integrations.wsgi import Middleware

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def hello(environ, start_response):
    get_logger("app").info("inside")
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]


def call(app, path="/", method="GET", **environ):
    """Calls an application as a server does; gives status, headers and body."""
    answer = []
    body = app(
        {"REQUEST_METHOD": method, "PATH_INFO": path, "REMOTE_ADDR": "127.0.0.1", **environ},
        lambda status, headers, exc_info=None: answer.append((status, headers)) or bytearray().extend,
    )
    try:
        return b"".join(body), *answer[-1]
    finally:
        getattr(body, "close", lambda: None)()


def test_a_request_has_one_access_record(start, records):
    """Method, path, status, duration, bytes and client are fields; the server's own line is left out."""
    start()
    with serving(Middleware(hello)) as port:
        answer = ask(port, "/orders/7?token=secret")
        (access,) = access_of(records)
    assert (answer.status, answer.body) == (200, b"hello")
    assert access["message"] == "GET /orders/7 200"
    assert access["level"] == "INFO"
    assert {k: access[k] for k in ("method", "route", "path", "status", "bytes", "client")} == {
        "method": "GET",
        "route": "/orders/7",
        "path": "/orders/7",
        "status": 200,
        "bytes": 5,
        "client": "127.0.0.1",
    }
    assert access["duration_ms"] > 0
    assert not any("secret" in str(record) or record["logger"] == "werkzeug" for record in records())


def test_records_inside_have_the_trace_of_the_request(start, records):
    """The trace goes on from the header, and the client is told it."""
    start()
    with serving(Middleware(hello)) as port:
        answer = ask(port, headers={"traceparent": PARENT})
        (access,) = access_of(records)
    assert answer.headers["x-trace-id"] == TRACE
    assert {record["trace_id"] for record in records()} == {TRACE}
    (inside,) = (record for record in records() if record["message"] == "inside")
    assert inside["span_id"] == access["span_id"] != "00f067aa0ba902b7"
    assert access["parent_span_id"] == "00f067aa0ba902b7"


def test_an_error_has_its_caller_s_span_too(start, records):
    """The access record of a failed request is a call of another form."""

    def unavailable(environ, start_response):
        start_response("503 Service Unavailable", [("Content-Length", "0")])
        return [b""]

    start()
    with serving(Middleware(unavailable)) as port:
        ask(port, headers={"traceparent": PARENT})
        (access,) = access_of(records)
    assert (access["status"], access["parent_span_id"]) == (503, "00f067aa0ba902b7")


def test_without_a_header_every_request_is_a_trace_of_its_own(start, records):
    """A new trace begins, also inside of what the thread has current."""
    start()
    with LoggingContext(trace_id="outer"):
        first, second = (dict(call(Middleware(hello))[2])["X-Trace-ID"] for _ in range(2))
        assert get_trace_context()["trace_id"] == "outer"
    assert len({first, second, "outer"}) == 3
    assert [record["trace_id"] for record in records()] == [first, first, second, second]


@pytest.mark.parametrize("option", ["none", "X-Request-Trace"])
def test_the_response_header_is_as_configured(start, option):
    """It has the configured name, or is left out."""
    start(trace_response_header=option)
    names = [name for name, _ in call(Middleware(hello))[2]]
    assert names[2:] == ([] if option == "none" else [option])


def test_an_application_may_send_the_header_itself(start):
    """Its own one is left alone, however it is written; the list it gave is not changed."""
    start()
    given = [("x-trace-id", "mine")]

    def app(environ, start_response):
        start_response("200 OK", given)
        return []

    assert call(Middleware(app))[2] == [("x-trace-id", "mine")]
    given[:] = []
    call(Middleware(app))
    assert given == []


def test_a_request_id_is_a_field(start, records):
    """With `x-request-id` configured, it is a field of every record, and goes on as the trace where there is no other."""
    start(trace_headers=["traceparent", "x-request-id"])
    call(Middleware(hello), HTTP_X_REQUEST_ID="r-1", HTTP_TRACEPARENT=PARENT)
    call(Middleware(hello), HTTP_X_REQUEST_ID="r-2")
    assert [(r["request_id"], r["trace_id"]) for r in records()] == [("r-1", TRACE)] * 2 + [("r-2", "r-2")] * 2


def test_a_body_is_streamed_with_the_context(start, records):
    """Each piece is made when it is asked for, with the context; between the pieces the thread has nothing of it."""
    start()
    logger = get_logger("app")

    def app(environ, start_response):
        start_response("200 OK", [])
        for number in range(3):
            with LoggingContext(step=number):
                logger.info("piece")
                yield b"x" * number
        logger.info("last")

    body = Middleware(app)({"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_TRACEPARENT": PARENT}, lambda *_: None)
    assert get_trace_context() == {}
    for _ in body:
        assert get_trace_context() == {}
    body.close()
    assert get_trace_context() == {}
    assert [(r["message"], r.get("step"), r["trace_id"]) for r in records()] == [
        ("piece", 0, TRACE),
        ("piece", 1, TRACE),
        ("piece", 2, TRACE),
        ("last", None, TRACE),
        ("GET / 200", None, TRACE),
    ]
    assert records()[-1]["bytes"] == 3


def test_a_client_that_goes_away_leaves_nothing_behind(start, records):
    """The body is closed with its context, and the record tells the bytes that were sent until then."""
    start()
    closed = []

    class Body:
        def __iter__(self):
            return iter([b"12345"] * 10)

        def close(self):
            closed.append(get_trace_context()["trace_id"])

    def app(environ, start_response):
        start_response("200 OK", [])
        return Body()

    body = Middleware(app)({"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_TRACEPARENT": PARENT}, lambda *_: None)
    pieces = iter(body)
    assert [next(pieces), next(pieces), next(pieces)] == [b"12345"] * 3
    body.close()
    body.close()
    pieces.close()
    assert closed == [TRACE]
    assert get_trace_context() == {}
    (access,) = access_of(records)
    assert access["bytes"] == 10


@pytest.mark.parametrize("length", ["5", None])
@pytest.mark.parametrize("goes_away", [False, True])
def test_what_comes_after_the_last_piece_is_done(start, records, length, goes_away):
    """With the context, and only if the server came back for more: that it knows the length makes no difference."""
    start()

    def app(environ, start_response):
        start_response("200 OK", [] if length is None else [("Content-Length", length)])
        yield b"hello"
        get_logger("app").info("sent")

    body = Middleware(app)({"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_TRACEPARENT": PARENT}, lambda *_: None)
    pieces = iter(body)
    assert next(pieces) == b"hello"
    if not goes_away:
        assert next(pieces, None) is None
    body.close()
    assert get_trace_context() == {}
    access_of(records)
    assert [r["trace_id"] for r in records() if r["message"] == "sent"] == [TRACE] * (not goes_away)


def test_what_the_application_leaves_open_ends_with_the_request(start):
    """Scopes and ids that the application never takes back are not there for the next request on the thread."""
    start()

    def app(environ, start_response):
        LoggingContext(user="u-1").__enter__()
        get_logger().set_trace_context(trace_id="left")
        start_response("200 OK", [])
        return [b""]

    call(Middleware(app))
    assert get_trace_context() == {}


def test_an_exception_that_escapes_is_logged_once_with_its_traceback(start, records):
    """The access record is an ERROR and has it, and it goes on to the server."""
    start()

    def app(environ, start_response):
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        call(Middleware(app, skip=["/"]), HTTP_TRACEPARENT=PARENT)
    (access,) = access_of(records)
    assert (access["level"], access["status"], access["trace_id"]) == ("ERROR", 500, TRACE)
    assert access["exception"]["message"] == "broken"
    assert records("errors.log") == [access]
    assert get_trace_context() == {}


@pytest.mark.parametrize("at", [0, 2])
def test_an_exception_in_the_body_is_logged_once(start, records, at):
    """Be it the first piece that fails or a later one; the status is the one that was sent, or the server's where none was."""
    start()

    def app(environ, start_response):
        start_response("200 OK", [])
        for number in range(3):
            if number == at:
                raise ValueError("broken")
            yield b"x"

    with pytest.raises(ValueError, match="broken"):
        call(Middleware(app))
    (access,) = access_of(records)
    assert (access["level"], access["status"], access["bytes"]) == ("ERROR", 200 if at else 500, at)
    assert access["exception"]["type"] == "ValueError"
    assert get_trace_context() == {}


def test_a_body_that_the_server_never_gets_is_closed(start):
    """When its first piece fails, nobody else can close it."""
    start()
    closed = []

    class Body:
        def __iter__(self):
            raise ValueError("broken")

        def close(self):
            closed.append(True)

    def app(environ, start_response):
        start_response("200 OK", [])
        return Body()

    with pytest.raises(ValueError, match="broken"):
        call(Middleware(app))
    assert closed == [True]


def test_a_status_of_500_is_a_warning(start, records):
    """No exception escaped, so whoever handled it has logged it: the access record has no traceback."""
    start()

    def app(environ, start_response):
        start_response("503 Service Unavailable", [])
        return [b"later"]

    call(Middleware(app))
    (access,) = access_of(records)
    assert (access["level"], access["status"]) == ("WARNING", 503)
    assert "exception" not in access


def test_an_error_handler_may_answer_again(start, records):
    """`start_response` with `exc_info` replaces the status."""
    start()

    def app(environ, start_response):
        start_response("200 OK", [])
        try:
            raise ValueError
        except ValueError:
            import sys

            start_response("500 Oops", [], sys.exc_info())
        return [b"oops"]

    assert call(Middleware(app))[1] == "500 Oops"
    (access,) = access_of(records)
    assert access["status"] == 500


def test_skipped_paths_have_a_context_and_no_access_record(start, records):
    """Whole paths and beginnings; the server's line for them is left out too."""
    start()
    app = Middleware(hello, skip=["/health", "/static/*"])
    with serving(app) as port:
        for path in ("/health", "/static/app.js", "/healthy"):
            ask(port, path)
        (access,) = access_of(records)
    assert access["path"] == "/healthy"
    assert len([r for r in records() if r["message"] == "inside" and r["trace_id"]]) == 3
    assert {r["logger"] for r in records()} == {"app", "unified_logger.access"}


@pytest.mark.parametrize(
    "options",
    [{"skip": ["health"]}, {"skip": ["/a*b"]}, {"skip": [7]}, {"trusted_proxies": -1}, {"trusted_proxies": True}],
)
def test_a_bad_option_is_refused(options):
    """What is wrong is named with its value."""
    (name,) = options
    with pytest.raises(ConfigurationError, match=name):
        Middleware(hello, **options)


@pytest.mark.parametrize(
    ("trusted", "forwarded", "client"),
    [
        (0, "6.6.6.6", "127.0.0.1"),
        (1, "6.6.6.6, 10.0.0.1", "10.0.0.1"),
        (2, "6.6.6.6, 10.0.0.1, 10.0.0.2", "10.0.0.1"),
        (2, "10.0.0.1", "127.0.0.1"),
        (1, None, "127.0.0.1"),
        (1, ", ", "127.0.0.1"),
        (1, "x" * 9000, "x" * 64),
    ],
)
def test_the_client_is_who_the_trusted_proxies_saw(start, records, trusted, forwarded, client):
    """Only as many addresses are believed as there are proxies."""
    start()
    more = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    call(Middleware(hello, trusted_proxies=trusted), **more)
    (access,) = access_of(records)
    assert access["client"] == client


def test_paths_are_text_and_bounded(start, records):
    """Bytes of a path are UTF-8, those that are not are replaced, and a long one is cut."""
    start()
    app = Middleware(hello)
    for path in ("/caf\u00c3\u00a9", "/\u00ff", "/" + "x" * 9000, "/a\nb\x1b[0m"):
        call(app, path, SCRIPT_NAME="/shop")
    assert [r["path"] for r in access_of(records, 4)] == [
        "/shop/caf\u00e9",
        "/shop/\ufffd",
        ("/shop/" + "x" * 9000)[:1024],
        "/shop/a\nb\x1b[0m",
    ]


MALFORMED = [
    "nonsense",
    "00-" + "0" * 32 + "-00f067aa0ba902b7-01",
    PARENT + "-more",
    ",".join([PARENT] * 100),
    "x" * 8000,
    "00-" + "4" * 8000,
    "tr\u00e4ce",
]


@pytest.mark.parametrize("value", MALFORMED)
def test_malformed_headers_are_ignored_and_counted(start, records, value):
    """A new trace begins, nothing of the header is written anywhere, and the client has its answer."""
    start()
    before = get_stats()["trace_headers_ignored"]
    with serving(Middleware(hello)) as port:
        raw = ask_raw(port, b"GET / HTTP/1.1\r\nHost: x\r\ntraceparent: " + value.encode("latin-1") + b"\r\n\r\n")
        (access,) = access_of(records)
    assert raw.startswith(b"HTTP/1.1 200 OK")
    assert get_stats()["trace_headers_ignored"] == before + 1
    assert access["trace_id"] != TRACE
    assert value[:40] not in str(records())


def test_a_flood_of_headers_is_bounded(start, records):
    """A hundred headers of one name are one value that is malformed."""
    start(trace_headers=["x-trace-id"])
    before = get_stats()["trace_headers_ignored"]
    with serving(Middleware(hello)) as port:
        raw = ask_raw(port, b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Trace-ID: abcdef\r\n" * 90 + b"\r\n")
        (access,) = access_of(records)
    assert raw.startswith(b"HTTP/1.1 200 OK")
    assert len(access["trace_id"]) == 32
    assert get_stats()["trace_headers_ignored"] == before + 1


def test_a_client_cannot_write_into_the_response(start, records):
    """Ids with what could end a line, folded or encoded, are not sent back."""
    start(trace_headers=["x-trace-id"])
    with serving(Middleware(hello)) as port:
        for value in (b"a\r\n Set-Cookie: x=1", b"a\x0bb", b"a\x00b", b"a b", b"a\xe5\x98\x8ab"):
            raw = ask_raw(port, b"GET / HTTP/1.1\r\nHost: x\r\nX-Trace-ID: " + value + b"\r\n\r\n")
            head = raw.partition(b"\r\n\r\n")[0]
            assert b"Set-Cookie" not in head
            assert re.search(rb"\r\nX-Trace-ID: [0-9a-f]{32}\r\n", head)


def test_an_id_the_application_sets_is_sent_back_if_it_may_be(start, records):
    """What `set_trace_context` was given is the client's too, unless it has what a header must not have."""
    start()
    for given, sent in (("abc-123", ["abc-123"]), ("a\r\nSet-Cookie: x", [])):

        def app(environ, start_response, given=given):
            get_logger().set_trace_context(trace_id=given)
            start_response("200 OK", [])
            get_logger().clear_trace_context()
            return []

        assert [value for name, value in call(Middleware(app))[2] if name == "X-Trace-ID"] == sent
        assert records()[-1]["trace_id"] == given


def test_a_file_is_sent_by_the_server_s_own_wrapper(start, records):
    """It stays what it was, so that the server may send it its own way, and the record tells what was read of it."""
    start()
    from wsgiref.util import FileWrapper

    file = io.BytesIO(b"head" + b"x" * 20_000)
    file.seek(4)

    def app(environ, start_response):
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](file)

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/f", "wsgi.file_wrapper": FileWrapper}
    body = Middleware(app)(environ, lambda *_: None)
    assert isinstance(body, FileWrapper)
    assert b"".join(body) == b"x" * 20_000
    body.close()
    assert file.closed
    (access,) = access_of(records)
    assert access["bytes"] == 20_000


def test_the_write_function_is_counted(start, records):
    """Applications of long ago write their body."""
    start()

    def app(environ, start_response):
        start_response("200 OK", [])(b"written")
        return [b"!"]

    call(Middleware(app))
    (access,) = access_of(records)
    assert access["bytes"] == 8


def test_a_list_stays_a_list(start):
    """A server that sees the length of a body can tell it to the client."""
    start()
    body = Middleware(hello)({"REQUEST_METHOD": "GET", "PATH_INFO": "/"}, lambda *_: None)
    assert body == [b"hello"]


def test_a_route_may_be_told(start, records):
    """`route` finds the template; whatever it stumbles over harms nobody."""
    start()
    call(Middleware(hello, route=lambda environ: "/orders/<id>"), "/orders/7")
    call(Middleware(hello, route=lambda environ: environ["nothing"]), "/orders/8")
    assert [r["route"] for r in access_of(records, 2)] == ["/orders/<id>", "/orders/8"]


@pytest.mark.parametrize("streams", [False, True])
def test_a_middleware_inside_another_one_adds_no_record(start, records, streams):
    """It tells the outer one its route. A request that an application makes itself has a record of its own."""
    start()

    def inner(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return iter([b"he", b"llo"]) if streams else [b"hello"]

    inside = Middleware(inner, route=lambda environ: "/orders/<id>")

    def between(environ, start_response):
        with LoggingContext(tenant="acme"):
            assert b"".join(inside({**environ, "PATH_INFO": "/part"}, lambda *_: None)) == b"hello"
            return inside(environ, start_response)

    body, _, headers = call(Middleware(between), "/orders/7")
    assert body == b"hello"
    assert [name for name, _ in headers].count("X-Trace-ID") == 1
    found = [(r["path"], r["route"], r["bytes"], r["function"]) for r in access_of(records, 2)]
    assert sorted(found) == [("/orders/7", "/orders/<id>", 5, "inner"), ("/part", "/orders/<id>", 5, "inner")]


def test_no_record_has_the_trace_of_another_request(start, records):
    """Hundreds of requests at once over a few reused threads: whatever they stream, log and leave open."""
    start()
    logger = get_logger("app")

    def app(environ, start_response):
        own = environ["PATH_INFO"].strip("/")
        logger.info("begin", own=own)
        if int(own, 16) % 3 == 0:
            LoggingContext(left=own).__enter__()
        start_response("200 OK", [])
        for _ in range(3):
            logger.info("piece", own=own)
            yield b"x"

    wrapped = Middleware(app)
    barrier = threading.Barrier(8)

    def client(first):
        barrier.wait(30)
        open_bodies = []
        for number in range(first, first + 50):
            own = f"{number + 1:032x}"
            environ = {"REQUEST_METHOD": "GET", "PATH_INFO": f"/{own}"}
            body = wrapped({**environ, "HTTP_TRACEPARENT": f"00-{own}-00f067aa0ba902b7-01"}, lambda *_: None)
            open_bodies.append((body, iter(body)))
            if len(open_bodies) == 5:  # A thread may have several answers open, and go from one to the other.
                for _ in range(3):
                    for _, pieces in open_bodies:
                        next(pieces)
                for body, _ in open_bodies:
                    body.close()
                open_bodies.clear()
            assert get_trace_context() == {}

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(client, range(0, 400, 50)))
    found = eventually(records, lambda found: len(found) == 400 * 5)
    assert all(record["trace_id"] == record.get("own", record.get("path", "").strip("/")) for record in found)


def test_a_trace_that_another_library_has_begun_goes_on(start, records):
    """Where that is the innermost context, the request is part of it, and so is what it begins inside."""
    start()
    theirs: ContextVar[tuple[str, str] | None] = ContextVar("theirs", default=None)

    def inner(environ, start_response):
        token = theirs.set(("5" * 32, "6" * 16)) if environ["PATH_INFO"] == "/inside" else None
        try:
            return hello(environ, start_response)
        finally:
            if token is not None:
                theirs.reset(token)

    _core.set_foreign_context(theirs, lambda ids: None if ids is None else _core.Context(*ids, {}))
    try:
        theirs.set((TRACE, "1" * 16))
        headers = call(Middleware(inner))[2]
        theirs.set(None)
        inside = call(Middleware(inner), "/inside")[2]
    finally:
        _core.set_foreign_context(None)
    assert dict(headers)["X-Trace-ID"] == TRACE
    assert dict(inside)["X-Trace-ID"] == "5" * 32
    assert [record["trace_id"] for record in records()] == [TRACE] * 2 + ["5" * 32] * 2


def test_the_same_without_the_engine(start, records, monkeypatch):
    """With `USE_UNIFIED_LOGGING=false` the records are the same ones."""
    monkeypatch.setenv("USE_UNIFIED_LOGGING", "false")
    start()
    call(Middleware(hello), "/orders/7", HTTP_TRACEPARENT=PARENT)
    (access,) = access_of(records)
    assert {record["trace_id"] for record in records()} == {TRACE}
    assert (access["message"], access["bytes"]) == ("GET /orders/7 200", 5)


def test_what_comes_after_empty_pieces_runs_too(start):
    """A body that is whole in its first piece may go on with others that are empty."""
    start()
    done = []

    def application(environ, start_response):
        start_response("200 OK", [("Content-Length", "5")])
        yield b"hello"
        yield b""
        yield b""
        done.append(True)

    body = Middleware(application)({"REQUEST_METHOD": "GET", "PATH_INFO": "/"}, lambda *_: None)
    assert b"".join(body) == b"hello"
    body.close()
    assert done == [True]


def test_no_bytes_are_counted_where_only_headers_are_asked_for(start, records):
    """Servers leave the body of an answer to HEAD out."""

    def application(environ, start_response):
        start_response("200 OK", [("Content-Length", "5")])
        return [b"hello"]

    start()
    call(Middleware(application), method="HEAD")
    (access,) = access_of(records)
    assert (access["method"], access["bytes"]) == ("HEAD", 0)
