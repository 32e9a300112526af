"""The faults of the implementation that this one replaces: none of them here."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from kinds import Records

from unified_logger import LoggingContext, UnifiedLogger, flush_logging, get_logger, get_stats, shutdown_logging


def test_the_trace_id_reaches_the_file(logger: UnifiedLogger, records: Records) -> None:
    """It is taken at the call, on the calling thread."""
    logger.set_trace_context(trace_id="abc-123-xyz")
    logger.info("with trace")
    assert records()[0]["trace_id"] == "abc-123-xyz"


def test_the_function_is_the_callers(logger: UnifiedLogger, records: Records) -> None:
    """Not the library's own."""
    logger.info("here")
    record = records()[0]
    assert (record["function"], record["module"]) == ("test_the_function_is_the_callers", "test_known_faults")


def test_the_exception_is_not_glued_into_the_message(logger: UnifiedLogger, records: Records) -> None:
    """The message stays what was said."""
    try:
        raise ValueError("x")
    except ValueError:
        logger.error("failed", exc_info=True)
    record = records()[0]
    assert record["message"] == "failed"
    assert record["exception"]["type"] == "ValueError"


def test_any_name_is_a_field(logger: UnifiedLogger, records: Records) -> None:
    """`module=` raised KeyError."""
    logger.info("odd", module="billing", name="n", msg="m", args=1, process="p")
    record = records()[0]
    assert (record["fields.module"], record["name"], record["msg"], record["args"]) == ("billing", "n", "m", 1)
    assert record["module"] == "test_known_faults"
    assert record["fields.process"] == "p"


def test_no_task_name_leaks_in(logger: UnifiedLogger, records: Records) -> None:
    """Neither from our API nor from `logging` (3.12 added it)."""
    import logging

    async def work() -> None:
        logger.info("ours")
        logging.getLogger("theirs").info("theirs")

    asyncio.run(work())
    assert all("taskName" not in record for record in records())


def test_the_time_is_that_of_the_call(logger: UnifiedLogger, records: Records) -> None:
    """Not that of the listener, after the queue."""
    before = datetime.now(timezone.utc)
    logger.info("now")
    after = datetime.now(timezone.utc)
    assert before <= datetime.fromisoformat(records()[0]["timestamp"]) <= after


def test_debug_reaches_the_file(start: Callable[..., Any], records: Records) -> None:
    """With `log_level='DEBUG'`."""
    start(log_level="DEBUG")
    get_logger("app").debug("seen")
    assert [record["message"] for record in records()] == ["seen"]


def test_a_full_queue_prints_no_traceback(start: Callable[..., Any], records: Records, capfd: Any) -> None:
    """What is dropped is counted and told in the log."""
    start(queue_size=10, overflow="drop_new", console_format="off")
    logger = get_logger("app")
    before = get_stats()["dropped"]
    for number in range(20_000):
        logger.info("burst", number=number)
    assert flush_logging(30)
    dropped = get_stats()["dropped"] - before
    lines = records()
    assert len([line for line in lines if line["message"] == "burst"]) == 20_000 - dropped
    assert (
        sum(int(line["message"].split()[0]) for line in lines if line["message"].endswith("records dropped")) == dropped
    )
    assert "Traceback" not in capfd.readouterr().err


def test_shutdown_keeps_its_timeout(logger: UnifiedLogger) -> None:
    """And says that all is written."""
    logger.info("last")
    started = time.monotonic()
    assert shutdown_logging(timeout=30.0) is True
    assert time.monotonic() - started < 30


def test_a_context_inside_a_request_keeps_its_trace(logger: UnifiedLogger, records: Records) -> None:
    """`LoggingContext()` replaced it."""
    with LoggingContext(trace_id="request", span_id="outer"):
        with LoggingContext():
            logger.info("inside")
        logger.info("outside")
    inside, outside = records()
    assert (inside["trace_id"], outside["trace_id"]) == ("request", "request")
    assert inside["span_id"] != outside["span_id"] == "outer"


def test_setting_no_trace_id_keeps_the_active_one(logger: UnifiedLogger, records: Records) -> None:
    """Inside a scope; outside one it begins a new trace, so that a reused thread carries nobody else's."""
    with LoggingContext(trace_id="request"):
        logger.set_trace_context(trace_id=None)
        logger.info("inside")
    logger.set_trace_context(trace_id="one")
    logger.set_trace_context(trace_id=None)
    logger.info("outside")
    logger.clear_trace_context()
    inside, outside = records()
    assert inside["trace_id"] == "request"
    assert outside["trace_id"] not in ("one", "request")


def test_forked_children_write(
    start: Callable[..., Any], records: Records, run_python: Callable[..., Any], log_dir: Any
) -> None:
    """They wrote nothing."""
    run_python(
        f"""
import os
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir={str(log_dir)!r})
get_logger("app").info("parent")
child = os.fork()
get_logger("app").info("child" if child == 0 else "parent again")
flush_logging()
if child == 0:
    os._exit(0)
os.waitpid(child, 0)
"""
    )
    start()
    found = sorted(record["message"] for record in records() if record["logger"] == "app")
    assert found == ["child", "parent", "parent again"]


def test_threads_do_not_share_a_trace(logger: UnifiedLogger, records: Records) -> None:
    """Each has its own context."""

    def work(name: str) -> None:
        logger.set_trace_context(trace_id=name)
        logger.info(name)

    threads = [threading.Thread(target=work, args=(f"trace-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(record["trace_id"] == record["message"] for record in records())
