"""What `capture_logs` collects is what the files have, and what tests ask of it they get."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from kinds import Records

from unified_logger import LoggingContext, UnifiedLogger, get_logger
from unified_logger.testing import CapturedLogs, CapturedRecord, capture_logs, stopped_clock


def fail(logger: UnifiedLogger) -> None:
    """Logs an exception with a cause."""
    try:
        try:
            {}["price"]
        except KeyError as error:
            raise ValueError("order 7 is incomplete") from error
    except ValueError:
        logger.exception("order refused", order_id=7)


def theirs(level: int, message: str, *args: object, **options: Any) -> Callable[[UnifiedLogger], None]:
    """A call of `logging`."""
    return lambda _: logging.getLogger("theirs").log(level, message, *args, **options)


CALLS: dict[str, Callable[[UnifiedLogger], None]] = {
    "plain": lambda logger: logger.info("order received"),
    "fields": lambda logger: logger.info("order received", order_id=7, total=99.5, paid=True, note=None),
    "below INFO": lambda logger: logger.debug("details"),
    "arguments": lambda logger: logger.warning("%s of %d", "slow answer", 7, latency_ms=840),
    "arguments that do not fit": lambda logger: logger.warning("%d", "seven", order_id=7),
    "names of keys": lambda logger: logger.info("moved", level="urgent", timestamp=1, line=2, process=3, exception="x"),
    "names of attributes": lambda logger: logger.info("moved", name="nightly", msg="kept", args=(1,), lineno=9),
    "names taken twice": lambda logger: logger.info("moved", **{"level": 1, "fields.level": 2}),
    "ids as fields": lambda logger: logger.info("moved", trace_id="mine", span_id="too"),
    "extra": lambda logger: logger.info("moved", extra={"a": 1, "b": [1, {"c": 2}]}),
    "values": lambda logger: logger.info(
        "values",
        price=Decimal("9.90"),
        at=datetime(2026, 2, 19, 10, 30, tzinfo=timezone.utc),
        took=timedelta(seconds=1.5),
        id=UUID(int=7),
        path=Path("a/b"),
        nan=float("nan"),
        raw=b"\x00\xff",
        pair=(1, 2),
        big=2**80,
        huge=2**20_000,
        odd=object,
    ),
    "odd texts": lambda logger: logger.info("a\nb\x1b[31m \ud800 你好", text="line\r\nbreak"),
    "exception": fail,
    "bound fields": lambda logger: logger.bind(shop="s1", level="bound").info("order received", order_id=7, line=2),
    "bound for AI": lambda logger: logger.bind(shop="s1").ai("answered", shop="s2"),
    "stack": lambda logger: logger.info("here", stack_info=True),
    "AI": lambda logger: logger.ai("answered", model="small-1", latency_ms=234, error="late"),
    "a level of its own": lambda logger: logger.log(25, "notice", order_id=7),
    "no text": lambda logger: logger.info({"a": 1}),
    "theirs": theirs(logging.WARNING, "slow answer of %s", "db", extra={"latency_ms": 840}),
    "theirs by name": theirs(logging.INFO, "%(count)d apples", {"count": 3}),
    "theirs with an exception": theirs(logging.ERROR, "broken", exc_info=ValueError("no traceback")),
}


with_calls = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
with_contexts = pytest.mark.parametrize(
    "context", [None, {"user": "u-001", "function": "of the context", "order_id": 1}], ids=["bare", "in context"]
)


@pytest.fixture
def log(logger: UnifiedLogger) -> Callable[..., None]:
    """`log(call, context)` makes a call, in a context if there is one."""

    def log(call: Callable[[UnifiedLogger], None], context: dict[str, Any] | None) -> None:
        if context is None:
            call(logger)
        else:
            with LoggingContext(trace_id="t", span_id="s", **context):
                call(logger)

    return log


@with_calls
@with_contexts
def test_a_record_is_its_line_in_the_file(
    log: Any, call: Any, context: dict[str, Any] | None, records: Records
) -> None:
    """Keys, their order and values; seen to fail with the context's fields taken for the call's."""
    with capture_logs() as seen:
        log(call, context)
    (written,) = records()
    assert seen == [written]
    assert list(seen[0]) == list(written)


@with_calls
@pytest.mark.parametrize("context", [None, {"user": "u-001", "order_id": 1}], ids=["bare", "in context"])
def test_files_have_the_same_with_a_capture(
    log: Any, call: Any, context: dict[str, Any] | None, records: Records
) -> None:
    """As without one, where no `LogRecord` is made."""
    logging.getLogger().setLevel(logging.DEBUG)
    with stopped_clock(datetime(2026, 2, 19, tzinfo=timezone.utc)):
        for capture in (nullcontext(), capture_logs()):
            with capture:
                log(call, context)
    without, within = records()
    assert within == without
    assert list(within) == list(without)


def test_its_parts_have_names(logger: UnifiedLogger) -> None:
    """What every record has is an attribute, everything else is in `fields`."""
    with stopped_clock(datetime(2026, 2, 19, tzinfo=timezone.utc)), capture_logs() as seen:
        with LoggingContext(trace_id="t", span_id="s", user="u-001"):
            logger.warning("%s received", "order", order_id=7, level="urgent", stack_info=True)
    (record,) = seen
    assert (record.timestamp, record.level, record.levelno) == ("2026-02-19T00:00:00.000000+00:00", "WARNING", 30)
    assert (record.logger, record.message) == ("app", "order received")
    assert (record.module, record.function, record.line) == (
        "test_captured_records",
        "test_its_parts_have_names",
        test_its_parts_have_names.__code__.co_firstlineno + 4,
    )
    assert (record.thread, record.trace_id, record.span_id) == ("MainThread", "t", "s")
    assert record.fields == {"user": "u-001", "order_id": 7, "fields.level": "urgent"}
    assert "test_its_parts_have_names" in (record.stack or "")
    assert (record.exception, record.error) == (None, None)


def test_an_exception_is_there_itself_and_as_it_is_written(logger: UnifiedLogger) -> None:
    """`error` is the object, `exception` its parts."""
    with capture_logs() as seen:
        fail(logger)
    (record,) = seen
    assert isinstance(record.error, ValueError)
    assert record.exception is not None
    assert (record.exception["type"], record.exception["cause"]["type"]) == ("ValueError", "KeyError")


@pytest.mark.parametrize("attributes", [{}, {"exc_info": True}, {"msg": 7, "args": ("x",)}], ids=str)
def test_records_made_by_hand_are_taken_too(attributes: dict[str, Any], logger: UnifiedLogger) -> None:
    """Whatever they lack."""
    with capture_logs() as seen:
        logger.logger.handle(logging.makeLogRecord({"levelno": logging.INFO, **attributes}))
    assert seen[0].error is None
    assert str(seen[0])


def test_what_changes_later_does_not_change_a_record(logger: UnifiedLogger) -> None:
    """Values are taken down at the call."""
    items = [1]
    with capture_logs() as seen:
        logger.info("cart", items=items)
    items.append(2)
    assert seen[0]["items"] == [1]


@pytest.fixture
def seen(logger: UnifiedLogger) -> CapturedLogs:
    """Five records."""
    with capture_logs() as seen, LoggingContext(trace_id="t"):
        logger.debug("cart loaded", items=3)
        logger.info("order received", order_id=7, total=Decimal("9.90"), paid=True)
        logger.info("order received", order_id=8, tags=("a", "b"))
        get_logger("app.db").warning("slow query", took=timedelta(seconds=2), rows=1)
        fail(logger)
    return seen


def where(records: list[CapturedRecord], name: str = "message") -> list[Any]:
    """One key of each."""
    return [record.get(name) for record in records]


def test_messages_are_in_the_order_of_the_calls(seen: CapturedLogs) -> None:
    """And nothing else."""
    assert seen.messages == ["cart loaded", "order received", "order received", "slow query", "order refused"]


def test_find_takes_any_of_its_keys(seen: CapturedLogs) -> None:
    """All that is asked must hold."""
    assert where(seen.find("order received"), "order_id") == [7, 8]
    assert where(seen.find(re.compile("^order re")), "order_id") == [7, 8, 7]
    assert where(seen.find(level="warning")) == where(seen.find(level=30)) == ["slow query"]
    assert where(seen.find(logger="app.db")) == ["slow query"]
    assert where(seen.find(exception=LookupError)) == []
    assert where(seen.find(exception=(LookupError, ValueError))) == ["order refused"]
    assert where(seen.find("order received", order_id=8), "tags") == [["a", "b"]]
    assert len(seen.find(trace_id="t", function="seen")) == 4
    assert seen.find() == seen
    assert seen.find("order received", order_id=9) == seen.find(missing=None) == []


def test_a_value_is_found_as_it_was_given_and_as_it_is_written(seen: CapturedLogs) -> None:
    """A `Decimal` is a text in the files; true is not one."""
    assert seen.find(total=Decimal("9.90")) == seen.find(total="9.90") == [seen[1]]
    assert seen.find(tags=("a", "b")) == seen.find(tags=["a", "b"]) == [seen[2]]
    assert seen.find(took=timedelta(seconds=2)) == [seen[3]]
    assert seen.find(rows=pytest.approx(1.0)) == [seen[3]]
    assert seen.find(paid=True) == [seen[1]]
    assert seen.find(paid=1) == seen.find(rows=True) == []


def test_one_gives_the_record(seen: CapturedLogs) -> None:
    """If there is exactly one."""
    assert seen.one("order received", order_id=8) is seen[2]


def test_one_says_what_there_is_where_there_is_none(seen: CapturedLogs) -> None:
    """With what was asked, and each record on a line."""
    with pytest.raises(AssertionError) as failure:
        seen.one("order received", level="ERROR", order_id=9)
    first, *lines = str(failure.value).splitlines()
    assert first == "no record is message='order received' level='ERROR' order_id=9; there are 5:"
    assert (
        lines[1]
        == f"  INFO app 'order received' trace_id='t' span_id={seen[1].span_id!r} order_id=7 total='9.90' paid=True"
    )
    assert lines[4].endswith("exception=ValueError('order 7 is incomplete')")
    with pytest.raises(AssertionError, match="no record is message='x'; nothing was logged"):
        CapturedLogs().one("x")


def test_one_says_which_there_are_where_there_are_several(seen: CapturedLogs) -> None:
    """Those that are as asked, and no others."""
    with pytest.raises(AssertionError) as failure:
        seen.one("order received")
    first, *lines = str(failure.value).splitlines()
    assert first == "2 records instead of one are message='order received':"
    assert ["order_id=7" in line or "order_id=8" in line for line in lines] == [True, True]


def test_a_level_that_is_none_is_refused(seen: CapturedLogs) -> None:
    """Rather than found nowhere."""
    with pytest.raises(ValueError, match="DEBUG, INFO"):
        seen.find(level="LOUD")


def test_clear_forgets_what_was_there(logger: UnifiedLogger) -> None:
    """What comes later is collected."""
    with capture_logs() as seen:
        logger.info("before")
        seen.clear()
        logger.info("after")
    assert seen.messages == ["after"]


def test_the_text_shows_where_each_was_logged_and_tracebacks(seen: CapturedLogs) -> None:
    """As a failed test shows it."""
    lines = seen.text().splitlines()
    assert lines[0].startswith("DEBUG app 'cart loaded' trace_id='t'")
    assert re.search(r" items=3 \(test_captured_records:\d+ seen, MainThread\)$", lines[0])
    assert "    Traceback (most recent call last):" in lines
    assert lines[-1] == "    ValueError: order 7 is incomplete"


def test_the_text_of_very_many_shows_the_last(logger: UnifiedLogger) -> None:
    """And says how many are not shown."""
    with capture_logs() as seen:
        for number in range(250):
            logger.info("many", number=number)
    first, second, *_ = seen.text().splitlines()
    assert first == "… 50 earlier records"
    assert "number=50 " in second


def test_a_class_of_records_merges_its_messages_itself(logger: UnifiedLogger) -> None:
    """As in the files: those of `logging` its way, ours as ever."""

    class Braces(logging.LogRecord):
        def getMessage(self) -> str:
            return str(self.msg).format(*(self.args or ()))

    before = logging.getLogRecordFactory()
    logging.setLogRecordFactory(Braces)
    try:
        with capture_logs() as records:
            logging.getLogger("theirs").warning("order {}", 7)
            logger.warning("order %d", 8)
    finally:
        logging.setLogRecordFactory(before)
    assert records.messages == ["order 7", "order 8"]


def test_secrets_are_left_out_as_in_the_files(start: Callable[..., Any]) -> None:
    """What a failing test shows is seen by many."""
    start(redaction=True)
    with capture_logs() as records:
        get_logger("app").info("signed in", password="hunter2", attempt=1)
    assert (records[0]["password"], records[0]["attempt"]) == ("[REDACTED]", 1)
