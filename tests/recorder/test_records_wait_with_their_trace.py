"""Records below their level wait with their trace. They are written if it fails, and forgotten if it does not."""

from __future__ import annotations

import logging
import time
from typing import Any

import pytest
from kinds import Record, Records, Start

from unified_logger import LoggingContext, add_level, get_logger, get_stats, keep_trace, set_level, span

STATS = ("recorded", "recorded_written", "recorded_lost", "recorded_traces", "recorder_bytes")


def told(records: list[Record]) -> list[tuple[str, str]]:
    """Levels and messages, without the records of the library's own."""
    return [(record["level"], record["message"]) for record in records if record["logger"] != "unified_logger"]


def notices(records: list[Record]) -> list[Record]:
    return [record for record in records if record["logger"] == "unified_logger"]


def counted() -> list[int]:
    stats = get_stats()
    return [stats[name] for name in STATS]  # type: ignore[literal-required]


def test_what_waits_is_written_in_its_order_before_the_error(start: Start, records: Records) -> None:
    """With all fields of its own time, and what follows in the trace is written as it comes."""
    start(recorder=True, log_level="INFO")
    logger = get_logger("app")
    before = counted()
    with LoggingContext(trace_id="healthy"):
        logger.debug("not seen")
    with LoggingContext(trace_id="failing", order=7):
        logger.debug("first %s", 1)
        logger.info("info")
        with LoggingContext(step="inner"):
            logger.bind(item=3).debug("second", price=1.5)
        logger.error("failed")
        logger.debug("after it")
    logger.debug("outside")
    found = records()
    assert told(found) == [
        ("INFO", "info"),
        ("DEBUG", "first 1"),
        ("DEBUG", "second"),
        ("ERROR", "failed"),
        ("DEBUG", "after it"),
    ]
    assert notices(found) == [], "the error says why"
    assert {record["trace_id"] for record in found} == {"failing"}
    second = found[2]
    assert (second["order"], second["step"], second["item"], second["price"]) == (7, "inner", 3, 1.5)
    assert second["timestamp"] < found[3]["timestamp"]
    assert [now - then for now, then in zip(counted(), before, strict=True)] == [3, 2, 0, 1, 0]


def test_every_way_of_logging_waits(start: Start, records: Records) -> None:
    """Methods, levels by number and by name, spans, `logging`, texts in braces and values that run code."""
    start(recorder=True, log_level="WARNING", native_stdlib=True)
    add_level("MILESTONE", 25)
    logger, theirs = get_logger("app"), logging.getLogger("theirs")

    class Odd:
        def __repr__(self) -> str:
            logger.debug("from within")
            return "odd"

    with LoggingContext():
        logger.debug("debug")
        logger.info("info")
        logger.log(15, "fifteen")
        logger.log("INFO", "named")  # type: ignore[arg-type]
        logger.milestone("milestone")  # type: ignore[attr-defined]
        logger.debug("odd", value=Odd())
        logger.ai_response("model", "prompt", "text", 3) if hasattr(logger, "ai_response") else None
        theirs.debug("of logging %d", 1)
        with span("step", logger=logger, level="DEBUG"):
            pass
        assert records() == []
        try:
            raise ValueError("bad")
        except ValueError:
            theirs.exception("failed")
    found = [message for _, message in told(records())]
    wanted = ["debug", "info", "fifteen", "named", "milestone", "from within", "odd", "of logging 1"]
    assert [message for message in found if message in wanted] == wanted
    assert found[-3:] == ["span started", "span ended", "failed"]


def test_what_is_off_does_not_wait(start: Start, records: Records) -> None:
    """Levels below that of the recorder, loggers that are disabled, and calls outside of a trace."""
    start(recorder={"level": "INFO"}, log_level="WARNING", native_stdlib=True)
    logger, off = get_logger("app"), logging.getLogger("off")
    off.disabled = True
    try:
        before = counted()[0]
        logger.info("no trace")
        with LoggingContext():
            logger.debug("below")
            off.info("disabled")
            logging.disable(logging.INFO)
            logger.info("disabled everywhere")
            logging.disable(logging.NOTSET)
            logger.info("waits")
            logger.error("failed")
        assert told(records()) == [("INFO", "waits"), ("ERROR", "failed")]
        assert counted()[0] - before == 1
    finally:
        off.disabled = False
        logging.disable(logging.NOTSET)


@pytest.mark.parametrize("trigger", ["WARNING", "CRITICAL"])
def test_the_level_that_has_a_trace_written_is_configured(start: Start, records: Records, trigger: str) -> None:
    start(recorder={"trigger": trigger}, log_level="INFO")
    logger = get_logger("app")
    with LoggingContext():
        logger.debug("waits")
        logger.warning("warning")
        logger.error("error")
    messages = [message for _, message in told(records())]
    assert messages == (["waits"] if trigger == "WARNING" else []) + ["warning", "error"]


def test_an_exception_that_leaves_the_trace_has_it_written(start: Start, records: Records) -> None:
    """One that is handled inside does not, and neither does the end of a task or a program."""
    start(recorder=True, log_level="INFO")
    logger = get_logger("app")

    def serve(message: str, error: type[BaseException]) -> None:
        with LoggingContext(trace_id=message), LoggingContext():
            logger.debug(message)
            raise error

    def handle() -> None:
        raise ValueError

    for error in (KeyboardInterrupt, GeneratorExit):
        with pytest.raises(error):
            serve("not seen", error)
    with LoggingContext():
        logger.debug("not seen")
        with pytest.raises(ValueError), LoggingContext():
            handle()
    with pytest.raises(ValueError):
        serve("seen", ValueError)
    found = records()
    assert told(found) == [("DEBUG", "seen")]
    (notice,) = notices(found)
    assert (notice["trace"], notice["reason"], notice["records"]) == ("seen", "exception", 1)


def test_a_slow_trace_is_written_at_its_end(start: Start, records: Records) -> None:
    start(recorder={"slow": "1s"}, log_level="INFO")
    logger = get_logger("app")
    for seconds in (0.0, 1.1):
        with LoggingContext():
            logger.debug("slept %s", seconds)
            time.sleep(seconds)
    found = records()
    assert told(found) == [("DEBUG", "slept 1.1")]
    assert [notice["reason"] for notice in notices(found)] == ["slow"]


def test_some_healthy_traces_are_written_to_compare_with(start: Start, records: Records) -> None:
    """By the ids of the traces, so that other services write those of the same."""
    start(recorder={"background_rate": 0.25}, log_level="INFO")
    logger = get_logger("app")
    for _ in range(400):
        with LoggingContext():
            logger.debug("compared")
    found = [record["trace_id"] for record in records() if record["message"] == "compared"]
    # 100 with a standard deviation of 9.
    assert 60 < len(found) < 140
    for trace in found[:20]:
        with LoggingContext(trace_id=trace):
            logger.debug("again")
    assert len([record for record in records() if record["message"] == "again"]) == 20
    assert {notice["reason"] for notice in notices(records())} == {"background"}


def test_a_trace_is_written_when_it_is_asked_for(start: Start, records: Records) -> None:
    start(recorder=True, log_level="INFO")
    logger = get_logger("app")
    assert not keep_trace()
    with LoggingContext(trace_id="asked"):
        logger.debug("before")
        assert keep_trace("customer 7 complains")
        logger.debug("after")
    with LoggingContext():
        logger.debug("another trace")
    found = records()
    assert told(found) == [("DEBUG", "before"), ("DEBUG", "after")]
    assert [notice["reason"] for notice in notices(found)] == ["customer 7 complains"]


def test_processors_see_what_waits(start: Start, records: Records) -> None:
    """Before it waits: what a processor takes out is nowhere."""

    def processor(event: dict[str, Any]) -> dict[str, Any]:
        event.pop("card", None)
        return event

    start(recorder=True, log_level="INFO", processors=[processor])
    logger = get_logger("app")
    with LoggingContext():
        logger.debug("paid", card="4111", amount=3)
        logger.error("failed")
    paid, failed = records()
    assert (paid["message"], paid["amount"], failed["message"]) == ("paid", 3, "failed")
    assert "card" not in paid


def test_a_trace_that_is_not_sampled_waits_whole(start: Start, records: Records) -> None:
    """So that one that fails is there, whatever the share of traces."""
    start(recorder=True, log_level="INFO", sampling={"traces": {"ratio": 0.0}}, native_stdlib=True)
    logger, theirs = get_logger("app"), logging.getLogger("theirs")
    with LoggingContext():
        logger.info("not seen")
    with LoggingContext():
        logger.info("info")
        logger.debug("debug")
        theirs.info("theirs")
        logger.error("failed")
        logger.info("after")
    found = told(records())
    assert found == [("INFO", "info"), ("DEBUG", "debug"), ("INFO", "theirs"), ("ERROR", "failed"), ("INFO", "after")]


def test_levels_change_beside_it(start: Start, records: Records) -> None:
    """What its level lets pass is written at once, and waits for nothing."""
    start(recorder=True, log_level="INFO")
    logger = get_logger("app.changed")
    with LoggingContext():
        logger.debug("waits")
        with set_level("app.changed", "DEBUG"):
            logger.debug("passes")
        with LoggingContext(level="DEBUG"):
            logger.debug("passes too")
        assert [message for _, message in told(records())] == ["passes", "passes too"]


def test_a_restart_turns_it_off_and_on(start: Start, records: Records) -> None:
    logger = get_logger("app")
    start(recorder=True, log_level="INFO")
    with LoggingContext():
        logger.debug("one")
        start(recorder=False, log_level="INFO")
        logger.error("failed")
    with LoggingContext():
        logger.debug("nothing waits")
        start(recorder=True, log_level="INFO")
        logger.error("failed too")
    with LoggingContext():
        logger.debug("two")
        logger.error("failed again")
    messages = [message for _, message in told(records())]
    assert messages[-4:] == ["failed", "failed too", "two", "failed again"]
    assert "nothing waits" not in messages
