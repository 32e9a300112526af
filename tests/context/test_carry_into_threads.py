"""`carry_into_threads` has threads and pools carry the context by themselves, and can be taken back."""

from __future__ import annotations

import asyncio
import contextvars
import multiprocessing.pool
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from unified_logger import LoggingContext, carry, carry_into_threads
from unified_logger.context import get_trace_context


@pytest.fixture(autouse=True)
def carried() -> Iterator[None]:
    """On for each test, off after it."""
    before = (threading.Thread.start, ThreadPoolExecutor.submit)
    carry_into_threads()
    yield
    carry_into_threads(False)
    assert (threading.Thread.start, ThreadPoolExecutor.submit) == before


def seen() -> Any:
    """The trace here."""
    return get_trace_context().get("trace_id")


def in_thread(make: Callable[..., threading.Thread] = threading.Thread, **options: Any) -> Any:
    """What a thread sees that is made by `make`."""
    found: list[Any] = []
    thread = make(target=lambda: found.append(seen()), **options)
    thread.start()
    thread.join()
    assert "run" not in vars(thread)
    return found[0]


def test_a_thread_has_what_was_current_at_its_start() -> None:
    """Where it was made does not matter."""
    found: list[Any] = []
    with LoggingContext(trace_id="made"):
        thread = threading.Thread(target=lambda: found.append(seen()))
    with LoggingContext(trace_id="started"):
        thread.start()
    thread.join()
    assert found == ["started"]
    assert in_thread() is None


def test_classes_of_threads_and_timers_have_it_too() -> None:
    """What counts is who starts them, not how they run."""
    found: list[Any] = []

    class Worker(threading.Thread):
        def run(self) -> None:
            found.append(seen())

    with LoggingContext(trace_id="t"):
        threads = [Worker(), threading.Timer(0, lambda: found.append(seen()))]
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join()
    assert found == ["t", "t"]


def test_a_run_that_somebody_put_there_stays() -> None:
    """Others wrap `run` in the same way."""
    found: list[Any] = []
    thread = threading.Thread()

    def theirs() -> None:
        found.append(seen())

    thread.run = theirs  # type: ignore[method-assign]
    with LoggingContext(trace_id="t"):
        thread.start()
    thread.join()
    assert found == ["t"]
    assert vars(thread)["run"] is theirs


def test_a_thread_that_cannot_start_stays_as_it_was() -> None:
    """A second start raises what it always did."""
    thread = threading.Thread(target=seen)
    with LoggingContext(trace_id="t"):
        thread.start()
        thread.join()
        with pytest.raises(RuntimeError, match="threads can only be started once"):
            thread.start()
    assert "run" not in vars(thread)


def test_each_call_of_a_pool_has_its_own() -> None:
    """Also those without any, on a thread that was started inside a request."""
    with ThreadPoolExecutor(1) as pool:
        with LoggingContext(trace_id="a"):
            first = pool.submit(seen)
        with LoggingContext(trace_id="b"):
            second = pool.submit(seen)
            mapped = list(pool.map(lambda _: seen(), range(2)))
        assert (first.result(), second.result(), mapped, pool.submit(seen).result()) == ("a", "b", ["b", "b"], None)


def test_run_in_executor_has_it() -> None:
    """The loop copies the context to `to_thread` only; each of both has its task's."""

    async def work(name: str) -> list[Any]:
        loop = asyncio.get_running_loop()
        async with LoggingContext(trace_id=name):
            return [await loop.run_in_executor(None, seen), await asyncio.to_thread(seen)]

    async def main() -> list[list[Any]]:
        return await asyncio.gather(*(work(str(number)) for number in range(50)))

    assert asyncio.run(main()) == [[str(number)] * 2 for number in range(50)]


def test_threads_of_pools_belong_to_nobody() -> None:
    """A pool of `multiprocessing` that was made inside a request works for others too."""
    with LoggingContext(trace_id="maker"):
        pool = multiprocessing.pool.ThreadPool(1)
    with pool:
        assert pool.apply(seen) is None
        assert pool.apply(carry(seen)) is None
    initial: list[Any] = []
    with LoggingContext(trace_id="first"), ThreadPoolExecutor(1, initializer=lambda: initial.append(seen())) as threads:
        threads.submit(seen).result()
    assert initial == [None]


@pytest.mark.skipif(sys.version_info < (3, 14), reason="threads take a context from Python 3.14 on")
def test_a_context_that_was_given_is_kept() -> None:
    """Who gives a thread a context means that one."""
    with LoggingContext(trace_id="given"):
        given = contextvars.copy_context()
    with LoggingContext(trace_id="t"):
        assert in_thread(context=given) == "given"


def test_it_can_be_taken_back() -> None:
    """Threads and pools begin with nothing again."""
    carry_into_threads(False)
    with LoggingContext(trace_id="t"), ThreadPoolExecutor(1) as pool:
        assert in_thread() is None
        assert pool.submit(seen).result() is None


def test_it_is_off_below_the_patch_of_somebody_else() -> None:
    """A wrapper around ours is left alone, and ours does nothing; on again, it is not there twice."""
    ours = ThreadPoolExecutor.submit
    calls: list[int] = []

    def theirs(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        return ours(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ThreadPoolExecutor, "submit", theirs)
        carry_into_threads(False)
        assert ThreadPoolExecutor.submit is theirs
        with LoggingContext(trace_id="t"), ThreadPoolExecutor(1) as pool:
            assert pool.submit(seen).result() is None
            carry_into_threads()
            assert ThreadPoolExecutor.submit is theirs
            assert pool.submit(seen).result() == "t"
    assert calls == [1, 1]


def test_one_that_somebody_kept_does_no_harm() -> None:
    """Put back later, it is below the next of ours, and above nothing but what was there before."""
    kept = threading.Thread.start
    carry_into_threads(False)
    original, threading.Thread.start = threading.Thread.start, kept  # type: ignore[method-assign]
    try:
        carry_into_threads()
        with LoggingContext(trace_id="started"):
            assert in_thread() == "started"
            carry_into_threads(False)
            assert in_thread() is None
    finally:
        threading.Thread.start = original  # type: ignore[method-assign]
        carry_into_threads()


def test_others_who_wrap_the_start_find_a_method_there() -> None:
    """As Sentry's SDK does, in its ways of then and of now. Seen to fail (the thread died of a TypeError, and its work was not done)."""

    def then(thread: threading.Thread) -> Callable[[], object]:
        function = thread.run.__func__  # type: ignore[attr-defined]
        return lambda: function(thread)

    def now(thread: threading.Thread) -> Callable[[], object]:
        function = getattr(thread.run, "__func__", thread.run)

        def run(*arguments: Any) -> object:
            return function(*(arguments or (thread,)))

        return run

    carry_into_threads(False)
    start = threading.Thread.start
    for wrap in (then, now):

        def wrapped(thread: threading.Thread, wrap: Callable[[threading.Thread], Any] = wrap) -> None:
            thread.run = wrap(thread)  # type: ignore[method-assign]
            start(thread)

        threading.Thread.start = wrapped  # type: ignore[method-assign]
        carry_into_threads()
        try:
            for make in (threading.Thread, _OfItsOwn, _TIMER):
                found: list[Any] = []
                with LoggingContext(trace_id="started"):
                    thread = make(
                        **{"function" if make is _TIMER else "target": lambda found=found: found.append(seen())}
                    )
                    thread.start()
                thread.join()
                assert found == ["started"]
        finally:
            carry_into_threads(False)
            threading.Thread.start = start  # type: ignore[method-assign]
    carry_into_threads()


_TIMER = partial(threading.Timer, 0)


class _OfItsOwn(threading.Thread):
    def run(self) -> None:
        super().run()
