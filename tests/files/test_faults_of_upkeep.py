"""A file system that refuses while files are packed, indexed and deleted: no record is lost or doubled, and it goes on after the fault."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lives
import pytest

PACKING = "*-packing"
GOING = "*/.app.log.*-going"
ROTATED = "*/app.log.*[0-9]"
INDEX = "*/[0-9]*.tmp"
# What fails, and what is told of it.
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "no room for the packed file": ({"op": "write", "match": PACKING, "error": "ENOSPC"}, "No space left"),
    "no room for all of it": ({"op": "write", "match": PACKING, "error": "ENOSPC", "budget": 200}, "No space left"),
    "a quota": ({"op": "write", "match": PACKING, "error": "EDQUOT"}, "quota"),
    "a temporary file that cannot be made": ({"op": "open", "match": PACKING, "error": "EACCES"}, "Permission denied"),
    "a rotated file that cannot be opened": ({"op": "open", "match": ROTATED, "error": "EIO"}, "Input/output error"),
    "a rotated file that cannot be read": ({"op": "read", "match": ROTATED, "error": "EIO"}, "Input/output error"),
    "a packed file that cannot be read back": ({"op": "read", "match": PACKING, "error": "EIO"}, "Input/output error"),
    "a sync that is refused": ({"op": "sync", "match": PACKING, "error": "EIO"}, "Input/output error"),
    "a sync of names that is refused": ({"op": "sync", "match": "*/logs", "error": "EIO"}, "Input/output error"),
    "a rename that is refused": ({"op": "rename", "match": PACKING, "error": "EIO"}, "Input/output error"),
    "an original that cannot be removed": ({"op": "unlink", "match": GOING, "error": "EACCES"}, "Permission denied"),
    "an index that cannot be written": ({"op": "write", "match": INDEX, "error": "ENOSPC"}, "No space left"),
    "an index that cannot be named": ({"op": "rename", "match": INDEX, "error": "EIO"}, "Input/output error"),
    "no room for the catalogue": ({"op": "write", "match": "*/catalogue*", "error": "ENOSPC"}, "No space left"),
    "a catalogue that is cut short": (
        {"op": "write", "match": "*/catalogue", "error": "ENOSPC", "budget": 300},
        "No space left",
    ),
    "a catalogue that cannot be named": (
        {"op": "rename", "match": "*/catalogue.tmp", "error": "EIO", "removes": "catalogue"},
        "Input/output error",
    ),
    "a catalogue that cannot be read": ({"op": "read", "match": "*/catalogue", "error": "EIO"}, "Input/output error"),
    "short writes": ({"op": "write", "match": PACKING, "error": "EINTR", "budget": 7, "times": 3}, ""),
}

OPTIONS = {"max_bytes": 4_000, "keep": "all", "compress": "gzip"}

PROGRAM = """
import glob, json, os, sys, time
from faults import fail, mend, report, was_met
from unified_logger import flush_logging, get_logger, get_stats, init_logging
fault = json.loads(sys.argv[1])
init_logging(log_dir="logs", console_format="off", **eval(sys.argv[2]), overflow_timeout=60)
logger = get_logger("app")
number = 0

def log(rotations):
    "Logs until so many files more were rotated."
    global number
    rotations += get_stats()["files"]["app"]["rotations"]
    while get_stats()["files"]["app"]["rotations"] < rotations:
        logger.info("m", writer="w", number=number)
        number += 1
        assert flush_logging(30)

def packed():
    return {os.stat(path).st_mtime_ns for path in glob.glob("logs/app.log.*.gz")}

def generations():
    "Each file that the catalogue knows, by its first bytes, with its generation."
    with open("logs/.unified_logger/catalogue") as catalogue:
        changes = [change for line in catalogue for change in json.loads(line[17:]) if "file" in change]
    return {(change["file"]["mark"]["sum"], change["file"]["generation"]) for change in changes}

def wait(is_so):
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline, (sorted(os.listdir("logs")), sorted(os.listdir("logs/.unified_logger")))
        time.sleep(0.02)

log(3)
wait(lambda: len(packed()) == 3)
known = generations()
removes = fault.pop("removes", None)
rule = fail(fault.pop("op"), **fault)
if removes:
    os.unlink(f"logs/.unified_logger/{removes}")
log(2)
wait(lambda: was_met(rule))
time.sleep(0.5)
# Another round, in which it fails again.
log(1)
time.sleep(0.5)
mend()
before = len(packed())
log(2)
wait(lambda: len(packed()) >= before + 2)
time.sleep(0.5)
assert removes or known <= generations(), (known, generations())
report(number=number)
"""


@pytest.mark.parametrize("name", FAULTS)
def test_no_fault_of_the_upkeep_costs_a_record(run_faulty: Callable[..., Any], log_dir: Path, name: str) -> None:
    """All are written meanwhile. Files that are rotated later are packed, and those that were refused at the next start at the latest."""
    fault, told = FAULTS[name]
    done = run_faulty(PROGRAM, json.dumps(fault), repr(OPTIONS))
    seen = json.loads(done.stdout)
    stats, number = seen["stats"], seen["number"]
    assert (stats["accepted"], stats["written"], stats["dropped"], stats["failed"]) == (number, number, 0, 0)
    assert lives.by_writer(log_dir) == {"w": list(range(number))}
    lines = [line for line in done.stderr.splitlines() if line]
    assert (told in done.stderr, len(lines) <= (2 if told else 0)) == (True, True), done.stderr
    assert lives.undone_by_the_next(log_dir, OPTIONS) == []
    assert lives.by_writer(log_dir) == {"w": list(range(number))}


def test_a_file_that_cannot_be_deleted_goes_later(run_faulty: Callable[..., Any], log_dir: Path) -> None:
    """It is told once, and deleted when that is allowed again. Nothing newer goes in its place."""
    done = run_faulty(
        """
import glob, os, time
from faults import fail, mend, was_met
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", console_format="off", max_bytes=2_000, keep={"files": 3}, file_names="dated")
logger, number = get_logger("app"), 0

def rotate(count):
    global number
    before = len(rotated())
    while len(rotated()) < before + count:
        logger.info("m", writer="w", number=number)
        number += 1
        assert flush_logging(30)

def rotated():
    return glob.glob("logs/app-*")

def wait(is_so):
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline, sorted(os.listdir("logs"))
        time.sleep(0.02)

rule = fail("rename", match="*/app-*", error="EACCES")
rotate(5)
wait(lambda: was_met(rule))
rotate(1)
time.sleep(0.5)
assert len(rotated()) == 6, rotated()
mend()
rotate(1)
wait(lambda: len(rotated()) == 3)
print(number)
"""
    )
    lines = [line for line in done.stderr.splitlines() if line]
    assert (len(lines), "Permission denied" in done.stderr) == (1, True), done.stderr
    numbers = lives.by_writer(log_dir)["w"]
    assert numbers == list(range(numbers[0], int(done.stdout)))
    assert len(numbers) > 3
