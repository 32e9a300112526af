"""A Flask application has the context of its request, and one access record for each."""

import contextvars
import logging
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("flask")

from flask import Flask, Response, abort, copy_current_request_context, request, stream_with_context
from over_http import ACCESS, access_of, ask, eventually, serving

from unified_logger import LoggingContext, get_logger
from unified_logger.context import get_trace_context
from unified_logger.integrations.flask import install

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}

logger = get_logger("app")


@pytest.fixture
def app(start):
    """An application with the middleware."""
    start()
    app = Flask("shop")
    install(app, skip=["/health"])

    @app.route("/orders/<int:number>", methods=["GET", "POST"])
    def order(number):
        logger.info("inside", number=number)
        return {"number": number}

    @app.get("/health")
    def health():
        logger.info("healthy")
        return "ok"

    @app.get("/broken")
    def broken():
        raise ValueError("broken")

    @app.get("/gone")
    def gone():
        abort(410)

    @app.get("/stream")
    def stream():
        def pieces():
            for number in range(3):
                logger.info("piece", path=request.path)
                yield f"{number}\n"

        return Response(stream_with_context(pieces()))

    return app


def test_the_route_is_the_rule(app, records):
    """One line of set-up: the record names the rule, not each path; the trace is in every record and in the answer."""
    with serving(app) as port:
        answer = ask(port, "/orders/7?token=secret", "POST", PARENT)
        (access,) = access_of(records)
    assert answer.headers["x-trace-id"] == TRACE
    assert (access["message"], access["method"]) == ("POST /orders/<int:number> 200", "POST")
    assert (access["route"], access["path"]) == ("/orders/<int:number>", "/orders/7")
    assert access["bytes"] == len(answer.body)
    assert {record["trace_id"] for record in records()} == {TRACE}
    assert [record["logger"] for record in records()] == ["app", ACCESS]
    assert "secret" not in str(records())


def test_an_exception_is_logged_once_by_the_application(app, records):
    """With its traceback and the request's trace; the access record is a WARNING without it, and the client has the trace."""
    with serving(app) as port:
        answer = ask(port, "/broken", headers=PARENT)
        (access,) = access_of(records)
    assert (answer.status, answer.headers["x-trace-id"]) == (500, TRACE)
    (error,) = (record for record in records() if "exception" in record)
    assert (error["logger"], error["exception"]["message"], error["trace_id"]) == ("shop", "broken", TRACE)
    assert (access["level"], access["status"], access["route"]) == ("WARNING", 500, "/broken")


def test_an_exception_that_the_application_lets_through_is_logged_once(app, records):
    """As with `TESTING`: then it is in the access record."""
    app.testing = True
    with pytest.raises(ValueError, match="broken"):
        app.test_client().get("/broken", headers=PARENT)
    (error,) = (record for record in records() if "exception" in record)
    assert (error["logger"], error["level"], error["trace_id"]) == (ACCESS, "ERROR", TRACE)
    assert get_trace_context() == {}


def test_error_handlers_have_the_context(app, records):
    """They run inside of the request."""

    @app.errorhandler(410)
    def gone(error):
        logger.info("handled")
        return "gone", 410

    with serving(app) as port:
        assert ask(port, "/gone", headers=PARENT).headers["x-trace-id"] == TRACE
        assert ask(port, "/nothing", headers=PARENT).headers["x-trace-id"] == TRACE
        found = access_of(records, 2)
    assert [(r["status"], r["route"]) for r in found] == [(410, "/gone"), (404, "/nothing")]
    assert [r["trace_id"] for r in records() if r["message"] == "handled"] == [TRACE]


def test_a_streamed_body_has_the_context(app, records):
    """Until its last piece; the record comes after it and counts all bytes."""
    with serving(app) as port:
        assert ask(port, "/stream", headers=PARENT).body == b"0\n1\n2\n"
        (access,) = access_of(records)
    assert [r["trace_id"] for r in records() if r["message"] == "piece"] == [TRACE] * 3
    assert records()[-1] == access
    assert access["bytes"] == 6


def test_a_client_that_goes_away_ends_the_request(app, records):
    """The body is closed, with its context, and the record tells what was sent until then."""
    ended = []

    @app.get("/endless")
    def endless():
        def pieces():
            try:
                while True:
                    yield b"x" * 65_536
            finally:
                logger.info("closed")
                ended.append(get_trace_context().get("trace_id"))

        return Response(pieces())

    with serving(app) as port:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(
                b"GET /endless HTTP/1.1\r\nHost: x\r\ntraceparent: " + PARENT["traceparent"].encode() + b"\r\n\r\n"
            )
            assert connection.recv(1_000)
        (access,) = access_of(records)
    assert (access["route"], access["status"], access["trace_id"]) == ("/endless", 200, TRACE)
    assert access["bytes"] % 65_536 == 0
    eventually(lambda: ended)
    assert ended == [TRACE]


def test_skipped_paths_have_no_access_record(app, records):
    """Neither ours nor the server's; their own records are there."""
    with serving(app) as port:
        ask(port, "/health")
        ask(port, "/orders/1")
        access_of(records)
    assert [r["message"] for r in records()] == ["healthy", "inside", "GET /orders/<int:number> 200"]


def test_the_hooks_of_the_guide_work_beside(app, records):
    """An id of `X-Trace-ID` is on all records and in the answer; without the header the request keeps its own trace."""

    @app.before_request
    def before_request():
        logger.set_trace_context(trace_id=request.headers.get("X-Trace-ID"))

    @app.teardown_request
    def teardown_request(exc):
        logger.clear_trace_context()

    with serving(app) as port:
        given = ask(port, "/orders/1", headers={"X-Trace-ID": "abc-123-xyz"}).headers["x-trace-id"]
        access_of(records)
        parent = ask(port, "/orders/2", headers=PARENT).headers["x-trace-id"]
        access_of(records, 2)
        own = ask(port, "/orders/3").headers["x-trace-id"]
        access_of(records, 3)
    assert (given, parent) == ("abc-123-xyz", TRACE)
    assert own not in (given, parent)
    assert [record["trace_id"] for record in records()] == [given, given, parent, parent, own, own]


def test_what_a_thread_or_a_stream_sets_is_the_requests(app, records):
    """Where the thread has the request's context, as `copy_current_request_context` has it."""

    @app.get("/thread")
    def in_a_thread():
        set_user = copy_current_request_context(lambda: logger.set_trace_context(user="u-1"))
        inside = contextvars.copy_context()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(inside.run, set_user).result()
        logger.info("inside")
        return "thread"

    @app.get("/named_stream")
    def in_a_stream():
        def pieces():
            yield "1"
            logger.set_trace_context(user="u-1")
            yield "2"

        return Response(stream_with_context(pieces()))

    with serving(app) as port:
        for path in ("/thread", "/named_stream"):
            ask(port, path)
        access_of(records, 2)
    assert [record.get("user") for record in records()] == ["u-1"] * 3


def test_nothing_is_printed_without_format(start, app, records, capfd):
    """The handlers of Flask and Werkzeug that write plain lines are not there."""
    start(console_format="off")
    capfd.readouterr()
    with serving(app) as port:
        ask(port, "/orders/1")
        ask(port, "/broken")
        access_of(records, 2)
    assert capfd.readouterr() == ("", "")


def test_set_up_before_logging_starts_leaves_no_plain_handler(start, records, capfd):
    """The order of set-up makes no difference."""
    app = Flask("early")
    app.logger.error("before")
    install(app)
    start()
    app.logger.error("after")
    assert [record["message"] for record in records()][-1] == "after"
    assert "ERROR in test_flask: after" not in capfd.readouterr().err


def test_set_up_twice_changes_the_options(app, records):
    """There is one access record nevertheless."""
    install(app, skip=["/orders/*"])
    client = app.test_client()
    client.get("/orders/1").close()
    client.get("/health").close()
    (access,) = access_of(records)
    assert access["path"] == "/health"


def test_the_test_client_sees_access_records(app, records):
    """Also without closing its response."""
    assert app.test_client().get("/orders/7").json == {"number": 7}
    (access,) = access_of(records)
    assert access["route"] == "/orders/<int:number>"


def test_requests_on_reused_connections_are_apart(app, records):
    """Hundreds of interleaved requests, each with an id of its own: no record has another's."""

    @app.get("/task/<own>")
    def work(own):
        logger.info("begin", own=own)
        LoggingContext(left=own).__enter__()
        logger.info("end", own=own)
        return own

    def client(first):
        for number in range(first, first + 40):
            own = f"{number + 1:032x}"
            headers = {"traceparent": f"00-{own}-00f067aa0ba902b7-01"} if number % 2 else {}
            answer = ask(port, f"/task/{own}", headers=headers)
            assert answer.body.decode() == own
            assert answer.headers["x-trace-id"] == own or number % 2 == 0

    with serving(app) as port, ThreadPoolExecutor(4) as pool:
        list(pool.map(client, range(0, 160, 40)))
        access_of(records, 160)
    traces = {}
    for record in records():
        own = record.get("own") or record["path"].rpartition("/")[2]
        traces.setdefault(own, set()).add(record["trace_id"])
    assert all(len(found) == 1 for found in traces.values())
    assert len({next(iter(found)) for found in traces.values()}) == 160
    assert all(own in found for own, found in traces.items() if int(own, 16) % 2 == 0)


def test_an_application_may_be_put_into_debug_mode_later(start):
    """Flask gives its logger a level as that is first asked for. Seen to fail (no level) where the installation asked for it."""
    app = Flask("debugged_later")
    install(app)
    app.debug = True
    assert app.logger.level == logging.DEBUG


def test_flask_s_own_handler_shows_nothing_of_an_application(run_python):
    """Whether its logger was made before the installation or is made after it; that of another is left alone. Seen to fail without the filter."""
    shown = run_python(
        """
from flask import Flask
from unified_logger.integrations.flask import install

early, late, other = (Flask(name) for name in ("early", "late", "other"))
early.logger.warning("shown")
install(early)
install(late)
for app in (early, late, other):
    app.logger.warning("from %s", app.name)
"""
    ).stderr
    assert "shown" in shown
    assert "from other" in shown
    assert "from early" not in shown
    assert "from late" not in shown
