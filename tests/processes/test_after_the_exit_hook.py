"""Exit hooks that run after ours still find threads that work: those go on as ever until the last hook has run."""

from __future__ import annotations

import os

import pytest
from kinds import Lines, Run

# The hook that joins is registered before the import, and so runs after ours.
JOINS = """
import atexit, datetime, logging, logging.handlers, queue, threading
ends = threading.Event()
def close():
    ends.set()
    worker.join()
    print("joined")
atexit.register(close)
from unified_logger import *
import unified_logger
init_logging(log_dir="logs", console_format="off", max_bytes=0, {options})
logger = get_logger("app")
def run():
{body}
worker = threading.Thread(target=run, daemon=True)
worker.start()
{last}
"""

BODIES = {
    "flush": "    ends.wait()\n    flush_logging(5)",
    "flush without a bound": "    ends.wait()\n    flush_logging()",
    "shutdown": "    ends.wait()\n    shutdown_logging(5)",
    "start": "    ends.wait()\n    init_logging(log_dir='logs', console_format='off', max_bytes=0)",
    "flush of a handler": "    ends.wait()\n    unified_logger.Handler().flush()",
    "call": "    ends.wait()",
    "calls that fill the queue": "    while not ends.is_set(): logger.info('one of many')",
    "recovery": "    ends.wait()\n    unified_logger._core.recover('logs')",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_hook_joins_a_thread_that_logs(run_python: Run, lines: Lines, body: str) -> None:
    """Whatever the thread does then, it ends, and what it logs last is whole. Seen to hang with threads that stay away."""
    last = "\n    logger.error('m', n=0, when=datetime.date(2026, 1, 1), exc_info=ValueError('x'))"
    done = run_python(JOINS.format(options="queue_size=10, overflow_timeout=60", body=body + last, last=""))
    assert done.stdout == "joined\n"
    assert done.stderr == ""
    (record,) = lines()
    assert record["when"] == "2026-01-01"
    assert record["exception"]["type"] == "ValueError"


def test_a_hook_stops_a_listener(run_python: Run, lines: Lines) -> None:
    """A `QueueListener` hands what it has left to a handler of ours, on a thread that the hook joins."""
    code = """
import atexit, logging, logging.handlers, queue
def close():
    for number in range(100):
        source.warning("m", extra={"n": number})
    listener.stop()
    print("stopped")
atexit.register(close)
import unified_logger
records = queue.Queue()
source = logging.getLogger("source")
source.addHandler(logging.handlers.QueueHandler(records))
source.propagate = False
handler = unified_logger.Handler(log_dir="logs", console_format="off", max_bytes=0)
listener = logging.handlers.QueueListener(records, handler)
listener.start()
"""
    done = run_python(code)
    assert done.stdout == "stopped\n"
    assert [record["n"] for record in lines()] == list(range(100))


def test_a_start_in_a_later_hook_loses_nothing(run_python: Run, lines: Lines) -> None:
    """What it logs is written at the very end, though our exit hook ran long before. Seen to be lost without that."""
    code = """
import atexit
def late():
    init_logging(log_dir="logs", console_format="off", max_bytes=0, black_box="off")
    for number in range(100):
        get_logger("app").info("m", n=number)
atexit.register(late)
from unified_logger import *
"""
    assert run_python(code).stderr == ""
    assert [record["n"] for record in lines()] == list(range(100))


@pytest.mark.parametrize("how", ["_run_exitfuncs", "_clear"])
def test_a_program_that_runs_its_hooks_and_goes_on(run_python: Run, lines: Lines, how: str) -> None:
    """Its threads are not at their end: their values are whole, and its real end writes what is queued."""
    code = f"""
import atexit, datetime, threading
from unified_logger import *
options = dict(log_dir="logs", console_format="off", max_bytes=0, black_box="off")
init_logging(**options)
logger = get_logger("app")
atexit.{how}()
def work(first):
    for number in range(first, first + 100):
        logger.info("m", n=number, when=datetime.date(2026, 1, 1))
    flush_logging(5)
thread = threading.Thread(target=work, args=(0,))
thread.start()
thread.join()
init_logging(**options)
for number in range(100, 200):
    logger.info("m", n=number, when=datetime.date(2026, 1, 1))
"""
    assert run_python(code).stderr == ""
    found = lines()
    assert [record["n"] for record in found] == list(range(200))
    assert {record["when"] for record in found} == {"2026-01-01"}


CHILD = """
import datetime, multiprocessing.util, sys, threading
from unified_logger import *

def work(go_on):
    go_on.wait()
    for number in range(100):
        get_logger("app").error("m", n=number, when=datetime.date(2026, 1, 1), exc_info=ValueError("x"))
    flush_logging(5)

def target(go_on):
    # No daemons: the process waits for them.
    for _ in range(int(sys.argv[1])): threading.Thread(target=work, args=(go_on,)).start()
    # The lowest priority of all finalizers runs last.
    if sys.version_info < (3, 13): multiprocessing.util.Finalize(None, go_on.set, exitpriority=-1_000)
    else: go_on.set()

if __name__ == "__main__":
    init_logging(log_dir="logs", console_format="off", max_bytes=0)
    child = multiprocessing.get_context("fork").Process(target=target, args=(threading.Event(),))
    child.start()
    child.join()
    assert child.exitcode == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("threads", [1, 3])
def test_threads_of_a_child_of_multiprocessing_go_on(run_python: Run, lines: Lines, threads: int) -> None:
    """Until 3.12 its finalizers run before it waits for its threads. Seen to hang, and to lose values, while they were the end."""
    run_python(CHILD, str(threads))
    found = lines()
    assert sorted(record["n"] for record in found) == sorted(list(range(100)) * threads)
    assert {record["when"] for record in found} == {"2026-01-01"}
    assert {record["exception"]["type"] for record in found} == {"ValueError"}
