"""Metrics from records count what sampling leaves out, and nothing else of such a record is anywhere."""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from kinds import Records, Run, Start

from unified_logger import LoggingContext, flush_logging, get_logger, get_stats

METRICS: dict[str, Any] = {
    "purchases_total": {"type": "count", "loggers": ["shop"], "labels": {"paid": {"field": "paid", "bound": 5}}},
    "purchased_cents_total": {"type": "sum", "field": "cents", "loggers": ["shop"]},
}
NONE = {"rules": [{"name": "none", "logger": "shop", "keep": "none"}]}


def total(log_dir: Path, name: str) -> int:
    """A metric, over all of its labels."""
    command = [sys.executable, "-m", "unified_logger.cli", "metrics", str(log_dir)]
    text = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    lines = [line for line in text.splitlines() if line.startswith((f"{name}{{", f"{name} "))]
    return sum(int(float(line.split()[-1])) for line in lines)


@pytest.mark.parametrize("recorder", [False, True])
@pytest.mark.parametrize("sampling", [NONE, {"traces": {"ratio": 0.0}}])
def test_what_is_left_out_is_counted(
    start: Start, records: Records, log_dir: Path, sampling: dict[str, Any], recorder: bool
) -> None:
    """Whichever way a call comes in, and whatever leaves it out. It is accepted, written and dropped nowhere."""
    start(sampling=sampling, record_metrics=METRICS, native_stdlib=True, console_format="off", recorder=recorder)
    logger, theirs, other = get_logger("shop"), logging.getLogger("shop.theirs"), get_logger("other")
    before = get_stats()
    with LoggingContext():
        for number in range(10):
            logger.info("order", paid=number % 2 == 0, cents=100)
            logger.bind(paid=True).warning("order %d", number, extra={"cents": 10})
            theirs.info("order", extra={"paid": False, "cents": 1})
            other.info("no order")
    found = [record for record in records() if record["logger"].startswith("shop")]
    after = get_stats()
    accepted, written, filtered = (after[name] - before[name] for name in ("accepted", "written", "filtered"))  # type: ignore[literal-required]
    assert total(log_dir, "purchases_total") == 30
    assert total(log_dir, "purchased_cents_total") == 10 * 111
    # The first of a kind is never left out by a rule.
    assert len(found) == (3 if sampling is NONE else 0)
    assert accepted == written == len(found) + (10 if sampling is NONE else 0)
    # What waits is not left out yet, and it is forgotten later.
    waited = recorder and sampling is not NONE
    assert filtered == (0 if waited else 30 - len(found) + (0 if sampling is NONE else 10))
    assert after["dropped"] == before["dropped"]
    assert total(log_dir, "unified_logger_records_accepted_total") == accepted


def test_calls_that_no_metric_asks_for_are_not_captured(start: Start) -> None:
    """By level and logger: asking a value for its text would be noticed."""
    asked = []

    class Value:
        def __repr__(self) -> str:
            asked.append(1)
            return "value"

    metrics = {"warnings_total": {"type": "count", "loggers": ["shop"], "level": "WARNING"}}
    start(sampling={"rules": [{"level": "WARNING", "keep": "none"}]}, record_metrics=metrics, console_format="off")
    for _ in range(5):
        get_logger("shop").info("below", value=Value())
        get_logger("other").warning("another", value=Value())
    assert len(asked) == 2, "the first of each kind"
    for _ in range(5):
        get_logger("shop").warning("wanted", value=Value())
    assert len(asked) == 7


def test_processors_see_what_metrics_count(start: Start, log_dir: Path) -> None:
    """Their labels are those that processors leave."""

    def processor(event: dict[str, Any]) -> dict[str, Any]:
        event["paid"] = "masked"
        return event

    start(sampling=NONE, record_metrics=METRICS, processors=[processor], console_format="off")
    for number in range(5):
        get_logger("shop").info("order", paid=f"secret {number}")
    assert flush_logging()
    assert total(log_dir, 'purchases_total{paid="masked"}') == 5
    assert total(log_dir, "purchases_total") == 5
    command = [sys.executable, "-m", "unified_logger.cli", "metrics", str(log_dir)]
    assert "secret" not in subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_what_finds_no_room_is_told(start: Start, records: Records, log_dir: Path) -> None:
    """By a count of its own: nothing of the application is dropped."""
    start(sampling=NONE, record_metrics=METRICS, queue_size=100, overflow="drop_new", console_format="off")
    before = get_stats()
    for number in range(20_000):
        get_logger("shop").info("order", cents=number)
    assert len(records()) >= 1
    after = get_stats()
    assert after["dropped"] == before["dropped"]
    assert after["accepted"] - before["accepted"] == after["written"] - before["written"] == 1
    missed = after["metrics_missed"] - before["metrics_missed"]
    assert total(log_dir, "purchases_total") == 20_000 - missed


KILLED = (
    f"metrics, sampling = {METRICS!r}, {NONE!r}"
    + """
import mmap, time
from unified_logger import get_logger, init_logging
with open("progress", "r+b") as file:
    progress = mmap.mmap(file.fileno(), 8)
init_logging(log_dir="logs", console_format="off", max_bytes=0, record_metrics=metrics, sampling=sampling)
number = 0
while True:
    get_logger("shop").info("order", paid=True, cents=1)
    number += 1
    progress[:8] = number.to_bytes(8, "little")  # outlives the process
    if number % 100 == 0:
        get_logger("other").info("written")
        time.sleep(0.001)  # else the queue is full now and then
"""
)
NEXT = """
from unified_logger import init_logging, shutdown_logging
init_logging(log_dir="logs", console_format="off")
shutdown_logging()
"""


@pytest.mark.stress
def test_a_kill_costs_no_count(run_python: Run, tmp_path: Path) -> None:
    """The recovery counts what the writer had not come to, and writes none of it."""
    (tmp_path / "progress").write_bytes(bytes(8))
    (tmp_path / "killed.py").write_text(KILLED, encoding="utf-8")
    process = subprocess.Popen([sys.executable, "killed.py"], cwd=tmp_path)
    deadline = time.monotonic() + 30
    while (tmp_path / "progress").read_bytes() == bytes(8):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    time.sleep(random.uniform(0, 0.05))
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    run_python(NEXT)
    returned = int.from_bytes((tmp_path / "progress").read_bytes(), "little")
    assert total(tmp_path / "logs", "purchases_total") in (returned, returned + 1)
    lines = (tmp_path / "logs" / "app.log").read_text(encoding="utf-8").splitlines()
    shop = [line for line in lines if json.loads(line)["logger"] == "shop"]
    assert len(shop) == 1
    assert total(tmp_path / "logs", "unified_logger_records_written_total") == len(lines)


FORKED = """
import os, sys
from unified_logger import LoggingContext, get_logger, init_logging, shutdown_logging
init_logging(log_dir="logs", console_format="off", sampling={"traces": {"ratio": 0.0}},
             record_metrics={"purchases_total": {"type": "count", "loggers": ["shop"]}})
pid = os.fork()
with LoggingContext():
    for _ in range(10):
        get_logger("shop").info("order")
shutdown_logging()
if pid:
    os.waitpid(pid, 0)
"""


def test_a_forked_child_counts_from_its_first_call(run_python: Run, tmp_path: Path) -> None:
    """Although none of its records is written."""
    run_python(FORKED)
    assert total(tmp_path / "logs", "purchases_total") == 20


def test_what_waits_is_counted_once(start: Start, records: Records, log_dir: Path) -> None:
    """Whether it is written in the end, or not."""
    metrics = {"waits_total": {"type": "count", "loggers": ["waits"]}}
    start(sampling={"traces": {"ratio": 0.0}}, record_metrics=metrics, recorder=True, console_format="off")
    for fails in (False, True):
        with LoggingContext():
            for _ in range(10):
                get_logger("waits").info("order")
            if fails:
                get_logger("other").error("failed")
                get_logger("waits").info("after it")
    assert sum(record["logger"] == "waits" for record in records()) == 11
    assert total(log_dir, "waits_total") == 21
