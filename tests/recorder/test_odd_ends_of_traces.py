"""Traces that begin and end in odd ways, and calls that are interrupted in the middle of writing one."""

from __future__ import annotations

import linecache
import pickle
import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytest
from kinds import Record, Records, Start

from unified_logger import LoggingContext, continue_trace, get_logger, get_stats, keep_trace
from unified_logger.context import set_trace_context
from unified_logger.integrations.wsgi import Middleware


def messages(records: list[Record]) -> list[str]:
    return [record["message"] for record in records if record["logger"] != "unified_logger"]


class Stopped(KeyboardInterrupt):
    """Raised by a signal handler."""


@pytest.fixture
def _stops() -> Iterator[None]:
    """A timer whose signal raises inside of a call that logs an error. Before it, and after it, nothing would be interrupted."""

    def stop(_: int, frame: FrameType | None) -> None:
        if frame is not None and ".error(" in linecache.getline(frame.f_code.co_filename, frame.f_lineno):
            raise Stopped

    before = signal.signal(signal.SIGALRM, stop)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("_stops")
def test_an_interrupted_write_loses_nothing(start: Start, records: Records) -> None:
    """Not the error that has caused it, and no context stays open. The queue is so small that the write waits."""
    start(recorder=True, log_level="INFO", queue_size=4, overflow="block", overflow_timeout=30, console_format="off")
    logger = get_logger("app")
    stopped = 0
    for number in range(40):
        try:
            with LoggingContext(trace_id=f"trace-{number}"):
                for step in range(50):
                    logger.debug("step", number=number, step=step)
                signal.setitimer(signal.ITIMER_REAL, 0.0004)
                logger.error("failed", number=number)
                signal.setitimer(signal.ITIMER_REAL, 0)
        except Stopped:
            stopped += 1
        assert not get_logger("app").get_trace_context()
    found = records()
    assert sum(record["message"] == "step" for record in found) == 40 * 50
    assert [record["number"] for record in found if record["message"] == "failed"] == list(range(40))
    assert stopped > 0, "no write was interrupted"


def test_a_trace_that_begins_inside_another_one_ends_by_itself(start: Start, records: Records) -> None:
    """As each message of a consumer does, whose loop has a context of its own."""
    start(recorder=True, log_level="INFO")
    logger = get_logger("app")
    with LoggingContext(worker=1):
        for number in range(3):
            try:
                with continue_trace({"traceparent": f"00-{number + 1:032x}-b7ad6b7169203331-01"}):
                    logger.debug("message", number=number)
                    if number == 1:
                        raise ValueError
            except ValueError:
                pass
    assert [record["number"] for record in records() if record["message"] == "message"] == [1]


def test_an_id_that_is_set_inside_is_of_the_same_request(start: Start, records: Records) -> None:
    """An exception that leaves the scope, a status and a question are about both."""
    start(recorder=True, recorder_secret="what only operators know", log_level="INFO")
    logger = get_logger("app")

    def fail() -> None:
        with LoggingContext(trace_id="outer"):
            logger.debug("before")
            set_trace_context(trace_id="inner")
            logger.debug("inside")
            raise ValueError

    with pytest.raises(ValueError):
        fail()
    assert messages(records()) == ["before", "inside"]

    def application(environ: dict[str, object], start_response: object) -> list[bytes]:
        logger.debug("of the request")
        set_trace_context(trace_id=f"own-{environ['number']}")
        logger.debug("of its own id")
        start_response(environ["status"], [])  # type: ignore[operator]
        return [b""]

    for number, (status, secret) in enumerate([("200 OK", ""), ("503 No", ""), ("200 OK", "what only operators know")]):
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "number": number, "status": status}
        environ |= {"HTTP_X_DEBUG_LOG": secret} if secret else {}
        body = Middleware(application)(environ, lambda *_: None)  # type: ignore[arg-type]
        list(body)
        getattr(body, "close", lambda: None)()
    assert [message for message in messages(records())[2:] if message.startswith("of")] == [
        "of the request",
        "of its own id",
    ] * 2


def test_a_path_that_is_skipped_fails_too(start: Start, records: Records) -> None:
    start(recorder=True, log_level="INFO")

    def application(environ: dict[str, object], start_response: object) -> list[bytes]:
        get_logger("app").debug("details")
        start_response("503 No", [])  # type: ignore[operator]
        return [b""]

    body = Middleware(application, skip=["/health"])(  # type: ignore[call-arg]
        {"REQUEST_METHOD": "GET", "PATH_INFO": "/health"}, lambda *_: None
    )
    list(body)
    getattr(body, "close", lambda: None)()
    assert messages(records()) == ["details"]


def test_a_large_record_costs_no_other_its_place(start: Start, records: Records) -> None:
    start(recorder={"trace_bytes": "64KiB", "bytes": "64KiB"}, log_level="INFO")
    logger = get_logger("app")
    other = LoggingContext(trace_id="other")
    entered, go = threading.Event(), threading.Event()

    def wait() -> None:
        with other:
            logger.debug("of another trace")
            entered.set()
            assert go.wait(30)
            logger.error("failed")

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert entered.wait(30)
    with LoggingContext(trace_id="large"):
        logger.debug("small")
        logger.debug("large", **{f"field{number}": "x" * 7_000 for number in range(30)})
        logger.error("failed")
    go.set()
    waiting.join()
    found = records()
    assert messages(found) == ["small", "failed", "of another trace", "failed"]
    assert [record["missing"] for record in found if record["logger"] == "unified_logger"] == [1]


def test_the_oldest_trace_goes_first_whoever_needs_the_room(start: Start, records: Records) -> None:
    """Also where an older one has gone on meanwhile."""
    start(recorder={"trace_bytes": "24KiB", "bytes": "32KiB"}, log_level="INFO")
    logger = get_logger("app")
    traces = [LoggingContext(trace_id=name) for name in "abc"]

    def fill(context: LoggingContext, count: int) -> None:
        with context:
            for _ in range(count):
                logger.debug("step")

    keep = LoggingContext(trace_id="a")
    with keep:
        for _ in range(30):
            logger.debug("step")
        fill_in = threading.Thread(target=fill, args=(traces[1], 30))
        fill_in.start()
        fill_in.join()
        for _ in range(30):
            logger.debug("step")
        logger.error("failed")
    found = [record for record in records() if record["message"] == "step"]
    assert len(found) == 60
    assert {record["trace_id"] for record in found} == {"a"}


def test_a_low_trigger_counts_in_a_trace_that_is_not_sampled(start: Start, records: Records) -> None:
    """And what is written of such a trace stands for no other, so that the records of sampled ones add up."""
    start(recorder={"trigger": "WARNING"}, sampling={"traces": {"ratio": 0.0}}, log_level="INFO")
    logger = get_logger("app")
    with LoggingContext():
        logger.debug("debug")
        logger.info("info")
        logger.warning("warning")
        logger.info("after")
        logger.error("error")
    found = records()
    assert messages(found) == ["debug", "info", "warning", "after", "error"]
    assert [record.get("sample_rate") for record in found] == [0, 0, 0, 0, None]


def test_rules_of_sampling_count_in_a_trace_that_is_written(start: Start, records: Records) -> None:
    rules = {"traces": {"ratio": 0.0}, "rules": [{"first": 2}]}
    start(recorder=True, sampling=rules, log_level="INFO")
    logger = get_logger("app")
    with LoggingContext():
        logger.error("failed")
        for _ in range(50):
            logger.info("after")
    assert messages(records()).count("after") == 2


def test_who_asks_is_told_even_if_nothing_waits(start: Start, records: Records) -> None:
    """With a reason of any text."""
    start(recorder=True, log_level="INFO")
    with LoggingContext():
        assert keep_trace("\ud800" + "x" * 1000)
        get_logger("app").debug("seen")
    notice, seen = records()
    assert (notice["reason"], notice["records"], seen["message"]) == ("?" + "x" * 199, 0, "seen")


def test_a_message_that_asks_does_not_keep_the_secret(start: Start) -> None:
    start(recorder=True, recorder_secret="what only operators know", log_level="INFO")
    asked = continue_trace({"X-Debug-Log": "what only operators know"})
    assert b"operators" not in pickle.dumps(asked)


@pytest.mark.parametrize("secret", ["Schlüssel für alle", "  with spaces around  "])
def test_any_secret_can_be_sent(start: Start, records: Records, secret: str) -> None:
    """As text, and as servers give the bytes of a header."""
    start(recorder=True, recorder_secret=secret, log_level="INFO")
    for sent in (secret, secret.encode().decode("latin-1"), secret.encode()):
        with continue_trace({"X-Debug-Log": sent}):
            get_logger("app").debug("details")
    assert messages(records()) == ["details"] * 3


def test_spans_of_another_library_wait_too(start: Start, records: Records) -> None:
    """Many at once, though their contexts are made anew now and then."""
    trace = pytest.importorskip("opentelemetry.sdk.trace")
    from unified_logger.integrations import opentelemetry

    opentelemetry.install()
    try:
        start(recorder=True, log_level="INFO")
        logger, tracer = get_logger("app"), trace.TracerProvider().get_tracer("test")
        from opentelemetry.trace import use_span

        spans = [tracer.start_span(f"span {number}") for number in range(60)]
        for _ in range(2):
            for number, span in enumerate(spans):
                with use_span(span):
                    logger.debug("step", number=number)
        for number, span in enumerate(spans[:50]):
            with use_span(span):
                logger.error("failed", number=number)
        found = [record["number"] for record in records() if record["message"] == "step"]
        assert sorted(found) == sorted([*range(50)] * 2)
        assert get_stats()["recorder_bytes"] > 0
    finally:
        opentelemetry.uninstall()


def test_a_trace_that_lasts_keeps_no_others(start: Start) -> None:
    """Those that are over beside it are forgotten whole. Seen to keep a little of each."""
    resource = pytest.importorskip("resource")
    start(recorder=True, log_level="INFO")
    logger = get_logger("app")
    before = 0
    with LoggingContext(trace_id="lasting"):
        logger.debug("first")
        for number in range(60_000):
            if number == 10_000:
                before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            with LoggingContext(trace_id=f"trace-{number}"):
                logger.debug("step")
    # In KiB; it were more than 10,000.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 4_000


def test_nothing_waits_any_more_where_the_recorder_is_turned_off(start: Start, records: Records) -> None:
    """Neither an exception nor a question writes it."""
    start(recorder=True, log_level="INFO")
    logger = get_logger("app")

    def fail() -> None:
        with LoggingContext():
            logger.debug("waits")
            start(recorder=False, log_level="INFO")
            assert not keep_trace()
            raise ValueError

    with pytest.raises(ValueError):
        fail()
    assert messages(records()) == []


def test_the_end_of_a_request_ends_no_other_trace(start: Start, records: Records) -> None:
    """One whose id it had got meanwhile, and which runs in a scope of its own."""
    start(recorder=True, log_level="INFO")
    logger = get_logger("app")
    entered, go = threading.Event(), threading.Event()

    def serve() -> None:
        with LoggingContext(trace_id="another"):
            logger.error("failed")
            entered.set()
            assert go.wait(30)
            logger.debug("after it")

    thread = threading.Thread(target=serve)
    thread.start()
    assert entered.wait(30)
    with LoggingContext():
        set_trace_context(trace_id="another")
    go.set()
    thread.join()
    assert messages(records()) == ["failed", "after it"]
