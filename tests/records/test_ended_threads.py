"""A thread that has ended is let go: nothing that hangs on it is held because it logged."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from kinds import Records

from unified_logger import UnifiedLogger


class Payload:
    """What hangs on a thread."""


class Request(threading.Thread):
    """A thread with something on it."""

    def __init__(self, call: Callable[[], object], name: str) -> None:
        super().__init__(name=name)
        self.call = call
        self.payload = Payload()

    def run(self) -> None:
        self.call()


@pytest.mark.parametrize("count", [1, 20, 100, 300])
@pytest.mark.parametrize("interface", ["ours", "logging"])
def test_threads_that_follow_each_other(logger: UnifiedLogger, count: int, interface: str) -> None:
    """Each is gone when it has ended, however many there are."""
    log = logger if interface == "ours" else logger.logger
    alive: list[weakref.ref[Payload]] = []
    for _ in range(count):
        thread = Request(lambda: log.info("m"), "request")
        thread.start()
        thread.join()
        alive.append(weakref.ref(thread.payload))
        del thread
    gc.collect()
    assert [payload for payload in alive if payload() is not None] == []


def test_threads_that_run_beside_each_other(logger: UnifiedLogger, records: Records) -> None:
    """In groups, each with a name of its own that its records have."""
    alive = []
    for group in range(5):
        ready = threading.Barrier(30)

        def call(ready: threading.Barrier = ready) -> None:
            logger.info("m")
            ready.wait(30)
            logger.info("m")

        threads = [Request(call, f"{group}.{number}") for number in range(30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        alive += [weakref.ref(thread.payload) for thread in threads]
        del thread, threads
    gc.collect()
    assert [payload for payload in alive if payload() is not None] == []
    names = [record["thread"] for record in records()]
    assert sorted(names) == sorted(f"{group}.{number}" for group in range(5) for number in range(30) for _ in range(2))


def test_timers_and_pools(logger: UnifiedLogger) -> None:
    """What `threading.Timer` was given, and what the workers of a pool that is over have on them, are gone too."""

    class Work:
        def work(self) -> None:
            logger.info("m")

    payloads = []
    for _ in range(20):
        payload = Work()
        timer = threading.Timer(0, payload.work)
        timer.start()
        timer.join()
        with ThreadPoolExecutor(2) as pool:
            pool.submit(payload.work).result(30)
        payloads.append(weakref.ref(payload))
        del payload, timer, pool
    gc.collect()
    assert [payload for payload in payloads if payload() is not None] == []


def test_a_slot_that_another_thread_has_now(logger: UnifiedLogger, records: Records) -> None:
    """A thread that goes on has its own name, whoever ended and whoever came meanwhile."""
    go, done = threading.Event(), threading.Event()

    def stays() -> None:
        logger.info("stays")
        done.set()
        go.wait(30)
        logger.info("stays")

    staying = threading.Thread(target=stays, name="staying")
    staying.start()
    done.wait(30)
    for number in range(50):
        thread = threading.Thread(target=logger.info, args=("m",), name=f"t{number}")
        thread.start()
        thread.join()
    go.set()
    staying.join()
    found = records()
    assert [record["thread"] for record in found if record["message"] == "stays"] == ["staying"] * 2
    assert [record["thread"] for record in found if record["message"] == "m"] == [f"t{number}" for number in range(50)]
