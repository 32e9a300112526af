"""Logs as fast as it can on a disk that is slow."""

import gc
import json
import sys
import threading
import time

from faults import fail, mend, report

from unified_logger import flush_logging, get_logger, get_stats, init_logging

overflow, seconds, size, threads, delay, queue_bytes, overflow_timeout = json.loads(sys.argv[1])
init_logging(
    log_dir="logs",
    overflow=overflow,
    overflow_timeout=overflow_timeout,
    queue_size=10_000,
    queue_bytes=queue_bytes,
    max_bytes="1GB",
    console_format="off",
)
logger = get_logger("app")
text = "m" * size


def resident():
    with open("/proc/self/status") as status:
        fields = dict(line.split(":") for line in status)
    return int(fields["VmHWM"].split()[0]) * 1024, int(fields["VmRSS"].split()[0]) * 1024


# Warm: the slab's pages, the file's first write, this program's own lists.
for _ in range(20_000):
    logger.info("warm-up")
assert flush_logging(60)
gc.collect()
begin = resident()[1]
# Four batches a second, or two when they hold errors. An ERROR comes rarely enough for the sink to follow ERRORs alone.
fail("write", delay=delay)
end = time.monotonic() + seconds
results = []


def produce(thread):
    calls = errors = slow = 0
    longest = 0.0
    next_error = time.monotonic()
    while time.monotonic() < end:
        number = calls
        calls += 1
        started = time.perf_counter()
        if time.monotonic() >= next_error:
            next_error += 0.02
            errors += 1
            logger.error("kept", producer=thread, number=number)
        else:
            logger.info(text, producer=thread, number=number)
        took = time.perf_counter() - started
        longest = max(longest, took)
        slow += took >= 0.001
    results.append((calls, errors, longest, slow))


workers = [threading.Thread(target=produce, args=(thread,)) for thread in range(threads)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
peak = resident()[0]
during = get_stats()
mend()
assert flush_logging(120)
report(growth=peak - begin, results=results, during=during)
