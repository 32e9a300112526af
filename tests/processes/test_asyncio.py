"""Tasks that are cancelled in the middle of anything."""

from __future__ import annotations

from kinds import Exact


def test_tasks_that_are_cancelled(exact: Exact) -> None:
    """Between calls, in the middle of one (by its own value), and in a thread's call they wait for.

    Seen to fail with calls that are refused in the middle of another.
    """
    code = """
import asyncio, random
random.seed(1)
class Cancelling:
    def __repr__(self):
        asyncio.current_task().cancel()
        emit(where="repr")
        return "cancelling"
async def work(number):
    try:
        async with LoggingContext(task=number):
            for _ in range(20):
                emit()
                await asyncio.sleep(0)
                if number % 4 == 1:
                    emit(value=Cancelling())
                if number % 4 == 2:
                    await asyncio.to_thread(emit, where="thread")
    except asyncio.CancelledError:
        emit(where="cancelled")
        raise
    finally:
        emit(where="finally")
async def main():
    install_asyncio_handler()
    tasks = [asyncio.create_task(work(number)) for number in range(100)]
    for _ in range(200):
        await asyncio.sleep(0)
        random.choice(tasks).cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
asyncio.run(main())
"""
    found = exact(code)
    assert sum(record.get("where") == "repr" for record in found) >= 20
    assert sum(record.get("where") == "finally" for record in found) >= 90


def test_signal_handlers_of_a_loop(exact: Exact) -> None:
    """That log and cancel."""
    code = """
import asyncio
ticks = 0
async def work():
    while True:
        emit(value={"a": [ticks]})
        await asyncio.sleep(0)
async def main():
    loop, task = asyncio.get_running_loop(), asyncio.create_task(work())
    def tick():
        global ticks
        ticks += 1
        emit(where="handler")
        if ticks == 200: task.cancel()
    loop.add_signal_handler(signal.SIGALRM, tick)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        await task
    except asyncio.CancelledError:
        emit(where="cancelled")
    signal.setitimer(signal.ITIMER_REAL, 0)
asyncio.run(main())
"""
    assert sum(record.get("where") == "cancelled" for record in exact(code)) == 1
