"""A producer far faster than its sink: memory bounded, callers delayed as the policy says, errors kept, all accounted for.

`OVERLOAD_SECONDS` lengthens each run, which takes two seconds otherwise.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from programs import program

SECONDS = float(os.environ.get("OVERLOAD_SECONDS", "2"))
POLICIES = ["block", "drop_new", "drop_old", "drop_low"]
MIB = 1024 * 1024

# Each write takes `delay` seconds. Threads log as fast as they can until the time is over.
FLOOD = program(__file__, "flood")


def flood(
    run_faulty: Callable[..., Any],
    overflow: str,
    *,
    size: int = 200,
    threads: int = 1,
    delay: float = 0.25,
    queue_bytes: int = 64 * MIB,
    overflow_timeout: float = 0.5,
) -> dict[str, Any]:
    """Runs it; what it reports."""
    arguments = [overflow, SECONDS, size, threads, delay, queue_bytes, overflow_timeout]
    done = run_faulty(FLOOD, json.dumps(arguments), timeout=SECONDS + 240)
    seen: dict[str, Any] = json.loads(done.stdout)
    assert len(done.stderr) <= 64 * 1024
    return seen


def check_accounts(seen: dict[str, Any], log_dir: Path, threads: int) -> None:
    """Every call is accounted for, the log itself tells the drops, and what is there is whole and in order by thread."""
    stats = seen["stats"]
    calls = sum(result[0] for result in seen["results"])
    errors = sum(result[1] for result in seen["results"])
    assert stats["accepted"] == calls + 20_000
    assert stats["accepted"] == stats["written"] + stats["dropped"] + stats["failed"]
    assert stats["failed"] == 0
    own, told, kept = 0, 0, 0
    last = [-1] * threads
    # Line by line: a longer run leaves more than fits into memory.
    with open(log_dir / "app.log", encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            if record["logger"] == "unified_logger":
                told += int(record["message"].split()[0])
                continue
            own += 1
            if "number" in record:
                if record["level"] == "ERROR":
                    # Those that `drop_old` met on its way to older records overtake them.
                    kept += 1
                    continue
                assert record["number"] > last[record["producer"]]
                last[record["producer"]] = record["number"]
    assert own == stats["written"]
    assert told == stats["dropped"] > 0
    assert kept == errors
    with open(log_dir / "errors.log", encoding="utf-8") as file:
        assert sum(1 for _ in file) == errors
    assert all(counts["ERROR"] == counts["CRITICAL"] == 0 for counts in stats["dropped_by_reason"].values())


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("overflow", POLICIES)
def test_small_records(run_faulty: Callable[..., Any], log_dir: Path, overflow: str, threads: int) -> None:
    """A hundred times what can be written is made, where the policy holds nobody back."""
    seen = flood(run_faulty, overflow, threads=threads)
    check_accounts(seen, log_dir, threads)
    assert seen["during"]["queue_high_water"] <= 10_000 + 10_000 // 8 + 64
    if overflow != "block":
        assert seen["during"]["accepted"] - 20_000 > 100 * (seen["during"]["written"] - 20_000)
    assert seen["growth"] <= 64 * MIB + 16 * MIB
    check_delays(seen, overflow)
    if overflow != "block":
        # The 99th percentile is below a millisecond, also where threads wait for their turn at the interpreter.
        assert all(slow < calls / 100 for calls, _, _, slow in seen["results"]), seen["results"]


@pytest.mark.parametrize(
    ("overflow", "threads"), [*((policy, 1) for policy in POLICIES), ("block", 4), ("drop_new", 4), ("drop_low", 4)]
)
def test_large_records(run_faulty: Callable[..., Any], log_dir: Path, overflow: str, threads: int) -> None:
    """100 kB each: the bound in bytes is what counts, and what is being written counts too.

    Seen to fail with a batch encoded as a whole before it is written.
    """
    seen = flood(run_faulty, overflow, size=100_000, threads=threads, queue_bytes=32 * MIB, delay=0.2)
    check_accounts(seen, log_dir, threads)
    assert seen["growth"] <= 32 * MIB + 16 * MIB
    check_delays(seen, overflow)


def check_delays(seen: dict[str, Any], overflow: str) -> None:
    """`block` waits its timeout, the others never; the bound leaves room for a machine that is busy elsewhere."""
    longest = max(result[2] for result in seen["results"])
    assert longest < (0.5 if overflow == "block" else 0) + 5


def test_block_waits_once_for_a_dead_disk(run_faulty: Callable[..., Any]) -> None:
    """The timeout is spent once, not per call: until the writer has caught up, calls drop at once; then all is well again.

    Seen to fail with `give_up_waiting` doing nothing.
    """
    done = run_faulty(
        """
import time
from faults import fail, mend, report
from unified_logger import flush_logging, get_logger, get_stats, init_logging
init_logging(log_dir="logs", overflow="block", overflow_timeout=1.0, queue_size=1_000, console_format="off")
logger = get_logger("app")
fail("write", delay=3600)
waits = []
for number in range(20_000):
    begin = time.perf_counter()
    logger.info("m", number=number)
    took = time.perf_counter() - begin
    if took > 0.5:
        waits.append(took)
dropped = get_stats()["dropped"]
mend()
assert flush_logging(60)
for number in range(500):
    logger.info("m", number=number)
assert flush_logging(60)
report(waits=waits, dropped=dropped)
"""
    )
    seen = json.loads(done.stdout)
    assert 1 <= len(seen["waits"]) <= 3
    assert seen["waits"][0] < 6
    stats = seen["stats"]
    assert stats["dropped"] == seen["dropped"] > 0
    assert stats["accepted"] == 20_500 == stats["written"] + stats["dropped"]
    assert set(stats["dropped_by_reason"]["timeout"].values()) == {0, stats["dropped"]}
