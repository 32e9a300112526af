"""What the Celery integration does at each of Celery's signals; real workers are in `test_celery_workers.py`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kinds import Records

pytest.importorskip("celery")

from celery import Celery, signals
from celery.app.log import Logging
from celery.exceptions import Reject, TimeLimitExceeded

from unified_logger import LoggingContext, UnifiedLogger, flush_logging, get_logger
from unified_logger.context import get_trace_context
from unified_logger.integrations import celery

TRACE, SPAN = "ab" * 16, "cd" * 8


@pytest.fixture
def app() -> Iterator[Celery]:
    """An application whose messages stay in memory; it is not that of the process."""
    celery.install()
    with Celery("tests", broker="memory://", set_as_current=False) as app:
        yield app
    celery.uninstall()


@pytest.fixture
def sent(app: Celery) -> Callable[[], dict[str, Any]]:
    """The headers of the next message."""

    def sent() -> dict[str, Any]:
        with app.connection() as connection, connection.SimpleQueue("celery") as queue:
            message = queue.get(timeout=10)
            message.ack()
            return dict(message.headers)

    return sent


def test_the_trace_is_in_the_headers(app: Celery, sent: Callable[[], dict[str, Any]]) -> None:
    """Where there is one."""
    with LoggingContext(trace_id=TRACE, span_id=SPAN):
        app.send_task("work")
    app.send_task("work")
    assert sent()["traceparent"] == f"00-{TRACE}-{SPAN}-01"
    assert "traceparent" not in sent()


def test_a_trace_that_the_caller_sends_stays(app: Celery, sent: Callable[[], dict[str, Any]]) -> None:
    """With nothing of ours beside it."""
    with LoggingContext(trace_id=TRACE, span_id=SPAN):
        app.send_task("work", headers={"traceparent": "theirs", "other": "1"})
    headers = sent()
    assert (headers["traceparent"], headers["other"]) == ("theirs", "1")


def test_an_id_of_any_kind_goes_along(app: Celery, sent: Callable[[], dict[str, Any]]) -> None:
    """And is read again on the other side."""
    with LoggingContext(trace_id="order-7"):
        app.send_task("work")
    headers = sent()
    assert "traceparent" not in headers
    found = celery._trace_of(headers)
    assert found is not None
    assert found.trace_id == "order-7"


@pytest.mark.parametrize("value", ["nonsense", "", 7, None, ["a"], "00-" + "0" * 32 + "-" + SPAN + "-01"])
def test_a_malformed_header_begins_a_new_trace(value: Any) -> None:
    """Whatever a message holds."""
    assert celery._trace_of({"traceparent": value}) is None
    assert celery._trace_of(None) is None


def test_an_eager_task_is_inside_its_caller(app: Celery, logger: UnifiedLogger, records: Records) -> None:
    """It runs where it is called: a child span with the caller's fields, which are back after it."""

    @app.task(name="work", shared=False)
    def work() -> dict[str, Any]:
        return get_trace_context()

    with LoggingContext(trace_id=TRACE, span_id=SPAN, tenant=1):
        inside = work.apply().get()
        assert get_trace_context() == {"trace_id": TRACE, "span_id": SPAN, "tenant": 1}
    assert (inside["trace_id"], inside["tenant"], inside["task"], inside["retries"]) == (TRACE, 1, "work", 0)
    (ended,) = [record for record in records() if record["message"] == "task ended"]
    assert (ended["span_id"], ended["parent_span_id"], ended["state"]) == (inside["span_id"], SPAN, "SUCCESS")


class _Broken(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


BROKEN = f"<str() of {_Broken!r} failed: RuntimeError>"


@pytest.mark.parametrize(
    ("error", "state", "told"),
    [(_Broken(), "FAILURE", ("error", "_Broken")), (Reject(_Broken()), "REJECTED", ("reason", BROKEN))],
)
def test_an_exception_that_breaks_leaves_nothing_open(
    app: Celery, logger: UnifiedLogger, records: Records, error: Exception, state: str, told: tuple[str, str]
) -> None:
    """The end of the task is told, and the next one on this thread has nothing of it."""

    @app.task(name="breaks", shared=False, throws=(_Broken,))
    def breaks() -> None:
        raise error

    breaks.apply()
    assert get_trace_context() == {}
    (ended,) = [record for record in records() if record["message"] == "task ended"]
    assert (ended["state"], ended[told[0]]) == (state, told[1])


def test_a_time_limit_has_one_record(app: Celery, logger: UnifiedLogger, records: Records) -> None:
    """Celery tells of the failure twice. A later run of the same task has a record of its own."""

    class Message:
        def __init__(self) -> None:
            self.id, self.request_dict = "7", {"retries": 0}

    @app.task(name="work", shared=False)
    def work() -> None:
        pass

    runs = Message(), Message()
    for message in runs:
        signals.task_received.send(sender=None, request=message)
        for _ in range(2):
            signals.task_failure.send(sender=work, task_id="7", exception=TimeLimitExceeded(1))
    ended = [(record["message"], record["task_id"], record["error"]) for record in records()]
    assert ended == [("task ended", "7", "TimeLimitExceeded: TimeLimitExceeded(1,)")] * 2


class _Refused(RuntimeError):
    """Cannot be pickled, as most exceptions with arguments of their own."""

    def __init__(self, order: int, reason: str) -> None:
        super().__init__(f"{order}: {reason}")


@pytest.mark.parametrize("expected", [False, True], ids=["unexpected", "expected"])
def test_an_exception_has_its_own_class(app: Celery, logger: UnifiedLogger, records: Records, expected: bool) -> None:
    """Celery puts one of another class in its place if it cannot be pickled."""

    @app.task(name="work", shared=False, throws=(_Refused,) if expected else ())
    def work() -> None:
        raise _Refused(7, "no stock")

    work.apply()
    (ended,) = [record for record in records() if record["message"] == "task ended"]
    if expected:
        assert (ended["level"], ended["error"]) == ("INFO", "_Refused: 7: no stock")
    else:
        assert (ended["level"], ended["exception"]["type"]) == ("ERROR", "_Refused")
        assert ended["exception"]["frames"][-1]["function"] == "work"


def test_other_handlers_still_see_its_own_line(app: Celery, logger: UnifiedLogger, records: Records) -> None:
    """It is only our files that do without."""
    seen: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record.getMessage())

    theirs = logging.getLogger("celery.app.trace")
    theirs.addHandler(Handler())

    @app.task(name="work", shared=False)
    def work() -> None:
        raise ValueError("broken")

    work.apply()
    assert len(seen) == 1
    assert "raised unexpected: ValueError('broken')" in seen[0]
    assert [record["logger"] for record in records()] == ["celery.task"]


def test_logging_that_was_started_stays_as_it_is(app: Celery, logger: UnifiedLogger, records: Records) -> None:
    """Celery's set-up has nothing left to do: no handler of its own, no other level, and the pool's logger comes in."""
    before = (logging.root.handlers[:], logging.root.level)
    already, Logging._setup = Logging._setup, False
    try:
        app.log.setup_logging_subsystem(loglevel="DEBUG")
    finally:
        Logging._setup = already
    assert (logging.root.handlers, logging.root.level) == before
    logging.getLogger("multiprocessing").error("of the pool")
    assert [record["message"] for record in records()] == ["of the pool"]


def test_logging_is_started_where_it_was_not(run_python: Callable[..., Any], records: Records, logger: Any) -> None:
    """As the environment says."""
    run_python(
        "from unified_logger.integrations import celery\n"
        "from celery import Celery\n"
        "celery.install()\n"
        "app = Celery('tests', broker='memory://')\n"
        "app.log.setup(loglevel='INFO')\n"
        "import logging\n"
        "logging.getLogger('theirs').info('started')\n",
        LOG_DIR="logs",
        LOG_LEVEL="INFO",
    )
    assert flush_logging(10)
    assert [record["message"] for record in records()] == ["started"]


@pytest.mark.parametrize("name", ["worker_process_shutdown", "worker_shutdown"])
def test_all_is_written_when_a_process_is_about_to_end(
    app: Celery, start: Callable[..., Any], log_dir: Path, name: str
) -> None:
    """A child of the pool ends without exit hooks, and a worker that restarts becomes another program."""
    start(console_format="off", queue_size=50_000, max_bytes=0)
    logger = get_logger("app")
    for number in range(20_000):
        logger.info("m", number=number)
    getattr(signals, name).send(sender=None)
    assert (log_dir / "app.log").read_bytes().count(b"\n") == 20_000


def test_installing_twice_connects_once(app: Celery) -> None:
    """And taking it back leaves nothing behind."""

    def connected() -> int:
        return sum(len(signal.receivers or ()) for signal, _ in celery._CONNECTED)

    before = connected()
    celery.install()
    assert connected() == before
    celery.uninstall()
    assert connected() == before - len(celery._CONNECTED)
    assert celery._replaced not in logging.getLogger("celery.app.trace").filters
    assert signals.setup_logging.receivers in ([], None)
