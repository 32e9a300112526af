"""Decorated generators have a context of their own; between their steps what is current is their consumer's."""

from __future__ import annotations

import asyncio
import gc
import inspect
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Any

import pytest
from kinds import Records

from unified_logger import LoggingContext, UnifiedLogger, span
from unified_logger.context import get_trace_context, set_trace_context


def here() -> Any:
    """The trace that is current."""
    return get_trace_context().get("trace_id")


@LoggingContext(trace_id="inside")
def steps() -> Generator[Any, Any, str]:
    """Tells what it sees, what it is sent and what is thrown at it."""
    given = yield here()
    try:
        given = yield (here(), given)
    except ValueError as error:
        given = yield (here(), str(error))
    return f"end {here()} {given}"


@LoggingContext(trace_id="inside")
async def async_steps() -> AsyncIterator[Any]:
    """The same, between awaits."""
    given = yield here()
    await asyncio.sleep(0)
    try:
        given = yield (here(), given)
    except ValueError as error:
        await asyncio.sleep(0)
        given = yield (here(), str(error))
    await asyncio.sleep(0)


def test_a_generator_is_still_one() -> None:
    """Of the same kind, with its name and its text."""
    assert inspect.isgeneratorfunction(steps)
    assert inspect.isasyncgenfunction(async_steps)
    assert (steps.__name__, async_steps.__doc__) == ("steps", "The same, between awaits.")


def test_steps_are_inside_and_what_is_between_is_not() -> None:
    """What is sent, thrown and returned passes through."""
    with LoggingContext(trace_id="consumer"):
        running = steps()
        assert [next(running), here()] == ["inside", "consumer"]
        assert [running.send(1), here()] == [("inside", 1), "consumer"]
        assert [running.throw(ValueError("x")), here()] == [("inside", "x"), "consumer"]
        with pytest.raises(StopIteration) as end:
            running.send(2)
        assert end.value.value == "end inside 2"
        assert here() == "consumer"
    assert here() is None


def test_steps_of_async_generators_are_inside() -> None:
    """The same for the other kind."""

    async def main() -> None:
        async with LoggingContext(trace_id="consumer"):
            running: Any = async_steps()
            assert [await anext(running), here()] == ["inside", "consumer"]
            assert [await running.asend(1), here()] == [("inside", 1), "consumer"]
            assert [await running.athrow(ValueError("x")), here()] == [("inside", "x"), "consumer"]
            with pytest.raises(StopAsyncIteration):
                await anext(running)
            assert here() == "consumer"
        assert here() is None

    asyncio.run(main())


def test_what_a_step_changes_is_there_at_the_next() -> None:
    """Fields that were set, and scopes that were entered, wait for the next step."""

    @LoggingContext(trace_id="inside")
    def work() -> Iterator[Any]:
        set_trace_context(a=1)
        yield get_trace_context().get("a")
        with LoggingContext(trace_id="deeper"):
            yield here()
        yield (here(), get_trace_context().get("a"))

    with LoggingContext(trace_id="consumer"):
        running = work()
        found = [(item, here(), get_trace_context().get("a")) for item in running]
    assert found == [(1, "consumer", None), ("deeper", "consumer", None), (("inside", 1), "consumer", None)]


def test_generators_interleave() -> None:
    """Each has its own trace, inherited from where its first step was taken, and goes on wherever it is taken further."""

    @LoggingContext()
    def work() -> Iterator[Any]:
        for _ in range(3):
            yield here()

    first, second = work(), work()
    with LoggingContext(trace_id="a"):
        seen_first = [next(first)]
    with LoggingContext(trace_id="b"):
        seen_second = [next(second), *second]
        seen_first += first
        assert here() == "b"
    assert (seen_first, seen_second) == (["a"] * 3, ["b"] * 3)
    assert here() is None


def ends(records: Records) -> list[tuple[str, str]]:
    """Span and outcome of each span that ended."""
    return [(record["span"], record["outcome"]) for record in records() if record["message"] == "span ended"]


def run_to_the_end(running: Any) -> None:
    list(running)


def close(running: Any) -> None:
    next(running)
    running.close()


def throw(running: Any) -> None:
    next(running)
    with pytest.raises(KeyError):
        running.throw(KeyError("x"))


def forget(running: list[Any]) -> None:
    next(running[0])
    running.clear()
    gc.collect()


@pytest.mark.parametrize(
    ("use", "outcome"), [(run_to_the_end, "ok"), (close, "cancelled"), (throw, "error")], ids=lambda value: str(value)
)
def test_a_span_of_a_generator_ends_once(
    logger: UnifiedLogger, records: Records, use: Callable[[Any], None], outcome: str
) -> None:
    """With the outcome it had, in its own trace; its consumer's is untouched."""

    @span("work", logger="app")
    def work() -> Iterator[int]:
        yield 1
        yield 2

    with LoggingContext(trace_id="consumer"):
        use(work())
        assert here() == "consumer"
    assert ends(records) == [("work", outcome)]
    assert {record["trace_id"] for record in records()} == {"consumer"}


def test_a_generator_that_is_let_go_ends_its_span(logger: UnifiedLogger, records: Records) -> None:
    """Python closes it when nobody has it any more."""

    @span("work", logger="app")
    def work() -> Iterator[int]:
        yield 1

    with LoggingContext(trace_id="consumer"):
        forget([work()])
        assert here() == "consumer"
    assert ends(records) == [("work", "cancelled")]


def test_a_generator_that_never_began_has_no_span(logger: UnifiedLogger, records: Records) -> None:
    """Nothing ran, nothing is logged."""

    @span("work", logger="app")
    def work() -> Iterator[int]:
        yield 1

    work().close()
    assert records() == []


def test_a_generator_that_refuses_to_close_is_told_of_as_ever() -> None:
    """Python's own errors come through."""

    @LoggingContext()
    def stubborn() -> Iterator[int]:
        try:
            yield 1
        except GeneratorExit:
            yield 2

    running: Any = stubborn()
    next(running)
    with pytest.raises(RuntimeError, match="generator ignored GeneratorExit"):
        running.close()
    assert here() is None


def test_a_cancelled_step_of_an_async_generator_restores(logger: UnifiedLogger, records: Records) -> None:
    """Cancelled in the middle of a step, or closed between two: the span ends once, and the task has its own trace back."""

    @span("cancelled", logger="app")
    async def work() -> AsyncIterator[int]:
        yield 1
        await asyncio.sleep(60)
        yield 2

    async def consume(started: asyncio.Event) -> Any:
        async with LoggingContext(trace_id="consumer"):
            try:
                async for _ in work():
                    started.set()
            except asyncio.CancelledError:
                return here()

    async def main() -> None:
        started = asyncio.Event()
        task = asyncio.create_task(consume(started))
        await started.wait()
        await asyncio.sleep(0)
        task.cancel()
        assert await task == "consumer"
        async with LoggingContext(trace_id="closer"):
            running: Any = work()
            await anext(running)
            await running.aclose()
            assert here() == "closer"

    asyncio.run(main())
    assert ends(records) == [("cancelled", "cancelled")] * 2


def test_an_async_generator_that_is_left_behind_ends_its_span(logger: UnifiedLogger, records: Records) -> None:
    """The loop closes it, in a task of its own."""

    @span("left", logger="app")
    async def work() -> AsyncIterator[int]:
        yield 1
        yield 2

    async def main() -> None:
        async with LoggingContext(trace_id="consumer"):
            async for _ in work():
                break
            assert here() == "consumer"

    asyncio.run(main())
    assert ends(records) == [("left", "cancelled")]
    assert {record["trace_id"] for record in records()} == {"consumer"}


def test_a_cancelled_task_restores_what_was_before(logger: UnifiedLogger) -> None:
    """Its scopes are left as by any exception."""
    after: list[Any] = []

    @LoggingContext(trace_id="decorated")
    async def inner() -> None:
        await asyncio.sleep(60)

    async def work() -> None:
        async with LoggingContext(trace_id="outer"):
            try:
                with LoggingContext(trace_id="inner"):
                    await inner()
            finally:
                after.append(here())

    async def main() -> None:
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        after.append(here())

    asyncio.run(main())
    assert after == ["outer", None]


def test_a_with_inside_a_plain_generator_leaks_until_it_ends() -> None:
    """Python has no way to see the steps of an undecorated one; when it ends, its consumer's comes back."""

    def plain() -> Iterator[Any]:
        with LoggingContext(trace_id="leaks"):
            yield 1

    with LoggingContext(trace_id="consumer"):
        running = plain()
        next(running)
        assert here() == "leaks"
        list(running)
        assert here() == "consumer"
        running = plain()
        next(running)
    del running
    gc.collect()
    assert here() is None
