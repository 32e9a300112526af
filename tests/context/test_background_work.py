"""Work that is started inside a scope and goes on after it keeps its context, and keeps nothing else alive."""

from __future__ import annotations

import asyncio
import contextvars
import gc

import pytest
from kinds import Records

from unified_logger import LoggingContext, UnifiedLogger, context


@pytest.mark.parametrize("entered", ["after the request", "during the request"])
def test_a_task_that_outlives_its_request_keeps_its_trace(
    entered: str, logger: UnifiedLogger, records: Records
) -> None:
    """Also once a scope of its own is left, whenever that was entered."""

    async def background(over: asyncio.Event) -> None:
        if entered == "after the request":
            await over.wait()
        with LoggingContext(part=1):
            await over.wait()
            logger.info("inside")
        logger.info("behind")

    async def main() -> None:
        over = asyncio.Event()
        with LoggingContext("request"):
            task = asyncio.create_task(background(over))
            await asyncio.sleep(0)
        logger.info("after")
        over.set()
        await task

    asyncio.run(main())
    after, inside, behind = records()
    assert "trace_id" not in after
    assert (inside["trace_id"], behind["trace_id"]) == ("request", "request")
    assert "part" not in behind


def test_leaving_elsewhere_does_not_hide_a_scope_left_in_order(logger: UnifiedLogger) -> None:
    """Left twice, the second time elsewhere: a task that was started inside keeps what it began with."""
    scope = context.Scope(context.make("outer", "s", {}))
    started_inside = contextvars.copy_context()
    scope.leave()
    scope.leave()

    def work() -> str | None:
        with LoggingContext():
            pass
        return logger.get_trace_context().get("trace_id")

    assert started_inside.run(work) == "outer"


@pytest.mark.parametrize("overlapping", [False, True])
def test_calls_that_each_schedule_the_next_do_not_pile_up(overlapping: bool) -> None:
    """Each begins inside the one before, and lets go of those before that; also where it begins before that one has ended."""

    async def main() -> int:
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        last: list[asyncio.Task[None]] = []

        async def step(left: int) -> None:
            with LoggingContext():
                if not left:
                    gc.collect()
                    found.set_result(_scopes())
                    return
                last[:] = [asyncio.create_task(step(left - 1))]
                for _ in range(3 if overlapping else 0):
                    await asyncio.sleep(0)

        last[:] = [asyncio.create_task(step(200))]
        return await found

    before = _scopes()
    assert asyncio.run(main()) - before <= 10


def _scopes() -> int:
    # Not isinstance: it asks objects that warn when they are asked.
    return sum(issubclass(type(thing), context.Scope) for thing in gc.get_objects())
