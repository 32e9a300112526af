"""`carry` takes the context along to threads, executors, callbacks and other processes."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import pickle
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from kinds import Records

from unified_logger import LoggingContext, UnifiedLogger, carry, get_logger
from unified_logger.context import get_trace_context, set_trace_context


def seen() -> dict[str, Any]:
    """What is current here."""
    return get_trace_context()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """A pool of one thread, so that it is used again."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


def test_a_call_has_what_was_current_when_it_was_bound(pool: ThreadPoolExecutor) -> None:
    """In another thread, and after the scope was left."""
    with LoggingContext(trace_id="t", span_id="s", tenant=3):
        carried = carry(seen)
    assert pool.submit(carried).result() == {"trace_id": "t", "span_id": "s", "tenant": 3}
    assert carried() == {"trace_id": "t", "span_id": "s", "tenant": 3}
    assert seen() == {}


def test_what_is_set_inside_is_gone_after(pool: ThreadPoolExecutor) -> None:
    """The thread is left as it was found, also by an exception."""

    def work() -> None:
        set_trace_context(trace_id="other", extra=1)
        raise ValueError("x")

    with LoggingContext(trace_id="t"):
        failing = pool.submit(carry(work))
    with pytest.raises(ValueError, match="x"):
        failing.result()
    assert pool.submit(seen).result() == {}


def test_nothing_is_carried_as_nothing(pool: ThreadPoolExecutor) -> None:
    """What an earlier call left on the thread is not what a call without a context has."""
    pool.submit(set_trace_context, trace_id="left behind").result()
    assert pool.submit(seen).result()["trace_id"] == "left behind"
    assert pool.submit(carry(seen)).result() == {}


def test_arguments_and_names_are_those_of_the_function() -> None:
    """`carry` changes nothing else of a call."""

    def work(first: int, /, *, function: str) -> tuple[int, str]:
        """Doc."""
        return first, function

    carried = carry(work)
    assert carried(1, function="f") == (1, "f")
    assert (carried.__name__, carried.__doc__) == ("work", "Doc.")
    assert carry(partial(work, 2))(function="g") == (2, "g")


def test_a_thread_takes_it_as_its_target(logger: UnifiedLogger, records: Records) -> None:
    """`Thread(target=carry(work))`, also of a native method."""
    with LoggingContext(trace_id="t"):
        thread = threading.Thread(target=carry(logger.info), args=("in thread",), kwargs={"n": 1})
        thread.start()
    thread.join()
    (record,) = records()
    assert (record["trace_id"], record["n"]) == ("t", 1)
    assert record["function"] == "run"  # of the thread, as without `carry`


def test_coroutine_functions_are_carried(logger: UnifiedLogger) -> None:
    """To the loop of another thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def work() -> str:
        await asyncio.sleep(0)
        return str(seen()["trace_id"])

    try:
        with LoggingContext(trace_id="t"):
            carried = carry(work)
        assert inspect.iscoroutinefunction(carried)
        assert asyncio.run_coroutine_threadsafe(carried(), loop).result(30) == "t"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_generator_functions_are_carried(pool: ThreadPoolExecutor) -> None:
    """Each step has it, wherever it is taken; nothing is left between them."""

    def work() -> Iterator[str]:
        yield seen()["trace_id"]
        yield seen()["trace_id"]

    with LoggingContext(trace_id="t"):
        steps = carry(work)()
    assert [next(steps), seen(), pool.submit(next, steps).result(), pool.submit(seen).result()] == ["t", {}, "t", {}]


def test_only_this_context_goes_along(pool: ThreadPoolExecutor) -> None:
    """The variables of others may hold what belongs to one thread, such as a connection."""
    theirs: contextvars.ContextVar[str] = contextvars.ContextVar("theirs", default="none")
    theirs.set("mine")
    with LoggingContext(trace_id="t"):
        carried = carry(lambda: (theirs.get(), seen()["trace_id"]))
    assert pool.submit(carried).result() == ("none", "t")


class Odd:
    """Cannot be pickled."""

    def __reduce__(self) -> Any:
        raise TypeError("not me")

    def __repr__(self) -> str:
        return "<odd>"


def log_from_elsewhere(message: str) -> dict[str, Any]:
    """For other processes: log, and tell what is current."""
    get_logger("app").info(message)
    return get_trace_context()


def test_fields_are_pickled_as_records_tell_them(logger: UnifiedLogger, records: Records) -> None:
    """What cannot be pickled goes along too; the record of the other side says what one of this side says."""
    values = {"odd": Odd(), "nested": {"odd": [Odd(), 1.5]}, "money": Decimal("1.10"), "none": None, "digits": 10**5000}
    with LoggingContext(trace_id="t", span_id="s", **values):
        logger.info("here")
        carried = pickle.loads(pickle.dumps(carry(log_from_elsewhere)))
    assert carried("there")["odd"] == "<odd>"
    here, there = records()
    assert (there["trace_id"], there["span_id"]) == ("t", "s")
    assert {name: there[name] for name in values if name != "digits"} == {
        name: here[name] for name in values if name != "digits"
    }
    assert str(there["digits"]) == str(here["digits"])


def test_the_level_of_the_context_goes_along(logger: UnifiedLogger, records: Records) -> None:
    """What one request is to log in more detail it logs so in other processes too."""
    with LoggingContext(level="DEBUG"):
        carried = pickle.loads(pickle.dumps(carry(log_in_detail)))
    carried("in detail")
    log_in_detail("not in detail")
    assert [record["message"] for record in records()] == ["in detail"]


def log_in_detail(message: str) -> None:
    """Below the level of the logger."""
    get_logger("app").debug(message)


def test_nothing_is_pickled_as_nothing() -> None:
    """Without a context there is none on the other side either."""
    carried = pickle.loads(pickle.dumps(carry(seen)))
    with LoggingContext(trace_id="there"):
        assert carried() == {}


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_of_a_pool_log_with_the_trace_of_the_call(
    run_python: Callable[..., Any], records: Records, logger: UnifiedLogger, method: str
) -> None:
    """Each of 200 calls has its own, and one without any has none, though the processes began inside a request."""
    program = """
import multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor
from unified_logger import LoggingContext, carry, get_logger, init_logging

def work(name):
    get_logger("app").info("worked", name=name)

if __name__ == "__main__":
    init_logging(log_dir="logs", console_format="off")
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(sys.argv[1])) as pool:
        with LoggingContext(trace_id="first"):
            calls = [pool.submit(carry(work), "first")]
        for number in range(200):
            with LoggingContext(trace_id=f"t{number}"):
                calls.append(pool.submit(carry(work), f"t{number}"))
            calls.append(pool.submit(work, None))
        with LoggingContext(trace_id="mapped"):
            list(pool.map(carry(work), ["mapped"] * 5))
        for call in calls:
            call.result()
else:
    init_logging(log_dir="logs", console_format="off")
"""
    run_python(program, method)
    found = [record for record in records() if record["message"] == "worked"]
    assert len(found) == 406
    assert [record for record in found if record.get("trace_id") != record["name"]] == []


def test_a_process_forked_for_one_job_keeps_the_trace(
    run_python: Callable[..., Any], records: Records, logger: Any
) -> None:
    """`Process(target=work)` forked inside a request works for it; the processes of a pool work for everybody."""
    program = """
import multiprocessing
from unified_logger import LoggingContext, get_logger, init_logging

def work(name):
    get_logger("app").info("worked", name=name)

if __name__ == "__main__":
    init_logging(log_dir="logs", console_format="off")
    fork = multiprocessing.get_context("fork")
    with LoggingContext(trace_id="t"):
        job = fork.Process(target=work, args=("t",))
        job.start()
        pool = fork.Pool(1)
    job.join()
    pool.apply(work, (None,))
    pool.close()
    pool.join()
"""
    run_python(program)
    found = [record for record in records() if record["message"] == "worked"]
    assert [(record["name"], record.get("trace_id")) for record in found] == [("t", "t"), (None, None)]
