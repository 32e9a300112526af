"""Thousands of interleaved units of work: every record has the trace of the unit that logged it."""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from kinds import Records

from unified_logger import LoggingContext, UnifiedLogger, carry, carry_into_threads, span
from unified_logger.context import set_trace_context

UNITS = 2_000


@pytest.fixture
def logger(start: Callable[..., Any]) -> UnifiedLogger:
    """A logger whose files take all of it."""
    from unified_logger import get_logger

    start(console_format="off", max_bytes=0, overflow_timeout=60)
    return get_logger("app")


def foreign(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Records that have another trace than that of their unit, or none."""
    return [record for record in found if record.get("trace_id") != record["unit"]]


async def in_task(logger: UnifiedLogger, unit: str, pool: ThreadPoolExecutor) -> None:
    """Everything a task can do to lose its context, in an order of its own."""
    chance = random.Random(unit)
    bound = logger.bind(unit=unit)

    async def awaited() -> None:
        await asyncio.sleep(0)
        bound.info("awaited")

    async def of_a_child() -> None:
        set_trace_context(deeper=True)
        await asyncio.create_task(awaited())

    @LoggingContext()
    async def numbers() -> AsyncIterator[int]:
        for number in range(2):
            bound.info("in a generator")
            yield number
            await asyncio.sleep(0)

    async def of_a_generator() -> None:
        async for _ in numbers():
            bound.info("between its steps")

    async def of_a_span() -> None:
        with span("step", logger="app", unit=unit):
            await awaited()

    async def in_a_thread() -> None:
        await asyncio.to_thread(bound.info, "in a thread")

    async def in_an_executor() -> None:
        await asyncio.get_running_loop().run_in_executor(pool, carry(bound.info), "in an executor")

    async def cancelled() -> None:
        async def sleep() -> None:
            with LoggingContext(trace_id=unit):
                bound.info("to be cancelled")
                await asyncio.sleep(60)

        task = asyncio.create_task(sleep())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async with LoggingContext(trace_id=unit):
        steps = [awaited, of_a_child, of_a_generator, of_a_span, in_a_thread, in_an_executor, cancelled]
        for step in chance.sample(steps, len(steps)):
            await step()
            bound.info("after a step")


def test_tasks_keep_their_traces(logger: UnifiedLogger, records: Records) -> None:
    """200 at a time, with children, generators, spans, threads and executors."""

    async def main() -> None:
        at_once = asyncio.Semaphore(200)

        async def one(number: int) -> None:
            async with at_once:
                await in_task(logger, f"t{number}", pool)

        with ThreadPoolExecutor(4) as pool:
            await asyncio.gather(*(one(number) for number in range(UNITS)))

    asyncio.run(main())
    found = records()
    assert foreign(found) == []
    assert set(Counter(record["unit"] for record in found).values()) == {19}
    assert len(found) == UNITS * 19


def in_thread(logger: UnifiedLogger, unit: str, pool: ThreadPoolExecutor) -> list[Any]:
    """What a unit of threads does: nested scopes, generators, calls given away."""
    bound = logger.bind(unit=unit)

    @LoggingContext()
    def numbers() -> Iterator[int]:
        for number in range(2):
            bound.info("in a generator")
            yield number

    with LoggingContext(trace_id=unit):
        given = [pool.submit(carry(bound.info), "given away") for _ in range(2)]
        for _ in numbers():
            bound.info("between its steps")
        thread = threading.Thread(target=carry(bound.info), args=("in a thread",))
        thread.start()
        with LoggingContext(), span("step", logger="app", unit=unit):
            bound.info("nested")
        thread.join()
        bound.info("last")
    return given


def test_threads_keep_their_traces(logger: UnifiedLogger, records: Records) -> None:
    """Units on eight threads give work to four others."""
    with ThreadPoolExecutor(4) as others, ThreadPoolExecutor(8) as pool:
        units = [pool.submit(in_thread, logger, f"t{number}", others) for number in range(UNITS)]
        for unit in units:
            for given in unit.result():
                given.result()
    found = records()
    assert foreign(found) == []
    assert set(Counter(record["unit"] for record in found).values()) == {11}


def test_threads_that_carry_by_themselves_keep_their_traces(logger: UnifiedLogger, records: Records) -> None:
    """The same without a word at each place, by `carry_into_threads`."""

    def unit(name: str) -> None:
        bound = logger.bind(unit=name)
        with LoggingContext(trace_id=name):
            given = others.submit(bound.info, "given away")
            thread = threading.Thread(target=bound.info, args=("in a thread",))
            thread.start()
            bound.info("here")
            thread.join()
            given.result()

    carry_into_threads()
    try:
        with ThreadPoolExecutor(4) as others, ThreadPoolExecutor(8) as pool:
            list(pool.map(unit, (f"t{number}" for number in range(UNITS))))
    finally:
        carry_into_threads(False)
    found = records()
    assert foreign(found) == []
    assert set(Counter(record["unit"] for record in found).values()) == {3}
