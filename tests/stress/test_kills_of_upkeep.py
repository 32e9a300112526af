"""A kill at any step of rotating, packing, indexing, deleting and noting it costs no record, and the next start clears it away."""

from __future__ import annotations

import itertools
import mmap
import os
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lives
import pytest
from faults import faults

PROGRAM = """
import mmap, os, sys, time
from unified_logger import flush_logging, get_logger, init_logging, shutdown_logging
writer, options = sys.argv[1], eval(sys.argv[2])
with open(f"progress.{writer}", "r+b") as file:
    progress = mmap.mmap(file.fileno(), 8)
init_logging(log_dir="logs", console_format="off", overflow_timeout=60, **options)
logger = get_logger("app")
number = 0
while not os.path.exists("over"):
    for _ in range(10):
        logger.info("a record of a process that may be killed", writer=writer, number=number)
        number += 1
        progress[:8] = number.to_bytes(8, "little")  # outlives the process
    flush_logging(10)
    time.sleep(0.02)
shutdown_logging()
"""

NUMBERED: dict[str, Any] = {"max_bytes": 4_000, "keep": "all"}
DATED = {**NUMBERED, "file_names": "dated", "rotate": "daily"}
DELETING = {**DATED, "keep": {"files": 3}}


@dataclass(frozen=True)
class Steps:
    """Calls before which a process dies, one after the other, and the options of all processes."""

    calls: dict[str, dict[str, Any]]
    options: dict[str, Any] = field(default_factory=lambda: NUMBERED)


PACKING = "*-packing"
INDEX = "*/[0-9]*.tmp"
STEPS = {
    "rotating": Steps(
        {
            "before anything": {"op": "rename", "match": "*/app.log"},
            "later": {"op": "rename", "match": "*/app.log", "skip": 3},
            "half of the names": {"op": "rename", "match": "*/app.log.*", "skip": 1},
            "before the new file": {"op": "open", "match": "*/app.log", "skip": 2},
        }
    ),
    "rotating to dates": Steps({"the name": {"op": "rename", "match": "*/app.log", "skip": 1}}, DATED),
    "packing": Steps(
        {
            "the temporary file": {"op": "open", "match": PACKING},
            "its first bytes": {"op": "write", "match": PACKING},
            "in the middle of a part": {"op": "write", "match": PACKING, "budget": 100},
            "its end": {"op": "write", "match": PACKING, "skip": 1},
            "its rights": {"op": "mode", "match": PACKING},
            "its sync": {"op": "sync", "match": PACKING},
        }
    ),
    "taking the place of the original": Steps(
        {
            "reading back": {"op": "read", "match": PACKING},
            "the name": {"op": "rename", "match": PACKING},
            "the sync of the name": {"op": "sync", "match": "*/logs"},
            "the original": {"op": "unlink", "match": "*/.app.log.*-going"},
            "what is known of it": {"op": "write", "match": "*/catalogue", "skip": 12},
        }
    ),
    "packing what has a date": Steps({"the original": {"op": "unlink", "match": "*/.app-*-going"}}, DATED),
    "indexing": Steps(
        {
            "the temporary file": {"op": "open", "match": INDEX},
            "its bytes": {"op": "write", "match": INDEX},
            "half of them": {"op": "write", "match": INDEX, "budget": 50},
            "its name": {"op": "rename", "match": INDEX},
        }
    ),
    "deleting": Steps(
        {
            "the file": {"op": "unlink", "match": "*/.app-*z*-going"},
            "its index": {"op": "unlink", "match": "*.idx"},
            "what is known of it": {"op": "write", "match": "*/catalogue", "skip": 20},
        },
        DELETING,
    ),
    "noting": Steps(
        {
            "the first": {"op": "open", "match": "*/catalogue.tmp"},
            "half of it": {"op": "write", "match": "*/catalogue.tmp", "budget": 30},
            "its name": {"op": "rename", "match": "*/catalogue.tmp"},
            "a line": {"op": "write", "match": "*/catalogue", "skip": 4},
            "half of a line": {"op": "write", "match": "*/catalogue", "budget": 1_000},
        }
    ),
}
# In `make stress` each step is alone, with both methods.
CASES = (
    [
        pytest.param(method, [call], steps.options, id=f"{name}: {step}, {method}")
        for method in ("gzip", "zstd")
        for name, steps in STEPS.items()
        for step, call in steps.calls.items()
    ]
    if "UL_STRESS_SECONDS" in os.environ
    else [
        pytest.param(method, [*steps.calls.values()], steps.options, id=name)
        for (name, steps), method in zip(STEPS.items(), itertools.cycle(["gzip", "zstd"]), strict=False)
    ]
)


class Place:
    """A directory with logs, and the processes that write there."""

    def __init__(self, top: Path, shim: Path, project: Path) -> None:
        self.top = top
        self.options: dict[str, Any] = {}
        self.logs = top / "logs"
        (top / "control").write_bytes(bytes(4096))
        (top / "program.py").write_text(PROGRAM, "utf-8")
        self.environment = {
            **os.environ,
            "LD_PRELOAD": str(shim),
            "FAULTS_CONTROL": str(top / "control"),
            "FAULTS_DIRECTORY": str(self.logs),
            "PYTHONPATH": str(project / "tests" / "support" / "faults"),
        }
        self.running: list[subprocess.Popen[bytes]] = []
        self.progress: dict[str, mmap.mmap] = {}

    def start(self) -> None:
        writer = f"writer {len(self.progress)}"
        path = self.top / f"progress.{writer}"
        path.write_bytes(bytes(8))
        with path.open("r+b") as file:
            self.progress[writer] = mmap.mmap(file.fileno(), 8)
        with (self.top / "output.txt").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "program.py", writer, repr(self.options)],
                cwd=self.top,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self.running.append(process)

    def returned(self, writer: str) -> int:
        """How many calls have returned in a process."""
        count: int = struct.unpack_from("<q", self.progress[writer], 0)[0]
        return count

    def said(self) -> str:
        return (self.top / "output.txt").read_text("utf-8")

    def run(self, calls: list[dict[str, Any]]) -> None:
        """Keep three processes running, until one has died before each of the calls."""
        faults.use(self.top / "control")
        rules = {faults.fail(call["op"], kills=True, times=1, **_without_op(call)): call for call in calls}
        deadline = time.monotonic() + 60
        while left := [call for rule, call in rules.items() if not faults.was_met(rule)]:
            assert time.monotonic() < deadline, f"no process came to {left}"
            self.running = [process for process in self.running if self._is_alive(process)]
            while len(self.running) < 3:
                self.start()
            time.sleep(0.01)
        (self.top / "over").touch()
        while self.running:
            process = self.running.pop()
            process.wait(60)
            assert not self._is_alive(process)

    def _is_alive(self, process: subprocess.Popen[bytes]) -> bool:
        code = process.poll()
        assert code in (None, 0, -9), (self.top / "output.txt").read_text("utf-8")
        return code is None

    def kill(self) -> None:
        for process in self.running:
            process.kill()
            process.wait()


def _without_op(call: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in call.items() if key != "op"}


@pytest.fixture
def place(tmp_path: Path, shim: Path, project: Path) -> Iterator[Place]:
    """Where nothing is yet."""
    place = Place(tmp_path, shim, project)
    yield place
    place.kill()


@pytest.mark.stress
@pytest.mark.parametrize(("method", "calls", "options"), CASES)
def test_a_kill_at_any_step_costs_nothing(
    place: Place, method: str, calls: list[dict[str, Any]], options: dict[str, Any]
) -> None:
    """Each record is in one file that others can read, and the next start leaves nothing half done.

    Three processes write, and one of them dies at each of the steps. The others go on meanwhile, and a new one is started.
    """
    if not lives.reads(method):
        pytest.skip("zstd is not installed")
    place.options = {**options, "compress": method}
    place.run(calls)
    left = lives.undone_by_the_next(place.logs, place.options)
    found = lives.by_writer(place.logs)
    is_all_there = options["keep"] == "all"
    for writer in place.progress:
        numbers, least = found.get(writer, []), place.returned(writer)
        first = 0 if is_all_there or not numbers else numbers[0]
        # The call that was under way may have a record or not. All of a process may be deleted.
        expected = [list(range(first, least)), list(range(first, least + 1)), *([] if is_all_there else [[]])]
        assert numbers in expected, writer
    assert left == []
