"""Context across calls: pools, executors, generators and decorated functions keep requests apart."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from kinds import Records

from unified_logger import LoggingContext, UnifiedLogger


@pytest.fixture(autouse=True)
def no_context(logger: UnifiedLogger) -> Iterator[None]:
    """Each test begins and ends without one."""
    logger.clear_trace_context()
    yield
    logger.clear_trace_context()


def test_a_reused_thread_without_header_has_a_trace_of_its_own(logger: UnifiedLogger, records: Records) -> None:
    """A pool of one thread serves requests with and without an id; none carries another's id or fields."""

    def serve(header: str | None, fields: dict[str, Any]) -> None:
        logger.set_trace_context(trace_id=header, **fields)
        logger.info("served")

    with ThreadPoolExecutor(1) as pool:
        for header, fields in (("a", {"user": 1}), (None, {}), ("b", {}), (None, {"tenant": 2})):
            pool.submit(serve, header, fields).result()
    first, second, third, fourth = records()
    assert (first["trace_id"], third["trace_id"]) == ("a", "b")
    assert len({record["trace_id"] for record in (first, second, third, fourth)}) == 4
    assert ["user" in record for record in (first, second, third, fourth)] == [True, False, False, False]


def test_to_thread_inherits_and_an_executor_does_not(logger: UnifiedLogger, records: Records) -> None:
    """As context variables do."""

    async def main() -> None:
        async with LoggingContext(trace_id="t"):
            await asyncio.to_thread(logger.info, "to_thread")
            await asyncio.get_running_loop().run_in_executor(None, logger.info, "executor")

    asyncio.run(main())
    inherited, bare = records()
    assert inherited["trace_id"] == "t"
    assert "trace_id" not in bare


def test_what_a_task_sets_stays_in_it(logger: UnifiedLogger) -> None:
    """Its parent and its siblings do not see it."""

    async def child() -> None:
        logger.set_trace_context(trace_id="child", child=1)

    async def main() -> dict[str, Any]:
        logger.set_trace_context(trace_id="parent")
        await asyncio.gather(child(), child())
        return logger.get_trace_context()

    assert asyncio.run(main())["trace_id"] == "parent"
    assert logger.get_trace_context() == {}


def test_leaving_an_async_scope_by_an_exception_restores(logger: UnifiedLogger) -> None:
    """Cancellation too."""

    async def main() -> list[dict[str, Any]]:
        seen = []
        for error in (ValueError, asyncio.CancelledError):
            with pytest.raises(error):
                async with LoggingContext(trace_id="inner"):
                    raise error
            seen.append(logger.get_trace_context())
        return seen

    assert asyncio.run(main()) == [{}, {}]


def test_a_decorated_function_may_call_itself(logger: UnifiedLogger, records: Records) -> None:
    """One trace, a span of its own for each depth, and nothing left afterwards."""

    @LoggingContext(job="walk")
    def walk(depth: int) -> None:
        if depth:
            walk(depth - 1)
        logger.info("m", depth=depth)

    walk(3)
    found = records()
    assert [record["depth"] for record in found] == [0, 1, 2, 3]
    assert len({record["trace_id"] for record in found}) == 1
    assert len({record["span_id"] for record in found}) == 4
    assert logger.get_trace_context() == {}


def test_one_decorator_serves_many_threads(logger: UnifiedLogger, records: Records) -> None:
    """Each call has a trace of its own."""
    barrier = threading.Barrier(8)

    @LoggingContext(job="work")
    def work(number: int) -> None:
        barrier.wait(30)
        logger.info("m", number=number)
        barrier.wait(30)
        logger.info("m", number=number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = records()
    assert len({(record["number"], record["trace_id"]) for record in found}) == 8
    assert len({record["trace_id"] for record in found}) == 8


def test_a_given_span_keeps_the_outer_trace(logger: UnifiedLogger) -> None:
    """And the span outside comes back."""
    with LoggingContext(trace_id="t", span_id="outer"):
        with LoggingContext(span_id="inner"):
            assert logger.get_trace_context() == {"trace_id": "t", "span_id": "inner"}
        assert logger.get_trace_context() == {"trace_id": "t", "span_id": "outer"}


def test_changing_what_was_got_changes_nothing(logger: UnifiedLogger) -> None:
    """`get_trace_context` gives a dictionary of the caller's own."""
    with LoggingContext(trace_id="t", user=1):
        logger.get_trace_context().update(trace_id="changed", user=2, more=3)
        got = logger.get_trace_context()
    assert (got["trace_id"], got["user"], "more" in got) == ("t", 1, False)


def test_scopes_inside_a_generator_left_late_restore(logger: UnifiedLogger) -> None:
    """A generator closed after its caller's scope ended leaves no context behind."""

    def numbers() -> Iterator[int]:
        with LoggingContext(trace_id="generator"):
            yield 1
            yield 2

    with LoggingContext(trace_id="caller"):
        generator = numbers()
        assert next(generator) == 1
    generator.close()  # type: ignore[attr-defined]
    assert logger.get_trace_context() == {}
