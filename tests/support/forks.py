"""A program that forks, and helpers that each of its processes has."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from kinds import Run

# `child` logs 50 lines in a forked process, flushes and ends at once; `reap` waits for children and wants them well.
PREAMBLE = """
import os, signal, sys, threading, time, warnings
from unified_logger import flush_logging, get_logger, get_stats, init_logging

warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 and newer warn of every fork beside threads
logger = get_logger("app")

def lines(writer, count=50):
    for number in range(count):
        logger.info("line", writer=writer, number=number)

def child(writer, count=50):
    lines(writer, count)
    os._exit(0 if flush_logging(60) else 3)

def reap(pids):
    for pid in pids:
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert code == 0, f"child {pid} ended with {code}"

class Busy:
    # Threads that log until told to stop, and how many records each has logged.
    def __init__(self, count=2, pause=0.0):
        self.counts = [0] * count
        self.stop = False
        self.threads = [threading.Thread(target=self.run, args=(index, pause)) for index in range(count)]
    def run(self, index, pause):
        while not self.stop:
            logger.info("line", writer=f"busy.{index}", number=self.counts[index])
            self.counts[index] += 1
            if pause:
                time.sleep(pause)
    def __enter__(self):
        [thread.start() for thread in self.threads]
        return self
    def __exit__(self, *_):
        self.stop = True
        [thread.join() for thread in self.threads]
        for index, count in enumerate(self.counts):
            print(f"busy.{index}", count)
"""


@pytest.fixture
def run_forking(run_python: Run) -> Callable[..., dict[str, int]]:
    """Run a program, `PREAMBLE` before its code; it prints a writer and its count on each line, and they are returned."""

    def run_forking(code: str, **options: str) -> dict[str, int]:
        done = run_python(PREAMBLE + code, timeout=180, **options)
        return {writer: int(count) for writer, count in (line.split() for line in done.stdout.splitlines())}

    return run_forking
