"""Processes patched by gevent: thousands of green threads to one of the system's."""

from __future__ import annotations

from typing import Any

import pytest
from kinds import Exact

gevent = pytest.importorskip("gevent", reason="gevent has no wheel for this Python")


@pytest.fixture
def patched(exact: Exact) -> Exact:
    """`exact` in a patched process that started logging after it was patched."""

    def patched(code: str) -> list[dict[str, Any]]:
        return exact(code, first="import gevent.monkey; gevent.monkey.patch_all()\nimport gevent")

    return patched


@pytest.mark.parametrize("queue_size", [10_000, 8])
def test_many_green_threads(patched: Exact, queue_size: int) -> None:
    """Nothing is lost, the queue full or not, and each record has the name of its own.

    Seen to fail with names remembered for threads that are not the system's.
    """
    code = f"""
init_logging(**OPTIONS, queue_size={queue_size})
def work(number):
    for _ in range(10):
        emit(number=number, name=threading.current_thread().name)
        gevent.sleep(0)
threads = [threading.Thread(target=work, args=(number,), name=f"green-{{number}}") for number in range(500)]
for thread in threads: thread.start()
for thread in threads: thread.join()
raw = [gevent.spawn(work, number) for number in range(500)]
gevent.joinall(raw)
"""
    found = patched(code)
    assert len(found) == 10_000
    assert all(record["thread"] == record["name"] for record in found)
    assert all(record["thread"] == f"green-{record['number']}" for record in found[:5_000])
    # Green threads that are not of `threading` have names as well.
    assert len({record["thread"] for record in found}) >= 501


def test_texts_of_values_that_switch(patched: Exact) -> None:
    """In the middle of a call another green thread logs, and the context of each stays its own. Seen to fail with a context that is remembered."""
    code = """
class Switching:
    def __repr__(self):
        gevent.sleep(0)
        emit(where="repr")
        return "switching"
def work(number):
    with LoggingContext(trace_id=f"t{number}"):
        for _ in range(10):
            emit(number=number, value=[Switching()])
gevent.joinall([gevent.spawn(work, number) for number in range(100)])
"""
    found = patched(code)
    assert len(found) == 2_000
    assert all(record["trace_id"] == f"t{record['number']}" for record in found if "number" in record)


def test_green_threads_that_are_killed(patched: Exact) -> None:
    """In the middle of a call: the record is written, and the green thread ends. Seen to fail without `interrupt::hold`."""
    code = """
class Switching:
    def __repr__(self):
        gevent.sleep(0.01)
        return "switching"
ended = []
def work(number):
    try:
        while True:
            emit(value=Switching())
    finally:
        ended.append(number)
        emit(where="finally")
greenlets = [gevent.spawn(work, number) for number in range(50)]
gevent.sleep(0.005)
gevent.killall(greenlets, timeout=30)
assert len(ended) == 50, len(ended)
def late():
    with gevent.Timeout(0.005, False):
        while True:
            emit(value=Switching())
    emit(where="timeout")
gevent.joinall([gevent.spawn(late) for _ in range(50)], timeout=30)
"""
    found = patched(code)
    assert sum(record.get("where") == "finally" for record in found) == 50
    assert sum(record.get("where") == "timeout" for record in found) == 50


def test_system_threads_beside_green_ones(patched: Exact) -> None:
    """Threads of gevent's own pool log too."""
    code = """
def work():
    for _ in range(100): emit()
pool = gevent.get_hub().threadpool
tasks = [pool.spawn(work) for _ in range(8)] + [gevent.spawn(work) for _ in range(8)]
gevent.joinall(tasks)
"""
    assert len(patched(code)) == 1_600
