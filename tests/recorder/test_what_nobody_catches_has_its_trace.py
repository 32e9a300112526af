"""An exception that nobody catches is reported when its context is gone: its record has the trace all the same, and what waited is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kinds import Run

Told = Callable[..., list[tuple[str, str | None]]]

START = """
import asyncio, contextvars, gc, logging, sys, threading, weakref
from concurrent.futures import ThreadPoolExecutor
from unified_logger import *
from unified_logger.context import failing

init_logging(log_dir="logs", log_level="INFO", RECORDER, console_format="off")
logger = get_logger("app")

def fail(error=ValueError):
    logger.debug("detail")
    raise error("failed")

def begin(*args, **kwargs):
    thread = threading.Thread(*args, **kwargs)
    thread.start()
    return thread

def run_tasks(main):
    async def outer():
        install_asyncio_handler()
        await main()
        gc.collect()
    asyncio.run(outer())
"""
UNCAUGHT = ("uncaught exception in thread worker", "Task exception was never retrieved", "uncaught exception")


@pytest.fixture
def told(run_python: Run, tmp_path: Path) -> Told:
    """`told(code)`: message and trace of each record that a program has written, and of our hooks' records the field `order`, too."""

    def told(code: str, recorder: bool = True, status: int = 0) -> list[Any]:
        done = run_python(START.replace("RECORDER", f"recorder={recorder}") + code, check=False)
        assert done.returncode == status, done.stderr
        lines = (tmp_path / "logs" / "app.log").read_text(encoding="utf-8").splitlines()
        records = [record for record in map(json.loads, lines) if record["logger"] not in ("unified_logger", "asyncio")]
        for record in records:
            if record["message"] in UNCAUGHT:
                assert record["exception"]["message"] == "failed"
        return [(record["message"], record.get("trace_id"), record.get("order")) for record in records]

    return told


THREAD = [("detail", "t", 7), ("uncaught exception in thread worker", "t", 7)]


@pytest.mark.parametrize(
    "start",
    [
        "begin(target=carry(fail), name='worker')",
        "carry_into_threads(); begin(target=fail, name='worker')",
        "carry_into_threads(); begin(target=carry(fail), name='worker')",
        "begin(target=carry(LoggingContext()(fail)), name='worker')",
        "begin(target=carry(lambda: asyncio.run(carry(afail)())), name='worker')",
    ],
)
def test_a_thread_that_was_given_a_context(told: Told, start: str) -> None:
    """The scope with which the trace began is left by then. Seen to fail without a note where `carry` is left."""
    code = f"""
go = threading.Event()
async def afail():
    go.wait(10)
    fail()
before = fail
def fail():
    go.wait(10)
    before()
with LoggingContext(trace_id="t", order=7):
    thread = {start}
go.set()
thread.join()
""".replace("thread = carry_into_threads(); begin", "carry_into_threads(); thread = begin")
    assert told(code) == THREAD


def test_a_context_inside_of_a_thread(told: Told) -> None:
    """What began there is written when the exception leaves it. Its report has the same trace, and the fields."""
    code = """
def work():
    with LoggingContext(trace_id="t", order=7):
        fail()
begin(target=work, name="worker").join()
"""
    assert told(code) == THREAD


@pytest.mark.parametrize("decorator", ["LoggingContext(trace_id='t', order=7)", "continue_trace(None, order=7)"])
def test_a_decorated_function(told: Told, decorator: str) -> None:
    """Its frame is one of this library."""
    found = told(f"begin(target={decorator}(fail), name='worker').join()")
    assert [(message, order) for message, _, order in found] == [(message, 7) for message, _, _ in THREAD]
    assert found[0][1] == found[1][1] is not None


def test_the_end_of_the_program(told: Told) -> None:
    """Also through an event loop, whose task and its context are gone."""
    code = """
async def main():
    with LoggingContext(trace_id="t", order=7), LoggingContext(step=1):
        fail()
asyncio.run(main())
"""
    assert told(code, status=1) == [("detail", "t", 7), ("uncaught exception", "t", 7)]


TASK = [("detail", "t", 7), ("Task exception was never retrieved", "t", 7)]


@pytest.mark.parametrize("kind", ["asyncio.create_task", "python_task"])
@pytest.mark.parametrize(
    "end", ["", "gc.collect()", "with LoggingContext(trace_id='other'): del task, waiting; gc.collect()"]
)
def test_a_task_that_nobody_asks(told: Told, kind: str, end: str) -> None:
    """It is collected inside of any other context, which has nothing to do with it. Seen to fail without the context of the task, before 3.12."""
    code = f"""
def python_task(work):
    return asyncio.tasks._PyTask(work, loop=asyncio.get_running_loop())
async def work(go):
    await go.wait()
    fail()
async def main():
    go = asyncio.Event()
    with LoggingContext(trace_id="t", order=7):
        task = {kind}(work(go))
    logger.debug("of no trace")
    with LoggingContext(trace_id="another"):
        logger.debug("of another trace")
    go.set()
    waiting = await asyncio.wait([task])
    {end or "del task, waiting"}
run_tasks(main)
"""
    assert told(code) == TASK


def test_a_context_inside_of_a_task(told: Told) -> None:
    """The task itself began without one."""
    code = """
async def work():
    with LoggingContext(trace_id="t", order=7):
        await asyncio.sleep(0)
        fail()
async def main():
    task = asyncio.create_task(work())
    await asyncio.sleep(0.05)
    with LoggingContext(trace_id="other"):
        logger.debug("of another trace")
        del task
        gc.collect()
run_tasks(main)
"""
    assert told(code) == TASK


def test_a_task_that_was_given_a_carried_function(told: Told) -> None:
    """Its context is that of the function, and the trace waits as long as the exception does."""
    code = """
async def work(go):
    await go.wait()
    fail()
async def main():
    go = asyncio.Event()
    with LoggingContext(trace_id="t", order=7):
        carried = carry(work)
    task = asyncio.create_task(carried(go))
    del carried
    go.set()
    await asyncio.sleep(0.05)
    del task
run_tasks(main)
"""
    assert told(code) == TASK


def test_a_call_of_an_executor_and_a_callback(told: Told) -> None:
    """A future of a loop is reported, too. It has no context, and that of the collector is another one."""
    code = """
async def main():
    loop = asyncio.get_running_loop()
    with LoggingContext(trace_id="t", order=7):
        future = loop.run_in_executor(None, carry(fail))
    await asyncio.wait([future])
    with LoggingContext(trace_id="other"):
        logger.debug("of another trace")
        del future
        gc.collect()
    with LoggingContext(trace_id="u"):
        loop.call_soon(fail, KeyError)
    await asyncio.sleep(0.05)
run_tasks(main)
"""
    found = told(code)
    assert [(message.partition(" fail")[0], trace, order) for message, trace, order in found] == [
        ("detail", "t", 7),
        ("Future exception was never retrieved", "t", 7),
        ("detail", "u", None),
        ("Exception in callback", "u", None),
    ]


def test_who_asks_for_another_task_fails_with_its_own_trace(told: Told) -> None:
    """The exception began in the other one, which is no longer reported."""
    code = """
async def other():
    with LoggingContext(trace_id="other", order=1):
        fail()
async def work(task):
    logger.debug("asks")
    await task
async def main():
    task = asyncio.create_task(other())
    with LoggingContext(trace_id="t", order=7):
        waiting = asyncio.create_task(work(task))
    del task
    await asyncio.sleep(0.05)
    del waiting
    gc.collect()
run_tasks(main)
"""
    assert told(code) == [
        ("detail", "other", 1),
        ("asks", "t", 7),
        ("Task exception was never retrieved", "t", 7),
    ]


def test_an_exception_that_is_caught_has_nothing_written(told: Told) -> None:
    """Of a carried function, whose caller may catch it, and of a call of a pool that nobody asked, which Python does not report."""
    code = """
def caught():
    with LoggingContext(trace_id="t", order=7):
        carried = carry(fail)
    try:
        carried()
    except ValueError:
        pass
    with ThreadPoolExecutor(1) as pool:
        pool.submit(carried)
caught()
gc.collect()
assert get_stats()["recorder_bytes"] == 0
"""
    assert told(code) == []


def test_another_exception_has_no_trace_of_an_earlier_one(told: Told) -> None:
    """It may have the same id, frame and line, but for the context."""
    code = """
def work(inside):
    if inside:
        with LoggingContext(trace_id="t"):
            fail()
    fail()
for _ in range(50):
    try:
        work(True)
    except ValueError:
        pass
    begin(target=work, args=(False,), name="worker").join()
"""
    found = told(code)
    assert {entry for entry in found if entry[0] in UNCAUGHT} == {("uncaught exception in thread worker", None, None)}
    assert len(found) == 100


def test_one_exception_that_is_raised_again_and_again(told: Told) -> None:
    """The last context counts."""
    code = """
error = ValueError("failed")
def work(name):
    with LoggingContext(trace_id=name):
        raise error
for name in "ab":
    begin(target=work, args=(name,), name="worker").join()
"""
    assert [trace for _, trace, _ in told(code)] == ["a", "b"]


def test_nothing_is_kept_alive(told: Told) -> None:
    """Neither the exception, nor its frames, nor the values of fields; and no more than a number of entries."""
    code = """
class Value:
    pass
class Own(Exception):
    pass
seen = []
def work():
    value, error = Value(), Own()
    seen.extend(map(weakref.ref, (value, error)))
    with LoggingContext(value=value):
        raise error
for _ in range(300):
    try:
        work()
    except Own as error:
        assert vars(error) == {} and error.args == () and not hasattr(error, "__notes__")
gc.collect()
assert [ref for ref in seen if ref() is not None] == []
assert 0 < len(failing._left) <= 64
init_logging(log_dir="logs", log_uncaught=False)
assert not failing._left
try:
    work()
except Own:
    pass
assert not failing._left
"""
    told(code)


def test_what_nobody_catches_without_a_recorder(told: Told) -> None:
    """The record has the trace, too."""
    code = """
def work():
    with LoggingContext(trace_id="t", order=7):
        fail()
begin(target=work, name="worker").join()
"""
    assert told(code, recorder=False) == THREAD[1:]


def test_a_thread_whose_context_is_left_when_it_is_reported(told: Told) -> None:
    """As from 3.14 on, where a thread has its context as an attribute."""
    code = """
with LoggingContext(trace_id="t", order=7):
    logger.debug("detail")
    thread = threading.Thread(name="worker")
    thread._context = contextvars.copy_context()
with LoggingContext(trace_id="other"):
    error = ValueError("failed")
    threading.excepthook(threading.ExceptHookArgs((ValueError, error, None, thread)))
    thread._context.run(threading.excepthook, threading.ExceptHookArgs((ValueError, error, None, thread)))
"""
    assert told(code) == [*THREAD, THREAD[1]]
