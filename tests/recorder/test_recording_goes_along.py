"""What waits of a trace is one, in its tasks, threads and forked children."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kinds import Record, Records, Run, Start

from unified_logger import LoggingContext, carry, carry_into_threads, get_logger, get_stats


def messages(records: list[Record]) -> list[str]:
    return [record["message"] for record in records if record["logger"] != "unified_logger"]


def test_tasks_of_a_trace_wait_together(start: Start, records: Records) -> None:
    """A hundred of them at once, and those of the traces that fail are written alone."""
    start(recorder=True, log_level="INFO")
    logger = get_logger("app")
    others = get_stats()["recorder_bytes"]

    async def step(number: int) -> None:
        logger.debug("step", number=number)
        await asyncio.sleep(0)

    async def serve(number: int) -> None:
        with LoggingContext(trace_id=f"trace-{number}"):
            await asyncio.gather(*(asyncio.create_task(step(number)) for _ in range(3)))
            if number % 10 == 0:
                logger.error("failed", number=number)

    async def run() -> None:
        await asyncio.gather(*(serve(number) for number in range(100)))

    asyncio.run(run())
    found = records()
    assert len(found) == 40
    assert {record["number"] for record in found} == set(range(0, 100, 10))
    assert all(record["trace_id"] == f"trace-{record['number']}" for record in found)
    assert get_stats()["recorder_bytes"] == others


def test_threads_of_a_trace_wait_together(start: Start, records: Records) -> None:
    """Carried by hand or by themselves. The end of one does not end the trace."""
    start(recorder=True, log_level="INFO")
    logger = get_logger("app")
    with ThreadPoolExecutor(2) as pool, LoggingContext():
        logger.debug("first")
        pool.submit(carry(lambda: logger.debug("second"))).result()
        carry_into_threads()
        try:
            thread = threading.Thread(target=lambda: logger.debug("third"))
            thread.start()
            thread.join()
        finally:
            carry_into_threads(False)
        assert records() == []
        pool.submit(carry(lambda: logger.error("failed"))).result()
        logger.debug("after")
    assert messages(records()) == ["first", "second", "third", "failed", "after"]


def test_a_task_that_outlives_its_request_goes_on_with_its_trace(start: Start, records: Records) -> None:
    """What it has recorded before the end of the request is there too."""
    start(recorder=True, log_level="INFO")
    logger = get_logger("app")

    async def later(go: asyncio.Event) -> None:
        logger.debug("before the end")
        await go.wait()
        logger.debug("after it")
        logger.error("failed")

    async def run() -> None:
        go = asyncio.Event()
        with LoggingContext():
            task = asyncio.create_task(later(go))
            await asyncio.sleep(0)
        go.set()
        await task

    asyncio.run(run())
    assert messages(records()) == ["before the end", "after it", "failed"]


def test_a_trace_ends_with_the_last_of_its_scopes(start: Start, records: Records) -> None:
    """Two requests of one trace at once, and a thread that goes on. What follows a failure is quiet again after that."""
    start(recorder=True, log_level="INFO")
    logger = get_logger("app")
    one, other = LoggingContext(trace_id="shared"), LoggingContext(trace_id="shared")

    def serve(context: LoggingContext, entered: threading.Event, go: threading.Event, fails: bool) -> None:
        with context:
            logger.debug("step", fails=fails)
            entered.set()
            assert go.wait(30)
            if fails:
                logger.error("failed")
                logger.debug("after it")

    entered, go, end = threading.Event(), threading.Event(), threading.Event()
    failing = threading.Thread(target=serve, args=(one, entered, go, True))
    failing.start()
    assert entered.wait(30)
    end.set()
    serve(other, threading.Event(), end, False)
    go.set()
    failing.join()
    with LoggingContext(trace_id="shared"):
        logger.debug("quiet")
    assert messages(records()) == ["step", "step", "failed", "after it"]


FORKED = """
import os
from unified_logger import LoggingContext, flush_logging, get_logger, init_logging, shutdown_logging
init_logging(log_dir="logs", console_format="off", recorder=True, log_level="INFO")
logger = get_logger("app")
def child(fails):
    pid = os.fork()
    if pid == 0:
        logger.debug("of the child", fails=fails)
        if fails:
            logger.error("the child has failed")
        shutdown_logging()
        os._exit(0)
    os.waitpid(pid, 0)
with LoggingContext(trace_id="of-both"):
    logger.debug("of the parent")
    child(False)
    child(True)
    logger.debug("of the parent again")
with LoggingContext():
    logger.debug("waits")
    child(False)
    logger.error("the parent has failed")
shutdown_logging()
"""


def test_a_forked_child_waits_for_itself(run_python: Run, tmp_path: Path) -> None:
    """It has the trace, and the records of its parent are its parent's to write."""
    run_python(FORKED)
    lines = (tmp_path / "logs" / "app.log").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    assert messages(found) == ["of the child", "the child has failed", "waits", "the parent has failed"]
    assert [record["trace_id"] for record in found[:2]] == ["of-both"] * 2
