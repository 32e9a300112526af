"""Memory that runs out while a record is captured: no exception, no crash, and what could not be kept is counted."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from kinds import Run
from programs import program

pytest.importorskip("_testcapi", reason="this Python has no allocator that fails on demand")

REFUSED = program(__file__, "refused_allocations")


def test_no_allocation_that_fails_reaches_the_caller(run_python: Run, tmp_path: Path) -> None:
    """The n-th allocation of a call fails, or three from it on, for every n and every kind of value.

    Seen to fail with `PyString::new` in the capture, which panics, and has the hook for uncaught exceptions called before.
    """
    done = run_python(REFUSED)
    told = json.loads(done.stdout)
    stats = told["stats"]
    assert told["raised"] == []
    lines = (tmp_path / "logs" / "app.log").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    ours = [record for record in records if record["logger"] == "app"]
    assert len(ours) == stats["written"] == told["calls"]
    assert (stats["dropped"], stats["failed"], stats["errors"]) == (0, 0, 0)
    # What could not be represented is said in the record, and counted.
    assert stats["malformed"] >= sum("$error" in line for line in lines) > 0


LIMITED = """
import json, resource
from unified_logger import flush_logging, get_logger, get_stats, init_logging

init_logging(log_dir="logs", console_format="off", max_bytes=0)
logger = get_logger("app")
logger.info("before", number=0)
assert flush_logging(30)
large = {f"part{number}": "x" * 200_000 for number in range(40)}
with open("/proc/self/statm") as statm:
    used = int(statm.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 4_000_000, resource.RLIM_INFINITY))
for number in range(5):
    logger.error("m", **large)
    logger.info("m", **large)
    logger.info("between", number=number + 1)
assert flush_logging(30)
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(json.dumps(get_stats()))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the address space that is kept to")
def test_a_record_there_is_no_memory_for_is_dropped_and_counted(run_python: Run, tmp_path: Path) -> None:
    """Of a process with a limit on its memory; the records between are kept, and the log says what is missing.

    Seen to end the process with texts escaped into memory that nobody had asked for before.
    """
    stats = json.loads(run_python(LIMITED).stdout)
    lines = (tmp_path / "logs" / "app.log").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["number"] for record in records if record["logger"] == "app"] == list(range(6))
    assert sum(stats["dropped_by_reason"]["memory"].values()) == stats["dropped"] == 10
    assert sum(record.get("dropped", 0) for record in records if record["function"] == "overflow") == 10


EXHAUSTED = program(__file__, "exhausted_memory")
KINDS = [
    "plain",
    "exception",
    "new exception",
    "odd notes",
    "group",
    "stack",
    "large",
    "merged",
    "mapping",
    "theirs",
    "context",
    "new place",
]


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the address space that is kept to")
@pytest.mark.parametrize("kind", KINDS)
def test_no_allocation_of_the_library_ends_the_process(run_python: Run, tmp_path: Path, kind: str) -> None:
    """No byte is left, or a little: every call comes back, and each record is written, or dropped or failed and counted.

    Seen to abort with the allocator of the standard library.
    """
    for left, when in ((0, "warm"), (0, "cold"), (300, "cold"), (2_000, "warm")):
        told = json.loads(run_python(EXHAUSTED, kind, str(left), when).stdout)
        assert told["accepted"] == told["written"] + told["dropped"] + told["failed"]
        lines = (tmp_path / "logs" / "app.log").read_text(encoding="utf-8").splitlines()
        assert json.loads(lines[-1])["message"] == "after"
        assert sum(sum(levels.values()) for levels in told["dropped_by_reason"].values()) == told["dropped"]
        assert sum(told["dropped_by_reason"]["panic"].values()) == 0


STARTED = """
import resource, sys
from unified_logger import UnifiedLoggerError, flush_logging, get_logger, init_logging

with open("/proc/self/statm") as statm:
    used = int(statm.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv[1]) * 1024, resource.RLIM_INFINITY))
try:
    init_logging(log_dir="logs", console_format="off")
except (UnifiedLoggerError, MemoryError) as error:
    print("refused", type(error).__name__)
else:
    get_logger("app").info("started")
    print("started", flush_logging(60))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the address space that is kept to")
def test_a_start_there_is_no_memory_for_is_refused(run_python: Run) -> None:
    """Whatever is left: the start is made, or it raises. Seen to abort at some sizes."""
    told = [run_python(STARTED, str(left)).stdout for left in [*range(0, 4_000, 500), *range(4_000, 4_700, 25), 60_000]]
    assert {line.split()[0] for line in told} == {"refused", "started"}
    assert told[-1] == "started True\n"


LOST = """
import json, resource
from unified_logger import flush_logging, get_logger, get_stats, init_logging
import logging, sys

init_logging(log_dir="logs", console_format="off", max_bytes=0, native_stdlib=True)
logger, theirs = get_logger("app"), logging.getLogger("theirs")
class Interrupted:
    def __repr__(self): raise KeyboardInterrupt("here")
    __str__ = __repr__
odd = Interrupted()
large = {f"part{number}": "x" * 200_000 for number in range(40)}
assert flush_logging(30)
with open("/proc/self/statm") as statm:
    used = int(statm.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 4_000_000, resource.RLIM_INFINITY))
raised = []
for call in (
    lambda: logger.info("m", odd=odd, **large),
    lambda: logger.error("m %s", odd, **large),
    lambda: theirs.info("m", extra={"odd": odd, **large}),
):
    try:
        call()
    except BaseException as error:
        raised.append(repr(error))
    else:
        raised.append(None)
    # What was not raised there would be here.
    logger.info("between")
assert flush_logging(30)
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(json.dumps([raised, get_stats()["dropped_by_reason"]["memory"]]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the address space that is kept to")
def test_an_interrupt_of_a_call_that_loses_its_record(run_python: Run) -> None:
    """It is raised by that call, though there was no memory for the record. Seen to be raised by the next."""
    raised, lost = json.loads(run_python(LOST).stdout)
    assert raised == ["KeyboardInterrupt('here')"] * 3
    assert sum(lost.values()) == 3
