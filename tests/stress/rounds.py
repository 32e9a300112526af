"""Rounds of hard use, for as long as it is told: after each, every accepted record is on disk exactly once.

`make stress SECONDS=600` runs this in the environment of the tests. Sizes grow with the time: at 600 seconds and more they are
64 processes on one rotated set and 1,000 forked children; below, in proportion, but never less than 6 and 20. The first violation
ends the run with exit code 1, and its directory is kept.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from on_disk import all_there, assert_bounds_kept, assert_each_once, assert_rotated_once, by_writer, records
from recovery import recover

FULL = 540.0  # seconds from which on the sizes are those to be reached: what `make stress` leaves of 600
PATIENCE = 300.0  # beyond its planned time a program that needs longer than this hangs
BOUND = 200_000

PREAMBLE = """
import collections, itertools, json, os, signal, sys, threading, time, warnings
from unified_logger import flush_logging, get_logger, get_stats, init_logging, shutdown_logging
warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 and newer warn of every fork beside threads
logger = get_logger("app")
numbers = collections.defaultdict(itertools.count)
children = {}

def line(writer):
    # Taking a number cannot be interrupted, so that a signal handler may do it too.
    number = next(numbers[writer])
    logger.info("line", writer=writer, number=number)
    return number + 1

def burst(writer, until, size=25, pause=0.005):
    while time.monotonic() < until:
        for _ in range(size):
            line(writer)
        time.sleep(pause)

def tell(writer):
    assert flush_logging(120)
    stats = get_stats()
    assert stats["accepted"] == stats["written"] and not stats["dropped"] and not stats["failed"], stats
    with open(f"told.{writer}.json", "w") as file:
        json.dump({"counts": children | {writer: next(count) for writer, count in numbers.items()}, "stats": stats}, file)

def reap(pids):
    for pid in pids:
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert code == 0, f"child {pid} ended with {code}"
"""


@dataclass(frozen=True)
class Size:
    """How much a round does."""

    processes: int
    children: int
    seconds: float  # of load in one round

    @classmethod
    def of(cls, seconds: float) -> Size:
        """What fits into a run of that many seconds."""
        share = min(1.0, seconds / FULL)
        return cls(max(6, round(64 * share)), max(20, round(1_000 * share)), min(30.0, max(1.0, seconds / 20)))


class Programs:
    """Programs of one round, in its directory."""

    def __init__(self, folder: Path, code: str, name: str = "program") -> None:
        self.folder = folder
        self.script = folder / f"{name}.py"
        self.script.write_text(PREAMBLE + code, encoding="utf-8")
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: object) -> subprocess.Popen[bytes]:
        """Start one more; what it says is in `output.txt`."""
        with (self.folder / "output.txt").open("ab") as output:
            program = subprocess.Popen(
                [sys.executable, str(self.script), *map(str, arguments)],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.running.append(program)
        return program

    def wait(self, seconds: float = 0) -> None:
        """Wait until all have ended well."""
        try:
            for program in self.running:
                code = program.wait(seconds + PATIENCE)
                assert code == 0, f"exit code {code}: {(self.folder / 'output.txt').read_text()[-2_000:]}"
        except subprocess.TimeoutExpired as late:
            raise AssertionError(f"a program hangs: {late}") from None
        finally:
            self.kill()

    def kill(self) -> None:
        """Kill what still runs."""
        for program in self.running:
            program.kill()
            program.wait()
        self.running.clear()

    def told(self) -> list[dict[str, Any]]:
        """What each of them counted."""
        return [json.loads(path.read_text()) for path in sorted(self.folder.glob("told.*.json"))]

    def counts(self) -> dict[str, int]:
        """The records of each writer, as they were told."""
        return {writer: count for told in self.told() for writer, count in told["counts"].items()}


def mixed(folder: Path, size: Size) -> int:
    """Threads, forks, a signal handler and rotation in one process."""
    programs = Programs(
        folder,
        """
init_logging(log_dir="logs", max_bytes=200_000, backup_count=2_000, console_format="off", overflow_timeout=120)
until = time.monotonic() + float(sys.argv[1])
threads = [threading.Thread(target=burst, args=(f"thread.{number}", until)) for number in range(4)]
signal.signal(signal.SIGALRM, lambda *_: line("handler"))
[thread.start() for thread in threads]
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
pids, number = [], 0
while time.monotonic() < until:
    pid = os.fork()
    if pid == 0:
        signal.setitimer(signal.ITIMER_REAL, 0)
        numbers.clear()
        for _ in range(50):
            line(f"child.{number}")
        os._exit(0 if flush_logging(120) else 3)
    children[f"child.{number}"] = 50
    pids.append(pid)
    if len(pids) == 10:
        reap(pids)
        pids = []
    number += 1
    burst("main", time.monotonic() + 0.02)
signal.setitimer(signal.ITIMER_REAL, 0)
[thread.join() for thread in threads]
reap(pids)
tell("all")
""",
    )
    programs.start(size.seconds)
    programs.wait(size.seconds)
    counts = programs.counts()
    found = records(folder / "logs")
    # A handler may interrupt itself: its numbers are complete, but not in order.
    assert_each_once(found, counts, in_order=False)
    ordered = {writer: count for writer, count in counts.items() if writer != "handler"}
    assert_each_once([record for record in found if record["writer"] in ordered], ordered)
    assert_bounds_kept(folder / "logs", BOUND)
    return len(found)


def processes(folder: Path, size: Size) -> int:
    """Processes of 3,000 lines each on one set of files of 200 kB."""
    programs = Programs(
        folder,
        """
init_logging(log_dir="logs", max_bytes=200_000, backup_count=2_000, console_format="off", overflow_timeout=120)
for _ in range(3_000):
    line(sys.argv[1])
tell(sys.argv[1])
""",
    )
    for writer in range(size.processes):
        programs.start(writer)
    programs.wait()
    found = records(folder / "logs")
    assert_each_once(found, {str(writer): 3_000 for writer in range(size.processes)})
    told = programs.told()
    timeouts = sum(each["stats"]["lock_timeouts"] for each in told)
    assert timeouts == 0, f"{timeouts} batches were written without the directory's lock after a second's wait"
    assert_bounds_kept(folder / "logs", BOUND)
    assert_rotated_once(folder / "logs", BOUND, sum(each["stats"]["files"]["app"]["rotations"] for each in told))
    return len(found)


def forks(folder: Path, size: Size) -> int:
    """Forked children of 50 lines each, at most 20 at a time, beside threads that log."""
    programs = Programs(
        folder,
        """
init_logging(log_dir="logs", max_bytes=200_000, backup_count=2_000, console_format="off", overflow_timeout=120)
stop = False

def busy(writer):
    while not stop:
        line(writer)
        time.sleep(0.0005)

threads = [threading.Thread(target=busy, args=(f"thread.{number}",)) for number in range(2)]
[thread.start() for thread in threads]
pids = []
for number in range(int(sys.argv[1])):
    pid = os.fork()
    if pid == 0:
        numbers.clear()
        for _ in range(50):
            line(f"child.{number}")
        os._exit(0 if flush_logging(120) else 3)
    children[f"child.{number}"] = 50
    pids.append(pid)
    if len(pids) == 20:
        reap(pids[:10])
        pids = pids[10:]
reap(pids)
stop = True
[thread.join() for thread in threads]
tell("all")
""",
    )
    programs.start(size.children)
    programs.wait()
    found = records(folder / "logs")
    assert_each_once(found, programs.counts())
    return len(found)


def reconfigure(folder: Path, size: Size) -> int:
    """Settings change, and logging ends and begins again, while threads log: each record is in one of the directories."""
    programs = Programs(
        folder,
        """
def settings(number):
    return dict(log_dir=f"logs.{number % 2}", max_bytes=200_000, backup_count=2_000, console_format="off",
                overflow_timeout=120, queue_size=100 + number % 1_000)

init_logging(**settings(0))
until = time.monotonic() + float(sys.argv[1])
threads = [threading.Thread(target=burst, args=(f"thread.{number}", until)) for number in range(4)]
[thread.start() for thread in threads]
number = 0
while time.monotonic() < until:
    number += 1
    if number % 10 == 0:
        assert shutdown_logging(60)
        line("main")
    init_logging(**settings(number))
    line("main")
[thread.join() for thread in threads]
tell("all")
""",
    )
    programs.start(size.seconds)
    programs.wait(size.seconds)
    found = [record for number in range(2) for record in records(folder / f"logs.{number}")]
    assert_each_once(found, programs.counts(), in_order=False)
    return len(found)


def signals(folder: Path, size: Size) -> int:
    """A handler that logs at 1 kHz and interrupts the log calls of the main thread."""
    programs = Programs(
        folder,
        """
init_logging(log_dir="logs", max_bytes=1_000_000, backup_count=2_000, console_format="off", overflow_timeout=120)
signal.signal(signal.SIGALRM, lambda *_: line("handler"))
until = time.monotonic() + float(sys.argv[1])
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
burst("main", until, size=200)
signal.setitimer(signal.ITIMER_REAL, 0)
tell("all")
""",
    )
    programs.start(size.seconds)
    programs.wait(size.seconds)
    counts = programs.counts()
    found = records(folder / "logs")
    assert counts["handler"] > 0
    # A handler may interrupt itself: its numbers are complete, but not in order.
    assert_each_once(found, counts, in_order=False)
    assert_each_once([record for record in found if record["writer"] == "main"], {"main": counts["main"]})
    return len(found)


def kills(folder: Path, size: Size) -> int:
    """Processes killed by SIGKILL in the middle of it: what their calls returned from is recovered, once."""
    survivor = Programs(
        folder,
        """
init_logging(log_dir="logs", max_bytes=200_000, backup_count=2_000, console_format="off", overflow_timeout=120)
while not os.path.exists("over"):
    burst("survivor", time.monotonic() + 0.1, size=5)
tell("survivor")
""",
        "survivor",
    )
    victims = Programs(
        folder,
        """
import mmap
init_logging(log_dir="logs", max_bytes=200_000, backup_count=2_000, console_format="off", overflow_timeout=120)
with open(f"progress.{sys.argv[1]}", "r+b") as file:
    progress = mmap.mmap(file.fileno(), 8)
while True:
    for _ in range(10):
        progress[:8] = line(sys.argv[1]).to_bytes(8, "little")  # outlives the process
    time.sleep(0.001)
""",
        "victim",
    )
    survivor.start()
    progress: dict[str, mmap.mmap] = {}
    try:
        for wave in range(3):
            for number in range(max(2, size.processes // 3)):
                writer = f"victim.{wave}.{number}"
                path = folder / f"progress.{writer}"
                path.write_bytes(bytes(8))
                with path.open("r+b") as file:
                    progress[writer] = mmap.mmap(file.fileno(), 8)
                victims.start(writer)
            _kill_in_the_middle(victims, list(progress.values()))
    finally:
        victims.kill()
        (folder / "over").touch()
        survivor.wait()
    least = {writer: returned(memory) for writer, memory in progress.items()}
    recover(folder / "logs", lambda: all_there(folder / "logs", least), BOUND)
    found = records(folder / "logs")
    # The call that was under way may have a record or not.
    most = {writer: max(count, len(set(by_writer(found).get(writer, [])))) for writer, count in least.items()}
    assert all(most[writer] <= count + 1 for writer, count in least.items()), f"more than was logged: {least} {most}"
    assert_each_once(found, most | survivor.counts(), in_order=False)
    assert_bounds_kept(folder / "logs", BOUND)
    return len(found)


def returned(memory: mmap.mmap) -> int:
    """How many calls have returned in the process that shares this memory."""
    count: int = struct.unpack_from("<q", memory, 0)[0]
    return count


def _kill_in_the_middle(victims: Programs, progress: list[mmap.mmap]) -> None:
    """Kill each process at a moment of its own after its first records."""
    deadline = time.monotonic() + PATIENCE
    while not all(returned(memory) > 10 for memory in progress):
        assert time.monotonic() < deadline, "a process does not begin"
        assert all(victim.poll() is None for victim in victims.running), "a process ended before it was killed"
        time.sleep(0.01)
    for victim in random.sample(victims.running, len(victims.running)):
        time.sleep(random.uniform(0, 0.1))
        victim.kill()
    victims.kill()


ROUNDS: dict[str, Callable[[Path, Size], int]] = {
    round_.__name__: round_ for round_ in (mixed, processes, forks, reconfigure, signals, kills)
}


def run(names: list[str], seconds: float, top: Path, size: Size | None = None) -> bool:
    """Go through the rounds again and again until the time is over, through each at least once. False at a violation."""
    size = size or Size.of(seconds)
    started = time.monotonic()
    print(
        f"{seconds:.0f} s: {size.processes} processes, {size.children} forked children, rounds of {size.seconds:.1f} s",
        flush=True,
    )
    number = total = 0
    while number < len(names) or time.monotonic() - started < seconds:
        name = names[number % len(names)]
        number += 1
        folder = top / f"{number}.{name}"
        folder.mkdir(parents=True)
        begun = time.monotonic()
        try:
            count = ROUNDS[name](folder, size)
        except AssertionError as violation:
            print(f"round {number:4}  {name:12} VIOLATED: {violation}\nEverything is kept in {folder}", flush=True)
            return False
        total += count
        print(
            f"round {number:4}  {name:12} {count:9,} records once each  {time.monotonic() - begun:6.1f} s", flush=True
        )
        shutil.rmtree(folder)
    print(f"{number} rounds, {total:,} records, each once, in {time.monotonic() - started:.0f} s")
    return True


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=FULL, help="how long to go on")
    parser.add_argument("--only", nargs="+", choices=ROUNDS, default=list(ROUNDS), help="rounds to run, in this order")
    parser.add_argument("--folder", type=Path, help="where rounds write; a temporary directory otherwise")
    given = parser.parse_args()
    top = given.folder or Path(tempfile.mkdtemp(prefix="unified_logger_stress."))
    if not run(given.only, given.seconds, top):
        raise SystemExit(1)
    if given.folder is None:
        os.rmdir(top)


if __name__ == "__main__":
    main()
