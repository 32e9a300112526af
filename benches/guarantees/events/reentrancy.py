"""A logging call in the middle of a logging call."""

from __future__ import annotations

import gc
import itertools
import signal
import time

from ..app import App, text
from .event import Event


def from_a_signal(app: App) -> None:
    app.start()
    numbers = itertools.count()
    signal.signal(signal.SIGALRM, lambda *_: app.log(1, next(numbers)))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    end = time.monotonic() + 2.0
    for number in range(150_000):
        app.log(0, number)
        if time.monotonic() > end:
            break
    signal.setitimer(signal.ITIMER_REAL, 0)


def from_the_collector(app: App) -> None:
    app.start()
    numbers = itertools.count()

    class Node:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            app.log(1, next(numbers))

    gc.set_threshold(5)  # a collection in nearly every call
    for number in range(3_000):
        Node()
        app.log(0, number)
    gc.set_threshold(0)
    gc.collect()


def from_repr(app: App) -> None:
    app.start()

    class Talkative:
        def __init__(self, number: int) -> None:
            self.number = number

        def __repr__(self) -> str:
            if not self.number % 2:
                app.log(1, self.number // 2)
            self.number += 1  # once for each value: libraries may ask twice
            return "talkative"

    for number in range(300):
        app.call(0, number, app.logger.value, text(0, number), Talkative(2 * number))


SIGNALS = ("tests/processes/test_signals.py",)
CALLBACKS = ("tests/processes/test_callbacks.py",)
TEXTS = (*CALLBACKS, "tests/values/test_texts_that_log_themselves.py")

EVENTS = [
    Event("signal-handler", "calls from a 1 kHz signal handler that interrupts calls", "every record; no hang", SIGNALS, from_a_signal),
    Event("collector", "calls from `__del__` during garbage collection", "every record; no hang", CALLBACKS, from_the_collector),
    Event("repr-logs", "calls from the `__repr__` of a value", "every record; no hang", TEXTS, from_repr),
]  # fmt: skip
