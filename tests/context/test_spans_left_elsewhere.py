"""A span ends wherever it is left, and where the work that a callable gives to be awaited is done."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
import trio
from asgiref.sync import sync_to_async
from fastapi import Depends, FastAPI
from fastapi.responses import StreamingResponse
from kinds import Records

from unified_logger import LoggingContext, UnifiedLogger, carry, get_logger, span, traced
from unified_logger.context import get_trace_context

pytestmark = pytest.mark.usefixtures("logger")


def ends(records: Records) -> list[dict[str, Any]]:
    """The ends of spans that were logged."""
    return [record for record in records() if record["message"] == "span ended"]


def in_another_context(work: span) -> None:
    """Entered in a copy of the context."""
    contextvars.copy_context().run(work.__enter__)
    work.__exit__(None, None, None)


def in_another_thread(work: span) -> None:
    """Left in another thread."""
    work.__enter__()
    thread = threading.Thread(target=work.__exit__, args=(None, None, None))
    thread.start()
    thread.join()
    work_left = get_trace_context()
    assert work_left["work"] == 1
    from unified_logger.context import forget

    forget()


def in_another_task(work: span) -> None:
    """Entered in one task, closed in another."""

    async def main() -> None:
        stack = AsyncExitStack()
        await asyncio.create_task(stack.enter_async_context(work))  # type: ignore[arg-type]
        await asyncio.create_task(stack.aclose())

    asyncio.run(main())


def in_steps_of_other_threads(work: span) -> None:
    """A generator whose steps are taken anywhere."""

    def steps() -> Iterator[int]:
        with work:
            yield 1
            yield 2

    taken = steps()
    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
        for executor in (first, second, first):
            executor.submit(contextvars.copy_context().run, next, taken, None).result()


@pytest.mark.parametrize(
    "way",
    [in_another_context, in_another_thread, in_another_task, in_steps_of_other_threads],
    ids=lambda way: way.__name__,
)
def test_a_span_ends_wherever_it_is_left(records: Records, way: Callable[[span], None]) -> None:
    """Once, with its own ids, duration and outcome. Seen to fail (no end) where only the current context was asked."""
    way(span("work", logger="app", work=1))
    started, ended = records()
    assert (ended["message"], ended["outcome"], ended["work"]) == ("span ended", "ok", 1)
    assert (ended["trace_id"], ended["span_id"]) == (started["trace_id"], started["span_id"])
    assert ended["duration_ms"] >= 0


def test_each_of_a_shared_span_ends_once(records: Records) -> None:
    """One object in many threads at once: each finds its own."""
    work = span("work", logger="app")

    def enter() -> None:
        with work:
            pass

    with ThreadPoolExecutor(4) as executor:
        for _ in range(100):
            executor.submit(enter)
    told = records()
    assert len(told) == 200
    for message in ("span started", "span ended"):
        assert len({record["span_id"] for record in told if record["message"] == message}) == 100
    work.__exit__(None, None, None)
    assert len(records()) == 200


def test_spans_of_dependencies_and_streams(records: Records) -> None:
    """FastAPI runs what is no coroutine in threads, each step in one. Seen to fail (no end) likewise."""
    app = FastAPI()

    def session() -> Iterator[int]:
        with span("session", logger="app"):
            yield 1

    def pieces() -> Iterator[str]:
        with span("stream", logger="app"):
            yield "a"
            yield "b"

    @app.get("/")
    def page(number: int = Depends(session)) -> StreamingResponse:
        return StreamingResponse(pieces())

    async def ask() -> str:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            return (await client.get("/")).text

    assert asyncio.run(ask()) == "ab"
    assert sorted(record["span"] for record in ends(records)) == ["session", "stream"]


class Called:
    """An object that is called like a coroutine function."""

    async def __call__(self) -> str:
        return await work()


class Later:
    """An awaitable of a class of its own, with nothing else."""

    def __await__(self) -> Generator[Any, None, str]:
        return work().__await__()


class Bank:
    """Decorators in either order."""

    @traced("work", logger="app", work=1)
    @staticmethod
    async def static() -> str:
        return await work()

    @traced("work", logger="app", work=1)
    @classmethod
    async def of_class(cls) -> str:
        return await work()

    @staticmethod
    @traced("work", logger="app", work=1)
    async def inner() -> str:
        return await work()


async def work() -> str:
    """What takes its time, logs, and fails."""
    await asyncio.sleep(0.05)
    get_logger("app").info("working")
    raise ValueError("no money")


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as a span."""
    return traced("work", logger="app", work=1)(function)


AWAITED: dict[str, Callable[[], Any]] = {
    "static method": Bank.static,
    "class method": Bank.of_class,
    "inner": Bank.inner,
    "object": decorated(Called()),
    "sync_to_async": decorated(sync_to_async(lambda: asyncio.run(work()))),
    "gives a coroutine": decorated(lambda: work()),
    "gives a task": decorated(lambda: asyncio.ensure_future(work())),
    "gives an awaitable": decorated(Later),
    "gives one by a function": decorated(lambda: Later()),
}


@pytest.mark.parametrize("call", AWAITED.values(), ids=AWAITED)
def test_a_span_lasts_until_what_is_awaited_is_done(records: Records, call: Callable[[], Any]) -> None:
    """With the context inside, and the outcome. Seen to fail (`ok` after no time) where only functions were asked what they are."""

    async def main() -> None:
        with pytest.raises(ValueError, match="no money"):
            await call()
        assert get_trace_context() == {}

    asyncio.run(main())
    started, inside, ended = records()
    assert inside["span_id"] == started["span_id"] == ended["span_id"]
    assert inside["work"] == 1
    assert (ended["outcome"], ended["error"]) == ("error", "ValueError: no money")
    assert ended["duration_ms"] >= 40


class Query:
    """May be awaited, or refined first."""

    def where(self) -> Query:
        return self

    def __await__(self) -> Generator[Any, None, list[int]]:
        yield from asyncio.sleep(0).__await__()
        return [1]


def test_what_can_do_more_than_be_awaited_stays_as_it_is(records: Records) -> None:
    """The span is that of the call."""

    async def main() -> None:
        assert await decorated(Query)().where() == [1]

    asyncio.run(main())
    assert [record["outcome"] for record in ends(records)] == ["ok"]


def test_contexts_and_carried_functions_know_the_same_callables(logger: UnifiedLogger, records: Records) -> None:
    """Seen to fail (no fields) likewise."""

    async def told() -> None:
        await asyncio.sleep(0)
        logger.info("told")

    class Tells:
        async def __call__(self) -> None:
            await told()

    with LoggingContext(carried=1):
        carried = carry(Tells())

    async def main() -> None:
        await LoggingContext(own=1)(staticmethod(told))()
        await LoggingContext(own=1)(lambda: told())()
        await carried()

    asyncio.run(main())
    first, second, third = records()
    assert first["own"] == second["own"] == third["carried"] == 1


async def stream() -> AsyncIterator[int]:
    """Never ends by itself."""
    while True:
        yield 1
        await trio.sleep(1)


def test_what_trio_calls_off_is_cancelled(records: Records) -> None:
    """Seen to fail (`error`) with names of asyncio's only."""

    async def main() -> None:
        with trio.move_on_after(0.01), span("slow", logger="app"):
            await trio.sleep(1)
        with trio.move_on_after(0.01), span("group", logger="app"):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.sleep, 1)

    trio.run(main)
    assert [(record["outcome"], record.get("error")) for record in ends(records)] == [("cancelled", None)] * 2


def test_a_group_of_cancellations_is_one(records: Records) -> None:
    """And a group with an error among them is not."""
    groups = pytest.importorskip("builtins", reason="there are no groups")
    if not hasattr(groups, "BaseExceptionGroup"):
        pytest.skip("there are no groups before Python 3.11")
    for errors in ([asyncio.CancelledError()], [asyncio.CancelledError(), ValueError()]):
        with pytest.raises(BaseException, match="all"), span("work", logger="app"):
            raise groups.BaseExceptionGroup("all", errors)
    assert [record["outcome"] for record in ends(records)] == ["cancelled", "error"]
