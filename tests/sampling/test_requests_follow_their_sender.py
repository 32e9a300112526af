"""The records of a request follow the decision that came with it, its access record too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from kinds import Records, Start

from unified_logger import LoggingContext, get_logger, trace_headers
from unified_logger.context import set_trace_context
from unified_logger.integrations.wsgi import Middleware

# The low bits of the first are sampled at a ratio of one half, and those of the second are not.
HIGH = "0af7651916cd43dd84f8eb211c80319c"
LOW = "0af7651916cd43dd8407eb211c80319c"


def call(app: Callable[..., Any], **headers: str) -> None:
    """A request with these headers, to the end of its body."""
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "REMOTE_ADDR": "127.0.0.1"}
    sent = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    body = app(environ | sent, lambda *_: None)
    list(body)
    getattr(body, "close", lambda: None)()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
    """Logs before and after the response begins, and sets fields then."""
    logger = get_logger("app")
    logger.info("before")
    with LoggingContext(span_id="b7ad6b7169203332", step=1):
        start_response("200 OK", [])
        yield b"x"
    set_trace_context(user=3)
    logger.info("after")
    logger.info(trace_headers()["traceparent"][-2:])
    yield b"y"


@pytest.mark.parametrize("access_fields", [None, lambda *_: {"more": 1}], ids=["plain", "with fields"])
def test_an_access_record_is_part_of_its_trace(start: Start, records: Records, access_fields: Any) -> None:
    """Whichever way it is made, whatever the ids alone would say, and whatever fields are set."""
    start(sampling={"traces": {"ratio": 0.5}})
    app = Middleware(application, access_fields=access_fields)
    call(app, traceparent=f"00-{LOW}-b7ad6b7169203331-01")
    call(app, traceparent=f"00-{HIGH}-b7ad6b7169203331-00")
    assert {record["trace_id"] for record in records()} == {LOW}
    assert [record["message"] for record in records()] == ["before", "after", "01", "GET / 200"]
    assert not any("sample_rate" in record for record in records())


@pytest.mark.parametrize("access_fields", [None, lambda *_: {"more": 1}], ids=["plain", "with fields"])
def test_a_reload_within_a_request_changes_nothing(start: Start, records: Records, access_fields: Any) -> None:
    """The trace has begun with another ratio."""

    def reloaded(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        for piece in application(environ, start_response):
            start(sampling={"traces": {"ratio": 1}})
            yield piece

    start(sampling={"traces": {"ratio": 0}})
    call(Middleware(reloaded, access_fields=access_fields))
    assert records() == []


def test_a_request_without_a_sender_begins_a_trace(start: Start, records: Records) -> None:
    """Half of them are there, each whole and each record standing for two."""
    start(sampling={"traces": {"ratio": 0.5}})
    app = Middleware(application)
    for _ in range(64):
        call(app)
    found = records()
    traces = {record["trace_id"] for record in found}
    assert len(found) == 4 * len(traces)
    assert {record["sample_rate"] for record in found} == {2}
    assert {record["message"] for record in found} == {"before", "after", "03", "GET / 200"}
    assert 8 < len(traces) < 56


def test_an_id_alone_leaves_the_decision_to_us(start: Start, records: Records) -> None:
    """With the threshold beside it, the sender has decided."""
    start(trace_headers=["X-Trace-ID"], sampling={"traces": {"ratio": 0}})

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        get_logger("app").info("m")
        start_response("200 OK", [])
        return []

    app = Middleware(answer)
    call(app, **{"X-Trace-ID": "order-7"})
    call(app, **{"X-Trace-ID": "order-8", "tracestate": "ot=th:0"})
    assert [record["trace_id"] for record in records()] == ["order-8"] * 2
