"""After a kill the records of the traces that were under way are there, each once and in order."""

from __future__ import annotations

import json
import mmap
import os
import random
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kinds import Record, Run
from on_disk import difference

REQUEST = """
import os, signal
from unified_logger import LoggingContext, flush_logging, get_logger, init_logging
init_logging(log_dir="logs", console_format="off", recorder=True, log_level="INFO")
logger = get_logger("shop")
with LoggingContext(trace_id="healthy"):
    logger.debug("over")
with LoggingContext(trace_id="under-way", order=7):
    for number in range(200):
        logger.debug("step", number=number)
    logger.info("last")
    assert flush_logging(30)
    logger.debug("after it")
    os.kill(os.getpid(), signal.SIGKILL)
"""
NEXT = """
from unified_logger import init_logging, shutdown_logging
init_logging(log_dir="logs", console_format="off")
assert shutdown_logging()
"""


def read(directory: Path) -> list[Record]:
    text = (directory / "logs" / "app.log").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_a_request_that_was_killed_is_there_with_its_details(run_python: Run, tmp_path: Path) -> None:
    """In order, with their ids and fields. Traces that were over leave nothing."""
    assert run_python(REQUEST, check=False).returncode == -signal.SIGKILL
    run_python(NEXT)
    found = read(tmp_path)
    steps = [record for record in found if record["message"] == "step"]
    assert [record["number"] for record in steps] == list(range(200))
    assert {(record["trace_id"], record["order"]) for record in steps} == {("under-way", 7)}
    messages = [record["message"] for record in found if record["message"] != "step"]
    assert messages[:2] == ["last", "after it"]
    assert "over" not in messages
    assert not any(record.get("damaged") for record in found)


RESTARTED = """
import os, signal
from unified_logger import LoggingContext, get_logger, init_logging
def start():
    init_logging(log_dir="logs", console_format="off", recorder=True, log_level="INFO")
start()
logger = get_logger("shop")
with LoggingContext(trace_id="under-way"):
    for number in range(100):
        logger.debug("step", number=number)
        start()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_waits_is_safe_after_a_reconfiguration_too(run_python: Run, tmp_path: Path) -> None:
    """In the box of the engine that runs. Seen to leave a box behind for each, until there could be no more."""
    killed = run_python(RESTARTED, check=False)
    assert (killed.returncode, killed.stderr) == (-signal.SIGKILL, "")
    run_python(NEXT)
    assert [record["number"] for record in read(tmp_path) if record["message"] == "step"] == list(range(100))


FAILING = """
import mmap
from unified_logger import LoggingContext, get_logger, init_logging
with open("progress", "r+b") as file:
    progress = mmap.mmap(file.fileno(), 8)
init_logging(log_dir="logs", console_format="off", recorder=True, log_level="INFO", max_bytes=0, overflow_timeout=60)
logger = get_logger("shop")
number = 0
while True:
    with LoggingContext():
        for _ in range(20):
            logger.debug("step", number=number)
            number += 1
            progress[:8] = number.to_bytes(8, "little")  # outlives the process
        logger.error("failed")
"""


@pytest.mark.stress
def test_a_kill_at_any_moment_costs_no_record(run_python: Run, tmp_path: Path) -> None:
    """Also while a trace that has failed goes from where it waits into the queue."""
    seed = random.randrange(2**32)
    chosen = random.Random(seed)
    rounds = 40 if "UL_STRESS_SECONDS" in os.environ else 6
    (tmp_path / "failing.py").write_text(FAILING, encoding="utf-8")
    for _ in range(rounds):
        (tmp_path / "progress").write_bytes(bytes(8))
        with (tmp_path / "progress").open("r+b") as file:
            progress = mmap.mmap(file.fileno(), 8)
        process = subprocess.Popen([sys.executable, "failing.py"], cwd=tmp_path)
        deadline = time.monotonic() + 30
        while struct.unpack_from("<q", progress)[0] == 0:
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.005)
        time.sleep(chosen.uniform(0, 0.05))
        process.kill()
        process.wait()
        run_python(NEXT)
        returned: int = struct.unpack_from("<q", progress)[0]
        found = read(tmp_path)
        numbers = [record["number"] for record in found if record["message"] == "step"]
        # The call that was under way may have a record or not.
        wrong = difference(numbers, returned + (returned in numbers))
        assert not wrong, f"seed {seed}: {wrong}"
        assert numbers == sorted(numbers), f"seed {seed}: out of order"
        assert not any(record.get("damaged") for record in found), f"seed {seed}"
        (tmp_path / "logs" / "app.log").unlink()
        progress.close()
