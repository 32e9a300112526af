"""Independent programs on one directory, started at different times and with rotation settings of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from on_disk import assert_each_once, by_writer, files, lines, records

PROGRAM = """
bound, count, others = int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
init_logging(log_dir="logs", max_bytes=bound, backup_count=1_000, console_format="off", overflow_timeout=60)
together(sys.argv[1], others)
work(sys.argv[1], count)
report(sys.argv[1])
"""


def ends(directory: Path) -> list[tuple[str, int, bool]]:
    """For each line: its writer, where in its file it ends, and whether it is the first there."""
    found = []
    for path in files(directory):
        end = 0
        for line in lines(path):
            first = end == 0
            end += len(line)
            found.append((json.loads(line)["writer"], end, first))
    return found


def test_each_keeps_its_own_bound_for_what_it_writes(programs: Any, tmp_path: Path) -> None:
    """20 kB, 200 kB and none: no line of a program ends beyond the bound of that program.

    Seen to fail without the directory's lock.
    """
    bounds = {"small": 20_000, "large": 200_000, "none": 0}
    for writer, bound in bounds.items():
        programs.start(PROGRAM, writer, bound, 2_000, 3)
    programs.wait()
    assert_each_once(records(tmp_path / "logs"), dict.fromkeys(bounds, 2_000))
    assert programs.lock_timeouts() == 0
    for writer, end, first in ends(tmp_path / "logs"):
        assert first or not bounds[writer] or end <= bounds[writer], f"a line of {writer} ends at byte {end}"
    assert len(files(tmp_path / "logs")) == programs.rotations() + 1


def test_a_program_that_starts_later_goes_on_in_the_same_files(programs: Any, tmp_path: Path) -> None:
    """One program begins, others join when its first records are on disk; then all write at once.

    Seen to fail without the directory's lock.
    """
    gate = """
init_logging(log_dir="logs", max_bytes=50_000, backup_count=1_000, console_format="off", overflow_timeout=60)
logger = get_logger("app")
for number in range(500):
    logger.info("line", writer="first", number=number)
assert flush_logging(60)
print("begun", flush=True)
together("first", 3)
for number in range(500, 2_000):
    logger.info("line", writer="first", number=number)
report("first")
"""
    first = programs.start(gate)
    assert first.stdout.readline() == "begun\n"
    programs.start(PROGRAM, "second", 50_000, 3_000, 3)
    programs.start(PROGRAM, "third", 80_000, 3_000, 3)
    programs.wait()
    programs.start(PROGRAM, "last", 50_000, 100, 1)
    programs.wait()
    found = records(tmp_path / "logs")
    assert_each_once(found, {"first": 2_000, "second": 3_000, "third": 3_000, "last": 100})
    assert by_writer(found[-100:]) == {"last": list(range(100))}
    assert programs.lock_timeouts() == 0
    assert len(files(tmp_path / "logs")) == programs.rotations() + 1


def test_a_program_without_rotation_follows_one_that_rotates(programs: Any, tmp_path: Path) -> None:
    """It goes on in the new file; what it wrote stays where it was.

    Seen to fail with the open file kept without a look at what is at its path.
    """
    waiting = """
init_logging(log_dir="logs", max_bytes=0, keep="all", console_format="off")
logger = get_logger("app")
logger.info("line", writer="quiet", number=0)
assert flush_logging(60)
print("begun", flush=True)
sys.stdin.readline()
logger.info("line", writer="quiet", number=1)
report("quiet")
"""
    quiet = programs.start(waiting)
    assert quiet.stdout.readline() == "begun\n"
    programs.start(PROGRAM, "busy", 5_000, 500, 1).wait(180)
    quiet.stdin.write("go on\n")
    quiet.stdin.flush()
    programs.wait()
    found = records(tmp_path / "logs")
    assert_each_once(found, {"quiet": 2, "busy": 500})
    assert found[0]["writer"] == "quiet"
    assert found[-1]["writer"] == "quiet"
