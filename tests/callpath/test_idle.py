"""A process that logs nothing sleeps: nothing of this library wakes it many times a second, and the next call wakes the writer."""

from __future__ import annotations

import signal

import pytest
from kinds import Run


@pytest.mark.parametrize(
    "before", ["logger.info('m')", "logger.error('m')", "[logger.info('m') for _ in range(50_000)]"]
)
def test_an_idle_process_sleeps(run_counted: Run, before: str) -> None:
    """Whatever it logged before. Seen to fail with a writer that looks for records every 50 ms."""
    run_counted(f"{before}; assert flush_logging(60); callpath.wait_until_idle()")


def test_an_idle_process_with_all_its_threads_sleeps(run_counted: Run) -> None:
    """The console's thread and the one that tells of trouble are there too. Seen to fail in the same way."""
    code = """
import shutil
from unified_logger import shutdown_logging
shutdown_logging()
init_logging(log_dir="others", console_format="json")
logger.error("shown")
assert flush_logging(60)
shutil.rmtree("others")
logger.error("shown, and written elsewhere")
assert flush_logging(60)
callpath.wait_until_idle()
"""
    run_counted(code)


def test_idle_forked_workers_sleep(run_counted: Run) -> None:
    """Twenty of them, each with a writer of its own. Seen to fail in the same way."""
    code = """
import signal
workers = []
for number in range(20):
    child = os.fork()
    if child == 0:
        logger.info("begun")
        flush_logging(60)
        signal.pause()
    workers.append(child)
try:
    callpath.wait_until_idle(workers)
finally:
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)
"""
    run_counted(code)


WAKES = """
callpath.loop("logger.info('m')", logger=logger)(1_000)
assert flush_logging(60)
callpath.wait_until_idle()
run = callpath.loop("logger.info('m')", logger=logger)
if not callpath.forbid_system_calls():
    os._exit(3)
run(1)
os._exit(0)
"""


def test_the_first_record_wakes_a_writer_that_sleeps_for_long(run_counted: Run) -> None:
    """It waits for no look that comes by itself: the system call that wakes is seen. Seen to fail in the same way."""
    code = run_counted(WAKES, check=False).returncode
    if code == 3:
        pytest.skip("a thread cannot forbid itself system calls here")
    assert code == -signal.SIGSYS
