"""A trace that came in a message goes on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from kinds import Records

from unified_logger import LoggingContext, UnifiedLogger, continue_trace, get_stats, trace_headers

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-00"


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": PARENT},
        {"TraceParent": PARENT.encode()},
        [("x", "1"), ("Traceparent", PARENT)],
        [("traceparent", PARENT.encode()), (b"traceparent", "of another kind"), ("traceparent", None)],
    ],
)
def test_headers_come_in_any_form(logger: UnifiedLogger, records: Records, headers: Any) -> None:
    """Mappings and pairs, texts and bytes, names in any case; what is no header is passed over."""
    with continue_trace(headers, queue="orders"):
        logger.info("received")
        carried = trace_headers()["traceparent"]
    (record,) = records()
    assert (record["trace_id"], record["queue"]) == (TRACE, "orders")
    assert record["span_id"] != SPAN
    assert carried == f"00-{TRACE}-{record['span_id']}-00"


def test_nothing_of_the_outside_is_inherited(logger: UnifiedLogger, records: Records) -> None:
    """A worker handles messages of others; what is current around its loop is not theirs."""
    with LoggingContext(trace_id="worker", worker=3):
        with continue_trace({"traceparent": PARENT}):
            logger.info("inside")
        with continue_trace(None):
            logger.info("new")
        logger.info("outside")
    inside, new, outside = records()
    assert (inside["trace_id"], "worker" in inside) == (TRACE, False)
    assert new["trace_id"] not in (TRACE, "worker")
    assert (outside["trace_id"], outside["worker"]) == ("worker", 3)


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": PARENT.upper()},
        [("traceparent", PARENT), ("traceparent", PARENT)],
        {"traceparent": "x" * 70_000},
    ],
)
def test_what_is_malformed_is_counted_and_begins_a_new_trace(logger: UnifiedLogger, headers: Any) -> None:
    """Never an error."""
    before = get_stats()["trace_headers_ignored"]
    with continue_trace(headers):
        assert logger.get_trace_context()["trace_id"] != TRACE
    assert get_stats()["trace_headers_ignored"] == before + 1


def test_it_is_a_decorator_and_an_async_with_too(logger: UnifiedLogger, records: Records) -> None:
    """Each call of the function has a span of its own; ids among the fields are fields."""

    @continue_trace({"traceparent": PARENT}, trace_id="field")
    def handle() -> None:
        logger.info("handled")

    async def receive() -> None:
        async with continue_trace({"traceparent": PARENT}, level="ERROR"):
            logger.info("left out")
            logger.error("received")

    handle()
    handle()
    asyncio.run(receive())
    first, second, received = records()
    assert {record["trace_id"] for record in (first, second, received)} == {TRACE}
    assert first["span_id"] != second["span_id"]
    assert first["fields.trace_id"] == "field"
    assert received["message"] == "received"
