"""Forks while other threads make their very first log calls, when everything that is made only once is being made."""

from __future__ import annotations

from pathlib import Path

import pytest
from kinds import RunForking
from on_disk import assert_each_once, records


@pytest.mark.parametrize("attempt", range(5))
def test_forks_while_threads_log_for_the_first_time(run_forking: RunForking, tmp_path: Path, attempt: int) -> None:
    """Each program forks once its threads begin; the moment in which one of them makes something is short, so there are many.

    Seen to fail with a lock held while `threading` is asked for a name: a child forked while another thread is at it waits for ever.
    """
    code = """
import logging
sys.setswitchinterval(1e-6)

def program(number):
    # A process of its own, in which nothing was logged yet.
    init_logging(log_dir="logs", max_bytes=0, console_format="off", overflow_timeout=60)
    ready = threading.Barrier(5)

    def first(thread):
        ready.wait()
        try:
            raise ValueError(thread)
        except ValueError:
            logger.exception("line", writer=f"thread.{number}.{thread}", number=0)
        logging.getLogger("app").info("line", extra={"writer": f"stdlib.{number}.{thread}", "number": 0})

    threads = [threading.Thread(target=first, args=(thread,)) for thread in range(4)]
    [thread.start() for thread in threads]
    ready.wait()
    pids = []
    for fork in range(5):
        pid = os.fork()
        if pid == 0:
            try:
                raise ValueError(fork)
            except ValueError:
                logger.exception("line", writer=f"child.{number}.{fork}", number=0)
            os._exit(0 if flush_logging(60) else 3)
        pids.append(pid)
    [thread.join() for thread in threads]
    deadline = time.monotonic() + 20
    while pids and time.monotonic() < deadline:
        pids = [pid for pid in pids if os.waitpid(pid, os.WNOHANG)[0] == 0]
        time.sleep(0.001)
    [os.kill(pid, signal.SIGKILL) for pid in pids]
    os._exit(0 if not pids and flush_logging(60) else 3)

for number in range(20):
    pid = os.fork()
    if pid == 0:
        program(number)
    reap([pid])
"""
    run_forking(code)
    wanted = {
        f"{who}.{number}.{thread}": 1 for number in range(20) for who in ("thread", "stdlib") for thread in range(4)
    }
    wanted |= {f"child.{number}.{fork}": 1 for number in range(20) for fork in range(5)}
    assert_each_once(records(tmp_path / "logs"), wanted)
