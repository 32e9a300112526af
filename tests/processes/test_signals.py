"""Signal handlers may log, whatever they interrupt."""

from __future__ import annotations

import os

import pytest
from kinds import Exact, Run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs setitimer")

TICKING = """
ticks = 0
def tick(*_):
    global ticks
    ticks += 1
    emit(where="handler")
signal.signal(signal.SIGALRM, tick)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
{work}
signal.setitimer(signal.ITIMER_REAL, 0)
"""
SLOW = """
class Slow:
    def __repr__(self):
        for _ in range(300): pass
        return "slow"
slow = Slow()
"""


@pytest.mark.parametrize(
    "call",
    [
        "emit()",
        "emit(value=slow)",
        "emit(exc_info=ValueError('v'))",
        "logging.getLogger('theirs').info('m', extra={'n': next(numbers), 'value': slow})",
        "emit(extra={'value': slow})",
    ],
    ids=["plain", "repr", "exception", "stdlib", "extra"],
)
def test_a_handler_that_interrupts_calls(exact: Exact, call: str) -> None:
    """At 1 kHz, in the middle of them."""
    found = exact(SLOW + TICKING.format(work=f"while ticks < 300:\n    {call}"))
    assert sum(record.get("where") == "handler" for record in found) >= 300


def test_a_handler_that_interrupts_calls_others_listen_to(exact: Exact) -> None:
    """Where a `LogRecord` is made for handlers of `logging`."""
    listen = "logging.getLogger('app').addHandler(logging.NullHandler())\n"
    exact(SLOW + listen + TICKING.format(work="while ticks < 300:\n    emit(value=slow)"))


# Holds the directory as another process might, so that the queue is full most of the time.
HOLDING = """
import fcntl
init_logging(**OPTIONS, queue_size=16)
holding = True
def hold():
    with open("logs/.unified_logger.lock", "r+") as lock:
        while holding:
            fcntl.flock(lock, fcntl.LOCK_EX)
            time.sleep(0.02)
            fcntl.flock(lock, fcntl.LOCK_UN)
            time.sleep(0.001)
holder = threading.Thread(target=hold)
holder.start()
"""


@pytest.mark.parametrize("levels", ["info", "error"])
def test_a_handler_that_interrupts_a_call_that_waits(exact: Exact, levels: str) -> None:
    """The queue is full, and the handler's own call waits too."""
    call = f"logger.{levels}('m', n=next(numbers))"
    work = f"while ticks < 40:\n    {call}\nholding = False"
    exact(HOLDING + TICKING.format(work=work) + "\nholder.join()")


def test_a_handler_that_interrupts_a_flush(exact: Exact) -> None:
    """And is in the files when the next one has answered."""
    work = """
while ticks < 300:
    for _ in range(50):
        emit()
    assert flush_logging(60)
"""
    exact(TICKING.format(work=work))


def test_a_handler_that_flushes(exact: Exact) -> None:
    """In the middle of calls and flushes."""
    code = TICKING.replace('emit(where="handler")', 'emit(where="handler")\n    assert flush_logging(60)')
    exact(SLOW + code.format(work="while ticks < 100:\n    emit(value=slow)\n    flush_logging(60)"))


@pytest.mark.parametrize("act", ["init_logging(**OPTIONS)", "shutdown_logging(60)"])
def test_a_handler_that_starts_or_stops(exact: Exact, act: str) -> None:
    """In the middle of calls, starts and stops of the main program."""
    code = TICKING.replace('emit(where="handler")', f'emit(where="handler")\n    {act}')
    # A start takes some milliseconds: it reserves the black box.
    code = code.replace("0.001, 0.001", "0.02, 0.02")
    work = """
while ticks < 60:
    emit(value=slow)
    init_logging(**OPTIONS)
    emit(value=slow)
    shutdown_logging(60)
"""
    exact(SLOW + code.format(work=work))


RAISING = """
returned, interrupts, ticks, number = set(), 0, 0, 0
def tick(*_):
    global ticks
    ticks += 1
    raise {error}
signal.signal(signal.SIGALRM, tick)
while interrupts < {times}:
    try:
        signal.setitimer(signal.ITIMER_REAL, {interval})
        while True:
            number += 1
            logger.info("m", number=number, {fields})
            returned.add(number)
    except {error}:
        interrupts += 1
assert ticks == interrupts, (ticks, interrupts)
"""
COUNT = """
assert flush_logging(60)
found = [record["number"] for record in map(json.loads, open("logs/app.log")) if "number" in record]
stats = get_stats()
assert len(found) == len(set(found)) == stats["accepted"] - stats["dropped"] == stats["written"], stats
assert returned <= set(found)
# On a busy machine the queue may be full: then the call that waits is the one that is interrupted, and told of as dropped.
assert stats["dropped"] <= interrupts, stats
"""


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "SystemExit"])
@pytest.mark.parametrize(
    "fields", ["", "value=slow", "value=[slow]", "exc_info=ValueError(slow)", "extra={'value': slow}"]
)
def test_what_a_handler_raises_arrives_and_costs_nothing_else(
    run_python: Run, prelude: str, fields: str, error: str
) -> None:
    """Each time; the interrupted record is written at most once, all others once. Seen to fail without `interrupt::hold`."""
    raising = RAISING.format(error=error, times=300, interval=0.001, fields=fields)
    done = run_python(prelude + SLOW + raising + COUNT)
    assert done.stderr == ""


def test_what_a_handler_raises_arrives_in_a_call_that_waits(run_python: Run, prelude: str) -> None:
    """The queue is full."""
    code = prelude + HOLDING + RAISING.format(error="KeyboardInterrupt", times=10, interval=0.05, fields="")
    run_python(code + "holding = False\nholder.join()")
