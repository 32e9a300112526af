"""The decision on a trace is made where it begins, and all of its records follow it, wherever they are made."""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import Any

import pytest
from kinds import Record, Records, Start

from unified_logger import (
    LoggingContext,
    _core,
    continue_trace,
    get_logger,
    get_stats,
    span,
    trace_headers,
)
from unified_logger.context import set_trace_context

# The low bits of the first are sampled at a ratio of one half, and those of the second are not.
SAMPLED = "0af7651916cd43dd84f8eb211c80319c"
UNSAMPLED = "0af7651916cd43dd8407eb211c80319c"
SPAN = "b7ad6b7169203331"
HALF = {"traces": {"ratio": 0.5}}


def by_trace(records: list[Record]) -> dict[str | None, list[Record]]:
    """Records by their traces."""
    found: dict[str | None, list[Record]] = defaultdict(list)
    for record in records:
        found[record.get("trace_id")].append(record)
    return found


def messages(records: list[Record]) -> list[str]:
    return [record["message"] for record in records]


def test_a_trace_is_whole_or_not_there(start: Start, records: Records) -> None:
    """Over nested contexts, bound loggers, spans and `logging`. Half of the traces is there."""
    start(sampling=HALF)
    logger, theirs = get_logger("app"), logging.getLogger("theirs")
    before = get_stats()["filtered"]
    for number in range(400):
        with LoggingContext(number=number):
            logger.info("first")
            with LoggingContext(more=1):
                logger.bind(a=1).warning("second")
            theirs.warning("third")
            with span("fourth", logger=logger):
                pass
    traces = by_trace(records())
    assert {len(found) for found in traces.values()} == {5}
    assert {record["sample_rate"] for found in traces.values() for record in found} == {2}
    # 200 with a standard deviation of 10.
    assert 140 < len(traces) < 260
    assert get_stats()["filtered"] - before == 5 * (400 - len(traces))


def test_errors_are_always_there_and_stand_for_themselves(start: Start, records: Records) -> None:
    """In every trace alike, so that they add up."""
    start(sampling=HALF)
    logger = get_logger("app")
    for trace in (SAMPLED, UNSAMPLED):
        with LoggingContext(trace_id=trace):
            logger.info("info")
            logger.error("error")
            logger.critical("critical")
    found = [(record["trace_id"], record["level"], record.get("sample_rate")) for record in records()]
    assert found == [
        (SAMPLED, "INFO", 2),
        (SAMPLED, "ERROR", None),
        (SAMPLED, "CRITICAL", None),
        (UNSAMPLED, "ERROR", None),
        (UNSAMPLED, "CRITICAL", None),
    ]


@pytest.mark.parametrize(
    ("level", "there"),
    [("warning", ["warning", "error"]), (35, ["error"]), ("critical", []), (15, ["info", "warning", "error"])],
)
def test_the_level_says_what_is_always_there(start: Start, records: Records, level: Any, there: list[str]) -> None:
    """Also one between two names."""
    start(log_level="DEBUG", sampling={"traces": {"ratio": 0, "level": level}})
    logger = get_logger("app")
    with LoggingContext():
        for name in ("debug", "info", "warning", "error"):
            getattr(logger, name)(name)
    assert messages(records()) == there


def test_records_without_a_trace_are_there(start: Start, records: Records) -> None:
    """Nobody has decided on them."""
    start(sampling={"traces": {"ratio": 0}})
    get_logger("app").info("none")
    get_logger("app").bind(a=1).info("bound")
    logging.getLogger("theirs").warning("theirs")
    found = records()
    assert messages(found) == ["none", "bound", "theirs"]
    assert not any("sample_rate" in record for record in found)


def test_without_the_option_nothing_changes(start: Start, records: Records) -> None:
    """A flag that came is sent on, and decides nothing."""
    start()
    logger = get_logger("app")
    state = "ot=th:8,a=b"
    with continue_trace({"traceparent": f"00-{UNSAMPLED}-{SPAN}-00", "tracestate": state}):
        logger.info("unsampled")
        assert trace_headers()["traceparent"].endswith("-00")
        assert trace_headers()["tracestate"] == state
    with LoggingContext():
        logger.info("own")
        assert trace_headers()["traceparent"].endswith("-01")
        current = _core.current_context()
        assert current is not None
        assert (current.sampling, current.sent) == (None, None)
    found = records()
    assert messages(found) == ["unsampled", "own"]
    assert not any("sample_rate" in record for record in found)


@pytest.mark.parametrize(
    ("flags", "state", "rate", "sent"),
    [
        ("01", None, None, ("01", None)),
        ("03", "ot=th:c,a=b", 4, ("03", "ot=th:c,a=b")),
        # Its randomness is not that of the id.
        ("03", "ot=th:e6666666666666;rv:e6666666666666", 10, ("03", "ot=th:e6666666666666;rv:e6666666666666")),
        ("01", "ot=th:e666;rv:f0000000000000", 9.99939, ("01", "ot=th:e666;rv:f0000000000000")),
        # A threshold above the randomness contradicts the flag.
        ("01", "ot=th:fd70a;x:1", None, ("01", "ot=x:1")),
        ("01", "ot=th:0", None, ("01", "ot=th:0")),
        ("00", None, "refused", ("00", None)),
        ("02", "a=b,ot=th:0", "refused", ("02", "a=b")),
    ],
)
def test_the_flag_of_the_sender_decides(
    start: Start, records: Records, flags: str, state: str | None, rate: Any, sent: tuple[str, str | None]
) -> None:
    """Whatever the ratio here is, and what contradicts the flag is not sent on."""
    start(sampling={"traces": {"ratio": 0 if flags[1] in "13" else 1}})
    headers = {"traceparent": f"00-{SAMPLED}-{SPAN}-{flags}"} | ({} if state is None else {"tracestate": state})
    with continue_trace(headers):
        get_logger("app").info("there")
        with LoggingContext():
            further = trace_headers()
    assert (further["traceparent"][-2:], further.get("tracestate")) == sent
    assert [record.get("sample_rate") for record in records()] == ([] if rate == "refused" else [rate])


def test_a_trace_that_begins_here_tells_others(start: Start) -> None:
    """Its ids are random, and the threshold goes with a trace that is sampled."""
    start(sampling=HALF)
    seen = set()
    for _ in range(64):
        with LoggingContext():
            headers = trace_headers()
            sampled = int(headers["traceparent"].split("-")[1], 16) & (1 << 56) - 1 >= 1 << 55
            assert headers["traceparent"].endswith("-03" if sampled else "-02")
            assert headers.get("tracestate") == ("ot=th:8" if sampled else None)
            seen.add(sampled)
    assert seen == {True, False}
    # The library has not made this one, and does not know whether it is random.
    with LoggingContext(trace_id=SAMPLED):
        assert trace_headers()["traceparent"].endswith("-01")


def test_ids_of_another_form_are_decided_alike_everywhere(start: Start, records: Records) -> None:
    """By their digest, or by the threshold that came along."""
    names = [f"order-{number}" for number in range(64)]
    start(trace_headers=["X-Trace-ID"], sampling=HALF)
    sent = {}
    for name in names:
        with LoggingContext(trace_id=name):
            get_logger("app").info("sender")
            sent[name] = trace_headers()
    assert {headers["tracestate"] for headers in sent.values()} == {"ot=th:8"}
    start(trace_headers=["X-Trace-ID"], sampling={"traces": {"ratio": 0.01}})
    for headers in sent.values():
        with continue_trace(headers):
            get_logger("app").info("receiver")
    traces = by_trace(records())
    assert {tuple(messages(found)) for found in traces.values()} == {("sender", "receiver")}
    assert {record["sample_rate"] for found in traces.values() for record in found} == {2}
    assert 10 < len(traces) < 54


def test_b3_without_a_decision_leaves_it_to_us(start: Start, records: Records) -> None:
    """With one it decides, and the threshold beside it counts."""
    start(trace_headers=["b3"], sampling={"traces": {"ratio": 0}})
    for message, value, state in [
        ("no", f"{SAMPLED}-{SPAN}", ""),
        ("yes", f"{SAMPLED}-{SPAN}-1", ""),
        ("no", f"{SAMPLED}-{SPAN}-0", ""),
        ("by the threshold", f"{SAMPLED}-{SPAN}", "ot=th:8"),
        ("counted", f"{SAMPLED}-{SPAN}-1", "ot=th:8"),
    ]:
        with continue_trace({"b3": value, "tracestate": state}):
            get_logger("app").info(message)
            assert trace_headers()["b3"].endswith("0" if message == "no" else "1")
    assert [(record["message"], record.get("sample_rate")) for record in records()] == [
        ("yes", None),
        ("by the threshold", 2),
        ("counted", 2),
    ]


def test_ids_that_are_set_later_are_another_trace(start: Start, records: Records) -> None:
    """It has a decision of its own; fields that are set change nothing."""
    start(sampling=HALF)
    logger = get_logger("app")
    with continue_trace({"traceparent": f"00-{UNSAMPLED}-{SPAN}-01"}):
        set_trace_context(user=3)
        logger.info("sampled")
        set_trace_context(trace_id="f" * 32)
        logger.info("another")
        with LoggingContext(trace_id="0" * 18 + "1" * 14):
            logger.info("unsampled")
        set_trace_context(trace_id=SAMPLED)
        logger.info("another")
    found = [(record["message"], record.get("sample_rate")) for record in records()]
    assert found == [("sampled", None), ("another", 2), ("another", 2)]


def test_a_reload_counts_for_traces_that_begin_after_it(start: Start, records: Records) -> None:
    """A trace keeps its decision. Without the option everything is written at once."""
    start(sampling={"traces": {"ratio": 0}})
    logger = get_logger("app")
    with LoggingContext():
        logger.info("before")
        start(sampling={"traces": {"ratio": 1}})
        logger.info("before")
        with LoggingContext():
            logger.info("before")
        start()
        logger.info("after")
    with LoggingContext():
        logger.info("later")
    assert messages(records()) == ["after", "later"]


def test_a_field_of_the_program_stays(start: Start, records: Records) -> None:
    """One that has the same name wins, as fields of a call and of a context do."""
    start(sampling=HALF)
    with LoggingContext(trace_id=SAMPLED, sample_rate=7):
        get_logger("app").info("context")
    with LoggingContext(trace_id=SAMPLED):
        get_logger("app").info("call", sample_rate=8)
        get_logger("app").info("neither", other=1)
    assert [record["sample_rate"] for record in records()] == [7, 8, 2]


def test_processors_see_and_change_what_is_left(start: Start, records: Records) -> None:
    """A changed record still stands for as many."""
    seen = []

    def change(record: dict[str, Any]) -> dict[str, Any]:
        seen.append(record["message"])
        return {**record, "added": True}

    start(sampling=HALF, processors=[change])
    for trace in (SAMPLED, UNSAMPLED):
        with LoggingContext(trace_id=trace):
            get_logger("app").info("m")
            logging.getLogger("theirs").warning("m")
    assert seen == ["m", "m"]
    assert [(record["added"], record["sample_rate"]) for record in records()] == [(True, 2)] * 2


def test_handlers_of_others_see_every_record(start: Start, records: Records) -> None:
    """Sampling is what the files get."""
    start(sampling={"traces": {"ratio": 0}})
    seen: list[str] = []

    class Other(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record.getMessage())

    handler = Other()
    logging.getLogger("app").addHandler(handler)
    try:
        with LoggingContext():
            get_logger("app").info("info")
            get_logger("app").error("error")
    finally:
        logging.getLogger("app").removeHandler(handler)
    assert seen == ["info", "error"]
    assert messages(records()) == ["error"]
