"""What counts and what makes room when bytes are short."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

MIB = 1024 * 1024


def test_shutdown_tells_all_that_was_not_written(run_faulty: Callable[..., Any]) -> None:
    """The writer has taken the records from the queue, the disk refuses them: they are lost with the process, and told.

    Seen to fail with only those told that are in the queue.
    """
    done = run_faulty(
        """
from faults import fail, log
from unified_logger import flush_logging, get_logger, init_logging, shutdown_logging
init_logging(log_dir="logs", console_format="off")
fail("write", error="EIO")
log(get_logger("app"), range(100))
assert flush_logging(0.5) is False
assert shutdown_logging(timeout=0.5) is False
"""
    )
    assert "cannot write everything before shutdown: 100 records" in done.stderr


def test_drop_old_drops_only_what_makes_room(run_faulty: Callable[..., Any]) -> None:
    """Small records lie in the fixed pool: dropping them gives a large one no byte of room.

    Seen to fail with the oldest dropped whatever it holds, and without the bound in bytes.
    """
    done = run_faulty(
        """
from faults import fail, mend, report, wait_for
from unified_logger import flush_logging, get_logger, get_stats, init_logging
init_logging(log_dir="logs", overflow="drop_old", queue_size=10_000, queue_bytes="1MB", console_format="off")
logger = get_logger("app")
stuck = fail("write", delay=3600)
logger.info("m" * 900_000)
wait_for(stuck)
for number in range(5_000):
    logger.info("small", number=number)
logger.info("m" * 300_000)
dropped = get_stats()["dropped"]
mend()
assert flush_logging(30)
report(dropped=dropped)
"""
    )
    assert json.loads(done.stdout)["dropped"] == 1


def test_memory_is_bounded_with_large_records_of_several_threads(run_faulty: Callable[..., Any]) -> None:
    """The bound of one thread holds for four: an allocator with an arena for each thread keeps the most each had.

    Seen to fail with large buffers taken from the allocator, and without the bound in bytes.
    """
    done = run_faulty(
        """
import threading, time
from faults import fail, mend, report
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", overflow="drop_old", queue_bytes="64MiB", max_bytes="1GB", console_format="off")
logger = get_logger("app")
for _ in range(20_000):
    logger.info("warm-up")
assert flush_logging(60)

def resident(key):
    fields = dict(line.split(":") for line in open("/proc/self/status"))
    return int(fields[key].split()[0]) * 1024

begin = resident("VmRSS")
fail("write", delay=0.2)
end = time.monotonic() + 3

def produce():
    text = "m" * 100_000
    while time.monotonic() < end:
        logger.info(text)

workers = [threading.Thread(target=produce) for _ in range(4)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
growth = resident("VmHWM") - begin
mend()
assert flush_logging(60)
report(growth=growth)
"""
    )
    assert json.loads(done.stdout)["growth"] <= (64 + 16) * MIB


def test_a_forked_child_has_all_its_bytes(run_faulty: Callable[..., Any]) -> None:
    """What its parent's records hold is never given back in it.

    Seen to fail (all dropped) with the parent's bytes counted in the child.
    """
    done = run_faulty(
        """
import os
from faults import fail, mend, report, wait_for
from unified_logger import flush_logging, get_logger, get_stats, init_logging
init_logging(log_dir="logs", overflow="drop_new", queue_bytes="4MB", console_format="off", max_bytes=0)
logger = get_logger("app")
stuck = fail("write", error="EIO")
for number in range(200):
    logger.info("m" * 200_000)
read, write = os.pipe()
child = os.fork()
if child == 0:
    mend()
    for number in range(10):
        logger.info("m" * 200_000)
    done = flush_logging(30)
    stats = get_stats()
    os.write(write, f"{done} {stats['written']} {stats['dropped']}".encode())
    os._exit(0)
os.waitpid(child, 0)
mend()
assert flush_logging(30)
report(child=os.read(read, 100).decode())
"""
    )
    assert json.loads(done.stdout)["child"] == "True 10 0"
